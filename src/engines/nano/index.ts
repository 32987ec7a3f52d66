/** A small multimodal transformer that watches the simulated household, trained in this repository. */
export { type NanoAdaptation, type NanoAdaptationOptions, nanoAdaptation, nanoTarget } from "./adaptation.ts";
export { nanoAdapterLearner, nanoPhaseOneLearner, nanoPolicy } from "./learners.ts";
export { NanoModel, type NanoOptions, openNano } from "./nano-model.ts";
export type { NanoSample } from "./sample-arrays.ts";
export { NanoVectorTrainer } from "./vector-trainer.ts";
export { NanoWeightsTrainer } from "./weights-trainer.ts";
