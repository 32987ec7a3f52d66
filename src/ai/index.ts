/** A memory in the AI SDK: as tools, as a middleware that reminds a model, and as a model that answers from memory. */
export { type MemoryMiddlewareOptions, memoryMiddleware } from "./memory-middleware.ts";
export { type MemoryModelOptions, memoryModel } from "./memory-model.ts";
export {
  type MemoryToolOptions,
  type MemoryTools,
  type MemoryToolVerb,
  memoryToolApproval,
  memoryTools,
  memoryToolVerbs,
} from "./memory-tools.ts";
