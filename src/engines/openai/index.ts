/** Models, text embeddings and speech to text behind OpenAI-compatible endpoints. */
export type { EndpointOptions } from "./client.ts";
export { type EmbedderOptions, openaiEmbedder, openOpenaiEmbedder } from "./embedder.ts";
export { type ModelOptions, openaiModel } from "./model.ts";
export type { Prices } from "./prices.ts";
export { type SteeringWay, steeringWays } from "./steering.ts";
export { openaiTranscriber } from "./transcriber.ts";
