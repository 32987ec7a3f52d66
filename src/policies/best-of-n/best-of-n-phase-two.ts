/**
 * The best-of-n policy in training. What it picked from is a sample of the choice policy's trainer, so Phase Two over a
 * black box is Phase Two of the choice policy.
 */
import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import type { TrainablePolicy } from "../../training/trainable-policy.ts";
import type { ChoiceSample } from "../choice/word-vector-trainer.ts";
import { trainableWords } from "../trainable-words.ts";
import { type BestOfNOptions, bestOfNPolicy, defaultSamples, replayPick } from "./best-of-n.ts";
import { type RolloutCacheOptions, rolloutCache } from "./rollout-cache.ts";

/**
 * The best-of-n policy in training, starting from `options.adapter`.
 * @throws RangeError, ConfigError and DataError as `bestOfNPolicy`
 */
export function trainableBestOfN(options: BestOfNOptions): TrainablePolicy<ChoiceSample, VectorAdapter> {
  const { words, adapter = null } = options;
  return trainableWords({
    ...{ words, adapter },
    policyWith: (current) => bestOfNPolicy({ ...options, adapter: current }),
    sampleOf: async (context, action) => replayPick(context, action, words),
  });
}

/** Options of `bestOfNFamily`. */
export interface BestOfNFamilyOptions
  extends Omit<BestOfNOptions, "adapter">,
    Pick<RolloutCacheOptions, "store"> {}

/**
 * The best-of-n policy as `wordAdapterTrainer` trains it: with an adapter, without one, and in training. All three share
 * one frozen cache, so a clip costs one call of the inner policy and only the pick differs.
 */
export function bestOfNFamily(options: BestOfNFamilyOptions) {
  const { words, samples = defaultSamples, store } = options;
  const cache = { samples, oncePerClip: true, ...(store && { store }) };
  const frozen = { ...options, inner: rolloutCache(options.inner, cache) };
  return {
    words,
    ...{ looks: true, writes: true },
    policy: (adapter: Adapter | null) => bestOfNPolicy({ ...frozen, adapter }),
    trainable: () => trainableBestOfN(frozen),
  };
}
