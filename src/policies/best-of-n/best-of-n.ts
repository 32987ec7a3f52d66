/**
 * The best-of-n policy: another policy writes several texts, and an adapter in word space picks the one to keep.
 *
 * It steers any policy whose weights are out of reach, a hosted model above all. One of n samples of the inner policy is
 * picked by softmax of a score that is linear in the adapter. As n grows, the pick tends to
 *
 *   π(x) ∝ π_inner(x) · exp(s(x; a)),   s(x; a) = κ · n(x)^−¾ · (f(x) − f̄ · n(x)),
 *   f(x) = √new(x) · agreed(x) · λ · Σ_{w ∈ x} disc_w · idf_w · a_w,   n(x) its distinct words, f̄ the mean of f per word
 *
 * which has the form of DPO's optimum, π_ref · exp(r / β). Without an adapter all samples are equally likely, which is
 * exactly the inner policy. Acting takes the best one.
 *
 * The arithmetic is that of the choice policy (`choice-draw.ts`) with one pick and only the adapter in its score. A word
 * counts by how rare it is among all texts ever offered, and less when one of the last two kept texts holds it. Two shares
 * weigh a whole text. new(x) is the share of its words that is new against each of these two: asked for one kind of fact, a
 * model repeats itself. agreed(x) is how many of the samples hold its words, relative to the text they agree on most: what is
 * true comes up again and again, an error is each time another (self-consistency, Wang et al. 2022). With a sampler of the
 * simulated household that errs in 14 of 100 sentences, picks err in 17 without this share and in 14 with it.
 * Texts keep their length because they are measured against f̄, in distinct words: a word said twice earns once.
 *
 * Departures from the choice policy:
 * 1. A text is picked whole, with all its statements, and no budget limits it.
 * 2. Equal samples stay separate, each one of n draws.
 * 3. Several actions of one decision are picked from the same samples by systematic resampling: each is distributed as
 *    above, and together they repeat each other as little as possible.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import type { WordSpace } from "../../engine.ts";
import type { JsonValue, PolicyStateChange } from "../../memory/memory.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { type Random, seededRandom } from "../../util/random.ts";
import { idf, taskWeights } from "../choice/choice.ts";
import {
  type ChoiceParameters,
  type DrawInput,
  defaultChoiceParameters,
  drawItems,
} from "../choice/choice-draw.ts";
import { nearStem } from "../choice/near-words.ts";

/** Options of `bestOfNPolicy`. */
export interface BestOfNOptions {
  /** What writes the samples. */
  readonly inner: Policy;
  /** Space of the adapter and of word counts. */
  readonly words: WordSpace;
  /** Task weights in the space of `words`. @default null */
  readonly adapter?: Adapter | null;
  /** n: how many texts each pick is made from, from 1 up. @default 8 */
  readonly samples?: number;
}

/** An action of the best-of-n policy, with what it was picked from. */
export interface PickedAction extends Action {
  /** The usable samples, without log-probabilities and including the picked one. Empty where no sample was usable. */
  readonly offered: readonly Action[];
}

/** How many texts `bestOfNPolicy` picks from by default. */
export const defaultSamples = 8;

/**
 * Those of the choice policy except for the length: with 0.5, 18 of 80 adapters tried on validation films wrote over a
 * tenth longer, with 0.75 ten did.
 */
const parameters: ChoiceParameters = { ...defaultChoiceParameters, lengthExponent: 0.75 };

/**
 * A policy that keeps the best of `samples` texts of `inner`.
 *
 * The log-probability of an action is that of the pick among the samples, shape [1]. Where no sample is usable there is
 * none, and the actions are those of the inner policy with their issues.
 * @throws RangeError for `samples` out of range
 * @throws ConfigError `adapter-space`, DataError `adapter-invalid`, as `choicePolicy`
 */
export function bestOfNPolicy(options: BestOfNOptions): Policy {
  const { inner, words, adapter = null, samples = defaultSamples } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new RangeError(`Expected \`samples\` to be a whole number from 1 up, got ${samples}`);
  }
  const weightOf = taskWeights(adapter, words);
  const taskWeight = (stem: string) => {
    const near = weightOf(nearStem(stem));
    return near > 0 ? Math.max(near, weightOf(stem)) : weightOf(stem);
  };
  const revision = `best-of-${samples}@1:${inner.revision}${adapter ? `+${adapter.revision}` : ""}`;
  return {
    id: bestOfNId,
    revision,
    clipsPerDecision: inner.clipsPerDecision,
    decide: async (context, { n = 1, random, signal } = {}) => {
      const { actions, cost } = await inner.decide(forInner(context), {
        n: samples,
        ...{ random: random ?? ownRandom(context), logprobs: false },
        ...(signal && { signal }),
      });
      const usable = actions.filter(({ issues }) => issues.length === 0);
      const offered = usable.map((action): Action => ({ ...action, logprobs: null }));
      if (offered.length === 0) {
        const unusable = actions
          .slice(0, n)
          .map((action): PickedAction => ({ ...action, revision, offered }));
        return { actions: unusable, cost };
      }
      const { input, stems } = offerOf(context, offered, words);
      const task = Float64Array.from(stems, taskWeight);
      // n picks at even distances: with as many picks as samples, each sample comes once where nothing is preferred.
      const offset = random ? random() : 0;
      const picked = Array.from({ length: n }, (_, k): PickedAction => {
        const at = (k + offset) / n;
        const { picks, logprobs } = drawItems({ ...input, task }, random && (() => at));
        const action = offered[picks[0]!]!;
        const pick = { tokens: [action.text], values: Float32Array.from(logprobs) };
        return { ...action, logprobs: pick, revision, offered };
      });
      return { actions: picked, cost };
    },
    advance: (context, action) => changeOf(context, action, inner, words),
  };
}

