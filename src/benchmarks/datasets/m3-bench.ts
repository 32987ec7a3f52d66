/**
 * M3-Bench: open questions about a robot's recordings, asked at a moment, and about web videos, asked after them.
 *
 * Departures: 1. a robot's memory ends where the question is asked; the original ends it after a whole clip of 30 s
 * (`before_clip`), which lets a question of the first 30 s see later seconds; that clip counts where a row has no time;
 * 2. "Multi-Detail Reasoning" is the robot's name of "Multi-Evidence Reasoning".
 */
import { basename } from "node:path";
import { parseMoment } from "../../util/time.ts";
import type { BenchmarkTask, LoadedTasks, StreamFiles } from "../task.ts";
import { type Dataset, streamsAsked } from "./dataset.ts";
import {
  annotationFiles,
  type Fields,
  fieldsOf,
  gatherTasks,
  isFields,
  optionalText,
  type Row,
  RowProblem,
  readAnnotations,
  shown,
  textField,
} from "./files/annotations.ts";
import type { MediaIndex } from "./files/media-index.ts";
import { stemOf } from "./files/media-index.ts";

const cutSeconds = 30;
const sameTypes: Record<string, string> = { "Multi-Detail Reasoning": "Multi-Evidence Reasoning" };

/** M3-Bench: a robot's recordings and web videos. */
export const m3Bench: Dataset = (index, root, annotations) => {
  const { videoNames, ...loaded } = readTasks(index, root, annotations);
  return { loaded, streams: m3Streams(index, streamsAsked(loaded), videoNames) };
};

interface M3Tasks extends LoadedTasks {
  /** Stem of each stream's video where the file names one. */
  readonly videoNames: ReadonlyMap<string, string>;
}

/** @throws DataError where there are no questions */
function readTasks(index: MediaIndex, root: string, annotations: string | undefined): M3Tasks {
  const files = annotationFiles(index, root, annotations, {
    match: /^(robot|web)\.json$/,
    called: "robot.json or web.json",
  });
  const videoNames = new Map<string, string>();
  const notes: string[] = [];
  const rows = files.flatMap((path) => {
    const file = basename(path);
    const { found: videos, notes: repaired } = readAnnotations(
      path,
      "an object from video to questions",
      (value) => (isFields(value) ? value : null),
    );
    notes.push(...repaired);
    let row = 0;
    return Object.entries(videos).flatMap(([stream, video]): Row[] => {
      const list = isFields(video) ? video.qa_list : null;
      if (!isFields(video) || !Array.isArray(list)) {
        row += 1;
        const noList = () => {
          throw new RowProblem(`expected \`qa_list\` of ${stream} to be a list, got ${shown(list)}`);
        };
        return [{ file, row, id: null, read: noList }];
      }
      const named = optionalText(video, "video_path");
      if (named !== null) videoNames.set(stream, stemOf(basename(named)));
      return list.map((item: unknown) => {
        row += 1;
        const id = isFields(item) ? optionalText(item, "question_id") : null;
        return { file, row, id, read: () => m3Task(stream, fieldsOf(item), file) };
      });
    });
  });
  const { tasks, skipped } = gatherTasks(rows);
  return {
    benchmark: "m3bench",
    layout: files.map((path) => stemOf(basename(path))).join(" and "),
    files,
    rows: rows.length,
    tasks: inOrderAsked(tasks),
    skipped,
    notes,
    videoNames,
  };
}

function m3Task(stream: string, row: Fields, file: string): BenchmarkTask {
  const types = (Array.isArray(row.type) ? row.type : [row.type])
    .filter((type): type is string => typeof type === "string" && type.trim() !== "")
    .map((type) => sameTypes[type] ?? type);
  const [type, ...others] = [...new Set(types)];
  if (type === undefined) throw new RowProblem(`expected \`type\` to name one, got ${shown(row.type)}`);
  const answer = optionalText(row, "answer");
  if (answer === null) throw new RowProblem("its answer is missing");
  return {
    id: textField(row, "question_id"),
    stream,
    type,
    ...(others.length > 0 && { otherTypes: others }),
    askTime: askTimeOf(row),
    question: textField(row, "question"),
    answer,
    group: stemOf(file),
  };
}

function askTimeOf({ timestamp, before_clip: clip }: Fields): number | "end" {
  if (timestamp !== undefined && timestamp !== null && timestamp !== "") {
    const seconds = typeof timestamp === "string" ? parseMoment(timestamp, { kind: "media" }) : null;
    if (seconds === null) throw new RowProblem(`expected \`timestamp\` as MM:SS, got ${shown(timestamp)}`);
    return seconds;
  }
  if (clip === undefined || clip === null) return "end";
  if (typeof clip !== "number" || !Number.isInteger(clip) || clip < 0)
    throw new RowProblem(`expected \`before_clip\` to be a whole number, got ${shown(clip)}`);
  return (clip + 1) * cutSeconds;
}

/** Videos in the file's order, the questions of each as they are asked. */
function inOrderAsked(tasks: readonly BenchmarkTask[]): BenchmarkTask[] {
  const moment = ({ askTime }: BenchmarkTask) => (askTime === "end" ? Number.POSITIVE_INFINITY : askTime);
  return [...Map.groupBy(tasks, ({ stream }) => stream).values()].flatMap((ofStream) =>
    [...ofStream].sort((a, b) => (moment(a) === moment(b) ? 0 : moment(a) - moment(b))),
  );
}

function m3Streams(
  index: MediaIndex,
  streams: Iterable<string>,
  names: ReadonlyMap<string, string>,
): Map<string, StreamFiles> {
  const found = new Map<string, StreamFiles>();
  for (const stream of streams) {
    const media = index.media.get(names.get(stream) ?? stream) ?? index.media.get(stream);
    if (!media) continue;
    const subtitles = index.subtitles.get(stemOf(basename(media.entry ?? media.path))) ?? null;
    found.set(stream, { stream, media: [media], subtitles, cut: null });
  }
  return found;
}
