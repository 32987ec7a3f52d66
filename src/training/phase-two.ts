/**
 * Phase Two, after deployment: recent tasks say what to memorize, and only a tiny adapter learns it.
 *
 * The policy without an adapter draws several memories of each context, once (a frozen cache: nothing trained on is
 * stale); a judge says of each two, in both orders, which helps more with questions like a sample of the recent ones;
 * consistent verdicts become at most one pair a context (`pairs.ts`); DPO with a KL penalty trains the adapter on the
 * pairs for a few steps; and since its direction settles long before its length, it is brought to a
 * norm. After method.md E. Nothing here knows which policy it trains.
 *
 * Departures:
 * 1. Questions are drawn anew for each context, and their options count as part of them.
 * 2. Both sides of a pair are computed live in every step; the released code keeps the partner's as they were.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { adapterNorm, rescaleAdapter } from "../adapter/arithmetic.ts";
import type { Context } from "../policy/policy.ts";
import { type Judge, preferenceInBothOrders } from "../reward/judge.ts";
import { assessQuality, type ScoreOptions } from "../reward/reward.ts";
import type { Task } from "../tasks/task.ts";
import { seededRandom, shuffle } from "../util/random.ts";
import { dpoLoss, klLoss } from "./losses.ts";
import {
  type Comparison,
  choosePairs,
  type PairCandidate,
  type PairContext,
  type PairReport,
} from "./pairs.ts";
import type { TrainablePolicy } from "./trainable-policy.ts";
import type { Trainer } from "./trainer.ts";

/** What was learnt, and why it should not be put in force where it should not. */
export interface TrainedAdapter {
  /** Adds nothing where there was nothing to learn from. */
  readonly adapter: Adapter;
  readonly problem:
    | null
    /** Nobody asked anything. */
    | "no-tasks"
    /** All questions are one and the same: no sign yet of what questions have in common. */
    | "one-question"
    /** No question holds a content word. */
    | "no-words"
    /** The judge preferred nothing to anything. */
    | "no-pairs"
    /** The pairs pull nowhere: chosen and rejected are as likely whatever is trained. */
    | "no-direction";
}

/** One step of training on pairs. What is about the pairs is of those drawn for the step, before it. */
export interface PairStep {
  /** From 1 up. */
  readonly step: number;
  /** Mean of DPO and its penalty, in nats; without KL it starts at ln 2. */
  readonly loss: number;
  /** Mean implicit reward of the chosen one over the rejected one, β times the margin of `dpoLoss`; 0 before the first step. */
  readonly rewardMargin: number;
  /** Share of pairs whose chosen one gained more than the rejected one. */
  readonly won: number;
  readonly gradientNorm: number;
  /** Euclidean norm of the adapter after the step. */
  readonly adapterNorm: number;
}

/** A lesson from preferences, with how it was learnt. */
export interface PreferenceResult extends TrainedAdapter {
  readonly curve: readonly PairStep[];
}

/** A memory of the cache, as it was drawn. */
export interface CachedRollout<Sample> extends PairCandidate {
  readonly sample: Sample;
}

/** Everything that was drawn for one context, and the context for the judge. */
export interface CachedContext<Sample> {
  readonly id: string;
  readonly context: Context;
  readonly candidates: readonly CachedRollout<Sample>[];
}

export interface RolloutOptions {
  /** Memories drawn for a context, N. @default 8 */
  readonly samples?: number;
  readonly seed?: string;
  /** Length of a memory's text. */
  readonly countTokens: (text: string) => number;
  /** Labels each memory's quality; without it all are as good, as those of a policy that copies lines are. */
  readonly quality?: { readonly judge: Judge; readonly score: ScoreOptions };
  readonly signal?: AbortSignal | undefined;
}

/**
 * The frozen cache. Memories off contract are left out, and so are those whose quality the judge failed to say.
 * @param contexts each with an id of its own
 */
