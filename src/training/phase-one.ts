/**
 * Phase One, before deployment: a policy learns how to memorize from what judges say of its own memories.
 *
 * Each step is Algorithm 1 of the paper: every live instance of the curriculum shows the policy one decision with its
 * history; G memories are sampled; rewards (format, thinking, quality, richness) become group advantages; GSPO moves the
 * weights; the best memory joins the history, and the instance moves to its next clip or to another video. For the first
 * steps the history comes with the videos (off-policy), for the rest it is the policy's own (on-policy).
 *
 * A run can be killed at any moment: a step depends only on the checkpoint and the step's own random seeds, so a resumed
 * run ends with the same numbers. Nothing here knows which policy it trains.
 *
 * Departures:
 * 1. History takes the first rollout that passes the quality checks, else the first on contract, else nothing.
 * 2. A step that moved no log-probability stops the run: a trainer that does not train is a fault of the set-up.
 * 3. A run in which no group told its members apart ends with its initial weights and says so.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { ConfigError, EngineError } from "../errors.ts";
import type { PolicyState } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { buildContext, type ContextLimits, contextDefaults, earlierClips } from "../policy/context.ts";
import type { Action, Context, Policy, ShownEntry } from "../policy/policy.ts";
import { freshState, stateAfter } from "../policy/state.ts";
import type { Judge } from "../reward/judge.ts";
import { type ActionReward, type ScoreOptions, scoreGroup } from "../reward/reward.ts";
import { mapConcurrently, turn } from "../util/async.ts";
import { type Random, seededRandom } from "../util/random.ts";
import { groupAdvantages, type ScoredRollout } from "./advantages.ts";
import { type CurriculumOptions, curriculumDefaults, nextPlace, type Place, startIn } from "./curriculum.ts";
import { gspoLoss, klLoss } from "./losses.ts";
import type { PhaseOnePolicy, TrainablePolicy } from "./trainable-policy.ts";
import type { Checkpoint, Trainer } from "./trainer.ts";

/** A video to train on. */
export interface TrainingVideo {
  readonly clips: number;
  /** The observation of a clip; the same each time. */
  observe(clip: number): Promise<Observation>;
  /** A memory of a clip that the policy did not write, for the off-policy steps. */
  written(clip: number): Promise<string>;
}

/** The settings that decide a run's numbers; the limits are of what the policy is shown. */
export interface PhaseOneConfig extends ContextLimits {
  /** Off-policy steps, whose history is not the policy's own, and all steps. */
  readonly offPolicySteps: number;
  readonly steps: number;
  /** Live instances, B. */
  readonly batch: number;
  /** Memories sampled per instance, G. */
  readonly group: number;
  /** Optimiser steps per step: the batch is split into this many parts. */
  readonly parts: number;
  readonly learningRate: number;
  /** The whole gradient is clipped to this norm. */
  readonly maxGradientNorm: number;
  /** Weight of a KL penalty (k3) against the weights the run started from; the paper has none. @default 0 */
  readonly kl: number;
  /** Whether good rollouts are kept from a negative advantage (`groupAdvantages`). @default true */
  readonly gate?: boolean;
  readonly seed: string;
  /** Steps between two checkpoints. */
  readonly checkpointEvery: number;
  readonly curriculum: CurriculumOptions;
}

/** The sizes and rate of the paper; policies of other sizes have their own. */
export const phaseOneDefaults: PhaseOneConfig = {
  offPolicySteps: 60,
  steps: 100,
  batch: 32,
  group: 8,
  parts: 4,
  learningRate: 1e-6,
  maxGradientNorm: 1,
  kl: 0,
  seed: "phase-one",
  checkpointEvery: 10,
  ...contextDefaults,
  curriculum: curriculumDefaults,
};

/** Options of `phaseOne`. */
export interface PhaseOneOptions<Sample> {
  readonly trainable: PhaseOnePolicy<Sample>;
  /** The n-th video, the same each time it is asked for. */
  readonly video: (n: number) => TrainingVideo;
  readonly judge: Judge;
  readonly score: ScoreOptions;
  readonly config: PhaseOneConfig;
  /** Where the run's state, metrics and checkpoints are kept. */
  readonly run: PhaseOneRun;
  /** Instances shown to the policy and judged at once; the numbers are the same at any value. @default 1 */
  readonly concurrency?: number | undefined;
  readonly onStep?: (metrics: StepMetrics) => void;
  readonly signal?: AbortSignal | undefined;
}

