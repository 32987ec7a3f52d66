/** What each policy of the benchmark remembers of the stream at a share of its tokens. */
import type { Adapter } from "../../../adapter/adapter.ts";
import { weightsOf } from "../../../adapter/arithmetic.ts";
import type { WordSpace } from "../../../engine.ts";
import { choicePolicy } from "../../../policies/choice/choice.ts";
import type { ChoiceBudget } from "../../../policies/choice/choice-budget.ts";
import type { ChoiceWeights } from "../../../policies/choice/choice-features.ts";
import { adapterFromTasks } from "../../../policies/choice/word-vector-trainer.ts";
import type { Question } from "../../../tasks/task.ts";
import { seededRandom } from "../../../util/random.ts";
import { phaseOnePicker, trainPhaseOne } from "../../egolife-text/phase-one.ts";
import {
  keepByPicker,
  longestPicker,
  type Picker,
  randomPicker,
  referencePicker,
  type TaskWeight,
  tfidfPicker,
} from "../../egolife-text/pickers.ts";
import { adapterFromDraws, type DrawnContext, drawContext } from "../../egolife-text/preferences.ts";
import { keepByPolicy, type TextWindow } from "../../egolife-text/windows.ts";
import { type Corpus, countUntil } from "./corpus.ts";
import {
  type Memories,
  referenceUpdates,
  type TaughtOptions,
  taughtMemories,
  type Updates,
} from "./learning.ts";
import type { TextQuestion } from "./week.ts";

/**
 * - `all`: everything, at whatever budget
 * - `random`, `longest`, `tfidf`: lines in that order while they fit
 * - `recent`: the last share of all tokens, with no choice
 * - `p1`: the reference's Phase One (`phase-one.ts`)
 * - `cov`: the choice policy as it ships, given a share of all tokens of a window
 * - `+words`: with adapters in closed form from the questions asked so far; `+dpo`: by preferences; `+foreign`: in closed form
 *   from as many questions of other people
 * - `reference`: the coverage choice as the reference describes it (`pickers.ts`), its adapter from the question's words only
 */
export const policyNames = [
  "all",
  "random",
  "recent",
  "longest",
  "tfidf",
  "p1",
  "cov",
  "p1+words",
  "cov+words",
  "cov+dpo",
  "cov+foreign",
  "reference",
  "reference+words",
] as const;
export type PolicyName = (typeof policyNames)[number];

/** Questions nobody asked of this stream, for the control. */
export interface ForeignQuestions {
  readonly name: string;
  readonly texts: readonly string[];
}

export interface PolicyOptions {
  readonly corpus: Corpus;
  readonly windows: readonly TextWindow[];
  readonly windowSeconds: number;
  /** In the order they were asked. */
  readonly questions: readonly TextQuestion[];
  readonly foreign: readonly ForeignQuestions[];
  readonly words: WordSpace;
  /** What the choice policy writes with. */
  readonly weights: ChoiceWeights | null;
  /** Places of stems that stand for people. */
  readonly names: ReadonlySet<number>;
  readonly byType: boolean;
  readonly updates: Updates;
  readonly rechoose: boolean;
  readonly seed: string;
}

/** What one policy remembers; `cov+foreign` once for each set of foreign questions. */
export interface Remembered {
  readonly policy: string;
  readonly memories: Memories;
}

/** @param share of the tokens to keep, above 0 to 1 */
export async function remember(
  name: PolicyName,
  share: number,
  options: PolicyOptions,
): Promise<Remembered[]> {
  const { corpus, windows, questions, foreign, words, seed } = options;
  const one = (memories: Memories) => [{ policy: name as string, memories }];
  const picked = (pick: Picker) => {
    const kept = keepByPicker(corpus, windows, share, pick);
    return one(() => kept);
  };
  switch (name) {
    case "all": {
      const kept = new Uint8Array(corpus.entries.length).fill(1);
      return one(() => kept);
    }
    case "random":
      return picked(randomPicker(seededRandom(`random ${seed} ${share}`)));
    case "longest":
      return picked(longestPicker);
    case "tfidf":
      return picked(tfidfPicker);
    case "recent":
      return one(recentMemories(corpus, questions, share));
    case "reference":
      return picked(referencePicker(() => noWeight));
    case "reference+words": {
      const keep = keepPicked(share, options, referencePicker);
      return one(
        await taught(options, { teach: async (group, known) => fromTexts(group, known, words), keep }),
      );
    }
    case "p1":
    case "p1+words": {
      const weights = trainPhaseOne({ ...options, share });
      const pickerOf = (weightAt: WeightAt) => phaseOnePicker(options, weights, weightAt);
      if (name === "p1") return picked(pickerOf(() => noWeight));
      return one(
        await taught(options, { teach: closedForm(words), keep: keepPicked(share, options, pickerOf) }),
      );
    }
    case "cov": {
      const kept = await keepChosen(share, options)(() => null, Infinity);
      return one(() => kept);
    }
    case "cov+words":
      return one(await taught(options, { teach: closedForm(words), keep: keepChosen(share, options) }));
    case "cov+foreign":
      return Promise.all(
        foreign.map(async ({ name: set, texts }) => ({
          policy: `${name}(${set})`,
          memories: await taught(options, {
            teach: async (_, known) => learn(texts.slice(0, known).map(openQuestion), words),
            keep: keepChosen(share, options),
          }),
        })),
      );
    case "cov+dpo":
      return one(await preferenceMemories(share, options));
  }
}

