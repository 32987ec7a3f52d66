/** The choice policy in Phase One: it draws with the weights as they stand, and its draws are samples of their trainer. */

import type { PhaseOnePolicy } from "../../training/trainable-policy.ts";
import { type ChoiceOptions, choicePolicy, replayOf } from "./choice.ts";
import { type ChoiceWeights, choiceWeightsRevision, untrainedChoiceWeights } from "./choice-features.ts";
import { ChoiceWeightsTrainer, type WeighedDraw } from "./choice-weights-trainer.ts";

export interface ChoicePhaseOneOptions extends Omit<ChoiceOptions, "adapter" | "weights"> {
  /** Those to start from. @default untrainedChoiceWeights */
  readonly weights?: ChoiceWeights;
  /** Where the trained weights are written. */
  readonly snapshotPath: string;
}

/** Learns the choice policy's weights. @throws RangeError as `choicePolicy` */
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
    policy: () => choicePolicy(current()),
    sampleOf: async (context, action) => replayOf(context, action, current()),
    reference: (samples) => start.logprobs(samples),
    save: (path) => trainer.save(path),
    load: (path) => trainer.load(path),
  };
}
