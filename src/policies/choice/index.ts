/** The policy that picks among perception's statements within a token budget, and its trainers for both phases. */

export type { PlainAction } from "../../policy/plain-action.ts";
export {
  type WordAdapterTrainerOptions,
  wordAdapterTrainer,
} from "../word-adapter-trainer.ts";
export { type ChoiceOptions, choicePolicy } from "./choice.ts";
export { type ChoiceBudget, defaultBudget, liveBudget } from "./choice-budget.ts";
export {
  type ChoiceParameters,
  type DrawFeatures,
  type DrawInput,
  type DrawItem,
  defaultChoiceParameters,
} from "./choice-draw.ts";
export {
  type ChoiceFeature,
  type ChoiceWeights,
  choiceFeatures,
  formatChoiceWeights,
  parseChoiceWeights,
  untrainedChoiceWeights,
} from "./choice-features.ts";
export {
  type ChoicePhaseOneOptions,
  choiceFamily,
  choicePhaseOnePolicy,
  trainableChoice,
} from "./choice-training.ts";
export { ChoiceWeightsTrainer, readChoiceWeights, type WeighedDraw } from "./choice-weights-trainer.ts";
export { choicePhaseOneRecipe, choicePhaseTwoRecipe } from "./recipes.ts";
export {
  adapterFromPairs,
  adapterFromTasks,
  adapterWords,
  type ChoiceSample,
  type ChoiceTrainerOptions,
  type ClosedFormOptions,
  choiceTrainer,
  type PreferenceOptions,
} from "./word-vector-trainer.ts";
