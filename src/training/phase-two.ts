/**
 * Phase Two, after deployment: recent tasks say what to memorize, and only a tiny adapter learns it.
 *
 * 1. The policy without an adapter draws several memories of each context, once. This cache is frozen, so no training
 *    data is stale.
 * 2. A judge compares each two, in both orders: which helps more with questions like a sample of the recent ones?
 * 3. Consistent verdicts become at most one pair per context, or all of them (`pairs.ts`).
 * 4. DPO with a KL penalty trains the adapter on the pairs for a few steps.
 * 5. The adapter may be brought to a given norm, because its direction settles long before its length.
 *
 * This follows the paper's Phase Two and its released code. Nothing here knows which policy it trains.
 *
 * Departures:
 * 1. Questions are drawn separately for each context, and their options count as part of them.
 * 2. Both sides of a pair are computed live in every step; the released code keeps the partner's as they were.
 * 3. The gradient is not clipped unless `maxGradientNorm` is given; the released actor clips it.
 * 4. Options beyond the paper, off unless given: a context's own lines among its memories, questions of other kinds to
 *    compare with, all pairs of a context, a likelihood term, a rate that falls.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { adapterNorm, rescaleAdapter } from "../adapter/arithmetic.ts";
import { ConfigError } from "../errors.ts";
import { actionOf, plainAction } from "../policy/plain-action.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import { type Judge, type Judged, type Preference, preferenceInBothOrders } from "../reward/judge.ts";
import { assessQuality, assessTold, type ScoreOptions } from "../reward/reward.ts";
import type { Question, Task } from "../tasks/task.ts";
import { type ConcurrencyOptions, mapConcurrently, turn } from "../util/async.ts";
import { type Random, seededRandom, shuffle } from "../util/random.ts";
import { crossEntropyLoss, dpoLoss, klLoss } from "./losses.ts";
import { lineMemories } from "./own-lines.ts";
import {
  type Comparison,
  choosePairs,
  type PairCandidate,
  type PairContext,
  type PairOptions,
  type PairReport,
  type PreferencePair,
} from "./pairs.ts";
import type {
  DrawnRollout,
  PairStep,
  PhaseTwoRun,
  RecordedCandidate,
  RecordedPair,
  RecordedSide,
} from "./phase-two-run.ts";
import type { OnTraining } from "./progress.ts";
import type { TrainablePolicy } from "./trainable-policy.ts";
import type { Trainer } from "./trainer.ts";

/** The result of training an adapter, by preferences or in closed form. */
export interface TrainingResult<Trained extends Adapter = Adapter> {
  /** Zero where there was nothing to learn from. */
  readonly adapter: Trained;
  /** Why it should not become active, or `null`. */
  readonly problem:
    | null
    /** There are no tasks. */
    | "no-tasks"
    /** All questions are the same: nothing shows yet what questions have in common. */
    | "one-question"
    /** No question holds a content word. */
    | "no-words"
    /** The judge expressed no preference. */
    | "no-pairs"
    /** The pairs pull nowhere: chosen and rejected stay equally likely. */
    | "no-direction"
    /** At no strength that was tried are memories more often relevant and true. */
    | "no-strength";
  /** Preference pairs it was trained on; 0 in closed form. */
  readonly pairs: number;
  /** One row per step; none in closed form. */
  readonly curve: readonly PairStep[];
  /** Comparisons that the judge failed to make. */
  readonly failedVerdicts: number;
  /** Clips left out because an engine refused to write about them. @default 0 */
  readonly refusedClips?: number;
  /** What the training found out for itself, by name: a block, a strength. Kept with the adapter. @default nothing */
  readonly found?: Readonly<Record<string, number | string>>;
}

/** A memory of the cache, as drawn. */
export interface CachedRollout<Sample> extends PairCandidate {
  readonly sample: Sample;
  /** Why it passes or does not, where a judge said so. */
  readonly rationale?: string;
  /** Whether it is lines of the clip, not drawn. @default false */
  readonly isLine?: boolean;
}

/** Everything drawn for one context, and the context for the judge. */
export interface CachedContext<Sample> {
  readonly id: string;
  readonly context: Context;
  readonly candidates: readonly CachedRollout<Sample>[];
}

