/** The choice policy in training: the weights of its features in Phase One, its adapter in Phase Two. */
import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import type { PhaseOnePolicy, TrainablePolicy } from "../../training/trainable-policy.ts";
import { trainableWords } from "../trainable-words.ts";
import { type ChoiceOptions, choicePolicy, replayOf } from "./choice.ts";
import { type ChoiceWeights, choiceWeightsRevision, untrainedChoiceWeights } from "./choice-features.ts";
import { ChoiceWeightsTrainer, type WeighedDraw } from "./choice-weights-trainer.ts";
import type { ChoiceSample } from "./word-vector-trainer.ts";

/** Options of `choicePhaseOnePolicy`. */
export interface ChoicePhaseOneOptions extends Omit<ChoiceOptions, "adapter" | "weights"> {
  /** The weights to start from. @default untrainedChoiceWeights */
  readonly weights?: ChoiceWeights;
  /** Where the trained weights are written. */
  readonly snapshotPath: string;
}

/** The choice policy in Phase One: its draws are samples of its weights' trainer. @throws RangeError as `choicePolicy` */
export function choicePhaseOnePolicy({
  weights = untrainedChoiceWeights,
  snapshotPath,
  ...choice
}: ChoicePhaseOneOptions): PhaseOnePolicy<WeighedDraw> {
  const trainer = new ChoiceWeightsTrainer(weights, snapshotPath);
  const start = new ChoiceWeightsTrainer(weights, snapshotPath);
  const current = () => ({ ...choice, weights: trainer.weights });
  return {
    id: `choice:${choiceWeightsRevision(weights)}`,
    trainer,
    policy: async () => choicePolicy(current()),
    sampleOf: async (context, action) => replayOf(context, action, current()),
    reference: (samples) => start.logprobs(samples),
  };
}

/**
 * The choice policy in Phase Two, starting from `options.adapter`.
 * @throws RangeError, ConfigError and DataError as `choicePolicy`
 */
export function trainableChoice(options: ChoiceOptions): TrainablePolicy<ChoiceSample, VectorAdapter> {
  return trainableWords({
    words: options.words,
    adapter: options.adapter ?? null,
    policyWith: (adapter) => choicePolicy({ ...options, adapter }),
    sampleOf: async (context, action) => replayOf(context, action, options),
  });
}

/** The choice policy as `wordAdapterTrainer` trains it: with an adapter, without one, and in training. */
export function choiceFamily(choice: Omit<ChoiceOptions, "adapter">) {
  return {
    words: choice.words,
    policy: (adapter: Adapter | null) => choicePolicy({ ...choice, adapter }),
    trainable: () => trainableChoice(choice),
  };
}
