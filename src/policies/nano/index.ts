/** The policy that writes with nano, the small model of this repository, and its trainers for both phases. */
export { NanoModel, openNano } from "../../engines/nano/nano-model.ts";
export {
  type NanoAdapterTrainer,
  type NanoAdapterTrainerOptions,
  nanoAdapterTrainer,
  nanoTarget,
} from "./nano-adapter-trainer.ts";
export { type CountTokens, nanoPhaseOnePolicy, nanoPolicy, trainableNano } from "./nano-policy.ts";
export { nanoPhaseOneRecipe, nanoPhaseTwoRecipe } from "./recipes.ts";
export type { NanoSample } from "./sample-arrays.ts";
export { NanoVectorTrainer, nanoVectorTrainer } from "./vector-trainer.ts";
export { NanoWeightsTrainer } from "./weights-trainer.ts";