/** One line of a run's metrics. Shares are of all rollouts of the step, lengths in memory tokens. */
export interface StepMetrics {
  readonly step: number;
  readonly history: "off-policy" | "on-policy";
  /** Mean total reward and its parts. */
  readonly reward: number;
  readonly format: number;
  readonly thinking: number;
  readonly quality: number;
  readonly richness: number;
  /** Rollouts on contract, and those that pass all quality checks. */
  readonly valid: number;
  readonly passing: number;
  /** Of the rollouts a judge has read: the share that is true, and the share that repeats nothing. */
  readonly correct: number;
  readonly clean: number;
  /** Groups left out because a judge failed. */
  readonly masked: number;
  /** Rollouts that were better or worse than their siblings. Only these move the weights. */
  readonly telling: number;
  readonly tokens: number;
  /** GSPO loss, in units of the advantage. */
  readonly loss: number;
  /** Mean k3 estimate against the first weights, in nats per token; 0 without a penalty. */
  readonly kl: number;
  /** Share of sequences that a clip stopped, by the sign of their advantage. */
  readonly clippedPositive: number;
  readonly clippedNegative: number;
  /** Largest difference, in nats, between a token's log-probability when it was sampled and before the first part. */
  readonly mismatch: number;
  readonly gradientNorm: number;
  readonly updateNorm: number;
  readonly resampled: number;
  readonly revision: string;
}

/** A live instance, as plain data. */
export interface Instance {
  readonly place: Place;
  /** What the policy wrote in this video, oldest first, as far back as the window reaches. */
  readonly entries: readonly ShownEntry[];
  readonly state: PolicyState;
}

/** Everything a step depends on besides the weights. */
export interface PhaseOneState {
  /** Completed steps. */
  readonly step: number;
  /** Videos drawn so far. */
  readonly videos: number;
  readonly instances: readonly Instance[];
}

/** Where a run is kept; `phase-one-run.ts` keeps it in a directory. */
export interface PhaseOneRun {
  readonly directory: string;
  /** Loads the trainer's weights from the last checkpoint, if there is one, and returns the run's state. */
  resume(trainer: Pick<Trainer<never>, "load">): Promise<PhaseOneState>;
  record(metrics: StepMetrics, ms: number, rollouts: readonly Omit<RecordedRollout, "step">[]): Promise<void>;
  /** All steps recorded so far, in order. */
  metrics(): RecordedStep[];
  checkpoint(trainer: Pick<Trainer<never>, "save">, state: PhaseOneState): Promise<void>;
}

/** A sampled memory, as a run keeps it. */
export interface RecordedRollout {
  readonly step: number;
  readonly stream: string;
  /** The first clip it is about. */
  readonly clip: number;
  /** As the policy emitted it. */
  readonly text: string;
  readonly reward: number | null;
  readonly parts: ActionReward["parts"];
  readonly checks: ActionReward["checks"];
  readonly advantage: number;
  /** The judge's reason. */
  readonly rationale?: string;
  /** What failed while it was judged. */
  readonly failures: ActionReward["failures"];
}

/** The metrics of a step and its wall time, the only part that differs between equal runs. */
export type RecordedStep = StepMetrics & { readonly ms: number };

/** A rollout with its reward. */
interface Rollout<Sample> {
  readonly sample: Sample;
  readonly old: Float32Array;
  readonly advantage: number;
}

/** The result of a whole run, steps of earlier processes included. */
export interface PhaseOneOutcome {
  readonly trained: Checkpoint;
  readonly steps: number;
  /** Steps that moved the weights. */
  readonly movedSteps: number;
  /**
   * Why nothing was learned: `judge-failed` where a judge failed in every group, `no-difference` where the members of each
   * judged group got the same reward, as from a judge that always says no; `null` where something was learned.
   */
  readonly problem: "judge-failed" | "no-difference" | null;
}

