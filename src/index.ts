/**
 * The library: `openTaskMem` returns one object that watches, remembers, answers and learns.
 *
 * The types of its arguments and results are exported too, and the parts it is made of, for callers who combine them
 * themselves. Training is in `taskmem/training` and `taskmem/reward`, each policy in `taskmem/policies/…`, models in
 * `taskmem/engines/…`.
 */
import type { ConfigInput } from "./config.ts";
import type { Embedder, WordSpace } from "./engine.ts";
import { localEmbedder, wordSpace } from "./engines/local/index.ts";
import type { Memory } from "./memory/memory.ts";
import { whenCalled } from "./util/when-called.ts";

export type { Adapter, AdapterWord, RemoteAdapter, VectorAdapter } from "./adapter/adapter.ts";
export type { AdapterTarget, Provenance } from "./adapter/adapter-file.ts";
export type { ExchangeFormat, ExchangeOptions } from "./adapter/exchange/exchange.ts";
export type { LoraFunctional } from "./adapter/exchange/lora.ts";
export {
  type Agent,
  type AgentOptions,
  createAgent,
  type PaceEvent,
  type SourceStatusEvent,
  type StreamEnd,
  type WatchEvent,
  type WatchOptions,
} from "./agent.ts";
export type { Answer, AskOptions, Citation } from "./answer/answer.ts";
export type { AskedOfWhole, Fact } from "./answer/asked.ts";
export { type ModelReaderOptions, modelReader } from "./answer/model-reader.ts";
export type { Reader, Reading, ReadRequest } from "./answer/reader.ts";
export type { Config, ConfigInput, FlagValues, LoadOptions } from "./config.ts";
export type {
  AnswerSchema,
  Completion,
  Cost,
  Embedder,
  EmbedOptions,
  EngineCache,
  GenerateRequest,
  Generation,
  LineAround,
  Model,
  ModelCapabilities,
  ModelLimits,
  ModelProgress,
  ModelSpeed,
  OnProgress,
  Part,
  PricedCalls,
  SampledTokens,
  Sampling,
  SpeakerFinder,
  SpokenTurn,
  TranscribedSegment,
  Transcriber,
  VoiceFinder,
  WordSpace,
} from "./engine.ts";
export {
  type LexicalReaderOptions,
  lexicalReader,
  localEmbedder,
  spellingEmbedder,
  wordSpace,
} from "./engines/local/index.ts";
export {
  ConfigError,
  DataError,
  EngineError,
  type ErrorCode,
  type ErrorFacts,
  errorCodes,
  isTaskMemError,
  StoreError,
  TaskMemError,
} from "./errors.ts";
export type {
  FaceState,
  KnownOne,
  PeopleChange,
  PeopleEvent,
  PeopleUndo,
  SeenFace,
} from "./identity/records.ts";
export type { ListedFace, ListedPerson } from "./identity/view.ts";
export type { PushedPicture, PushedSound, PushedText, PushItem, PushTime } from "./live/items.ts";
export type { LiveOptions, LiveSession, PushReceipt } from "./live/live.ts";
export type { ExportReport, ImportReport } from "./memory/export.ts";
export type * from "./memory/memory.ts";
export { type RenderOptions, renderMemory } from "./memory/render.ts";
export type {
  ClipFaces,
  FaceBox,
  FaceFinder,
  FaceTrack,
  FoundFace,
  FrameFaces,
} from "./perception/faces.ts";
export type { Look } from "./perception/look.ts";
export type {
  Caption,
  Heard,
  Observation,
  Person,
  Pushed,
  ScreenText,
  SourceText,
  Tiers,
  Utterance,
} from "./perception/observation.ts";
export {
  createPerceptors,
  type PerceiveOptions,
  type PerceptorOptions,
  type Perceptors,
  perceive,
} from "./perception/perceive.ts";
export type { ScreenReader } from "./perception/screen-text.ts";
export type { SoundAhead } from "./perception/speech-ahead.ts";
export type { SoundLook } from "./perception/speech-like.ts";
export type { ClipVoices, HeardVoice, VoiceSpan } from "./perception/voices.ts";
export { type BestOfNOptions, bestOfNPolicy, type PickedAction } from "./policies/best-of-n/best-of-n.ts";
export { type BestOfNFamilyOptions, bestOfNFamily } from "./policies/best-of-n/best-of-n-phase-two.ts";
export { type ChoiceOptions, choicePolicy } from "./policies/choice/choice.ts";
export type { SavedTokens } from "./policies/choice/choice-draw.ts";
export { choiceFamily } from "./policies/choice/choice-training.ts";
export type { JobKind, JobTrainer } from "./policies/model/jobs/job.ts";
export { type ModelPolicyOptions, modelPolicy } from "./policies/model/model-policy.ts";
export { type WordAdapterTrainerOptions, wordAdapterTrainer } from "./policies/word-adapter-trainer.ts";
export type { ContextLimits } from "./policy/context.ts";
export type { PictureLimits } from "./policy/pictures.ts";
export type { PlainAction } from "./policy/plain-action.ts";
export type {
  Action,
  ActionLogprobs,
  Context,
  DecideOptions,
  DecideResult,
  Issue,
  Policy,
  Recent,
  ShownEntry,
} from "./policy/policy.ts";
export { type PromptTemplate, parsePromptTemplate, printPromptTemplate } from "./policy/prompt-template.ts";
export { builtInTemplate } from "./policy/prompts.ts";
export type { TaggedPerson } from "./policy/window-people.ts";
export type {
  Judge,
  Judged,
  JudgeFailure,
  Preference,
  QualityRequest,
  QualityVerdict,
  RelevanceRequest,
  RichnessRequest,
} from "./reward/judge.ts";
export { type LocalJudgeOptions, localJudge } from "./reward/local-judge.ts";
export { type ModelJudgeOptions, modelJudge } from "./reward/model-judge.ts";
export type {
  Audio,
  Clip,
  Cue,
  Frame,
  Gap,
  LeftOut,
  OpenOptions,
  Recording,
  Source,
  SourceFile,
  SourceStatus,
} from "./stream/clip.ts";
export type { FrameOptions } from "./stream/ffmpeg.ts";
export type { LiveSourceOptions } from "./stream/live/live-source.ts";
export type { SourceOptions } from "./stream/open-source.ts";
export type { PictureLook } from "./stream/picture-look.ts";
export type { ClipEvent, Failure } from "./stream-writer.ts";
export type { AdapterShelf, ComparedAdapters, DiffRequest } from "./taskmem/adapter-shelf.ts";
export type { JudgeChoice, JudgeName, TrainingChoice } from "./taskmem/assembly.ts";
export type { CanaryStanding, Counted } from "./taskmem/canary.ts";
export type { JobExport, JobExportOptions } from "./taskmem/export-job.ts";
export type { JobImportOptions, TriedWeights } from "./taskmem/import-job.ts";
export type { LearningEvent, LearnOptions, LearnResult, LearnWith } from "./taskmem/learning.ts";
export type { Log, LogEvent } from "./taskmem/logging.ts";
export type { Material } from "./taskmem/material.ts";
export type { KeptAnswer, Miss, MissOutcome, MissRequest, PerceivedText } from "./taskmem/miss.ts";
export type { CustomPolicy, OwnParts, Parts, Spelled } from "./taskmem/parts.ts";
export type { DecisionDiff, KeptAmount, PolicyDiff } from "./taskmem/policy-diff.ts";
export type { Remembered, RememberRequest } from "./taskmem/remember.ts";
export type { Spending } from "./taskmem/spending.ts";
export type {
  TaskMem,
  TaskMemOptions,
  TaskRecord,
  Timeline,
  TimelineFilter,
  Watching,
  WatchRequest,
} from "./taskmem.ts";
export type { Feedback, Option, Question, QuestionInput, Task } from "./tasks/task.ts";
export type { AdapterResult, AdapterTrainer, TrainAdapterOptions } from "./training/train-adapter.ts";
export type { Environment } from "./util/environment.ts";
export type { Random } from "./util/random.ts";
export { type Clock, formatMoment, parseMoment } from "./util/time.ts";

