/** What a run is given, and what its parts share while it is finished. */
import type { WordSpace } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { JsonValue, Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import type { SourceOptions } from "../../stream/open-source.ts";
import type { BenchmarkTask, LoadedBenchmark } from "../task.ts";
import type { AnswerJudge } from "./answer-judge.ts";
import type { Answerer } from "./answerers.ts";
import type { ProtocolOptions } from "./protocol.ts";
import type { Result, Retried } from "./results.ts";
import type { Outcome } from "./scoring.ts";
import type { BenchmarkRow } from "./writers.ts";

/** What a run is given. */
export interface RunOptions {
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
  /** Called before a run is resumed: how many results stand, and how many are found again, for which reason. */
  readonly onResume?: (found: {
    readonly done: number;
    readonly again: number;
    readonly reasons: Readonly<Record<Retried, number>>;
  }) => void;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly signal?: AbortSignal | undefined;
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
export interface Running extends RunOptions {
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