/** Trains to the last step, from the run's checkpoint where there is one. */
export async function phaseOne<Sample>(options: PhaseOneOptions<Sample>): Promise<PhaseOneOutcome> {
  const { trainable, config, run, concurrency, signal } = options;
  let state = await run.resume(trainable.trainer);
  while (state.step < config.steps) {
    await turn(signal);
    const began = performance.now();
    const seed = `${config.seed} ${state.step}`;
    const policy = await trainable.policy();
    const live = filled(state, policy, options, seededRandom(`${seed} videos`));
    const { step } = state;
    const decisions = await mapConcurrently(live.instances, { concurrency, signal }, (instance, i) =>
      decide(instance, policy, options, seededRandom(`${seed} rollouts ${i}`), step),
    );
    const result = await improve(decisions, options);
    const next = advanced(live, decisions, policy, options, seededRandom(`${seed} places`));
    state = { ...next, step: step + 1 };
    const metrics: StepMetrics = {
      step: state.step,
      history: isOffPolicy(step, config) ? "off-policy" : "on-policy",
      ...rewardFigures(decisions, options),
      ...result,
      resampled: config.batch - next.instances.length,
      revision: policy.revision,
    };
    await run.record(metrics, performance.now() - began, decisions.flatMap(recordedRollouts));
    options.onStep?.(metrics);
    if (state.step % config.checkpointEvery === 0 || state.step === config.steps)
      await run.checkpoint(trainable.trainer, state);
  }
  return outcomeOf(run.metrics(), await trainable.trainer.snapshot(), config);
}

function outcomeOf(
  steps: readonly RecordedStep[],
  trained: Checkpoint,
  { batch }: PhaseOneConfig,
): PhaseOneOutcome {
  const movedSteps = steps.filter(({ updateNorm }) => updateNorm > 0).length;
  const allFailed = steps.every(({ masked }) => masked === batch);
  const problem = movedSteps > 0 ? null : allFailed ? "judge-failed" : "no-difference";
  return { trained, steps: steps.length, movedSteps, problem };
}

const isOffPolicy = (step: number, { offPolicySteps }: PhaseOneConfig) => step < offPolicySteps;

/** The state with new instances in the places of those that left their videos. */
function filled<Sample>(
  state: PhaseOneState,
  { clipsPerDecision }: Policy,
  { video, config }: PhaseOneOptions<Sample>,
  random: Random,
): PhaseOneState {
  const instances = [...state.instances];
  let { videos } = state;
  while (instances.length < config.batch) {
    const decisions = Math.ceil(video(videos).clips / clipsPerDecision);
    const place = startIn(videos, decisions, random, config.curriculum);
    instances.push({ place, entries: [], state: freshState() });
    videos += 1;
  }
  return { ...state, videos, instances };
}

/** What one instance showed the policy, and the result. */
interface Decision {
  readonly context: Context;
  readonly actions: readonly Action[];
  readonly rewards: readonly ActionReward[];
  readonly advantages: readonly number[];
}

async function decide<Sample>(
  instance: Instance,
  policy: Policy,
  options: PhaseOneOptions<Sample>,
  random: Random,
  step: number,
): Promise<Decision> {
  const { config, judge, score, signal } = options;
  const context = await contextOf(instance, policy, options, isOffPolicy(step, config));
  const { actions } = await policy.decide(context, { n: config.group, random, ...(signal && { signal }) });
  const rewards = await scoreGroup(context, actions, judge, { ...score, ...(signal && { signal }) });
  return { context, actions, rewards, advantages: groupAdvantages(rewards.map(scored), config) };
}

function recordedRollouts({
  context,
  actions,
  rewards,
  advantages,
}: Decision): Omit<RecordedRollout, "step">[] {
  const { stream, clip } = context.observations[0]!;
  return actions.map(({ text }, i) => {
    const { total: reward, parts, checks, rationale, failures } = rewards[i]!;
    const why = rationale === undefined ? {} : { rationale };
    return { stream, clip, text, reward, parts, checks, advantage: advantages[i]!, ...why, failures };
  });
}

