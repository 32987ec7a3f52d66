/**
 * Training a policy: Phase One (`phaseOne`), Phase Two (`rollOut`, `phaseTwo`), the life of an adapter (`trainAdapter`),
 * and their parts.
 *
 * Both phases can train a policy that implements `TrainablePolicy`. A policy with an `AdapterTrainer` learns from a
 * memory's questions.
 */
export type { PlainAction } from "../policy/plain-action.ts";
export type { ConcurrencyOptions } from "../util/async.ts";
export { type AdvantageOptions, groupAdvantages, type ScoredRollout } from "./advantages.ts";
export { type CurriculumOptions, curriculumDefaults, nextPlace, type Place, startIn } from "./curriculum.ts";
export {
  type Clip,
  crossEntropyLoss,
  dpoLoss,
  grpoClip,
  grpoLoss,
  gspoClip,
  gspoLoss,
  ipoLoss,
  klLoss,
  type Logprobs,
  type Loss,
  type PairLogprobs,
  type PairLoss,
  type SurrogateLoss,
} from "./losses.ts";
export {
  type Comparison,
  type ContextComparison,
  choosePairs,
  type NoPairReason,
  type PairCandidate,
  type PairContext,
  type PairKind,
  type PairOptions,
  type PairReport,
  type PreferencePair,
} from "./pairs.ts";
export {
  type Instance,
  type PhaseOneConfig,
  type PhaseOneOptions,
  type PhaseOneOutcome,
  type PhaseOneRun,
  type PhaseOneState,
  phaseOne,
  phaseOneDefaults,
  type RecordedRollout,
  type RecordedStep,
  type StepMetrics,
  type TrainingVideo,
} from "./phase-one.ts";
export { openPhaseOneRun } from "./phase-one-run.ts";
export {
  type CachedContext,
  type CachedRollout,
  type CompareOptions,
  compare,
  type DpoOptions,
  learnPairs,
  type PhaseTwoOptions,
  type PhaseTwoResult,
  type PreferredPairs,
  phaseTwo,
  preferredPairs,
  type RolloutOptions,
  rollOut,
  type SamplePair,
  type TrainingResult,
  trainOnPairs,
} from "./phase-two.ts";
export {
  type DrawnContext,
  type DrawnRollout,
  openPhaseTwoRun,
  type PairStep,
  type PhaseTwoRun,
  type RecordedCandidate,
  type RecordedPair,
  type RecordedSide,
  type RecordedVerdict,
} from "./phase-two-run.ts";
export type { OnTraining, TrainingProgress, TrainingStage } from "./progress.ts";
export {
  attemptsOf,
  decisionsOf,
  type ReplayedDecision,
  type ReplayOptions,
  replay,
} from "./replay.ts";
export type { RunDirectoryOptions } from "./run-directory.ts";
export { type StrengthOptions, type StrengthTrial, tryStrengths } from "./strength.ts";
export {
  type AdapterResult,
  type AdapterTrainer,
  type TrainAdapterOptions,
  type TrainOptions,
  trainAdapter,
} from "./train-adapter.ts";
export type { PhaseOnePolicy, TrainablePolicy } from "./trainable-policy.ts";
export type { Checkpoint, OptimizerOptions, StepReport, Trainer } from "./trainer.ts";
export {
  type GateMargins,
  gateMargins,
  type JudgedValidationOptions,
  judgedValidation,
  refusalOf,
  type Validation,
  wilsonLow,
} from "./validation.ts";
