/** What the loop is given, what a run on videos is given besides, and what the parts of a run share. */
import type { WordSpace } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { JsonValue, Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import type { SourceOptions } from "../../stream/open-source.ts";
import type { BenchmarkTask, LoadedBenchmark } from "../task.ts";
import type { AnswerJudge } from "./answer-judge.ts";
import type { Answerer } from "./answerers.ts";
import type { PlannedMemory, RunPlan } from "./plan.ts";
import type { ProtocolOptions } from "./protocol.ts";
import type { HeldMemory, Result, Retried } from "./results.ts";
import type { Outcome } from "./scoring.ts";
import type { BenchmarkRow } from "./writers.ts";

/** A memory while its stream is watched. */
export interface WatchedMemory {
  /**
   * Watches on until a moment; a memory that was left there is not watched again.
   * @throws DataError where the material cannot be read: the questions that are left get that as their result
   */
  watchUntil(seconds: number | "end"): Promise<void>;
  /** As it stands when a question comes. */
  at(task: BenchmarkTask): Promise<AskedMemory>;
  /**
   * Copies it to another folder as it was at a moment, unless it was watched further.
   * @default it is written again where it is needed again
   */
  copyTo?(place: string, seconds: number | "end"): Promise<void>;
  close(): Promise<void>;
}

/** A memory when a question comes. */
export interface AskedMemory {
  /** The answerer gets it sealed. */
  readonly memory: Memory;
  readonly held: Omit<HeldMemory, "id">;
  /** What the dataset measures of it besides the answer, by name, 0 to 1. @param recalled ids of entries, best first */
  readonly measure?: (recalled: readonly string[]) => Readonly<Record<string, number>>;
}

/** How the memories of a dataset come about. */
export interface Memories {
  /** Opens a memory in a folder that is its own, where it may have been left before. */
  open(planned: PlannedMemory, place: string, running: Running): Promise<WatchedMemory>;
  /** Takes away what was left of a memory in a folder, where that cannot be continued. @default nothing is left */
  discard?(planned: PlannedMemory, place: string, next: NextOfMemory): Promise<void>;
}

/** What a resumed run wants of a memory. */
export interface NextOfMemory {
  /** The moment of its first question without a result. */
  readonly until: number | "end";
  /** Whether its material could not be read. */
  readonly isUnreadable: boolean;
}

/** How a run is followed, and stopped. */
export interface Following {
  /** Called before a run is resumed: how many results stand, and how many are found again, for which reason. */
  readonly onResume?: (found: {
    readonly done: number;
    readonly again: number;
    readonly reasons: Readonly<Record<Retried, number>>;
  }) => void;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a run on videos is given. */
export interface RunOptions extends Following {
  readonly directory: string;
  readonly loaded: LoadedBenchmark;
  /** Tasks to run, all with material. */
  readonly tasks: readonly BenchmarkTask[];
  readonly rows: readonly BenchmarkRow[];
  readonly missingRows: Readonly<Record<string, string>>;
  readonly protocol: ProtocolOptions;
  readonly answerer: Answerer;
  /** Grades open answers. */
  readonly judge: AnswerJudge;
  /** Answers asked for to each question; the majority counts. From 1 up. */
  readonly votes: number;
  readonly openMemory: (directory: string) => Promise<Memory>;
  readonly perceptors: Perceptors;
  readonly source: Omit<SourceOptions, "id" | "subtitles" | "signal">;
  readonly windowClips: number;
  readonly words: WordSpace;
  /** Memories written and asked at once, from 1 up. */
  readonly concurrency: number;
  /** Resumes in a directory that holds results of the same run. */
  readonly resume: boolean;
  /** All else that the run depends on, kept with it. */
  readonly config: Readonly<Record<string, JsonValue>>;
  /** How to run it again, kept with it: one run may be written in several ways. */
  readonly command: string;
}

/** What the one loop is given. */
export interface LoopOptions
  extends Following,
    Pick<RunOptions, "directory" | "answerer" | "judge" | "votes" | "concurrency"> {
  readonly plan: RunPlan;
  readonly memories: Memories;
  /** Name of the file in the directory. @default "results.jsonl" */
  readonly results?: string;
}

/** How far a run is. */
export interface RunProgress {
  readonly row: string;
  readonly done: number;
  readonly total: number;
  readonly outcome: Outcome;
}

export type Engine = "answerer" | "judge" | "transcriber";

/** What all memories of a run share while it is finished. */
export interface Running extends LoopOptions {
  readonly signal: AbortSignal;
  /** Told how each call of an engine went; stops the run where one is down. */
  worked(engine: Engine): void;
  /** @param at the question or clip: one that fails for every row says nothing of the others */
  failed(engine: Engine, at: string, error: unknown): void;
  write(result: Result): void;
}

/** Whether an engine failed that may work later. */
export const isDown = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.isRetryable;