/** The current clips of an instance and its history: its own entries, or those that come with the video. */
async function contextOf<Sample>(
  { place, entries, state }: Instance,
  { clipsPerDecision }: Policy,
  { video, config }: PhaseOneOptions<Sample>,
  offPolicy: boolean,
): Promise<Context> {
  const shown = video(place.video);
  const first = place.at * clipsPerDecision;
  const numbers = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const clips = numbers(first, Math.min(first + clipsPerDecision, shown.clips));
  // No further back than where the instance started, and than the window reaches.
  const started = (place.at - place.steps) * clipsPerDecision;
  const reach = earlierClips(clips.length, config);
  const earlier = numbers(Math.max(started, first - reach, 0), first);
  const observe = (all: readonly number[]) => Promise.all(all.map((clip) => shown.observe(clip)));
  const history = offPolicy
    ? await Promise.all(earlier.map(async (clip) => ({ clip, text: await shown.written(clip) })))
    : entries.filter(({ clip }) => earlier.includes(clip));
  const shownEntries = history
    .filter(({ text }) => text !== "")
    .map((entry): ShownEntry => ({ kind: "episodic", ...entry }));
  return buildContext(
    await observe(clips),
    { observations: await observe(earlier), entries: shownEntries, state },
    config,
  );
}

/** Moves the weights by the step's groups. */
async function improve<Sample>(
  decisions: readonly Decision[],
  { trainable, config }: PhaseOneOptions<Sample>,
): Promise<
  Pick<
    StepMetrics,
    | "telling"
    | "loss"
    | "kl"
    | "clippedPositive"
    | "clippedNegative"
    | "mismatch"
    | "gradientNorm"
    | "updateNorm"
  >
> {
  const sums = { loss: 0, kl: 0, clippedPositive: 0, clippedNegative: 0, gradientNorm: 0, updateNorm: 0 };
  let mismatch = 0;
  let [all, told] = [0, 0];
  const { trainer } = trainable;
  for (let part = 0; part < config.parts; part++) {
    const own = decisions.filter((_, i) => i % config.parts === part);
    const rollouts = (await Promise.all(own.map((decision) => rolloutsOf(decision, trainable)))).flat();
    const telling = rollouts.filter(({ advantage }) => advantage !== 0);
    all += rollouts.length;
    told += telling.length;
    if (telling.length === 0) continue;
    // A penalty acts on all rollouts; without one, those of advantage 0 push nothing and need not be computed.
    const pushing = config.kl > 0 ? rollouts : telling;
    const samples = pushing.map(({ sample }) => sample);
    const now = await trainer.logprobs(samples);
    if (part === 0) mismatch = largestDifference(now, pushing);
    const { loss, gradient, clipped } = gspoLoss(
      now,
      pushing.map(({ old }) => old),
      pushing.map(({ advantage }) => advantage),
    );
    // The mean is over all rollouts of the part: those left out count as sequences without a push.
    const share = pushing.length / rollouts.length;
    const weights = gradient.map((own) => own.map((weight) => share * weight));
    if (config.kl > 0) {
      const penalty = klLoss(now, await referenceOf(trainable, samples));
      sums.kl += penalty.loss / config.parts;
      for (const [i, own] of weights.entries())
        for (const t of own.keys()) own[t]! += config.kl * penalty.gradient[i]![t]!;
    }
    await trainer.accumulate(samples, weights);
    const { gradientNorm, updateNorm } = await trainer.step(config);
    if (gradientNorm > 0) await requireMoved(trainable, samples, now);
    sums.loss += (share * loss) / config.parts;
    sums.clippedPositive += clipped.positive / config.parts;
    sums.clippedNegative += clipped.negative / config.parts;
    sums.gradientNorm += gradientNorm / config.parts;
    sums.updateNorm += updateNorm / config.parts;
  }
  return { telling: told / Math.max(1, all), ...sums, mismatch };
}

/** Log-probabilities under the first weights. @throws ConfigError for a policy that keeps no reference */
function referenceOf<Sample>(trainable: PhaseOnePolicy<Sample>, samples: readonly Sample[]) {
  if (trainable.reference) return trainable.reference(samples);
  throw new ConfigError(
    "reference-missing",
    `Expected \`kl\` to be 0 for ${trainable.id}, which keeps no initial weights to compare with`,
  );
}

async function rolloutsOf<Sample>(
  { context, actions, advantages }: Decision,
  trainable: TrainablePolicy<Sample, Adapter | Checkpoint>,
): Promise<Rollout<Sample>[]> {
  const rollouts: Rollout<Sample>[] = [];
  for (const [i, action] of actions.entries()) {
    if (action.logprobs === null || action.logprobs.values.length === 0) continue;
    const sample = await trainable.sampleOf(context, action);
    rollouts.push({ sample, old: action.logprobs.values, advantage: advantages[i]! });
  }
  return rollouts;
}

