/**
 * Phase Two of the policies that are steered in word space: the choice policy, and best-of-n over another policy.
 *
 * They are trained in closed form from the questions, or by preferences (`phase-two.ts`). An adapter is validated by
 * two-fold cross-validation over the questions, so that no question judges an adapter it trained: the last hour's
 * observations (for a policy that looks, the last ten minutes, which still have pictures) are watched again without an
 * adapter and with that of the other fold. For each held-out question, the memory that the reader can answer from wins;
 * where it can from both or from neither, the one that keeps more of the question's evidence (`kept-evidence.ts`).
 *
 * The choice policy copies what it is offered, so its fidelity cannot fall and is not tested. What best-of-n picks was
 * written by a model, so a judge says whether each memory is true, with the adapter and without it. Clips that an engine
 * refuses permanently are left out and counted, as long as most remain.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { adapterNorm } from "../adapter/arithmetic.ts";
import type { Reader } from "../answer/reader.ts";
import type { Embedder, EngineCache, WordSpace } from "../engine.ts";
import { isTaskMemError } from "../errors.ts";
import type { Entry, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { type ContextLimits, contextDefaults } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { localJudge } from "../reward/local-judge.ts";
import { assessQuality, type ScoreOptions } from "../reward/reward.ts";
import type { Task } from "../tasks/task.ts";
import { phaseTwo, rollOut, type TrainingResult } from "../training/phase-two.ts";
import { openPhaseTwoRun } from "../training/phase-two-run.ts";
import { withPictures } from "../training/replay.ts";
import type { AdapterTrainer, TrainOptions } from "../training/train-adapter.ts";
import type { TrainablePolicy } from "../training/trainable-policy.ts";
import { type GateMargins, gateMargins, type Validation, wilsonLow } from "../training/validation.ts";
import { mapConcurrently } from "../util/async.ts";
import { sha256 } from "../util/hash.ts";
import { nearWords } from "./choice/near-words.ts";
import { choicePhaseTwoRecipe } from "./choice/recipes.ts";
import {
  adapterFromTasks,
  adapterWords,
  type ChoiceSample,
  withFloor,
} from "./choice/word-vector-trainer.ts";
import { type KeptStatement, keptEvidence } from "./kept-evidence.ts";
import { type WatchedDecision, watchAgain } from "./watch-again.ts";

/** Options of `wordAdapterTrainer`. */
export interface WordAdapterTrainerOptions {
  readonly words: WordSpace;
  /** The policy that is steered, with an adapter or without. */
  readonly policy: (adapter: Adapter | null) => Policy;
  /** The policy in training, at first without an adapter. */
  readonly trainable: () => TrainablePolicy<ChoiceSample, Adapter>;
  /** Whether it looks at pictures; it is then tried on clips that still have theirs. @default false */
  readonly looks?: boolean;
  /** `closed-form` counts words of questions; `preferences` lets a judge compare memories. @default "closed-form" */
  readonly method?: "closed-form" | "preferences" | undefined;
  /** Whether it writes its own words, which have to be graded, instead of copying lines. @default false */
  readonly writes?: boolean;
  /** Compares memories for `preferences`, and says whether the memories of a policy that writes are true. @default localJudge */
  readonly judge?: Judge | undefined;
  /**
   * Compares words by meaning, so that the closed form weighs words near those of the questions; one without `meaning` is
   * not asked. @default nothing does
   */
  readonly embedder?: Embedder | null | undefined;
  /** Keeps vectors of words. @default nowhere */
  readonly wordCache?: EngineCache | undefined;
  /** Says whether a memory answers a question. */
  readonly reader: Reader;
  /** How much the policy is shown when it acts. @default contextDefaults */
  readonly limits?: ContextLimits;
  /** Simultaneous calls of the policy, the judge or the reader; results are the same at any value. @default 1 */
  readonly concurrency?: number;
}

/**
 * The gate's margins for memories of a model. Ten minutes hold 60 of them: where 85 in 100 are true with the adapter and
 * without, the share falls by more than a tenth by chance 6 times in 100.
 */
const writtenMargins: GateMargins = { ...gateMargins, fidelityFall: 0.1 };

/** How near a word is to be to one question's words to be evidence of its topic: nearer than one that a lesson takes in. */
const topicNear = 2;

