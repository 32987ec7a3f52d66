/**
 * EgoTempo: open questions about pieces of Ego4D recordings, named `<recording>_<start seconds>_<end seconds>`.
 *
 * The name is kept as it is written, for its seconds have up to 16 digits; numbers are read from it only to cut.
 */
import { basename } from "node:path";
import type { BenchmarkTask, LoadedTasks, Span, StreamFiles } from "../task.ts";
import { type Dataset, streamsAsked } from "./dataset.ts";
import {
  annotationFiles,
  fieldsOf,
  gatherTasks,
  isFields,
  listIn,
  optionalText,
  type Row,
  RowProblem,
  readAnnotations,
  shown,
  textField,
} from "./files/annotations.ts";
import type { MediaIndex } from "./files/media-index.ts";

/** EgoTempo: clips of Ego4D recordings. */
export const egoTempo: Dataset = (index, root, annotations) => {
  const loaded = readTasks(index, root, annotations);
  return { loaded, streams: egoTempoStreams(index, streamsAsked(loaded)) };
};

/** @throws DataError where there are no questions */
function readTasks(index: MediaIndex, root: string, annotations: string | undefined): LoadedTasks {
  const names = { match: /egotempo.*openqa.*\.json$/i, called: "egotempo_openQA.json" };
  const [path, ...others] = annotationFiles(index, root, annotations, names) as [string, ...string[]];
  const { found: list, notes } = readAnnotations(path, "`annotations` to be a list", listIn("annotations"));
  const file = basename(path);
  const rows = list.map((item, i): Row => {
    const id = isFields(item) ? optionalText(item, "question_id") : null;
    return { file, row: i + 1, id, read: () => egoTempoTask(item) };
  });
  return {
    benchmark: "egotempo",
    layout: "open questions",
    files: [path],
    rows: rows.length,
    ...gatherTasks(rows),
    notes: [
      ...notes,
      ...others.map((other) => `${other} was not read: name it with --annotations if it is the one`),
    ],
  };
}

function egoTempoTask(item: unknown): BenchmarkTask {
  const row = fieldsOf(item);
  const stream = textField(row, "clip_id");
  if (clipOf(stream) === null) {
    throw new RowProblem(
      `expected \`clip_id\` to be <recording>_<start seconds>_<end seconds>, got ${shown(stream)}`,
    );
  }
  const answer = optionalText(row, "answer");
  if (answer === null) throw new RowProblem("its answer is missing");
  return {
    id: textField(row, "question_id"),
    stream,
    type: textField(row, "question_type"),
    askTime: "end",
    question: textField(row, "question"),
    answer,
  };
}

/** The recording and the piece of it that a clip's name means, or `null`. Some start a little before their recording. */
export function clipOf(name: string): ({ recording: string } & Span) | null {
  const match = /^([^_]+)_(-?\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)$/.exec(name);
  if (!match) return null;
  const [startSeconds, endSeconds] = [Math.max(0, Number(match[2])), Number(match[3])];
  return endSeconds > startSeconds ? { recording: match[1]!, startSeconds, endSeconds } : null;
}

/** Clips that were cut already by their own name, others as a piece of their recording. */
function egoTempoStreams(index: MediaIndex, streams: Iterable<string>): Map<string, StreamFiles> {
  const found = new Map<string, StreamFiles>();
  for (const stream of streams) {
    const { recording, startSeconds, endSeconds } = clipOf(stream)!;
    const own = index.media.get(stream);
    const whole = index.media.get(recording);
    if (own) found.set(stream, { stream, media: [own], subtitles: null, cut: null });
    else if (whole) {
      found.set(stream, { stream, media: [whole], subtitles: null, cut: { startSeconds, endSeconds } });
    }
  }
  return found;
}

/** Recordings the clips are pieces of, each once, in order: what the Ego4D downloader is asked for. */
export function recordingsOf(clips: Iterable<string>): string[] {
  return [...new Set([...clips].flatMap((name) => clipOf(name)?.recording ?? []))];
}
