/** The choice policy in training: its draws are samples of the choice trainer, and it acts with the adapter as it stands. */
import type { Adapter } from "../adapter/adapter.ts";
import { type ChoiceOptions, choicePolicy, replayOf } from "../policy/choice.ts";
import type { ChoiceSample } from "./choice-trainer.ts";
import type { Learner } from "./learner.ts";
import { wordLearner } from "./word-learner.ts";

/** A learner that starts from `options.adapter`. @throws RangeError, ConfigError and DataError as `choicePolicy` */
export function choiceLearner(options: ChoiceOptions): Learner<ChoiceSample, Adapter> {
  return wordLearner({
    words: options.words,
    adapter: options.adapter ?? null,
    policyWith: (adapter) => choicePolicy({ ...options, adapter }),
    sampleOf: async (context, action) => replayOf(context, action, options),
  });
}

/** The choice policy as what `word-adaptation.ts` steers: it with an adapter or without, and its learner. */
export function steeredChoice(choice: Omit<ChoiceOptions, "adapter">) {
  return {
    words: choice.words,
    policy: (adapter: Adapter | null) => choicePolicy({ ...choice, adapter }),
    learner: () => choiceLearner(choice),
  };
}