/** Options of `rollOut`. */
export interface RolloutOptions extends ConcurrencyOptions {
  /** Memories drawn per context, N; 0 for candidates that are all lines. @default 8 */
  readonly samples?: number;
  /** Memories per context that are a line or two of the clip, for policies that can `tell` them. @default 0 */
  readonly lines?: number;
  readonly seed?: string;
  /** Length of a memory's text. */
  readonly countTokens: (text: string) => number;
  /** Labels each memory's quality. @default all pass, as fits a policy that copies lines */
  readonly quality?: { readonly judge: Judge; readonly score: ScoreOptions };
  /** Whether a memory without log-probabilities is no candidate. @default true */
  readonly needsLogprobs?: boolean;
  /** Keeps what is drawn; what it already holds is not drawn again. */
  readonly run?: Pick<PhaseTwoRun, "drawn" | "keepDrawn"> | undefined;
}

/**
 * Draws the frozen cache. Memories off contract are left out, and so are those the judge failed to grade.
 * Concurrency counts contexts; the result is the same at any value.
 * @param contexts each with its own id
 */
export async function rollOut<Sample>(
  trainable: Pick<TrainablePolicy<Sample>, "policy" | "sampleOf" | "tell">,
  contexts: readonly { readonly id: string; readonly context: Context }[],
  options: RolloutOptions,
): Promise<CachedContext<Sample>[]> {
  const { countTokens, run, lines = 0 } = options;
  if (lines > 0 && !trainable.tell)
    throw new RangeError(
      `Expected \`lines\` to be 0 for a policy that tells only what it draws, got ${lines}`,
    );
  const policy = await trainable.policy();
  return mapConcurrently(contexts, options, async ({ id, context }) => {
    const drawn = keptDraws(run, id) ?? (await draw(policy, trainable, id, context, options));
    const candidates: CachedRollout<Sample>[] = [];
    for (const [i, { action, passes, rationale, isLine }] of drawn.entries()) {
      if (passes === null) continue;
      const text = action.statements.map((statement) => statement.text).join("\n");
      const sample = await trainable.sampleOf(context, action);
      const graded = {
        passes,
        ...(rationale !== undefined && { rationale }),
        ...(isLine && { isLine }),
      };
      candidates.push({ id: String(i), text, tokens: countTokens(text), ...graded, sample });
    }
    return { id, context, candidates };
  });
}

/** A drawn and graded memory. */
interface Drawn extends Omit<DrawnRollout, "action"> {
  readonly action: Action;
}

function keptDraws(run: RolloutOptions["run"], id: string): Drawn[] | null {
  const kept = run?.drawn(id);
  return kept ? kept.rollouts.map((rollout) => ({ ...rollout, action: actionOf(rollout.action) })) : null;
}

/** Draws the memories of a context and grades them. */
async function draw(
  policy: Policy,
  { tell }: Pick<TrainablePolicy<unknown>, "tell">,
  id: string,
  context: Context,
  options: RolloutOptions,
): Promise<Drawn[]> {
  const { samples = 8, lines = 0, seed = "rollouts", run, signal } = options;
  const random = seededRandom(`${seed} ${id}`);
  const wanted = { n: samples, random, ...(signal && { signal }) };
  const { actions } = samples === 0 ? { actions: [] } : await policy.decide(context, wanted);
  const drawn: Drawn[] = [];
  for (const action of actions) drawn.push({ action, ...(await gradeOf(context, action, options)) });
  const told = lines === 0 ? [] : lineMemories(context, lines, seededRandom(`${seed} ${id} lines`));
  for (const action of told.length === 0 ? [] : await tell!(context, told))
    drawn.push({ action, ...(await gradeOf(context, action, options, assessTold)), isLine: true });
  if (run) {
    const { stream, clip } = context.observations[0]!;
    const rollouts = drawn.map((one) => ({ ...one, action: plainAction(one.action) }));
    await run.keepDrawn({ context: id, stream, clip, rollouts });
  }
  return drawn;
}

/** Whether an action passes, with the judge's reason; `null` for one off contract or one that the judge failed to grade. */
async function gradeOf(
  context: Context,
  action: Action,
  { quality, needsLogprobs = true }: RolloutOptions,
  assess?: typeof assessTold,
): Promise<Omit<Drawn, "action">> {
  if (action.statements.length === 0 || (needsLogprobs && action.logprobs === null)) {
    const why = action.issues.map(({ message }) => message).join("; ");
    return { passes: null, ...(why !== "" && { rationale: why }) };
  }
  if (!quality) return { passes: true };
  const { pass, rationale } = assess
    ? await assess(context, action, quality.score)
    : await assessQuality(context, action, quality.judge, quality.score);
  return { passes: pass, ...(rationale !== undefined && { rationale }) };
}

