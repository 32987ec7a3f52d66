/** What a video benchmark is: how its questions are read from a folder, and where the video of each lies. */
import type { LoadedTasks, StreamFiles } from "../task.ts";
import type { MediaIndex } from "./files/media-index.ts";

export interface DatasetFiles {
  readonly loaded: LoadedTasks;
  /** By stream; one without material is missing. */
  readonly streams: ReadonlyMap<string, StreamFiles>;
  /** Tasks whose stream is there, but not at their evidence, and a sentence on each reason. @default none */
  readonly unrecorded?: { readonly ids: ReadonlySet<string>; readonly notes: readonly string[] };
}

/**
 * Reads a benchmark below a folder, in every layout it is published in.
 * @param annotations file to read instead of those found
 * @throws DataError where there are no questions in a known layout
 */
export type Dataset = (
  index: MediaIndex,
  root: string,
  annotations: string | undefined,
) => DatasetFiles | Promise<DatasetFiles>;

/** Streams that tasks ask about, each once, in order of first appearance. */
export function streamsAsked({ tasks }: LoadedTasks): Set<string> {
  return new Set(tasks.map(({ stream }) => stream));
}
