/**
 * The choice policy: keeps the statements that say most for their length, without any model.
 *
 * It decides per 30 s of stream. Candidates (`choice-candidates.ts`) compete in a Plackett–Luce draw
 * (`choice-draw.ts`) for a token budget; unspent tokens are carried over. Rare words count more, words just kept count
 * less, and an adapter in word space raises the words of a user's questions.
 *
 * Decisions:
 * 1. Word counts include the decision's own candidates, so that even a stream shorter than two windows has counts.
 * 2. On-screen text is weighted by how far it can be trusted. Otherwise garbled words win because they are rare.
 * 3. A line without content words is no candidate, and a line costs at least 3 tokens.
 * 4. A stream starts with a full carry-over budget, so the only line of a short clip is kept. When the carry-over budget
 *    is full and still nothing fits, one line may be kept on credit; the next windows pay it back.
 * 5. The default budget has a floor (see `defaultBudget`).
 * 6. With an adapter that knows words near the questions, tokens are saved for lines that hold them (`choice-saved.ts`).
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { vectorAdapter } from "../../adapter/arithmetic.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import { ConfigError, DataError } from "../../errors.ts";
import type { JsonValue, PolicyStateChange } from "../../memory/memory.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { shortId } from "../../util/hash.ts";
import {
  type BudgetRules,
  budgetRules,
  type ChoiceBudget,
  defaultBudget,
  windowSeconds,
} from "./choice-budget.ts";
import { type Candidate, candidatesOf, screenStems } from "./choice-candidates.ts";
import {
  type ChoiceParameters,
  type Draw,
  type DrawInput,
  defaultChoiceParameters,
  drawItems,
} from "./choice-draw.ts";
import { type ChoiceWeights, choiceWeightsRevision, readChoiceFeatures } from "./choice-features.ts";
import { type HeardBefore, heardAfter } from "./choice-heard.ts";
import { type Saving, savingFor } from "./choice-saved.ts";
import { type SeenBefore, seenAfter } from "./choice-seen.ts";

/** Options of `choicePolicy`. */
export interface ChoiceOptions {
  readonly words: WordSpace;
  /** Clip length of the streams it decides about, in seconds. @default 10 */
  readonly clipSeconds?: number;
  /** Tokens a decision may keep. @default defaultBudget */
  readonly budget?: ChoiceBudget;
  /** Task weights in the space of `words`. @default null */
  readonly adapter?: Adapter | null;
  /** Parameters that differ from the defaults. @default defaultChoiceParameters */
  readonly parameters?: Partial<ChoiceParameters>;
  /** Trained weights of Phase One; their sharpness replaces that of `parameters`. @default null */
  readonly weights?: ChoiceWeights | null;
}

/**
 * The choice policy over `words`.
 * @throws RangeError for a budget or clip length out of range
 * @throws ConfigError `adapter-space` for an adapter of another space
 * @throws DataError `adapter-invalid` for an adapter with values that are not finite or out of place
 */
export function choicePolicy(options: ChoiceOptions): Policy {
  const { words, clipSeconds = 10, budget = defaultBudget, adapter = null, weights = null } = options;
  if (!(clipSeconds > 0)) throw new RangeError(`Expected \`clipSeconds\` above 0, got ${clipSeconds}`);
  const parameters = parametersOf(options);
  const rules = budgetRules(budget);
  const taskWeight = taskWeights(adapter, words);
  const saving = savingFor(taskWeight, parameters);
  const own = [budget, parameters, ...(weights ? [choiceWeightsRevision(weights)] : [])];
  const isCustom = budget !== defaultBudget || options.parameters || weights;
  const custom = isCustom ? `-${shortId("", JSON.stringify(own)).slice(1, 7)}` : "";
  const revision = `choice@1${custom}${adapter ? `+${adapter.revision}` : ""}`;

  return {
    id: "choice",
    revision,
    seesPictures: false,
    clipsPerDecision: Math.max(1, Math.ceil(windowSeconds / clipSeconds - 1e-9)),
    decide: async (context, { n = 1, random } = {}) => {
      const candidates = offered(context, words);
      const input = drawInput(candidates, context, options, taskWeight, saving);
      const greedy = random ? null : drawItems(input);
      const actions = Array.from({ length: n }, () =>
        actionOf(candidates, greedy ?? drawItems(input, random), revision),
      );
      return { actions, cost: noCost };
    },
    advance: (context, action) => {
      const state = readState(context);
      const candidates = offered(context, words);
      return changeOf(context, action, candidates, state, { ...rules, parameters, words, saving });
    },
  };
}

