/** Nano's network: a small multimodal transformer for the simulated household, used by `policies/nano`. */
export type { Decoded, DecodeOptions, Decoder, Prompts } from "./decode.ts";
export { NanoModel, type NanoOptions, type NanoPrograms, openNano, type ShownClip } from "./nano-model.ts";
export type { Embed, NanoConfig, Weights } from "./network.ts";
export type { TokenSampling } from "./sampling.ts";
export { shippedWeights } from "./shipped.ts";