/** Options of `compare`. */
export interface CompareOptions extends ConcurrencyOptions {
  readonly judge: Pick<Judge, "relevance">;
  /** Recent questions that each context is judged by. @default 5 */
  readonly questionsPerContext?: number;
  /**
   * Questions of other kinds, of which each context is judged against as many: memories are preferred that help the
   * recent ones more. @default none
   */
  readonly others?: readonly Question[];
  readonly seed?: string;
  /** Keeps verdicts; what it already holds is not asked again. */
  readonly run?: Pick<PhaseTwoRun, "verdict" | "keepVerdict"> | undefined;
}

/**
 * The comparisons of each context's memories, by questions drawn for it, and how many verdicts failed. Concurrency counts
 * comparisons; the result is the same at any value.
 */
export async function compare<Sample>(
  cache: readonly CachedContext<Sample>[],
  tasks: readonly Pick<Task, "question">[],
  options: CompareOptions,
): Promise<{ contexts: PairContext<CachedRollout<Sample>>[]; failedVerdicts: number }> {
  const { judge, questionsPerContext = 5, others = [], seed = "questions", run, signal } = options;
  const asked = cache.flatMap(({ id, context, candidates }) => {
    const some = <T>(what: string, items: readonly T[]) =>
      shuffle(seededRandom(what), items).slice(0, questionsPerContext);
    const questions = some(`${seed} ${id}`, tasks).map(({ question }) => question);
    const against = others.length === 0 ? {} : { others: some(`${seed} ${id} others`, others) };
    return differentPairs(candidates).map(([first, second]) => ({
      ...{ id, context, first, second, questions },
      ...against,
    }));
  });
  const verdicts = await mapConcurrently(asked, options, async ({ id, first, second, ...request }) => {
    const names = { context: id, first: first.id, second: second.id };
    const known = run?.verdict(names);
    if (known) return known;
    const texts = { first: first.text, second: second.text };
    const verdict = await preferenceInBothOrders(judge, { ...request, ...texts, ...(signal && { signal }) });
    await run?.keepVerdict({ ...names, verdict });
    return verdict;
  });
  const comparisons = Map.groupBy(
    asked.flatMap(({ id, first, second }, i) => comparisonOf(id, first.id, second.id, verdicts[i]!)),
    ({ context }) => context,
  );
  return {
    contexts: cache.map(({ id, candidates }) => ({
      id,
      candidates,
      comparisons: (comparisons.get(id) ?? []).map(({ context: _, ...comparison }) => comparison),
    })),
    failedVerdicts: verdicts.filter(({ ok }) => !ok).length,
  };
}

/** All unordered pairs of memories with different texts. */
function differentPairs<C extends PairCandidate>(candidates: readonly C[]): [first: C, second: C][] {
  return candidates.flatMap((first, i) =>
    candidates
      .slice(i + 1)
      .filter((second) => first.text !== second.text)
      .map((second): [C, C] => [first, second]),
  );
}

/** The comparison that a verdict expresses, if it prefers one. */
function comparisonOf(
  context: string,
  first: string,
  second: string,
  verdict: Judged<Preference>,
): (Comparison & { readonly context: string })[] {
  if (!verdict.ok || verdict.value === "tie") return [];
  const [winner, loser] = verdict.value === "first" ? [first, second] : [second, first];
  return [{ context, winner, loser, task: "recent" }];
}

/** Two samples of one context, the preferred one first. */
export interface SamplePair<Sample> {
  readonly chosen: Sample;
  readonly rejected: Sample;
  /**
   * Names the context that several pairs share, which then count as one: the mean of their losses. The first of them has
   * the best text. @default each pair has its own
   */
  readonly context?: string;
}

/** Options of `trainOnPairs`. */
export interface DpoOptions {
  /** How closely training stays to the policy without an adapter; smaller moves it farther. @default 0.1 */
  readonly beta?: number;
  /** Weight of the preference loss; at 0 only the likelihood term is left. @default 1 */
  readonly preference?: number;
  /** Weight of the KL penalty (k3) against the policy without an adapter. @default 0 */
  readonly kl?: number;
  /**
   * Weight of the mean negative log-probability of a token of the best texts. DPO alone widens the margin and may let
   * both sides become less likely; this keeps the chosen one likely. @default 0
   */
  readonly likelihood?: number;
  /** Optimiser steps. @default 10 */
  readonly steps?: number;
  readonly learningRate: number;
  /** How the rate falls: not at all, or with the root of the share of steps that is left. @default "none" */
  readonly decay?: "none" | "root";
  /** The gradient is clipped to this norm. @default no limit */
  readonly maxGradientNorm?: number;
  /** Pairs, or contexts where these have several, per step; one is drawn again only when all were used. @default all */
  readonly pairsPerStep?: number;
  /** Most pairs of a context in one step: its first, and others drawn for the step. @default all */
  readonly pairsPerContext?: number;
  readonly seed?: string;
  readonly signal?: AbortSignal | undefined;
  /** Keeps steps; those it already holds are not repeated. */
  readonly run?: Pick<PhaseTwoRun, "resume" | "keepStep"> | undefined;
  /** Called after each step with how many are done. */
  readonly onStep?: ((done: number, total: number) => void) | undefined;
}