/**
 * Weight a_w of a stem: `scale · sign · value` of its bucket, 0 where the adapter has none.
 * @throws ConfigError `adapter-space` or `adapter-remote`, DataError `adapter-invalid`
 */
export function taskWeights(adapter: Adapter | null, words: WordSpace): (stem: string) => number {
  if (adapter === null) return () => 0;
  const { space, dimension, indices, values, scale } = vectorAdapter(adapter);
  if (space !== words.id || dimension !== words.dimension) {
    throw new ConfigError(
      "adapter-space",
      `Expected an adapter of ${words.id} with dimension ${words.dimension}, got ${space} with ${dimension}: train it in this space`,
    );
  }
  const inPlace =
    indices.length === values.length && indices.every((index) => index >= 0 && index < dimension);
  if (!inPlace || !Number.isFinite(scale) || !values.every((value) => Number.isFinite(value))) {
    throw new DataError(
      "adapter-invalid",
      `Adapter ${adapter.revision} does not hold one finite number per bucket below ${dimension}: the file is damaged`,
    );
  }
  const weights = new Map<number, number>();
  for (const [k, index] of indices.entries()) weights.set(index, scale * values[k]!);
  return (stem) => {
    const { index, sign } = words.bucket(stem);
    return sign * (weights.get(index) ?? 0);
  };
}

/**
 * A draw of this policy as a trainer replays it: its input without the adapter, the stem of each word, shape [W], and the
 * candidates in the order they were picked.
 * @throws RangeError when the policy could not take this action in this context
 */
export function replayOf(
  context: Context,
  action: Action,
  options: Omit<ChoiceOptions, "adapter">,
): { input: Omit<DrawInput, "task">; stems: readonly string[]; picks: readonly number[] } {
  const { words } = options;
  const candidates = offered(context, words);
  const { task: _, ...input } = drawInput(candidates, context, options, () => 0, null);
  const picks = (action.logprobs?.tokens ?? []).map((line) =>
    candidates.findIndex(({ statement }) => statement.text === line),
  );
  if (picks.includes(-1) || picks.length < action.statements.length)
    throw new RangeError("Expected an action drawn in this context, got one with other lines");
  return { input, stems: vocabularyOf(candidates), picks };
}

/** The candidates of a context. */
function offered(context: Context, words: WordSpace): Candidate[] {
  const { standing, heard, seen } = readState(context);
  const { observations, tags } = context;
  return candidatesOf(observations, words, new Set(standing), { heard, seen, tags });
}

/** The distinct stems on offer, in order of appearance. */
export function vocabularyOf(candidates: readonly Pick<Candidate, "stems">[]): string[] {
  return [...new Set(candidates.flatMap(({ stems }) => stems))];
}

/** What the policy remembers of one stream between decisions: the value of its state. */
interface StreamState {
  /** Tokens carried over; below zero after a line on credit, `null` before the first decision (full). */
  readonly spare: number | null;
  /** Stems kept in each of the last windows, oldest first. */
  readonly windows: readonly (readonly string[])[];
  /** Stems of on-screen text that was kept and is still on the screen. */
  readonly standing: readonly string[];
  /** Stream time at which the last decision ended; only where the budget follows stream time. */
  readonly until?: number;
  /** Tokens saved for lines that hold a near word; only with an adapter that knows some. */
  readonly saved?: number;
  /** What was heard without words; only where something was. */
  readonly heard?: HeardBefore;
  /** Who was seen; only where someone was lately. */
  readonly seen?: SeenBefore;
}

/** Stream time since the last decision, in seconds; for material that comes later, its own length. */
function sinceLast({ observations }: Context, { until }: StreamState): number {
  const { endSeconds } = observations.at(-1)!;
  if (until === undefined) return windowSeconds;
  return endSeconds > until ? endSeconds - until : endSeconds - observations[0]!.startSeconds;
}

const freshState: StreamState = { spare: null, windows: [], standing: [] };

function readState({ state }: Context): StreamState {
  return (state.value as StreamState | null) ?? freshState;
}

function parametersOf({
  parameters,
  weights,
}: Pick<ChoiceOptions, "parameters" | "weights">): ChoiceParameters {
  return { ...defaultChoiceParameters, ...parameters, ...(weights && { sharpness: weights.sharpness }) };
}

