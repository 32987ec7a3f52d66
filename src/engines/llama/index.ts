/** GGUF models in llama.cpp, run in a process of its own: no server and no key. */
export { type LlamaModel, type LlamaModelOptions, llamaModel } from "./llama-model.ts";
export type { LlamaTimes } from "./process.ts";
