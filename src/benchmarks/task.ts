/**
 * The one record every benchmark's questions become, and what a loader found of them and of their videos.
 *
 * A row that cannot be read is never dropped in silence: rows = tasks + skipped.
 */
import type { Option, Question } from "../tasks/task.ts";

/** Names of the video benchmarks, as the command line has them. */
export const benchmarkNames = ["videomme", "egolife", "egotempo", "m3bench"] as const;
/** One of `benchmarkNames`. */
export type BenchmarkName = (typeof benchmarkNames)[number];

/** As their papers write them. */
export const benchmarkTitles: Readonly<Record<BenchmarkName, string>> = {
  videomme: "Video-MME",
  egolife: "EgoLife",
  egotempo: "EgoTempo",
  m3bench: "M3-Bench",
};

/** A piece of stream time in seconds; a single moment starts and ends at once. */
export interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** One question of a benchmark. */
export interface BenchmarkTask {
  /** Unique within the benchmark. */
  readonly id: string;
  /** The video, or the wearer's week, it is about. */
  readonly stream: string;
  /** The environment it belongs to: tasks of one type arrive one after the other and share a policy. */
  readonly type: string;
  /** Further types of the same question, counted in their figures only. */
  readonly otherTypes?: readonly string[];
  /** Seconds of stream time it is asked at, or after the whole stream. Nothing later may be remembered then. */
  readonly askTime: number | "end";
  readonly question: string;
  /** Absent for an open question. */
  readonly options?: readonly Option[];
  /** A letter of `options`, or the answer's text. */
  readonly answer: string;
  /** Where the benchmark says the answer is to be seen, in order; none later than the question. */
  readonly evidence?: readonly Span[];
  /** A class the benchmark reports by besides the type, such as the video's length. */
  readonly group?: string;
}

/** A row that was left out. */
export interface SkippedRow {
  readonly file: string;
  /** Counted from 1; nested rows are counted through. */
  readonly row: number;
  readonly id: string | null;
  readonly reason: string;
}

/** Questions as a loader read them. */
export interface LoadedTasks {
  readonly benchmark: BenchmarkName;
  /** Which of the known layouts the files are in. */
  readonly layout: string;
  readonly files: readonly string[];
  /** Rows read: those that became tasks and those skipped. */
  readonly rows: number;
  /** In the benchmark's own order. */
  readonly tasks: readonly BenchmarkTask[];
  readonly skipped: readonly SkippedRow[];
  /** What was read otherwise than written, one sentence each. */
  readonly notes: readonly string[];
}

/** A file, or one entry of a zip. */
export interface FileReference {
  readonly path: string;
  /** Name inside the zip at `path`. */
  readonly entry?: string;
}

/** Where the material of one stream lies. */
export interface StreamFiles {
  readonly stream: string;
  /** One recording, or many with the day and time in their names. */
  readonly media: readonly FileReference[];
  readonly subtitles: FileReference | null;
  /** What was said, hour by hour on the stream's clock: EgoLife's transcripts. @default none */
  readonly transcripts?: readonly string[];
  /** Only this piece of the recording is the stream. */
  readonly cut: Span | null;
}

/** A benchmark as it was found below a folder. */
export interface LoadedBenchmark extends LoadedTasks {
  readonly root: string;
  /** By stream; those without material are missing. */
  readonly streams: ReadonlyMap<string, StreamFiles>;
  /** Streams with questions and without material, in order of first appearance. */
  readonly missing: readonly string[];
  /** Ids of the tasks whose stream is there but not at their evidence. */
  readonly unrecorded: ReadonlySet<string>;
}

/** The tasks whose material is there. */
export function withMaterial({ tasks, streams, unrecorded }: LoadedBenchmark): BenchmarkTask[] {
  return tasks.filter(({ id, stream }) => streams.has(stream) && !unrecorded.has(id));
}

/** A benchmark's question as memory is asked it. */
export function questionOf({ question, options = [] }: BenchmarkTask): Question {
  return { text: question, options };
}
