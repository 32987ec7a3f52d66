/** Rows of annotation files, read one by one: a row that is not what it should be is listed with its reason. */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { jsonrepair } from "jsonrepair";
import { DataError } from "../../../errors.ts";
import { decodeText } from "../../../stream/texts/encoding.ts";
import { letterOptions, type Option } from "../../../tasks/task.ts";
import type { BenchmarkTask, SkippedRow } from "../../task.ts";
import type { MediaIndex } from "./media-index.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Why a row cannot be used; caught by `gatherTasks`. */
export class RowProblem extends Error {}

/** One row of a file and how it becomes a task; `read` throws `RowProblem`. */
export interface Row<T extends BenchmarkTask = BenchmarkTask> {
  readonly file: string;
  readonly row: number;
  readonly id: string | null;
  read(): T;
}

/** Tasks of the rows that can be used, in order, and the others with their reasons. An id counts once. */
export function gatherTasks<T extends BenchmarkTask>(
  rows: readonly Row<T>[],
): { tasks: T[]; skipped: SkippedRow[] } {
  const tasks: T[] = [];
  const skipped: SkippedRow[] = [];
  const rowOf = new Map<string, number>();
  for (const { file, row, id, read } of rows) {
    try {
      const task = read();
      const earlier = rowOf.get(task.id);
      if (earlier !== undefined) throw new RowProblem(`its id ${task.id} stands in row ${earlier} already`);
      rowOf.set(task.id, row);
      tasks.push(task);
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      skipped.push({ file, row, id, reason: error.message });
    }
  }
  return { tasks, skipped };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws RowProblem where the row is no object */
export function fieldsOf(value: unknown): Fields {
  if (isFields(value)) return value;
  throw new RowProblem(`expected an object, got ${shown(value)}`);
}

/** Text of a field, trimmed; numbers count as text. @throws RowProblem where it is missing or empty */
export function textField(row: Fields, ...names: readonly string[]): string {
  const text = optionalText(row, ...names);
  if (text === null) throw new RowProblem(`expected \`${names.join("` or `")}\` to be text, got none`);
  return text;
}

/** The first of some fields that holds text, or `null`. */
export function optionalText(row: Fields, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = row[name];
    const text = typeof value === "number" || typeof value === "bigint" ? String(value) : value;
    if (typeof text === "string" && text.trim() !== "") return text.trim();
  }
  return null;
}

const prefix = /^\s*\(?([A-Z])[.):：]\s*/;

/**
 * Options from their texts; letters in front are taken off where all have theirs in order, for a text may begin with
 * another letter and a full stop of its own.
 * @throws RowProblem for another number of options than expected, or an empty one
 */
export function optionsOf(value: unknown, expected: number): Option[] {
  if (!Array.isArray(value)) throw new RowProblem(`expected a list of options, got ${shown(value)}`);
  if (value.length !== expected) throw new RowProblem(`expected ${expected} options, got ${value.length}`);
  const texts = value.map((text) => optionalText({ text }, "text") ?? "");
  const lettered = texts.every((text, i) => prefix.exec(text)?.[1] === String.fromCharCode(65 + i));
  const plain = lettered ? texts.map((text) => text.replace(prefix, "").trim()) : texts;
  const empty = plain.indexOf("");
  if (empty >= 0) throw new RowProblem(`expected option ${String.fromCharCode(65 + empty)} to have a text`);
  return letterOptions(plain);
}

/**
 * The letter of the right option.
 * @param form how the layout writes it; the other form is taken where that one does not fit
 * @throws RowProblem for a missing answer and for one that is no option
 */
export function letterOf(answer: string | null, options: readonly Option[], form: "letter" | "text"): string {
  if (answer === null) throw new RowProblem("its answer is missing");
  const letter = /^\(?([A-Za-z])\)?[.):]?$/.exec(answer)?.[1]?.toUpperCase();
  const byLetter = options.find((option) => option.letter === letter);
  const plain = (text: string) => text.replace(/\s+/g, " ").trim().replace(/\.$/, "").toLowerCase();
  const withLetter = prefix.exec(answer);
  const unlettered =
    withLetter && options.some((o) => o.letter === withLetter[1]) && answer.replace(prefix, "");
  const sameText = options.filter(
    ({ text }) => plain(text) === plain(answer) || (unlettered && plain(text) === plain(unlettered)),
  );
  if (sameText.length > 1) throw new RowProblem(`its answer ${shown(answer)} is the text of several options`);
  const [byText] = sameText;
  const found = form === "letter" ? (byLetter ?? byText) : (byText ?? byLetter);
  if (found) return found.letter;
  const letters = options.map((option) => option.letter).join(", ");
  throw new RowProblem(
    `expected its answer to be one of ${letters} or an option's text, got ${shown(answer)}`,
  );
}

