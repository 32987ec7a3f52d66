/**
 * EgoLife: one wearer's week, asked at wall-clock times; every QA file below the folder, in either layout.
 *
 * Stream time is seconds from midnight of day 1, as in the names of its recordings. Targets are moments; where the
 * question asks is where its memory ends.
 */
import { basename } from "node:path";
import { clockOfName } from "../../stream/files/clock-names.ts";
import type { Option } from "../../tasks/task.ts";
import { formatMoment } from "../../util/time.ts";
import type { BenchmarkTask, LoadedTasks, Span, StreamFiles } from "../task.ts";
import { type Dataset, streamsAsked } from "./dataset.ts";
import {
  annotationFiles,
  type Fields,
  fieldsOf,
  gatherTasks,
  isFields,
  letterOf,
  listIn,
  optionalText,
  optionsOf,
  type Row,
  RowProblem,
  readAnnotations,
  shown,
  textField,
} from "./files/annotations.ts";
import { momentOf, targetMoments } from "./files/day-clock.ts";
import type { MediaIndex } from "./files/media-index.ts";
import { nameOf, stemOf } from "./files/media-index.ts";

const wearerPattern = /A\d_[A-Z]+/i;
const usualWearer = "A1_JAKE";

/** EgoLife: recordings of a wearer by their clocks. */
export const egoLife: Dataset = (index, root, annotations) => {
  const loaded = readTasks(index, root, annotations);
  const streams = egoLifeStreams(index, streamsAsked(loaded));
  return { loaded, streams, unrecorded: unrecordedTasks(loaded.tasks, streams) };
};

/** @throws DataError where there are no questions */
function readTasks(index: MediaIndex, root: string, annotations: string | undefined): LoadedTasks {
  const files = egoLifeFiles(index, root, annotations);
  const read = files.map((path) => egoLifeRows(path));
  const rows = read.flatMap((one) => one.rows);
  const { tasks, skipped } = gatherTasks(rows);
  return {
    benchmark: "egolife",
    layout: [...new Set(rows.map(({ layout }) => layout))].join(" and ") || "rows",
    files,
    rows: rows.length,
    tasks: inOrderAsked(tasks),
    skipped,
    notes: read.flatMap(({ notes }) => notes),
  };
}

/** Files of questions, in order of their paths. @throws DataError where there are none */
export const egoLifeFiles = (index: MediaIndex, root: string, annotations: string | undefined) =>
  annotationFiles(index, root, annotations, {
    match: /^egolife_?qa.*\.json$/i,
    called: `EgoLifeQA/EgoLifeQA_${usualWearer}.json or egolife_qa.json`,
  });

/** A question of EgoLife; its evidence is moments. */
export interface EgoLifeTask extends BenchmarkTask {
  /** In seconds from midnight of day 1. */
  readonly askTime: number;
  readonly options: readonly Option[];
  readonly evidence: readonly Span[];
}

export interface EgoLifeRow extends Row<EgoLifeTask> {
  readonly layout: "rows" | "clip groups";
  /** As the file has it, a group's fields brought together. */
  readonly fields: Fields;
}

export interface EgoLifeRows {
  readonly rows: readonly EgoLifeRow[];
  /** Who the file's name says they are about, or else who usually is. */
  readonly wearer: string;
  readonly notes: readonly string[];
}

/**
 * Rows of one file.
 * @param language of questions and options; the Chinese ones stand beside the English
 * @throws DataError for a file that holds no list
 */
