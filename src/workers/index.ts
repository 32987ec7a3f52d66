/** Streams of spaces watched by many processes, through pg-boss. */

export type { MemoryOptions } from "./memories.ts";
export {
  type JobOutcome,
  type LearnJob,
  type QueueKind,
  type QueueOptions,
  type QueueStanding,
  queueKinds,
  type StreamJob,
  type TakenJob,
  type WatchedStream,
  WorkQueue,
} from "./queue.ts";
export { type Readiness, readinessOf } from "./readiness.ts";
export type { WorkerSession } from "./sessions.ts";
export { Worker, type WorkerEvent, type WorkerOptions } from "./worker.ts";
