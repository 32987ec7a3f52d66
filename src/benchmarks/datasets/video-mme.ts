/**
 * Video-MME in the layouts its files travel in, told apart by their fields, never by their names alone.
 *
 * The same words mean different things: `duration` is a class in one layout and seconds in another, `video_id` a number
 * in one and the video's name in another. Answers are letters or texts. None of them has times: every question is asked
 * after the whole video.
 */
import { basename, extname } from "node:path";
import { DataError } from "../../errors.ts";
import type { BenchmarkTask, LoadedTasks, StreamFiles } from "../task.ts";
import { type Dataset, streamsAsked } from "./dataset.ts";
import {
  type Fields,
  fieldsOf,
  gatherTasks,
  isFields,
  jsonLines,
  optionalText,
  parseTsv,
  type Row,
  RowProblem,
  readJson,
  readText,
  repairedNote,
  shown,
} from "./files/annotations.ts";
import type { MediaIndex } from "./files/media-index.ts";
import { readParquet } from "./files/parquet.ts";
import { conversationTask, officialTask, promptTask, tableTask, templateTask } from "./video-mme-rows.ts";

/** Video-MME: one recording a question, named like it, subtitles too. */
export const videoMme: Dataset = async (index, root, annotations) => {
  const loaded = await readTasks(index, root, annotations);
  const streams = [...streamsAsked(loaded)].flatMap((stream): [string, StreamFiles][] => {
    const media = index.media.get(stream);
    const subtitles = index.subtitles.get(stream) ?? null;
    return media ? [[stream, { stream, media: [media], subtitles, cut: null }]] : [];
  });
  return { loaded, streams: new Map(streams) };
};

/** The questions of the file named, or of those found. @throws DataError where there is none, or none in a known layout */
async function readTasks(
  index: MediaIndex,
  root: string,
  annotations: string | undefined,
): Promise<LoadedTasks> {
  const candidates = annotations === undefined ? candidateFiles(index.paths) : [annotations];
  const tried: string[] = [];
  for (const group of grouped(candidates)) {
    const read: { path: string; parsed: Parsed }[] = [];
    for (const path of group) {
      let cut = "";
      const parsed = await parseFile(path).catch((error: unknown) => {
        if (annotations !== undefined || !(error instanceof DataError)) throw error;
        if (error.code === "annotations-cut") cut = ", which is cut short";
        return null;
      });
      if (parsed) read.push({ path, parsed });
      else tried.push(`${basename(path)}${cut}`);
    }
    const [first] = read;
    if (!first) continue;
    const rows = read.flatMap(({ parsed }) => parsed.rows);
    const notes = read.flatMap(({ parsed }) => parsed.notes);
    return {
      benchmark: "videomme",
      layout: first.parsed.layout,
      files: read.map(({ path }) => path),
      rows: rows.length,
      ...gatherTasks(rows),
      notes,
    };
  }
  const looked = annotations ?? root;
  throw new DataError(
    "annotations-missing",
    `Expected Video-MME annotations (official parquet or JSON, JSONL of prompts, TSV, result template, video_info_*.json) in ${looked}, found none${tried.length > 0 ? `; looked at ${tried.slice(0, 5).join(", ")}` : ""}: name the file with --annotations`,
    { details: { path: looked } },
  );
}

