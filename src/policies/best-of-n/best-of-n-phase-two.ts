/**
 * The best-of-n policy in training: what it picked from is a sample of the choice policy's trainer, so Phase Two over a
 * black box is Phase Two of the choice policy.
 */
import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import type { TrainablePolicy } from "../../training/trainable-policy.ts";
import type { ChoiceSample } from "../choice/word-vector-trainer.ts";
import { trainableWords } from "../trainable-words.ts";
import { type BestOfNOptions, bestOfNPolicy, defaultSamples, replayPick } from "./best-of-n.ts";
import { type RolloutCacheOptions, rolloutCache } from "./rollout-cache.ts";

/**
 * Trains an adapter of the best-of-n policy, starting from `options.adapter`.
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

export interface BestOfNFamilyOptions
  extends Omit<BestOfNOptions, "adapter">,
    Pick<RolloutCacheOptions, "store"> {}

/**
 * The best-of-n policy as what `wordAdapterTrainer` trains: with an adapter or without, and in training. All of them
 * share one frozen cache, so a clip costs one call of the inner policy, and only what is picked differs.
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