export async function rollOut<Sample>(
  learner: Pick<TrainablePolicy<Sample>, "policy" | "sampleOf">,
  contexts: readonly { readonly id: string; readonly context: Context }[],
  options: RolloutOptions,
): Promise<CachedContext<Sample>[]> {
  const { samples = 8, seed = "rollouts", countTokens, quality, signal } = options;
  const policy = learner.policy();
  const cache: CachedContext<Sample>[] = [];
  for (const { id, context } of contexts) {
    signal?.throwIfAborted();
    const random = seededRandom(`${seed} ${id}`);
    const { actions } = await policy.decide(context, { n: samples, random, ...(signal && { signal }) });
    const candidates: CachedRollout<Sample>[] = [];
    for (const [i, action] of actions.entries()) {
      if (action.statements.length === 0 || action.logprobs === null) continue;
      const text = action.statements.map((statement) => statement.text).join("\n");
      const pass = quality ? (await assessQuality(context, action, quality.judge, quality.score)).pass : true;
      if (pass === null) continue;
      candidates.push({
        id: String(i),
        text,
        tokens: countTokens(text),
        passes: pass,
        sample: await learner.sampleOf(context, action),
      });
    }
    cache.push({ id, context, candidates });
  }
  return cache;
}

export interface CompareOptions {
  readonly judge: Pick<Judge, "relevance">;
  /** Recent questions a context is judged by. @default 5 */
  readonly questionsPerContext?: number;
  readonly seed?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The comparisons of each context's memories, by questions drawn for it, and how many verdicts failed. */
export async function compare<Sample>(
  cache: readonly CachedContext<Sample>[],
  tasks: readonly Pick<Task, "question">[],
  { judge, questionsPerContext = 5, seed = "questions", signal }: CompareOptions,
): Promise<{ contexts: PairContext<CachedRollout<Sample>>[]; failedVerdicts: number }> {
  let failedVerdicts = 0;
  const contexts: PairContext<CachedRollout<Sample>>[] = [];
  for (const { id, context, candidates } of cache) {
    signal?.throwIfAborted();
    const questions = shuffle(seededRandom(`${seed} ${id}`), tasks)
      .slice(0, questionsPerContext)
      .map(({ question }) => question);
    const comparisons: Comparison[] = [];
    for (const [i, first] of candidates.entries()) {
      for (const second of candidates.slice(i + 1)) {
        if (first.text === second.text) continue;
        const verdict = await preferenceInBothOrders(judge, {
          ...{ context, first: first.text, second: second.text, questions },
          ...(signal && { signal }),
        });
        if (!verdict.ok) failedVerdicts += 1;
        else if (verdict.value === "first")
          comparisons.push({ winner: first.id, loser: second.id, task: "recent" });
        else if (verdict.value === "second")
          comparisons.push({ winner: second.id, loser: first.id, task: "recent" });
      }
    }
    contexts.push({ id, candidates, comparisons });
  }
  return { contexts, failedVerdicts };
}

/** Two samples of one context, the preferred one first. */
export interface SamplePair<Sample> {
  readonly chosen: Sample;
  readonly rejected: Sample;
}

export interface DpoOptions {
  /** How far a preference may pull from the policy without an adapter; smaller is farther. @default 0.1 */
  readonly beta?: number;
  /** Weight of the KL penalty (k3) against the policy without an adapter. @default 0 */
  readonly kl?: number;
  /** @default 10 */
  readonly steps?: number;
  readonly learningRate: number;
  /** Pairs a step, drawn anew when all were used. @default all */
  readonly pairsPerStep?: number;
  readonly seed?: string;
}

/** Trains on pairs from where the trainer stands, which is the reference too; no pairs take no step. */
export async function trainOnPairs<Sample>(
  trainer: Trainer<Sample, Adapter>,
  pairs: readonly SamplePair<Sample>[],
  options: DpoOptions,
): Promise<PairStep[]> {
  if (pairs.length === 0) return [];
  const { beta = 0.1, kl = 0, steps = 10, learningRate, seed = "pairs" } = options;
  const { pairsPerStep = pairs.length } = options;
  const logprobs = async (some: readonly SamplePair<Sample>[]) => {
    const both = await trainer.logprobs([
      ...some.map(({ chosen }) => chosen),
      ...some.map(({ rejected }) => rejected),
    ]);
    return { chosen: both.slice(0, some.length), rejected: both.slice(some.length) };
  };
  const references = await logprobs(pairs);
  const curve: PairStep[] = [];
  const random = seededRandom(seed);
  let order: number[] = [];
  for (let step = 1; step <= steps; step++) {
    while (order.length < pairsPerStep) order = [...order, ...shuffle(random, [...pairs.keys()])];
    const drawn = order.slice(0, pairsPerStep);
    order = order.slice(pairsPerStep);
    const batch = drawn.map((i) => pairs[i]!);
    const reference = {
      chosen: drawn.map((i) => references.chosen[i]!),
      rejected: drawn.map((i) => references.rejected[i]!),
    };
    const policy = await logprobs(batch);
    const { loss, gradient, margins } = dpoLoss(policy, reference, beta);
    const weights = [...gradient.chosen, ...gradient.rejected];
    let penalty = 0;
    if (kl > 0) {
      const pull = klLoss(
        [...policy.chosen, ...policy.rejected],
        [...reference.chosen, ...reference.rejected],
      );
      penalty = kl * pull.loss;
      for (const [i, own] of weights.entries())
        for (const t of own.keys()) own[t]! += kl * pull.gradient[i]![t]!;
    }
    await trainer.accumulate(
      [...batch.map(({ chosen }) => chosen), ...batch.map(({ rejected }) => rejected)],
      weights,
    );
    const { gradientNorm } = await trainer.step({ learningRate });
    curve.push({
      step,
      loss: loss + penalty,
      rewardMargin: (beta * margins.reduce((sum, margin) => sum + margin, 0)) / margins.length,
      won: margins.filter((margin) => margin > 0).length / margins.length,
      gradientNorm,
      adapterNorm: adapterNorm(await trainer.snapshot()),
    });
  }
  return curve;
}

export interface PhaseTwoOptions extends CompareOptions {
  readonly dpo: DpoOptions;
  /** Euclidean norm the adapter is brought to, or what it is multiplied by. */
  readonly length: { readonly norm: number } | { readonly scale: number };
  /** Chosen and rejected differ by fewer tokens than this. @default 20 */
  readonly tokenMargin?: number;
}

export interface PhaseTwoResult extends PreferenceResult {
  readonly pairs: number;
  readonly steps: number;
  readonly report: PairReport;
  /** Verdicts the judge failed to give. */
  readonly failedVerdicts: number;
  /** Norm before it was brought to its length. */
  readonly trainedNorm: number;
}

/** The adapter that recent tasks prefer, from a cache of the learner's own draws. */
export async function phaseTwo<Sample>(
  trainer: Trainer<Sample, Adapter>,
  cache: readonly CachedContext<Sample>[],
  tasks: readonly Pick<Task, "question">[],
  options: PhaseTwoOptions,
): Promise<PhaseTwoResult> {
  const { dpo, length, tokenMargin, seed = "phase-two", signal } = options;
  const { contexts, failedVerdicts } = await compare(cache, tasks, { ...options, seed });
  const { pairs, report } = choosePairs(contexts, { seed, ...(tokenMargin && { tokenMargin }) });
  signal?.throwIfAborted();
  const samples = pairs.map(({ chosen, rejected }) => ({
    chosen: chosen.sample,
    rejected: rejected.sample,
  }));
  const curve = await trainOnPairs(trainer, samples, { seed, ...dpo });
  const trained = await trainer.snapshot();
  const trainedNorm = adapterNorm(trained);
  const found = { pairs: pairs.length, steps: curve.length, report, failedVerdicts, curve, trainedNorm };
  if (pairs.length === 0) return { ...found, adapter: trained, problem: "no-pairs" };
  if (trainedNorm === 0) return { ...found, adapter: trained, problem: "no-direction" };
  const norm = "norm" in length ? length.norm : length.scale * trainedNorm;
  return { ...found, adapter: rescaleAdapter(trained, norm), problem: null };
}
