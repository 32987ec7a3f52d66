/** How a policy is trained: Phase One and Phase Two over any trainer, their losses and pairs. */
export { groupAdvantages, type ScoredRollout } from "./advantages.ts";
export { dpoLoss, grpoLoss, gspoLoss, type Logprobs } from "./losses.ts";
export { choosePairs, type PreferencePair } from "./pairs.ts";
export { type PhaseOneConfig, type PhaseOneOptions, phaseOne, phaseOneDefaults } from "./phase-one.ts";
export { type PhaseTwoOptions, type PhaseTwoResult, phaseTwo } from "./phase-two.ts";
export type { TrainablePolicy } from "./trainable-policy.ts";
export type { Trainer } from "./trainer.ts";