/** Id under which memory keeps the policy's state, entries and adapters. */
export const bestOfNId = "best-of-n";

/**
 * A pick as a trainer replays it: its input without the adapter, the stem of each word, shape [W], and the place of the
 * action among the samples.
 * @throws RangeError when the action was not picked from samples in this context
 */
export function replayPick(
  context: Context,
  action: Action,
  words: WordSpace,
): { input: Omit<DrawInput, "task">; stems: readonly string[]; picks: readonly number[] } {
  const offered = offeredWith(action);
  const place = offered.findIndex(({ text }) => text === action.text);
  if (!("offered" in action) || place < 0) {
    throw new RangeError("Expected an action that was picked from samples, got one without them");
  }
  return { ...offerOf(context, offered, words), picks: [place] };
}

function offeredWith(action: Action): readonly Action[] {
  return "offered" in action ? (action as PickedAction).offered : [action];
}

/** Acting is repeatable: the samples of a clip come from the same random numbers each time. */
function ownRandom({ observations }: Context): Random {
  const { stream, clip } = observations[0]!;
  return seededRandom(`best-of-n ${stream} ${clip}`);
}

/** What the policy remembers of one stream between decisions: the value of its state. */
interface StreamState {
  /** The inner policy's own value. */
  readonly inner: JsonValue;
  /** Stems of each of the last texts kept, oldest first. */
  readonly kept: readonly (readonly string[])[];
}

function readState({ state }: Context): StreamState {
  return (state.value as StreamState | null) ?? { inner: null, kept: [] };
}

function forInner(context: Context): Context {
  return { ...context, state: { ...context.state, value: readState(context).inner } };
}

/** Distinct content stems of a sample. */
type Sample = readonly string[];

function sampleOf({ statements }: Action, words: WordSpace): Sample {
  return [...new Set(words.stems(statements.map((statement) => statement.text).join("\n")))];
}

/** How many texts say anything, and how many texts hold each stem. */
function counted(samples: readonly Sample[]): Pick<PolicyStateChange, "documents" | "words"> {
  const words = new Map<string, number>();
  for (const stems of samples) for (const stem of stems) words.set(stem, (words.get(stem) ?? 0) + 1);
  return { documents: samples.filter((stems) => stems.length > 0).length, words };
}

function offerOf(
  context: Context,
  offered: readonly Action[],
  words: WordSpace,
): { input: Omit<DrawInput, "task">; stems: readonly string[] } {
  const { state } = context;
  const samples = offered.map((action) => sampleOf(action, words));
  const stems = [...new Set(samples.flat())];
  const places = new Map(stems.map((stem, place) => [stem, place]));
  const here = counted(samples);
  const agreed = agreementOf(samples, here.words);
  const { kept } = readState(context);
  const said = new Set(kept.flat());
  const total = state.documents + here.documents;
  const count = (stem: string) => (state.words.get(stem) ?? 0) + here.words.get(stem)!;
  return {
    stems,
    input: {
      items: samples.map((own, i) => ({
        tokens: Math.max(1, own.length),
        trust: Math.sqrt(noveltyOf(own, kept)) * agreed[i]!,
        words: own.map((stem) => places.get(stem)!),
      })),
      idf: Float64Array.from(stems, (stem) => idf(count(stem), total)),
      said: Uint8Array.from(stems, (stem) => (said.has(stem) ? 1 : 0)),
      tilted: true,
      // One pick of any length: on credit, and nothing fits after it.
      budget: 0,
      onCredit: true,
      parameters,
    },
  };
}

/** How many samples hold a sample's words on average, relative to the most agreed one; 1 without words. Shape [N]. */
function agreementOf(samples: readonly Sample[], counts: ReadonlyMap<string, number>): number[] {
  const means = samples.map(
    (stems) => stems.reduce((sum, stem) => sum + counts.get(stem)!, 0) / stems.length,
  );
  const most = Math.max(...means.filter((mean) => mean > 0));
  return means.map((mean) => (mean > 0 ? mean / most : 1));
}

/** Share of a text's words that the most similar kept text does not hold; 1 for a text without words. */
function noveltyOf(stems: readonly string[], kept: readonly (readonly string[])[]): number {
  const told = kept.map((text) => stems.filter((stem) => text.includes(stem)).length);
  return 1 - Math.max(0, ...told) / Math.max(1, stems.length);
}

/**
 * Counts what was offered, not what was kept: counts of kept texts would make the very words that the adapter prefers
 * common. An inner policy that counts what it was offered counts for both.
 */
function changeOf(context: Context, action: Action, inner: Policy, words: WordSpace): PolicyStateChange {
  const { inner: before, kept } = readState(context);
  const change = inner.advance(forInner(context), action);
  const stems = sampleOf(action, words);
  const next: StreamState = {
    inner: change ? change.value : before,
    kept: [...kept, stems].slice(-parameters.historyWindows),
  };
  const { documents, words: counts } =
    change ?? counted(offeredWith(action).map((sample) => sampleOf(sample, words)));
  return { value: next as unknown as JsonValue, documents, words: counts };
}
