/**
 * The library: open a source and a memory, create an agent, watch, ask.
 *
 * Types of what these functions take and return come with them. `taskmem/engines/openai` has models behind endpoints,
 * `taskmem/engines/local` what needs none.
 */
import type { Embedder, WordSpace } from "./engine.ts";
import { localEmbedder, wordSpace } from "./engines/local/index.ts";
import type { Memory } from "./memory/memory.ts";
import { openSqliteMemory } from "./memory/sqlite.ts";

export type { Adapter, RemoteAdapter, VectorAdapter } from "./adapter/adapter.ts";
export {
  type Agent,
  type AgentOptions,
  createAgent,
  type StreamEnd,
  type WatchEvent,
  type WatchOptions,
} from "./agent.ts";
export type { Answer, AskOptions, Citation } from "./answer/answer.ts";
export { type ModelReaderOptions, modelReader } from "./answer/model-reader.ts";
export type { Reader, Reading } from "./answer/reader.ts";
export { type Config, type ConfigInput, defineConfig, loadConfig } from "./config.ts";
export type * from "./engine.ts";
export { lexicalReader, localEmbedder, spellingEmbedder, wordSpace } from "./engines/local/index.ts";
export { ConfigError, DataError, EngineError, StoreError, TaskMemError } from "./errors.ts";
export { exportMemory, importMemory } from "./memory/export.ts";
export type * from "./memory/memory.ts";
export { type RenderOptions, renderMemory } from "./memory/render.ts";
export type * from "./perception/observation.ts";
export { createPerceptors, type PerceptorOptions, type Perceptors, perceive } from "./perception/perceive.ts";
export { type BestOfNOptions, bestOfNPolicy, type PickedAction } from "./policies/best-of-n/best-of-n.ts";
export { type BestOfNFamilyOptions, bestOfNFamily } from "./policies/best-of-n/best-of-n-phase-two.ts";
export { type ChoiceOptions, choicePolicy } from "./policies/choice/choice.ts";
export { choiceFamily } from "./policies/choice/choice-training.ts";
export { type ModelPolicyOptions, modelPolicy } from "./policies/model/model-policy.ts";
export { type WordAdapterTrainerOptions, wordAdapterTrainer } from "./policies/word-adapter-trainer.ts";
export type * from "./policy/policy.ts";
export type { Judge, Judged, JudgeFailure } from "./reward/judge.ts";
export { localJudge } from "./reward/local-judge.ts";
export { type ModelJudgeOptions, modelJudge } from "./reward/model-judge.ts";
export type { Audio, Clip, Cue, Frame, OpenOptions, Source } from "./stream/clip.ts";
export { openSource, type SourceOptions } from "./stream/open-source.ts";
export type { Feedback, Question, Task } from "./tasks/task.ts";
export {
  type AdapterResult,
  type AdapterTrainer,
  type TrainAdapterOptions,
  trainAdapter,
} from "./training/train-adapter.ts";
export { type Clock, formatMoment, parseMoment } from "./util/time.ts";

export interface MemoryOptions {
  /** Word space of the text index. @default wordSpace */
  readonly words?: WordSpace;
  /** Space of the vectors. @default localEmbedder */
  readonly embedder?: Embedder;
  /** Opens without writing: for looking at a memory another process writes. @default false */
  readonly readOnly?: boolean;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Opens the memory in a directory, making it where there is none. @throws StoreError */
export function openMemory(directory: string, options: MemoryOptions = {}): Promise<Memory> {
  return openSqliteMemory(directory, {
    words: wordSpace,
    embedder: localEmbedder,
    now: Date.now,
    ...options,
  });
}