function drawInput(
  candidates: readonly Candidate[],
  context: Context,
  options: Omit<ChoiceOptions, "adapter">,
  taskWeight: (stem: string) => number,
  saving: Saving | null,
): DrawInput {
  const { words: space, budget: share = defaultBudget, weights = null } = options;
  const { documents, words: counts } = context.state;
  const state = readState(context);
  const { spare, windows } = state;
  const { allowance, mostCarried } = budgetRules(share);
  const vocabulary = vocabularyOf(candidates);
  /** Position in [0, W) of each word on offer, and how many candidates hold it. */
  const places = new Map(vocabulary.map((stem, place) => [stem, place]));
  const here = new Uint32Array(vocabulary.length);
  const items = candidates.map(({ tokens, trust, stems }) => {
    const words = stems.map((stem) => places.get(stem)!);
    for (const place of words) here[place]! += 1;
    return { tokens, trust, words };
  });
  const said = new Set(windows.flat());
  const carriedOver = spare ?? mostCarried;
  const allowed = allowance(candidates, sinceLast(context, state));
  const budget = allowed + carriedOver + (saving ? (state.saved ?? 0) : 0);
  const total = documents + candidates.length;
  const rarities = Float64Array.from(vocabulary, (stem, place) =>
    idf((counts.get(stem) ?? 0) + here[place]!, total),
  );
  return {
    items,
    idf: rarities,
    task: Float64Array.from(vocabulary, taskWeight),
    said: Uint8Array.from(vocabulary, (stem) => (said.has(stem) ? 1 : 0)),
    budget,
    ...(saving && { saved: saving(state.saved ?? 0, allowed, candidates) }),
    onCredit: carriedOver >= mostCarried && candidates.every(({ tokens }) => tokens > budget),
    parameters: parametersOf(options),
    ...(weights && {
      features: readChoiceFeatures(
        candidates,
        {
          state: context.state,
          rarity: (stem) => rarities[places.get(stem)!]!,
          written: context.recent.entries.map(({ text }) => new Set(space.stems(text))),
        },
        weights.features,
      ),
    }),
  };
}

/** Inverse document frequency of a word that `count` of `total` candidates hold. */
export function idf(count: number, total: number): number {
  return Math.log(1 + (total - count + 0.5) / (count + 0.5));
}

function actionOf(candidates: readonly Candidate[], { picks, logprobs }: Draw, revision: string): Action {
  const statements = picks.toSorted((a, b) => a - b).map((i) => candidates[i]!.statement);
  return {
    text: statements.map(({ text }) => text).join("\n"),
    statements,
    logprobs: {
      tokens: picks.map((i) => candidates[i]!.statement.text),
      values: Float32Array.from(logprobs),
    },
    revision,
    issues: [],
  };
}

function changeOf(
  context: Context,
  action: Action,
  candidates: readonly Candidate[],
  state: StreamState,
  how: BudgetRules & {
    readonly parameters: ChoiceParameters;
    readonly words: WordSpace;
    readonly saving: Saving | null;
  },
): PolicyStateChange {
  const { allowance, mostCarried, byTime, parameters, words, saving } = how;
  const { observations } = context;
  const { spare, windows, standing } = state;
  const lines = new Set(action.statements.map(({ text }) => text));
  const kept = candidates.filter(({ statement }) => lines.has(statement.text));
  const spent = kept.reduce((sum, { tokens }) => sum + tokens, 0);
  const allowed = allowance(candidates, sinceLast(context, state));
  const saved = saving?.(state.saved ?? 0, allowed, candidates) ?? null;
  const onRaised = candidates.reduce(
    (sum, { statement, tokens }, i) => (saved?.raised[i] && lines.has(statement.text) ? sum + tokens : sum),
    0,
  );
  const stillSaved = Math.max(0, (saved?.tokens ?? 0) - onRaised);
  const onScreen = screenStems(observations, words);
  const keptOnScreen = kept.filter(({ statement }) => statement.sources[0]?.kind === "screen");
  const statements = kept.map(({ statement }) => statement);
  const heard = heardAfter(observations, state.heard, statements);
  const seen = seenAfter(observations, context.tags ?? [], state.seen, statements);
  const counts = new Map<string, number>();
  for (const { stems } of candidates) {
    for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  }
  const next: StreamState = {
    spare: Math.min(
      mostCarried,
      (spare ?? mostCarried) + allowed + (saving ? (state.saved ?? 0) : 0) - stillSaved - spent,
    ),
    windows: [...windows, [...new Set(kept.flatMap(({ stems }) => stems))]].slice(-parameters.historyWindows),
    standing: [...new Set([...standing, ...keptOnScreen.flatMap(({ stems }) => stems)])].filter((stem) =>
      onScreen.has(stem),
    ),
    ...(saved && { saved: stillSaved }),
    ...(heard && { heard }),
    ...(seen && { seen }),
    ...(byTime && {
      until: Math.max(state.until ?? Number.NEGATIVE_INFINITY, observations.at(-1)!.endSeconds),
    }),
  };
  return {
    value: next as unknown as JsonValue,
    documents: candidates.length,
    words: counts,
  };
}