/**
 * Trains on pairs from the trainer's current weights, which also give log π_ref. Without pairs it takes no step.
 * @returns all steps, those of earlier processes included
 */
export async function trainOnPairs<Sample>(
  trainer: Trainer<Sample>,
  pairs: readonly SamplePair<Sample>[],
  options: DpoOptions,
): Promise<PairStep[]> {
  if (pairs.length === 0) return [];
  const { steps = 10, pairsPerContext = Infinity, seed = "pairs", run, signal, onStep } = options;
  const reference = await logprobsOf(trainer, pairs);
  const curve = run ? await run.resume(trainer) : [];
  const ofContexts = [...Map.groupBy(pairs, (pair) => pair.context ?? pair).values()];
  const random = seededRandom(seed);
  const draw = drawing(ofContexts.length, options.pairsPerStep ?? ofContexts.length, random);
  for (let step = 1; step <= steps; step++) {
    const drawn = draw().map((i) => someOf(ofContexts[i]!, pairsPerContext, random));
    if (step <= curve.length) continue;
    await turn(signal);
    const learningRate = options.learningRate * remaining(step, steps, options.decay);
    const row: PairStep = {
      step,
      ...(await stepOn(trainer, drawn, reference, { ...options, learningRate })),
    };
    curve.push(row);
    await run?.keepStep(trainer, row);
    onStep?.(step, steps);
  }
  return curve;
}

/** The share of the rate at a step. */
function remaining(step: number, steps: number, decay: DpoOptions["decay"]): number {
  return decay === "root" ? Math.sqrt(1 - (step - 1) / steps) : 1;
}

/** How many steps at the whole rate a run's rates add up to. */
export function wholeSteps(steps: number, decay: DpoOptions["decay"]): number {
  return Array.from({ length: steps }, (_, i) => remaining(i + 1, steps, decay)).reduce((a, b) => a + b, 0);
}

/** Log-probabilities of all samples of some pairs, each computed once however many pairs it stands in. */
async function logprobsOf<Sample>(
  trainer: Pick<Trainer<Sample>, "logprobs">,
  pairs: readonly SamplePair<Sample>[],
): Promise<Map<Sample, Float32Array>> {
  const samples = [
    ...new Set([...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)]),
  ];
  const logprobs = await trainer.logprobs(samples);
  return new Map(samples.map((sample, i) => [sample, logprobs[i]!]));
}

/** The first, and others up to a number of them in all. */
function someOf<T>([first, ...others]: readonly T[], most: number, random: Random): T[] {
  return others.length < most ? [first!, ...others] : [first!, ...shuffle(random, others).slice(0, most - 1)];
}

/** The places of the pairs that each step of `trainOnPairs` draws of one pair a context, for a trainer elsewhere. */
export function drawnForSteps(
  count: number,
  { steps = 10, pairsPerStep = count, seed = "pairs" }: Pick<DpoOptions, "steps" | "pairsPerStep" | "seed">,
): number[][] {
  const draw = drawing(count, pairsPerStep, seededRandom(seed));
  return Array.from({ length: steps }, draw);
}

/** Draws numbers for one step after another, each once before any is repeated. */
function drawing(count: number, size: number, random: Random): () => number[] {
  let order: number[] = [];
  return () => {
    while (order.length < size) order = [...order, ...shuffle(random, [...Array(count).keys()])];
    const drawn = order.slice(0, size);
    order = order.slice(size);
    return drawn;
  };
}

