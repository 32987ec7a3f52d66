/** The policy that asks a model what to remember of each clip, and its training where the model is in a folder. */
export type { PlainAction } from "../../policy/plain-action.ts";
export { actingPolicy, linePolicy } from "./line-policy.ts";
export { type ModelPolicyOptions, modelPolicy } from "./model-policy.ts";
export {
  type ModelPhaseTwoRecipe,
  modelPhaseTwoRecipe,
  modelPhaseTwoRecipeNamed,
  modelPhaseTwoRecipes,
  type PhaseTwoKind,
  paperPhaseTwoRecipe,
  recipeOfKind,
} from "./recipes.ts";
export {
  type TorchAdapterTrainerOptions,
  torchAdapterTrainer,
  torchTarget,
} from "./torch-adapter-trainer.ts";
export { type TorchPolicyOptions, torchPhaseOnePolicy, torchPolicy, trainableTorch } from "./torch-policy.ts";
export { TorchLoraTrainer, TorchTrainer, TorchVectorTrainer, TorchWeightsTrainer } from "./torch-trainer.ts";