export function egoLifeRows(path: string, language: "en" | "zh" = "en"): EgoLifeRows {
  const file = basename(path);
  const { found: list, notes } = readAnnotations(
    path,
    "a list of questions, or `results`,",
    listIn("results"),
  );
  const named = wearerPattern.exec(file)?.[0].toUpperCase();
  const rows = list.map((item, i): EgoLifeRow => {
    const fields = isFields(item) ? item : {};
    const grouped = isFields(fields.qa);
    const row = grouped ? ungrouped(fields) : item;
    return {
      ...{ file, row: i + 1, id: optionalText(fields, "ID", "id"), fields: isFields(row) ? row : {} },
      layout: grouped ? "clip groups" : "rows",
      read: () => egoLifeTask(fieldsOf(row), named, language === "zh" ? "_chinese" : ""),
    };
  });
  const late = rows.filter(({ fields }) => frameOf(fields) > 19).length;
  return {
    rows,
    wearer: named ?? usualWearer,
    notes: [
      ...notes,
      ...(named === undefined ? [`${file} names no wearer; ${usualWearer} unless a row says otherwise`] : []),
      ...(late > 0 ? [`${late} times with a frame past 19 were read as frame 19`] : []),
    ],
  };
}

/** `{ID, qa: {query_time, target_time, answer}, qa_raw: {question, choice_a, type}, current_groups, target_groups}` as one row. */
function ungrouped(item: Fields): Fields {
  const raw = isFields(item.qa_raw) ? item.qa_raw : {};
  const qa = isFields(item.qa) ? item.qa : {};
  return { ID: item.ID, who: groupWearer(item), ...raw, ...qa };
}

function groupWearer({ current_groups }: Fields): string | undefined {
  const [first] = Array.isArray(current_groups) ? current_groups : [];
  const output = isFields(first) ? optionalText(first, "output") : null;
  return output === null ? undefined : wearerPattern.exec(output)?.[0].toUpperCase();
}

/** @param suffix behind the names of the fields that hold texts */
function egoLifeTask(row: Fields, named: string | undefined, suffix: string): EgoLifeTask {
  const id = textField(row, "ID");
  const stream = named ?? optionalText(row, "who") ?? usualWearer;
  const type = textField(row, "type");
  const question = textField(row, `question${suffix}`);
  const choices = ["a", "b", "c", "d"].map((letter) => row[`choice_${letter}${suffix}`]);
  if (row[`choice_e${suffix}`] !== undefined) throw new RowProblem("expected 4 options, got 5");
  const options = optionsOf(choices, 4);
  const answer = letterOf(optionalText(row, "answer"), options, "letter");
  const asked = momentIn(row.query_time, "query_time");
  const evidence = targetsIn(row.target_time);
  if (evidence.at(-1)! > asked) {
    const clock = { kind: "day" } as const;
    throw new RowProblem(
      `its target ${formatMoment(evidence.at(-1)!, clock)} lies after the question at ${formatMoment(asked, clock)}`,
    );
  }
  return {
    id: named === undefined || named === usualWearer ? id : `${named}-${id}`,
    stream,
    type,
    askTime: asked,
    question,
    options,
    answer,
    evidence: evidence.map((seconds) => ({ startSeconds: seconds, endSeconds: seconds })),
  };
}

/** A time of 8 digits; as a number it lost the zeros in front. */
const digits = (time: unknown) =>
  typeof time === "number" ? String(time).padStart(8, "0") : typeof time === "string" ? time : null;

function momentIn(value: unknown, name: string): number {
  const time = isFields(value) ? digits(value.time) : null;
  const date = isFields(value) ? optionalText(value, "date") : null;
  const moment = time === null || date === null ? null : momentOf(date, time);
  if (moment === null)
    throw new RowProblem(`expected \`${name}\` to be a day and 8 digits, got ${shown(value)}`);
  return moment;
}

function targetsIn(value: unknown): number[] {
  const date = isFields(value) ? optionalText(value, "date") : null;
  const moments =
    isFields(value) && date !== null
      ? targetMoments({
          date,
          time: digits(value.time) ?? undefined,
          time_list: Array.isArray(value.time_list)
            ? value.time_list.map((time: unknown) => digits(time) ?? "")
            : undefined,
        })
      : null;
  if (moments === null)
    throw new RowProblem(`expected \`target_time\` to be a day with times of 8 digits, got ${shown(value)}`);
  return moments;
}