type WeightAt = (startSeconds: number) => TaskWeight;
type Keep = TaughtOptions["keep"];

const noWeight: TaskWeight = () => 0;

function taught(
  { questions, byType, updates, rechoose }: PolicyOptions,
  rest: Pick<TaughtOptions, "teach" | "keep"> & { readonly updates?: Updates },
): Promise<Memories> {
  return taughtMemories({ questions, byType, updates, rechoose, ...rest });
}

function learn(questions: readonly Question[], words: WordSpace): Adapter {
  return adapterFromTasks(
    questions.map((question) => ({ question })),
    { words },
  ).adapter;
}

function closedForm(words: WordSpace): TaughtOptions["teach"] {
  return async (group, known) =>
    learn(
      group.slice(0, known).map(({ question }) => question),
      words,
    );
}

/** By the words of the questions alone, without their options. */
function fromTexts(group: readonly TextQuestion[], known: number, words: WordSpace): Adapter {
  return learn(
    group.slice(0, known).map(({ question }) => openQuestion(question.text)),
    words,
  );
}

function openQuestion(text: string): Question {
  return { text, options: [] };
}

/**
 * The shipped policy's budget for a share of all tokens of a window. The policy counts only lines that could be kept;
 * others here count all, so the rest is given as this window's floor.
 */
function budgetOf(share: number, { tokens }: Pick<TextWindow, "tokens">): ChoiceBudget {
  return { fraction: share, floorTokens: share * tokens };
}

function windowsUntil(windows: readonly TextWindow[], untilSeconds: number): readonly TextWindow[] {
  return untilSeconds === Infinity
    ? windows
    : windows.filter(({ startSeconds }) => startSeconds <= untilSeconds);
}

/** The shipped policy over the stream. */
function keepChosen(
  share: number,
  { corpus, windows, words, weights, windowSeconds }: PolicyOptions,
  visit?: Parameters<typeof keepByPolicy>[3],
): Keep {
  return (adapterAt, untilSeconds) =>
    keepByPolicy(
      corpus,
      windowsUntil(windows, untilSeconds),
      (window) =>
        choicePolicy({
          words,
          clipSeconds: windowSeconds,
          budget: budgetOf(share, window),
          weights,
          adapter: adapterAt(window.startSeconds),
        }),
      visit,
    );
}

/** A picker over the stream, with an adapter's weights at the words' places. */
function keepPicked(
  share: number,
  { corpus, windows, words }: PolicyOptions,
  pickerOf: (weightAt: WeightAt) => Picker,
): Keep {
  const stems = [...corpus.vocabulary.keys()];
  const weightsByAdapter = new WeakMap<Adapter, TaskWeight>();
  const weightOf = (adapter: Adapter): TaskWeight => {
    const known = weightsByAdapter.get(adapter);
    if (known) return known;
    const buckets = new Map(weightsOf(adapter));
    const weights = Float64Array.from(stems, (stem) => {
      const { index, sign } = words.bucket(stem);
      return sign * (buckets.get(index) ?? 0);
    });
    const weight: TaskWeight = (place) => weights[place]!;
    weightsByAdapter.set(adapter, weight);
    return weight;
  };
  return async (adapterAt, untilSeconds) =>
    keepByPicker(
      corpus,
      windowsUntil(windows, untilSeconds),
      share,
      pickerOf((startSeconds) => {
        const adapter = adapterAt(startSeconds);
        return adapter === null ? noWeight : weightOf(adapter);
      }),
    );
}

/** The last share of the tokens before each question. */
function recentMemories(corpus: Corpus, questions: readonly TextQuestion[], share: number): Memories {
  return (question) => {
    const until = countUntil(corpus, questions[question]!.askedSeconds);
    const total = corpus.tokens.subarray(0, until).reduce((sum, tokens) => sum + tokens, 0);
    const kept = new Uint8Array(corpus.entries.length);
    let left = share * total;
    for (let i = until - 1; i >= 0 && corpus.tokens[i]! <= left; i--) {
      kept[i] = 1;
      left -= corpus.tokens[i]!;
    }
    return kept;
  };
}

/** DPO takes seconds: where updates are asked for after every question, it follows the reference's schedule. */
async function preferenceMemories(share: number, options: PolicyOptions): Promise<Memories> {
  const { words, weights, seed, updates } = options;
  const random = seededRandom(`draws ${seed} ${share}`);
  const contexts: DrawnContext[] = [];
  await keepChosen(share, options, async (decision) => {
    contexts.push(
      await drawContext(decision, { words, weights, budget: budgetOf(share, decision.window) }, random),
    );
  })(() => null, Infinity);
  return taught(options, {
    updates: updates === "every" ? referenceUpdates : updates,
    teach: (group, known) => adapterFromDraws(group.slice(0, known), contexts, words, seed),
    keep: keepChosen(share, options),
  });
}
