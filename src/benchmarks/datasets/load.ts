/**
 * A benchmark from a folder a user has: its questions in the layout they are in, its videos wherever they lie.
 *
 * Nothing is fetched. What is missing is reported, and the rest is used.
 */
import { resolve } from "node:path";
import type { BenchmarkName, LoadedBenchmark } from "../task.ts";
import { type Dataset, streamsAsked } from "./dataset.ts";
import { egoLife } from "./egolife.ts";
import { egoTempo } from "./egotempo.ts";
import { indexMedia } from "./files/media-index.ts";
import { m3Bench } from "./m3-bench.ts";
import { videoMme } from "./video-mme.ts";

const datasets: Readonly<Record<BenchmarkName, Dataset>> = {
  videomme: videoMme,
  egolife: egoLife,
  egotempo: egoTempo,
  m3bench: m3Bench,
};

/**
 * A video benchmark, read from a folder.
 * @param annotations file to read instead of those found below the folder
 * @throws ConfigError where the folder is not there; DataError where it holds no questions in a known layout
 */
export async function loadBenchmark(
  benchmark: BenchmarkName,
  root: string,
  annotations?: string,
): Promise<LoadedBenchmark> {
  const folder = resolve(root);
  const index = await indexMedia(folder);
  const file = annotations === undefined ? undefined : resolve(annotations);
  const { loaded, streams, unrecorded } = await datasets[benchmark](index, folder, file);
  return {
    ...{ ...loaded, root: folder, streams },
    missing: [...streamsAsked(loaded)].filter((stream) => !streams.has(stream)),
    unrecorded: unrecorded?.ids ?? new Set(),
    notes: [...loaded.notes, ...index.problems, ...(unrecorded?.notes ?? [])],
  };
}
