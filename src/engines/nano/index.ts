/** A small multimodal transformer that watches the simulated household, trained in this repository. */
export { adapterSpace } from "./model.ts";
export { NanoModel, openNano } from "./nano-model.ts";
export { type NanoSample, NanoVectorTrainer } from "./vector-trainer.ts";