/** Trains and tries adapters of a policy in word space. */
export function wordAdapterTrainer(given: WordAdapterTrainerOptions): AdapterTrainer {
  const options = { ...given, ...(given.embedder && { embedder: givingUp(given.embedder) }) };
  const { words, policy, method, looks = false, writes = false } = options;
  const base = policy(null);
  const seen = (streams: readonly (readonly Observation[])[]) =>
    looks ? streams.map(withPictures) : streams;
  return {
    policy: base.id,
    base: base.revision,
    fitsBase: null,
    ...{ method: method === "preferences" ? "dpo" : "closed-form", triedOn: "questions" },
    train: (tasks, streams, how = {}) => train(tasks, seen(streams), options, how),
    validate: (tasks, streams, adapter, signal) => validate(tasks, seen(streams), adapter, options, signal),
    adapterWords: (adapter, texts) => adapterWords(adapter, texts, words),
    ...(writes && { margins: writtenMargins }),
  };
}

/** An embedder that is not asked again after it failed: a lesson asks it once for each question. */
function givingUp(embedder: Embedder): Embedder {
  let failed: Error | null = null;
  return {
    ...embedder,
    embed: async (...asked) => {
      if (failed) throw failed;
      try {
        return await embedder.embed(...asked);
      } catch (error) {
        if (isTaskMemError(error)) failed = error;
        throw error;
      }
    },
  };
}

const judgeOf = ({ judge, words }: Pick<WordAdapterTrainerOptions, "judge" | "words">) =>
  judge ?? localJudge({ words });

const scoring = (words: WordSpace): ScoreOptions => ({ countTokens: words.countTokens, form: "statements" });

/** An adapter from some tasks, by the configured method. */
async function train(
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  options: WordAdapterTrainerOptions,
  how: TrainOptions,
): Promise<TrainingResult> {
  const near = await wordsNear(tasks, streams, options, how.signal);
  const closed = adapterFromTasks(tasks, { words: options.words, near });
  if (options.method !== "preferences" || closed.problem !== null) return closed;
  return adapterFromPreferences(tasks, streams, {
    ...options,
    ...{ judge: judgeOf(options), norm: adapterNorm(closed.adapter) },
    ...how,
  });
}

/** Words near those of the questions; none by preferences, without an encoder, or where it cannot be asked. */
async function wordsNear(
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  { words, embedder, wordCache: cache, method }: WordAdapterTrainerOptions,
  signal: AbortSignal | undefined,
  leastNear?: number,
): Promise<ReadonlyMap<string, number>> {
  const { meaning } = embedder ?? {};
  if (!embedder || meaning === undefined || method === "preferences") return new Map();
  try {
    const how = { words, embedder, meaning, ...(cache && { cache }), ...(leastNear && { leastNear }) };
    return await nearWords(tasks, streams, how, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (isTaskMemError(error)) return new Map();
    throw error;
  }
}

/** Options of `adapterFromPreferences`. */
export interface WordPreferenceOptions
  extends Pick<
      WordAdapterTrainerOptions,
      "words" | "policy" | "trainable" | "writes" | "limits" | "concurrency"
    >,
    TrainOptions {
  readonly judge: Judge;
  /** Euclidean norm of the adapter: that of the closed form over the same tasks. */
  readonly norm: number;
  /** Memories drawn for a context. @default 8 */
  readonly samples?: number;
  readonly seed?: string;
}

/**
 * The adapter that recent questions prefer, in word space. A context is one decision of the policy. Where every memory
 * is copied from lines on offer, all pass the quality checks and none is judged for them.
 * @param tasks in the order they were asked
 * @param streams observations of each stream, in order
 */
export async function adapterFromPreferences(
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  options: WordPreferenceOptions,
): Promise<TrainingResult> {
  const { words, policy, trainable: startTraining, writes = false, judge, norm } = options;
  const { samples = choicePhaseTwoRecipe.samples, seed = "phase-two", concurrency, signal } = options;
  const base = policy(null);
  const { decisions, refusedClips } = await watchAgain(base, streams, options);
  const run =
    options.run === undefined
      ? undefined
      : openPhaseTwoRun(options.run, runConfig(base, tasks, streams, options), { otherRun: "replace" });
  const contexts = decisions.map(({ context, stream }) => ({
    id: `${stream}-${context.observations[0]!.clip}`,
    context,
  }));
  const trainable = startTraining();
  const cache = await rollOut(trainable, contexts, {
    ...{ samples, seed, countTokens: words.countTokens, run, concurrency, signal },
    ...(writes && { quality: { judge, score: scoring(words) } }),
  });
  const result = await phaseTwo(trainable.trainer, cache, tasks, {
    ...{ judge, seed, run, concurrency, signal },
    dpo: choicePhaseTwoRecipe.dpo,
    length: { norm },
  });
  if (result.problem !== null) return { ...result, refusedClips };
  const drawn = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample));
  return { ...result, refusedClips, adapter: withFloor(result.adapter, drawn, words) };
}