/** Files are in this order already; another file's questions are sorted in. */
function inOrderAsked(tasks: readonly BenchmarkTask[]): BenchmarkTask[] {
  return [...tasks].sort(
    (a, b) =>
      (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0) || Number(a.askTime) - Number(b.askTime),
  );
}

/** Frame of a query time, which is written behind its seconds. */
function frameOf({ query_time: asked }: Fields): number {
  return Number((isFields(asked) ? (digits(asked.time) ?? "") : "").slice(6));
}

/**
 * A wearer's recordings: names with the wearer, a day and a clock, wherever they lie. Where none has subtitles of its own, what
 * was said is taken from the wearer's transcripts.
 */
function egoLifeStreams(index: MediaIndex, streams: Iterable<string>): Map<string, StreamFiles> {
  const found = new Map<string, StreamFiles>();
  for (const stream of streams) {
    const media = [...index.media.values()]
      .filter((file) => nameOf(file).toUpperCase().includes(stream.toUpperCase()))
      .map((file) => ({ file, clock: clockOfName(nameOf(file)) }))
      .filter(({ clock }) => clock?.kind === "day")
      .sort((a, b) => a.clock!.seconds - b.clock!.seconds)
      .map(({ file }) => file);
    if (media.length === 0) continue;
    const hasSubtitles = media.some((file) => index.subtitles.has(stemOf(nameOf(file))));
    const transcripts = hasSubtitles ? [] : transcriptsOf(index, stream);
    found.set(stream, { stream, media, subtitles: null, cut: null, transcripts });
  }
  return found;
}

/** Files of an hour below a folder `Transcript`, named like `A1_JAKE_DAY1_11000000.srt`. */
function transcriptsOf({ paths }: MediaIndex, stream: string): string[] {
  return paths.filter(
    (path) =>
      /[\\/]Transcript[\\/].*\.srt$/i.test(path) &&
      basename(path).toUpperCase().includes(stream.toUpperCase()) &&
      clockOfName(path)?.kind === "day",
  );
}

/** EgoLife's recordings are of 30 s: where none began for so long before a moment, nothing was recorded of it. */
const mostSeconds = 3600;

/**
 * Tasks whose evidence is not recorded here, as where a download is of some days only; the moment of the question need
 * not be recorded, nor is it always in the whole week. One sentence for each hour that is missed.
 */
function unrecordedTasks(
  tasks: readonly BenchmarkTask[],
  streams: ReadonlyMap<string, StreamFiles>,
): { ids: ReadonlySet<string>; notes: string[] } {
  const starts = new Map(
    [...streams].map(([stream, { media }]) => [
      stream,
      media.map((file) => clockOfName(nameOf(file))!.seconds),
    ]),
  );
  const isMissed = (stream: string, moment: number) =>
    !starts.get(stream)!.some((start) => start <= moment && moment - start <= mostSeconds);
  const missed = tasks
    .filter(({ stream }) => starts.has(stream))
    .flatMap(({ id, stream, evidence = [] }) => {
      const moment = evidence.find(({ startSeconds }) => isMissed(stream, startSeconds))?.startSeconds;
      return moment === undefined ? [] : [{ id, stream, hour: Math.floor(moment / 3600) }];
    });
  const byHour = Map.groupBy(missed, ({ stream, hour }) => JSON.stringify([stream, hour]));
  return {
    ids: new Set(missed.map(({ id }) => id)),
    notes: [...byHour.values()]
      .sort(([a], [b]) => a!.hour - b!.hour)
      .map(
        ([first, ...more]) =>
          `${first!.stream}: no recording of DAY${Math.floor(first!.hour / 24) + 1} at ${first!.hour % 24}, which ${1 + more.length} questions are about: left out`,
      ),
  };
}