/** How a memory is opened. */
export interface MemoryOptions {
  /** Word space of the text index. @default wordSpace */
  readonly words?: WordSpace;
  /** Space of the vectors. @default localEmbedder */
  readonly embedder?: Embedder;
  /**
   * Whether to open it without writing, to read a memory that another process writes. `"if-needed"` does so only where
   * the disk is read-only or full. @default false
   */
  readonly readOnly?: boolean | "if-needed";
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/**
 * Opens the memory in a directory, or of a URL, `postgres://user@host/database?space=kitchen`; a missing one is created.
 * @throws StoreError, ConfigError
 */
export async function openMemory(directory: string, options: MemoryOptions = {}): Promise<Memory> {
  const { openPlace } = await import("./memory/place.ts");
  return openPlace(directory, {
    words: wordSpace,
    embedder: localEmbedder,
    now: Date.now,
    ...options,
  });
}

/**
 * An empty memory in this process, for tests and short runs: the `store` of `openTaskMem`. Nothing of it reaches the disk,
 * and it searches by words and vectors as the memory in a directory does.
 */
export async function inMemoryStore(options: Omit<MemoryOptions, "readOnly"> = {}): Promise<Memory> {
  const store = await import("./memory/in-memory.ts");
  return store.inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now, ...options });
}

/** Types a config file: `export default defineConfig({ … })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/**
 * Opens the memory of a directory together with the policy, reader, senses and trainer that work on it.
 * @throws ConfigError, StoreError
 */
export const openTaskMem = whenCalled(async () => (await import("./taskmem.ts")).openTaskMem);

// Functions that need SQLite or zod are loaded when they are called, so that importing the library is fast.

/** The configuration of a config file, the environment and flags, validated together. @throws ConfigError */
export const loadConfig = whenCalled(async () => (await import("./config.ts")).loadConfig);

/** Opens a path, URL or device as a source of clips. @throws ConfigError, DataError */
export const openSource = whenCalled(async () => (await import("./stream/open-source.ts")).openSource);

/** Opens a path, URL or device as sources: one, or one for each camera of a folder. @throws ConfigError, DataError */
export const openSources = whenCalled(async () => (await import("./stream/open-source.ts")).openSources);

/** Writes a memory into a directory, as JSONL and blobs. @throws DataError, StoreError */
export const exportMemory = whenCalled(async () => (await import("./memory/export.ts")).exportMemory);

/** Reads an export into a memory. @throws DataError, StoreError */
export const importMemory = whenCalled(async () => (await import("./memory/export.ts")).importMemory);

/**
 * Phase Two over a memory: trains an adapter on its tasks, and activates it if it passes the gate.
 * @throws EngineError
 */
export const trainAdapter = whenCalled(
  async () => (await import("./training/train-adapter.ts")).trainAdapter,
);
