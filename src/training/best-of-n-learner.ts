/**
 * The best-of-n policy in training: what it picked from is a sample of the choice policy's trainer, so Phase Two over a
 * black box is Phase Two of the choice policy.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { type BestOfNOptions, bestOfNPolicy, defaultSamples, replayPick } from "../policy/best-of-n.ts";
import { type RolloutCacheOptions, rolloutCache } from "../policy/rollout-cache.ts";
import type { ChoiceSample } from "./choice-trainer.ts";
import type { Learner } from "./learner.ts";
import { wordLearner } from "./word-learner.ts";

/** A learner that starts from `options.adapter`. @throws RangeError, ConfigError and DataError as `bestOfNPolicy` */
export function bestOfNLearner(options: BestOfNOptions): Learner<ChoiceSample, Adapter> {
  const { words, adapter = null } = options;
  return wordLearner({
    ...{ words, adapter },
    policyWith: (current) => bestOfNPolicy({ ...options, adapter: current }),
    sampleOf: async (context, action) => replayPick(context, action, words),
  });
}

export interface SteeredBestOfNOptions
  extends Omit<BestOfNOptions, "adapter">,
    Pick<RolloutCacheOptions, "store"> {}

/**
 * The best-of-n policy as what `word-adaptation.ts` steers: it with an adapter or without, and its learner. All of them
 * share one frozen cache, so a clip costs one call of the inner policy, and only what is picked differs.
 */
export function steeredBestOfN(options: SteeredBestOfNOptions) {
  const { words, samples = defaultSamples, store } = options;
  const cache = { samples, oncePerClip: true, ...(store && { store }) };
  const frozen = { ...options, inner: rolloutCache(options.inner, cache) };
  return {
    words,
    ...{ looks: true, writes: true },
    policy: (adapter: Adapter | null) => bestOfNPolicy({ ...frozen, adapter }),
    learner: () => bestOfNLearner(frozen),
  };
}
