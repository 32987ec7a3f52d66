/** Nano's network: a small multimodal transformer that watches the simulated household. `policies/nano` acts and trains with it. */
export { NanoModel, type NanoOptions, openNano, type ShownClip } from "./nano-model.ts";
export { shippedWeights } from "./shipped.ts";