/** A memory counts as one statement: correct, wrong, or off contract. */
function scored({ total, parts: { format, quality }, masked }: ActionReward): ScoredRollout {
  return {
    reward: masked ? null : total,
    netCorrect: format < 0 || quality === null ? null : quality > 0 ? 1 : -1,
  };
}

function largestDifference<Sample>(
  now: readonly Float32Array[],
  rollouts: readonly Rollout<Sample>[],
): number {
  let most = 0;
  for (const [i, { old }] of rollouts.entries())
    for (const [t, value] of old.entries()) most = Math.max(most, Math.abs(now[i]![t]! - value));
  return most;
}

/** Checks one sample after another: nearly always the first one moved, but a draw without a choice cannot move. */
async function requireMoved<Sample>(
  { trainer }: TrainablePolicy<Sample, Adapter | Checkpoint>,
  samples: readonly Sample[],
  before: readonly Float32Array[],
): Promise<void> {
  for (const [i, sample] of samples.entries()) {
    const [after] = await trainer.logprobs([sample]);
    if (after!.some((value, t) => value !== before[i]![t])) return;
  }
  throw new EngineError(
    "trainer-inert",
    "A step changed no log-probability: the trainer holds other weights than the policy acts with, or has a rate of 0",
  );
}

/** Instances after the step; those that left their videos are gone. */
function advanced<Sample>(
  state: PhaseOneState,
  decisions: readonly Decision[],
  policy: Policy,
  { video, config }: PhaseOneOptions<Sample>,
  random: Random,
): PhaseOneState {
  const instances = state.instances.flatMap((instance, i): Instance[] => {
    const { context, actions, rewards } = decisions[i]!;
    const count = Math.ceil(video(instance.place.video).clips / policy.clipsPerDecision);
    const place = nextPlace(instance.place, count, random, config.curriculum);
    if (place === null) return [];
    const chosen =
      actions.find((_, k) => (rewards[k]!.parts.quality ?? -1) > 0) ??
      actions.find((_, k) => rewards[k]!.parts.format === 0);
    const written = (chosen?.statements ?? []).map(({ clip, text, kind }) => ({ clip, text, kind }));
    const first = place.at * policy.clipsPerDecision - config.windowClips;
    const entries = [...instance.entries, ...written].filter(({ clip }) => clip >= first);
    const change = chosen ? policy.advance(context, chosen) : null;
    return [{ place, entries, state: stateAfter(instance.state, change) }];
  });
  return { ...state, instances };
}

function rewardFigures<Sample>(
  decisions: readonly Decision[],
  { score }: PhaseOneOptions<Sample>,
): Pick<
  StepMetrics,
  | "reward"
  | "format"
  | "thinking"
  | "quality"
  | "richness"
  | "valid"
  | "passing"
  | "correct"
  | "clean"
  | "masked"
  | "tokens"
> {
  const rewards = decisions.flatMap(({ rewards }) => rewards);
  const graded = rewards.filter(({ total }) => total !== null);
  const mean = (values: readonly number[]) =>
    values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
  const texts = decisions.flatMap(({ actions }) =>
    actions.map(({ statements }) => statements.map(({ text }) => text).join(" ")),
  );
  return {
    reward: mean(graded.map(({ total }) => total!)),
    format: mean(rewards.map(({ parts }) => parts.format)),
    thinking: mean(rewards.map(({ parts }) => parts.thinking)),
    quality: mean(graded.map(({ parts }) => parts.quality!)),
    richness: mean(rewards.map(({ parts }) => parts.richness)),
    valid: mean(rewards.map(({ parts }) => Number(parts.format === 0))),
    passing: mean(rewards.map(({ parts }) => Number((parts.quality ?? -1) > 0))),
    correct: mean(
      rewards.flatMap(({ checks }) => (checks.correct === undefined ? [] : [Number(checks.correct)])),
    ),
    clean: mean(rewards.flatMap(({ checks }) => (checks.clean === undefined ? [] : [Number(checks.clean)]))),
    masked: decisions.filter(({ rewards }) => rewards.some(({ masked }) => masked)).length,
    tokens: mean(texts.map(score.countTokens)),
  };
}