/** The official table first, then other tables, then JSON. */
function candidateFiles(paths: readonly string[]): string[] {
  const rank = (path: string) =>
    [".parquet", ".tsv", ".json", ".jsonl"].indexOf(extname(path).toLowerCase()) -
    (basename(path).startsWith("test-") ? 0.5 : 0);
  return paths
    .filter((path) => /\.(parquet|tsv|jsonl?)$/i.test(path) && !/captions?\.jsonl$/i.test(path))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** `video_info_short.json`, `_medium` and `_long` are one benchmark in three files. */
function grouped(paths: readonly string[]): string[][] {
  const parts = paths.filter((path) => /^video_info(_\w+)?\.json$/.test(basename(path)));
  const order = ["short", "medium", "long"];
  const place = (path: string) => order.findIndex((name) => basename(path).includes(name));
  const groups = paths.filter((path) => !parts.includes(path)).map((path) => [path]);
  return parts.length > 0 ? [...groups, parts.sort((a, b) => place(a) - place(b))] : groups;
}

interface Parsed {
  readonly layout: string;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** A file in a known layout, or `null`. */
async function parseFile(path: string): Promise<Parsed | null> {
  const extension = extname(path).toLowerCase();
  if (extension === ".parquet") return parseList(await readParquet(path), path, "parquet");
  if (extension === ".tsv") return parseList(parseTsv(readText(path)), path, "tsv");
  if (extension === ".jsonl") {
    return parseList(
      jsonLines(readText(path)).map(({ value }) => value),
      path,
      "jsonl",
    );
  }
  const { value, repaired } = readJson(path);
  const parsed = Array.isArray(value) ? parseList(value, path, "json") : parseTyped(value, path);
  return parsed && repaired ? { ...parsed, notes: [...parsed.notes, repairedNote(path)] } : parsed;
}

function parseList(list: readonly unknown[], path: string, form: string): Parsed | null {
  const file = basename(path);
  const sample = list.find(isFields);
  if (!sample) return null;
  const rows = (read: (row: Fields, place: number) => BenchmarkTask) =>
    list.map((value, i) => rowOf(file, i + 1, value, read));
  if (Array.isArray(sample.questions)) {
    const nested = flatten(list, "questions");
    return { layout: `result template (${form})`, rows: nestedRows(file, nested, templateTask), notes: [] };
  }
  if (Array.isArray(sample.conversations)) {
    const nested = flatten(list, "conversations");
    return { layout: `per video (${form})`, rows: nestedRows(file, nested, conversationTask), notes: [] };
  }
  if ("input" in sample && "videoID" in sample)
    return { layout: `prompts (${form})`, rows: rows(promptTask), notes: [] };
  if ("candidates" in sample) return { layout: `table (${form})`, rows: rows(tableTask), notes: [] };
  if ("videoID" in sample && "options" in sample)
    return { layout: `official (${form})`, rows: rows((row) => officialTask(row)), notes: [] };
  return null;
}

/** An object from task type to rows; `all` holds the same rows again. */
function parseTyped(value: unknown, path: string): Parsed | null {
  if (!isFields(value)) return null;
  const lists = Object.entries(value).filter(
    (pair): pair is [string, unknown[]] => Array.isArray(pair[1]) && pair[1].some(isVideoRow),
  );
  if (lists.length === 0) return null;
  const typed = lists.filter(([type]) => type !== "all");
  const [chosen, notes] = typed.length > 0 ? [typed, []] : [lists, []];
  const all = Array.isArray(value.all) ? value.all.length : undefined;
  const count = typed.reduce((sum, [, list]) => sum + list.length, 0);
  const file = basename(path);
  const group = /video_info_(short|medium|long)/.exec(file)?.[1];
  let row = 0;
  const rows = chosen.flatMap(([type, list]) =>
    list.map((item) => {
      row += 1;
      return rowOf(file, row, item, (fields, place) => {
        const task = { ...fields, duration: optionalText(fields, "duration") ?? group };
        const named = type === "all" ? null : type;
        return officialTask({ ...task, task_type: named ?? fields.task_type }, `${file}-${place}`);
      });
    }),
  );
  const differs = typed.length > 0 && all !== undefined && all !== count;
  return {
    layout: "by task type (json)",
    rows,
    notes: differs ? [`${file}: \`all\` holds ${all} rows, the types ${count}; the types were read`] : notes,
  };
}

const isVideoRow = (row: unknown) => isFields(row) && "videoID" in row && "question" in row;

function rowOf(
  file: string,
  row: number,
  value: unknown,
  read: (row: Fields, place: number) => BenchmarkTask,
): Row {
  const id = isFields(value) ? optionalText(value, "question_id", "index") : null;
  return { file, row, id, read: () => read(fieldsOf(value), row) };
}

interface Nested {
  readonly video: Fields;
  readonly question: unknown;
  /** From 1 within the video. */
  readonly place: number;
}

function flatten(
  list: readonly unknown[],
  key: "questions" | "conversations",
): (Nested | { bad: unknown })[] {
  return list.flatMap((video): (Nested | { bad: unknown })[] => {
    const questions = isFields(video) ? video[key] : null;
    if (!isFields(video) || !Array.isArray(questions)) return [{ bad: video }];
    return questions.map((question: unknown, i) => ({ video, question, place: i + 1 }));
  });
}

function nestedRows(
  file: string,
  nested: readonly (Nested | { bad: unknown })[],
  read: (video: Fields, question: Fields, place: number) => BenchmarkTask,
): Row[] {
  return nested.map((item, i) => {
    if ("bad" in item) {
      const noVideo = () => {
        throw new RowProblem(`expected a video with questions, got ${shown(item.bad)}`);
      };
      return { file, row: i + 1, id: null, read: noVideo };
    }
    const { video, question, place } = item;
    const id = isFields(question) ? optionalText(question, "question_id") : null;
    return { file, row: i + 1, id, read: () => read(video, fieldsOf(question), place) };
  });
}