/** Everything a run's numbers depend on; observations by a hash of their texts. */
function runConfig(
  base: Policy,
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  { judge, norm, writes = false, limits = contextDefaults, ...options }: WordPreferenceOptions,
): object {
  const { samples = choicePhaseTwoRecipe.samples, seed = "phase-two" } = options;
  const texts = streams.map((observations) =>
    observations.map(({ frames: _, ...observation }) => observation),
  );
  return {
    ...{ base: base.revision, judge: judge.id, questions: tasks.map(({ question }) => question) },
    ...{ streams: sha256(JSON.stringify(texts)), writes, limits, samples, seed, norm },
    dpo: choicePhaseTwoRecipe.dpo,
  };
}

/**
 * Two-fold cross-validation over the questions, and the adapter itself on all of them: it was trained on these, so it has
 * to do at least as well. The worse of the two counts. Length and repetition are measured on the adapter itself.
 */
async function validate(
  tasks: readonly Task[],
  streams: readonly (readonly Observation[])[],
  adapter: Adapter,
  options: WordAdapterTrainerOptions,
  signal: AbortSignal | undefined,
): Promise<Validation> {
  const { words, policy, reader, writes = false, concurrency } = options;
  const watch = async (steering: Adapter | null): Promise<Watched> => {
    const { decisions, refusedClips } = await watchAgain(policy(steering), streams, { ...options, signal });
    const kept = decisions.flatMap(({ action, stream }) =>
      action.statements.map((statement) => ({ statement, stream })),
    );
    return { kept, written: writes ? decisions : [], refusedClips };
  };
  const meant = new Map<Task, Iterable<string>>();
  for (const task of tasks) {
    const near = await wordsNear([task], streams, options, signal, topicNear);
    meant.set(task, [...near.keys()]);
  }
  const evidence = keptEvidence(streams, words, meant);
  const standings = async (asked: readonly Task[], { kept }: Watched): Promise<Standing[]> => {
    const lines = kept.map(({ statement }) => statement);
    const keeps = evidence(kept);
    return mapConcurrently(asked, { concurrency, signal }, async (task) => ({
      answered: await answers(reader, task, lines, signal),
      kept: keeps(task),
    }));
  };
  const base = await watch(null);
  const alone = await standings(tasks, base);
  const without = new Map(tasks.map((task, i) => [task, alone[i]!]));
  const compare = async (asked: readonly Task[], watched: Watched): Promise<Comparison[]> => {
    const after = await standings(asked, watched);
    return asked.map((task, i) => ({ before: without.get(task)!, after: after[i]! }));
  };

  const heldOut: Comparison[] = [];
  for (const fold of [0, 1]) {
    const others = tasks.filter((_, i) => i % 2 !== fold);
    const trained = await train(others, streams, options, { signal });
    const asked = tasks.filter((_, i) => i % 2 === fold);
    heldOut.push(...(await compare(asked, await watch(trained.adapter))));
  }
  const adapted = await watch(adapter);
  const rates = [ratesOf(heldOut), ratesOf(await compare(tasks, adapted))];
  const [worse] = rates.toSorted((a, b) => a.winRateLow - b.winRateLow);
  return {
    ...worse!,
    n: tasks.length,
    // The greedy policy against itself keeps the same lines.
    noiseWinRate: 0,
    noiseLossRate: 0,
    ...(await fidelity(base.written, adapted.written, options, signal)),
    redundancyBefore: redundancyOf(base, words),
    redundancyAfter: redundancyOf(adapted, words),
    tokenRatio: tokensOf(adapted, words) / Math.max(1, tokensOf(base, words)),
    refusedClips: base.refusedClips,
  };
}

/** The result of watching again. */
interface Watched {
  readonly kept: readonly (KeptStatement & { readonly statement: Statement })[];
  /** Decisions of a policy that writes; none for a policy that copies. */
  readonly written: readonly WatchedDecision[];
  readonly refusedClips: number;
}

