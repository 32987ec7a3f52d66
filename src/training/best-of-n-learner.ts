/**
 * The best-of-n policy in training: what it picked from is a sample of the choice policy's trainer, so Phase Two over a
 * black box is Phase Two of the choice policy.
 *
 * Give it a `rolloutCache` of the policy that writes, and a clip is paid for once whatever is tried on it.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { type BestOfNOptions, bestOfNPolicy, replayPick } from "../policy/best-of-n.ts";
import { type ChoiceSample, choiceTrainer } from "./choice-trainer.ts";
import type { Learner } from "./learner.ts";

/** A learner that starts from `options.adapter`. @throws RangeError, ConfigError and DataError as `bestOfNPolicy` */
export function bestOfNLearner(options: BestOfNOptions): Learner<ChoiceSample, Adapter> {
  const { words, adapter = null } = options;
  const trainer = choiceTrainer({ words, adapter });
  let policy = bestOfNPolicy(options);
  return {
    trainer: {
      ...trainer,
      step: async (optimizer) => {
        const report = await trainer.step(optimizer);
        policy = bestOfNPolicy({ ...options, adapter: await trainer.snapshot() });
        return report;
      },
    },
    policy: () => policy,
    sampleOf: async (context, action) => replayPick(context, action, words),
  };
}