/** One step on the pairs drawn of each context. @param references of all samples */
async function stepOn<Sample>(
  trainer: Trainer<Sample>,
  drawn: readonly (readonly SamplePair<Sample>[])[],
  references: ReadonlyMap<Sample, Float32Array>,
  { beta = 0.1, preference = 1, kl = 0, likelihood = 0, learningRate, maxGradientNorm }: DpoOptions,
): Promise<Omit<PairStep, "step">> {
  const batch = drawn.flat();
  const policy = await logprobsOf(trainer, batch);
  const weights = new Map([...policy].map(([sample, own]) => [sample, new Float32Array(own.length)]));
  const add = (sample: Sample, factor: number, gradient: Float32Array) => {
    const own = weights.get(sample)!;
    for (const t of own.keys()) own[t]! += factor * gradient[t]!;
  };
  const sidesOf = (of: ReadonlyMap<Sample, Float32Array>) => ({
    chosen: batch.map(({ chosen }) => of.get(chosen)!),
    rejected: batch.map(({ rejected }) => of.get(rejected)!),
  });
  const areSingle = batch.length === drawn.length;
  const shares = drawn.flatMap((pairs) => pairs.map(() => 1 / (drawn.length * pairs.length)));
  const { gradient, margins, ...preferring } = dpoLoss(
    ...([sidesOf(policy), sidesOf(references), beta, ...(areSingle ? [] : [shares])] as const),
  );
  let loss = preference * preferring.loss;
  for (const [i, { chosen, rejected }] of batch.entries()) {
    add(chosen, preference, gradient.chosen[i]!);
    add(rejected, preference, gradient.rejected[i]!);
  }
  const samples = [...policy.keys()];
  if (kl > 0) {
    const pull = klLoss(
      [...policy.values()],
      samples.map((sample) => references.get(sample)!),
    );
    loss += kl * pull.loss;
    for (const [i, sample] of samples.entries()) add(sample, kl, pull.gradient[i]!);
  }
  if (likelihood > 0) {
    const best = drawn.map(([pair]) => pair!.chosen);
    const kept = crossEntropyLoss(best.map((sample) => policy.get(sample)!));
    loss += likelihood * kept.loss;
    for (const [i, sample] of best.entries()) add(sample, likelihood, kept.gradient[i]!);
  }
  await trainer.accumulate(
    samples,
    samples.map((sample) => weights.get(sample)!),
  );
  const limit = maxGradientNorm === undefined ? {} : { maxGradientNorm };
  const { gradientNorm, adapterNorm: norm = null } = await trainer.step({ learningRate, ...limit });
  return {
    loss,
    rewardMargin: (beta * margins.reduce((sum, margin) => sum + margin, 0)) / margins.length,
    won: margins.filter((margin) => margin > 0).length / margins.length,
    gradientNorm,
    adapterNorm: norm,
  };
}

/** Options of `phaseTwo`. */
export interface PhaseTwoOptions extends Omit<CompareOptions, "run" | "onDone"> {
  readonly dpo: Omit<DpoOptions, "run" | "signal" | "onStep">;
  /** Euclidean norm the adapter is brought to, or the factor on it. @default unchanged */
  readonly length?: { readonly norm: number } | { readonly scale: number };
  /** Chosen and rejected differ by fewer tokens than this. @default 20 */
  readonly tokenMargin?: number;
  /** Whether a context gives one pair or all of them. @default "one" */
  readonly take?: PairOptions["take"];
  /** Where the run is kept, for inspection and for resuming. */
  readonly run?: PhaseTwoRun | undefined;
  readonly onProgress?: OnTraining | undefined;
}

/** The result of `phaseTwo`. */
export interface PhaseTwoResult extends TrainingResult {
  readonly report: PairReport;
  /** Norm before the adapter was brought to its length; `null` where none is known. */
  readonly trainedNorm: number | null;
}

/** What the judge prefers among the memories of a cache. */
export interface PreferredPairs<Sample> {
  readonly pairs: readonly PreferencePair<CachedRollout<Sample>>[];
  readonly report: PairReport;
  readonly failedVerdicts: number;
}

/** The pairs that recent tasks prefer, of a cache. A run keeps what became of each memory. */
export async function preferredPairs<Sample>(
  cache: readonly CachedContext<Sample>[],
  tasks: readonly Pick<Task, "question">[],
  options: Omit<PhaseTwoOptions, "dpo" | "length">,
): Promise<PreferredPairs<Sample>> {
  const { tokenMargin, take, seed = "phase-two", run, signal, onProgress } = options;
  const { contexts, failedVerdicts } = await compare(cache, tasks, {
    ...{ ...options, seed },
    onDone: (done, total) => onProgress?.({ stage: "comparing", done, total }),
  });
  const { pairs, report } = choosePairs(contexts, {
    seed,
    ...(tokenMargin && { tokenMargin }),
    ...(take && { take }),
  });
  signal?.throwIfAborted();
  await run?.keepRollouts(recordedCandidates(cache, contexts, pairs), recordedPairs(cache, pairs));
  return { pairs, report, failedVerdicts };
}