/** How many memories are true, of clips that both watched and of which the judge graded both; all where none was written. */
async function fidelity(
  before: readonly WatchedDecision[],
  after: readonly WatchedDecision[],
  options: WordAdapterTrainerOptions,
  signal: AbortSignal | undefined,
): Promise<Pick<Validation, "toGrade" | "graded" | "fidelityBefore" | "fidelityAfter">> {
  const judge = judgeOf(options);
  const score: ScoreOptions = { ...scoring(options.words), ...(signal && { signal }) };
  const isTrue = async ({ context, action }: WatchedDecision) => {
    const { checks, pass } = await assessQuality(context, action, judge, score);
    return pass === null ? null : (checks.correct ?? false);
  };
  const keyOf = ({ stream, context }: WatchedDecision) => `${stream} ${context.observations[0]!.clip}`;
  const partners = new Map(after.map((decision) => [keyOf(decision), decision]));
  const both = before.filter((decision) => partners.has(keyOf(decision)));
  const pairs = await mapConcurrently(both, { ...options, signal }, (decision) =>
    Promise.all([isTrue(decision), isTrue(partners.get(keyOf(decision))!)]),
  );
  const graded = pairs.filter((pair): pair is [boolean, boolean] => !pair.includes(null));
  const share = (place: 0 | 1) =>
    both.length === 0 ? 1 : graded.filter((pair) => pair[place]).length / Math.max(1, graded.length);
  return {
    toGrade: both.length,
    graded: graded.length,
    fidelityBefore: share(0),
    fidelityAfter: share(1),
  };
}

/** How a memory stands to a question. */
interface Standing {
  readonly answered: boolean;
  /** Share of the question's evidence that it keeps, 0 to 1. */
  readonly kept: number;
}

/** A question, the memory without an adapter, and the one with it. */
interface Comparison {
  readonly before: Standing;
  readonly after: Standing;
}

/** Above 0 where the memory with the adapter is better. */
function verdictOf({ before, after }: Comparison): number {
  if (before.answered !== after.answered) return after.answered ? 1 : -1;
  // Sums of the same terms in another order differ in the last bits.
  const more = after.kept - before.kept;
  return Math.abs(more) < 1e-9 ? 0 : Math.sign(more);
}

function ratesOf(comparisons: readonly Comparison[]) {
  const n = comparisons.length;
  const verdicts = comparisons.map(verdictOf);
  const wins = verdicts.filter((verdict) => verdict > 0).length;
  const losses = verdicts.filter((verdict) => verdict < 0).length;
  const mean = (of: (comparison: Comparison) => number) =>
    comparisons.reduce((sum, comparison) => sum + of(comparison), 0) / n;
  return {
    winRate: wins / n,
    tieRate: (n - wins - losses) / n,
    lossRate: losses / n,
    winRateLow: wilsonLow(wins, wins + losses),
    accuracyBefore: mean(({ before }) => Number(before.answered)),
    accuracyAfter: mean(({ after }) => Number(after.answered)),
    evidenceBefore: mean(({ before }) => before.kept),
    evidenceAfter: mean(({ after }) => after.kept),
  };
}

/** Whether a reader answers a task from these lines, and correctly where feedback gives the right answer. */
async function answers(
  reader: Reader,
  { question, option, answer, feedback }: Task,
  lines: readonly Statement[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const recalled = lines.map((statement, i) => ({ entry: entryOf(statement, i), score: { total: 1 } }));
  const reading = await reader.read({
    question,
    recalled,
    rendered: "",
    gaps: [],
    ...(signal && { signal }),
  });
  if (reading.abstained) return false;
  if (feedback?.verdict === "wrong" && feedback.correction === null) {
    return option === null ? reading.answer !== answer : reading.option !== option;
  }
  const right = feedback === null ? null : (feedback.correction ?? option ?? answer);
  return right === null || [reading.option, reading.answer].includes(right);
}

function entryOf(statement: Statement, i: number): Entry {
  const { clip, startSeconds, endSeconds, sources } = statement;
  return {
    ...statement,
    id: `line-${i}`,
    stream: "replay",
    writtenAtMs: 0,
    policy: "choice",
    revision: "",
    evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources, tiers: {} },
    closed: null,
  };
}

const tokensOf = ({ kept }: Watched, words: WordSpace) =>
  kept.reduce((sum, { statement }) => sum + words.countTokens(statement.text), 0);

/** Fewer content words stand in any line about the same thing: "More soup?" repeats nothing. */
const fewestRepeated = 3;

/** Share of lines of which an earlier line holds at least four fifths of the content words, where they have a few. */
function redundancyOf({ kept }: Watched, words: WordSpace): number {
  const seen: ReadonlySet<string>[] = [];
  let repeats = 0;
  for (const { statement } of kept) {
    const stems = new Set(words.stems(statement.text));
    const holds = (earlier: ReadonlySet<string>) => [...stems].filter((stem) => earlier.has(stem)).length;
    if (stems.size >= fewestRepeated && seen.some((earlier) => holds(earlier) >= 0.8 * stems.size))
      repeats += 1;
    seen.push(stems);
  }
  return kept.length === 0 ? 0 : repeats / kept.length;
}