/**
 * The annotations named, or those found below the folder.
 * @param names what the file's name must match, and what a message calls it
 * @throws DataError `annotations-missing`
 */
export function annotationFiles(
  { paths }: MediaIndex,
  root: string,
  annotations: string | undefined,
  names: { readonly match: RegExp; readonly called: string },
): string[] {
  if (annotations !== undefined) return [annotations];
  const found = paths.filter((path) => names.match.test(basename(path)));
  if (found.length > 0) return found;
  throw new DataError(
    "annotations-missing",
    `Expected ${names.called} below ${root}, found none: name the file with --annotations`,
    { details: { path: root } },
  );
}

/** What a file of annotations holds, as `form` takes it, and whether it had to be repaired. @throws DataError `annotations-unreadable` where it returns `null` */
export function readAnnotations<T>(
  path: string,
  expected: string,
  form: (value: unknown) => T | null,
): { found: T; notes: string[] } {
  const { value, repaired } = readJson(path);
  const found = form(value);
  if (found !== null) return { found, notes: repaired ? [repairedNote(path)] : [] };
  throw new DataError("annotations-unreadable", `Expected ${expected} in ${path}`, { details: { path } });
}

export const repairedNote = (path: string) =>
  `${basename(path)} is not quite JSON and was read as what it must mean`;

/** A list, or the one in a field of an object; for `readAnnotations`. */
export function listIn(field: string): (value: unknown) => readonly unknown[] | null {
  return (value) => {
    const list = isFields(value) ? value[field] : value;
    return Array.isArray(list) ? list : null;
  };
}

/** Text of an annotation file. @throws DataError */
export function readText(path: string): string {
  try {
    return decodeText(readFileSync(path), { name: path }).replace(/^\uFEFF/, "");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DataError("file-missing", `Expected annotations at ${path}, could not read them: ${code}`, {
      cause,
      details: { path },
    });
  }
}

/** JSON of a file, repaired where it is nearly JSON (trailing commas, say). @throws DataError also where the file is cut */
export function readJson(path: string): { value: unknown; repaired: boolean } {
  return parseJson(readText(path), path);
}

/** Whether a text of JSON ends before its brackets or its last string do: a download that was cut short. */
function isCut(text: string): boolean {
  let depth = 0;
  for (const [mark] of text.matchAll(/"(?:[^"\\]|\\.)*"|["[\]{}]/gs)) {
    if (mark === '"') return true;
    if (mark.length === 1) depth += mark === "[" || mark === "{" ? 1 : -1;
  }
  return depth > 0;
}

/** @param where for the message */
export function parseJson(text: string, where: string): { value: unknown; repaired: boolean } {
  try {
    return { value: JSON.parse(text), repaired: false };
  } catch (cause) {
    if (isCut(text)) {
      throw new DataError(
        "annotations-cut",
        `Expected all of ${where}, it ends in the middle of a value: fetch it again`,
        { cause, details: { path: where } },
      );
    }
    try {
      return { value: JSON.parse(jsonrepair(text)), repaired: true };
    } catch (cause) {
      throw new DataError(
        "annotations-unreadable",
        `Expected JSON in ${where}, got ${shown(text.trim().slice(0, 60))}: ${(cause as Error).message}`,
        { cause, details: { path: where } },
      );
    }
  }
}

/** One value a line; lines that are no JSON are rows with a problem. */
export function jsonLines(text: string): { line: number; value: unknown }[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return [{ line: i + 1, value: JSON.parse(line) as unknown }];
    } catch {
      return [{ line: i + 1, value: line }];
    }
  });
}

/**
 * Rows of tab-separated text by the names in its first line. A field that starts with a quotation mark ends with one,
 * may hold tabs and line breaks, and doubles the marks inside, as pandas writes it.
 */
export function parseTsv(text: string): Fields[] {
  const records: string[][] = [[]];
  const field = /"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*)/y;
  for (let at = 0; at < text.length; ) {
    field.lastIndex = at;
    const match = field.exec(text)!;
    records.at(-1)!.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    at = field.lastIndex;
    if (text[at] === "\t") at += 1;
    else {
      if (text.startsWith("\r\n", at)) at += 2;
      else at += 1;
      records.push([]);
    }
  }
  const [names = [], ...rows] = records.filter((record) => record.some((value) => value !== ""));
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A value in a message. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
