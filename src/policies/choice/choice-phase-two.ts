/** The choice policy in training: its draws are samples of the choice trainer, and it acts with the adapter as it stands. */
import type { Adapter } from "../../adapter/adapter.ts";
import type { TrainablePolicy } from "../../training/trainable-policy.ts";
import { trainableWords } from "../trainable-words.ts";
import { type ChoiceOptions, choicePolicy, replayOf } from "./choice.ts";
import type { ChoiceSample } from "./word-vector-trainer.ts";

/** A learner that starts from `options.adapter`. @throws RangeError, ConfigError and DataError as `choicePolicy` */
export function trainableChoice(options: ChoiceOptions): TrainablePolicy<ChoiceSample, Adapter> {
  return trainableWords({
    words: options.words,
    adapter: options.adapter ?? null,
    policyWith: (adapter) => choicePolicy({ ...options, adapter }),
    sampleOf: async (context, action) => replayOf(context, action, options),
  });
}

/** The choice policy as what `word-adaptation.ts` steers: it with an adapter or without, and its learner. */
export function choiceFamily(choice: Omit<ChoiceOptions, "adapter">) {
  return {
    words: choice.words,
    policy: (adapter: Adapter | null) => choicePolicy({ ...choice, adapter }),
    learner: () => trainableChoice(choice),
  };
}
