/**
 * A benchmark from a folder a user has: its questions in whatever layout they are, its videos wherever they lie.
 *
 * Nothing is fetched. What is missing is reported, and the rest is used.
 */
import { resolve } from "node:path";
import type { BenchmarkName, LoadedBenchmark, LoadedTasks, StreamFiles } from "../task.ts";
import { egoLifeStreams, loadEgoLife, unrecordedTasks } from "./egolife.ts";
import { egoTempoStreams, loadEgoTempo } from "./egotempo.ts";
import { indexMedia, type MediaIndex } from "./files/media-index.ts";
import { loadM3Bench, m3Streams } from "./m3-bench.ts";
import { loadVideoMme } from "./video-mme.ts";

/**
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
  const { loaded, streams } = await load(benchmark, index, folder, file);
  const asked = [...new Set(loaded.tasks.map(({ stream }) => stream))];
  const unrecorded =
    benchmark === "egolife" ? unrecordedTasks(loaded.tasks, streams) : { ids: new Set<string>(), notes: [] };
  return {
    ...loaded,
    root: folder,
    streams,
    missing: asked.filter((stream) => !streams.has(stream)),
    unrecorded: unrecorded.ids,
    notes: [...loaded.notes, ...index.problems, ...unrecorded.notes],
  };
}

async function load(
  benchmark: BenchmarkName,
  index: MediaIndex,
  root: string,
  annotations: string | undefined,
): Promise<{ loaded: LoadedTasks; streams: Map<string, StreamFiles> }> {
  const asked = ({ tasks }: LoadedTasks) => new Set(tasks.map(({ stream }) => stream));
  if (benchmark === "videomme") {
    const loaded = await loadVideoMme(index, root, annotations);
    return { loaded, streams: byName(index, asked(loaded)) };
  }
  if (benchmark === "egolife") {
    const loaded = loadEgoLife(index, root, annotations);
    return { loaded, streams: egoLifeStreams(index, asked(loaded)) };
  }
  if (benchmark === "egotempo") {
    const loaded = loadEgoTempo(index, root, annotations);
    return { loaded, streams: egoTempoStreams(index, asked(loaded)) };
  }
  const { videoNames, ...loaded } = loadM3Bench(index, root, annotations);
  return { loaded, streams: m3Streams(index, asked(loaded), videoNames) };
}

/** One recording a stream, named like it, subtitles too. */
function byName(index: MediaIndex, streams: Iterable<string>): Map<string, StreamFiles> {
  const found = new Map<string, StreamFiles>();
  for (const stream of streams) {
    const media = index.media.get(stream);
    const subtitles = index.subtitles.get(stream) ?? null;
    if (media) found.set(stream, { stream, media: [media], subtitles, cut: null });
  }
  return found;
}