/** The adapter that recent tasks prefer, from a cache of the policy's own draws: `preferredPairs`, then `learnPairs`. */
export async function phaseTwo<Sample>(
  trainer: Trainer<Sample, Adapter>,
  cache: readonly CachedContext<Sample>[],
  tasks: readonly Pick<Task, "question">[],
  options: PhaseTwoOptions,
): Promise<PhaseTwoResult> {
  return learnPairs(trainer, await preferredPairs(cache, tasks, options), options);
}

/** Trains an adapter on pairs, and brings it to its length. */
export async function learnPairs<Sample>(
  trainer: Trainer<Sample, Adapter>,
  { pairs, ...found }: PreferredPairs<Sample>,
  { dpo, length, seed = "phase-two", run, signal, onProgress }: Omit<PhaseTwoOptions, "judge">,
): Promise<PhaseTwoResult> {
  const samples = pairs.map(({ context, chosen, rejected }) => ({
    context,
    chosen: chosen.sample,
    rejected: rejected.sample,
  }));
  const curve = await trainOnPairs(trainer, samples, {
    ...{ seed, ...dpo, run, signal },
    onStep: (done, total) => onProgress?.({ stage: "training", done, total }),
  });
  run?.end();
  const trained = await trainer.snapshot();
  const trainedNorm = adapterNorm(trained);
  const result = { ...found, pairs: pairs.length, curve, trainedNorm };
  if (pairs.length === 0) return { ...result, adapter: trained, problem: "no-pairs" };
  if (trainedNorm === 0) return { ...result, adapter: trained, problem: "no-direction" };
  return { ...result, adapter: await lengthened(trainer, trained, length), problem: null };
}

/** The trained adapter at the configured length. @throws ConfigError `adapter-remote` where it cannot be scaled */
async function lengthened<Sample>(
  trainer: Trainer<Sample, Adapter>,
  trained: Adapter,
  length: PhaseTwoOptions["length"],
): Promise<Adapter> {
  if (length === undefined) return trained;
  const now = adapterNorm(trained);
  if (!("norm" in length) && now === null)
    throw new ConfigError(
      "adapter-remote",
      `Expected \`length\` to be a norm for ${trained.revision}, got a scale of ${length.scale}: its engine does not report the adapter's norm`,
    );
  const norm = "norm" in length ? length.norm : length.scale * now!;
  if (!trainer.rescale) return rescaleAdapter(trained, norm);
  await trainer.rescale(norm);
  return trainer.snapshot();
}

/** All memories of the cache with their wins, losses and roles. */
function recordedCandidates<Sample>(
  cache: readonly CachedContext<Sample>[],
  contexts: readonly PairContext<CachedRollout<Sample>>[],
  pairs: readonly PreferencePair<CachedRollout<Sample>>[],
): RecordedCandidate[] {
  const pairOf = new Map(pairs.toReversed().map((pair) => [pair.context, pair]));
  return cache.flatMap(({ id: context, context: { observations }, candidates }, i) => {
    const { stream, clip } = observations[0]!;
    const { comparisons } = contexts[i]!;
    const pair = pairOf.get(context);
    return candidates.map(({ sample: _, id, ...candidate }): RecordedCandidate => {
      const role = id === pair?.chosen.id ? "chosen" : id === pair?.rejected.id ? "rejected" : null;
      const beat = comparisons.filter(({ winner }) => winner === id).map(({ loser }) => loser);
      const beatenBy = comparisons.filter(({ loser }) => loser === id).map(({ winner }) => winner);
      return { context, stream, clip, id, ...candidate, beat, beatenBy, role };
    });
  });
}

/** The pairs with their texts, in the order of the contexts. */
function recordedPairs<Sample>(
  cache: readonly CachedContext<Sample>[],
  pairs: readonly PreferencePair<CachedRollout<Sample>>[],
): RecordedPair[] {
  const contextOf = new Map(cache.map(({ id, context }) => [id, context]));
  const side = ({ id, text, tokens }: CachedRollout<Sample>): RecordedSide => ({ id, text, tokens });
  return pairs.map(({ context, chosen, rejected }) => {
    const { stream, clip } = contextOf.get(context)!.observations[0]!;
    return { context, stream, clip, chosen: side(chosen), rejected: side(rejected) };
  });
}
