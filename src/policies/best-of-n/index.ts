/** The policy that picks one of n texts of any model, and its trainer. */
export {
  type WordAdapterTrainerOptions,
  wordAdapterTrainer,
} from "../word-adapter-trainer.ts";
export { type BestOfNOptions, bestOfNPolicy, defaultSamples, type PickedAction } from "./best-of-n.ts";
export { type BestOfNFamilyOptions, bestOfNFamily, trainableBestOfN } from "./best-of-n-phase-two.ts";
export { type RolloutCacheOptions, rolloutCache } from "./rollout-cache.ts";
