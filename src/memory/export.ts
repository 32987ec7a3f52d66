/**
 * A memory as files: `memory.jsonl`, a header and then one row a line, and `blobs/ab/<sha256>` beside it.
 *
 * The format is the contract between stores and versions. It leaves out the text index, vectors and word counts, which
 * are computed again. The file can be read without its blobs: entries then keep only the hashes of their frames. An
 * import is checked whole before anything is written, then added in one transaction, all of it or nothing. For that its
 * rows are held in working memory; frames are not.
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { open, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { blobPath } from "./blobs.ts";
import { inOurWords, toStoreError } from "./database.ts";
import type { AddRowsOptions, Entries, JsonValue, Maintenance, Memory, MemoryRow } from "./memory.ts";
import { hashesOf } from "./row-conflict.ts";

/** Name of the export format. */
export const exportFormat = "taskmem-memory";
/** Version of the export format; older ones are read, newer ones refused. */
export const exportVersion = 3;
const fileName = "memory.jsonl";

/** First line of an export. */
export interface ExportHeader {
  readonly row: "header";
  readonly format: typeof exportFormat;
  readonly version: typeof exportVersion;
}

/** How much an export wrote. */
export interface ExportReport {
  readonly rows: number;
  readonly blobs: number;
}

/** How much an import added. */
export interface ImportReport extends ExportReport {
  /** Rows that were already there. */
  readonly skipped: number;
  /** Rows left out because they were forgotten in the memory. */
  readonly forgotten: number;
}

/** The header and all rows, for a pipe or a file without blobs. */
export async function* exportRows(
  memory: Pick<Maintenance, "rows">,
): AsyncGenerator<ExportHeader | MemoryRow> {
  yield { row: "header", format: exportFormat, version: exportVersion };
  yield* memory.rows();
}

/**
 * Writes a memory into a directory. An earlier export there is replaced, with its blobs.
 * @throws DataError `export-target` when the directory holds anything else
 */
export async function exportMemory(
  memory: Entries & Maintenance & Pick<Memory, "directory">,
  directory: string,
): Promise<ExportReport> {
  const file = join(directory, fileName);
  const partial = `${file}.partial`;
  const blobFolder = join(directory, "blobs");
  const isNew = !existsSync(directory);
  assertExportTarget(memory, directory);
  const hashes = new Set<string>();
  const copied: string[] = [];
  let rows = 0;
  async function* lines() {
    for await (const row of exportRows(memory)) {
      rows += 1;
      for (const hash of row.row === "header" ? [] : hashesOf(row)) {
        if (!hashes.has(hash) && (await copyBlob(memory, blobFolder, hash, copied))) hashes.add(hash);
      }
      yield `${JSON.stringify(row)}\n`;
    }
  }
  try {
    makeDirectory(directory);
    await pipeline(Readable.from(lines()), createWriteStream(partial, { flush: true, mode: 0o600 }));
    await rename(partial, file);
    removeOtherBlobs(blobFolder, hashes);
  } catch (error) {
    for (const path of [partial, ...copied]) rmSync(path, { force: true });
    removeEmpty(isNew ? directory : blobFolder);
    throw toStoreError(directory, error, "export");
  }
  return { rows, blobs: hashes.size };
}

function assertExportTarget(memory: Pick<Memory, "directory">, directory: string): void {
  const isOwn = resolve(directory) === resolve(memory.directory);
  const names = !isOwn && existsSync(directory) ? listed(directory) : [];
  const isFree = names.length === 0 || names.some((name) => name.startsWith(fileName));
  if (!isOwn && isFree) return;
  throw new DataError(
    "export-target",
    `Expected a new or empty directory or an earlier export, got ${isOwn ? "the memory's own directory" : directory}. Name another.`,
  );
}

function listed(directory: string): string[] {
  if (statSync(directory).isDirectory()) return readdirSync(directory);
  throw new DataError("export-target", `Expected a directory to export to, got the file ${directory}`);
}

/** Copies a blob that is not there yet. @param copied receives the paths it writes */
async function copyBlob(
  memory: Pick<Entries, "blob">,
  folder: string,
  hash: string,
  copied: string[],
): Promise<boolean> {
  const path = blobPath(folder, hash);
  if (existsSync(path)) return true;
  const bytes = await memory.blob(hash);
  if (bytes === null) return false;
  makeDirectory(dirname(path));
  copied.push(`${path}.partial`, path);
  await writeFile(`${path}.partial`, bytes, { flush: true, mode: 0o600 });
  await rename(`${path}.partial`, path);
  return true;
}

/** Removes a directory and those in it, as far as they are empty. */
function removeEmpty(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(directory, entry.name));
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** Deletes blobs of an earlier export in the same place, so that nothing forgotten stays there. */
function removeOtherBlobs(folder: string, keep: ReadonlySet<string>): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const hash = name.slice(3);
    if (/^[0-9a-f]{64}$/.test(hash) && !keep.has(hash)) rmSync(join(folder, name));
  }
}

/**
 * Reads an export, a directory or a JSONL file alone, into a memory. Rows already there are skipped, and what was forgotten
 * there stays forgotten, unless it is asked for.
 *
 * @throws DataError that names the line that is malformed or conflicts with the memory; nothing is added then
 */
export async function importMemory(
  path: string,
  memory: Pick<Maintenance, "addRows">,
  options: AddRowsOptions = {},
): Promise<ImportReport> {
  const { file, blobFolder } = importSource(path);
  const rows: MemoryRow[] = [];
  const lines: number[] = [];
  for await (const { row, line } of readRows(file)) {
    rows.push(row);
    lines.push(line);
  }
  const blob = (hash: string) => (blobFolder === null ? null : blobAt(blobFolder, hash));
  try {
    const { added, skipped, forgotten, blobs } = await memory.addRows(rows, blob, options);
    return { rows: added, blobs, skipped, forgotten };
  } catch (error) {
    if (!(error instanceof DataError) || typeof error.details.index !== "number") throw error;
    const line = lines[error.details.index];
    throw new DataError(error.code, `${file}, line ${line}: ${error.message}`, {
      cause: error,
      details: { file, line },
    });
  }
}

function importSource(path: string): { readonly file: string; readonly blobFolder: string | null } {
  const stat = statSync(path, { throwIfNoEntry: false });
  const file = stat?.isDirectory() ? join(path, fileName) : path;
  if (existsSync(file)) return { file, blobFolder: stat?.isDirectory() ? join(path, "blobs") : null };
  throw new DataError(
    "import-missing",
    `There is no export at ${file}. Name a directory with ${fileName}, or such a file.`,
  );
}

function blobAt(folder: string, hash: string): Uint8Array | null {
  const path = blobPath(folder, hash);
  return existsSync(path) ? inOurWords(path, () => readFileSync(path)) : null;
}

/** Rows of a file with their line numbers, after the header was checked. @throws DataError */
async function* readRows(file: string): AsyncGenerator<{ readonly row: MemoryRow; readonly line: number }> {
  const handle = await open(file).catch((error: unknown) => {
    throw toStoreError(file, error, "export");
  });
  await handle.close();
  const streams = new Set<string>();
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line += 1;
    if (text.trim() === "" && line > 1) continue;
    const value = parseLine(text, file, line);
    if (line === 1) {
      assertHeader(value, file);
      continue;
    }
    const parsed = rowSchema.safeParse(value);
    if (!parsed.success) throw malformed(file, line, z.prettifyError(parsed.error));
    const row = value as MemoryRow; // as it was written: parsing would reorder its keys
    if (row.row === "stream") streams.add(row.id);
    for (const stream of streamsOf(row)) {
      if (!streams.has(stream)) throw malformed(file, line, `its stream ${stream} has no row above it`);
    }
    yield { row, line };
  }
  if (line === 0) assertHeader(null, file);
}

function parseLine(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(file, line, (error as Error).message);
  }
}

function streamsOf(row: MemoryRow): string[] {
  if (row.row === "decision") return row.clips.map(({ stream }) => stream);
  return "stream" in row && row.row !== "task" ? [row.stream] : [];
}

function assertHeader(value: unknown, file: string): void {
  const header = z.object({ row: z.literal("header"), format: z.literal(exportFormat), version: z.number() });
  const parsed = header.safeParse(value);
  if (!parsed.success) {
    throw new DataError(
      "export-format",
      `Expected ${file} to begin with the header of a TaskMem export, got ${JSON.stringify(value).slice(0, 80)} in line 1`,
      { details: { line: 1 } },
    );
  }
  if (parsed.data.version > exportVersion) {
    throw new DataError(
      "export-version",
      `Expected an export of version ${exportVersion} or lower, got ${parsed.data.version}. A newer TaskMem wrote it: update this one.`,
      { details: { line: 1 } },
    );
  }
}

function malformed(file: string, line: number, why: string): DataError {
  return new DataError(
    "row-malformed",
    `Expected a row of a TaskMem export in ${file}, line ${line}: ${why}`,
    {
      details: { line },
    },
  );
}

const seconds = z.number();
const count = z.int().nonnegative();
/** Files from before the first file of a stream have clips below 0. */
const index = z.int();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const personId = z.string().regex(/^person_[0-9a-f]+$/);
const shortHash = z.string().regex(/^[0-9a-f]{16}$/);
const span = { startSeconds: seconds, endSeconds: seconds };
const json: z.ZodType<JsonValue> = z.json();
const clock = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("media") }),
  z.object({ kind: z.literal("day") }),
  z.object({ kind: z.literal("wall"), originMs: z.number() }),
]);
const spoken = z.object({ ...span, text: z.string(), speaker: z.string().nullable() });
const tiers = z.record(z.string(), z.string());
const look = z.object({
  recordedAtMs: z.number().nullable(),
  picture: z
    .object({
      width: z.number().nullable(),
      height: z.number().nullable(),
      brightness: z.number().nullable(),
      changed: z.number().nullable(),
      cuts: index,
    })
    .nullable(),
  sound: z
    .object({
      ...{ seconds, levelDb: z.number(), speechSeconds: seconds },
      byVoice: z.literal(true).exactOptional(),
    })
    .nullable(),
  lines: z.object({ said: index, captions: index, read: index }),
  problems: z.array(z.string()),
});
const box = z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() });
const observation = z.object({
  stream: z.string(),
  clip: index,
  ...span,
  frames: z.array(z.object({ atSeconds: seconds, width: z.number(), height: z.number(), hash })),
  speech: z.array(spoken),
  captions: z.array(spoken),
  screen: z.array(z.object({ ...span, text: z.string(), confidence: z.number() })),
  heard: z
    .array(z.object({ kind: z.enum(["speech", "sound"]), ...span, voices: index.exactOptional() }))
    .exactOptional(),
  shots: z.array(seconds),
  people: z.array(
    z.object({
      ...{ id: z.string(), name: z.string().nullable(), atSeconds: z.array(seconds) },
      boxes: z.array(box).exactOptional(),
      heard: z.literal(true).exactOptional(),
    }),
  ),
  tiers,
  problems: z.array(z.string()),
  look: look.exactOptional(),
  pushed: z
    .object({
      perceived: z.boolean(),
      ids: z.array(z.string()),
      sounds: z.array(z.object({ startSeconds: z.number(), hash })),
    })
    .optional(),
});
const evidence = z.object({
  clips: z.array(index),
  ...span,
  frames: z.array(z.object({ atSeconds: seconds, hash })),
  sources: z.array(
    z.object({
      kind: z.enum(["speech", "caption", "screen", "sound", "person"]),
      ...span,
      text: z.string(),
      speaker: z.string().nullable(),
      confidence: z.number().nullable(),
    }),
  ),
  tiers,
});
const leftOut = z.object({
  kind: z.enum(["source", "file", "damaged", "track", "overlap", "link", "sound", "picture", "text"]),
  name: z.string().nullable(),
  reason: z.string(),
});
const wordCount = z.tuple([z.string(), z.number()]);
const sourceFile = z.object({
  id: z.string().min(1),
  name: z.string(),
  startSeconds: seconds,
  watchedSeconds: seconds.nonnegative(),
  bytes: count,
  whole: z.boolean(),
});
const adapterState = z.enum(["candidate", "active", "retired", "refused"]);
const adapterChange = z.object({
  ...{ state: adapterState, reason: z.string(), atMs: z.number() },
  canary: z.object({ share: z.number(), salt: z.number() }).exactOptional(),
});
const rowSchema = z.discriminatedUnion("row", [
  z.object({
    row: z.literal("stream"),
    id: z.string(),
    description: z.string(),
    clipSeconds: z.number().positive(),
    clock,
    fingerprint: z.string().nullable(),
    addedAtMs: z.number(),
    ended: z.boolean(),
    // Exports of older versions lack it.
    leftOut: z.array(leftOut).default([]),
    nextClip: count,
    files: z.array(sourceFile).exactOptional(),
  }),
  z.object({
    row: z.literal("clip"),
    stream: z.string(),
    clip: index,
    state: z.enum(["perceived", "stored", "failed"]),
    ...span,
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    attempts: count,
    part: z.int().positive().exactOptional(),
    // Exports of older versions lack it.
    look: look.nullable().default(null),
    observation: observation.nullable(),
  }),
  z.object({
    row: z.literal("entry"),
    id: z.string().min(1),
    stream: z.string(),
    clip: index,
    kind: z.enum(["episodic", "semantic"]),
    ...span,
    writtenAtMs: z.number(),
    text: z.string(),
    speakers: z.array(z.string()),
    policy: z.string(),
    revision: z.string(),
    evidence,
    closed: z.object({ atMs: z.int(), reason: z.string(), supersededBy: z.string().nullable() }).nullable(),
    told: z.string().exactOptional(),
  }),
  z.object({
    row: z.literal("person"),
    id: personId,
    number: z.int().positive(),
    name: z.string().nullable(),
    into: personId.nullable(),
  }),
  z.object({
    row: z.literal("face"),
    id: z.string().regex(/^(?:face|voice)_[0-9a-f]+$/),
    stream: z.string(),
    clip: index,
    atSeconds: z.array(seconds).nonempty(),
    shownSeconds: seconds,
    kind: z.exactOptional(z.literal("voice")),
    box,
    good: count,
    captions: z.array(z.string()),
    speakers: z.array(z.string()).exactOptional(),
    space: z.string(),
    vector: z.base64().nullable(),
    crop: hash.nullable(),
    person: personId.nullable(),
    maybe: personId.nullable(),
    told: personId.nullable(),
    not: z.array(personId),
    sure: z.boolean(),
    exemplar: z.boolean(),
  }),
  z.object({ row: z.literal("policy"), policy: z.string(), stream: z.string(), value: json }),
  z.object({
    row: z.literal("decision"),
    policy: z.string(),
    revision: z.string(),
    decidedAtMs: z.number(),
    clips: z.array(z.object({ stream: z.string(), clip: index, part: z.int().positive().exactOptional() })),
    documents: z.number(),
    words: z.array(wordCount),
    // Exports of older versions lack it.
    bySpeaker: z
      .array(z.object({ speaker: z.string().nullable(), documents: z.number(), words: z.array(wordCount) }))
      .exactOptional(),
  }),
  z.object({
    row: z.literal("gap"),
    stream: z.string(),
    ...span,
    reason: z.enum(["between-files", "source-down", "unreadable", "behind", "not-watched", "paused"]),
    detail: z.string(),
  }),
  z.object({
    row: z.literal("task"),
    id: z.string().min(1),
    askedAtMs: z.number(),
    asOfSeconds: z.number().nullable(),
    stream: z.string().nullable(),
    question: z.object({
      text: z.string(),
      options: z.array(z.object({ letter: z.string(), text: z.string() })),
    }),
    answer: z.string(),
    option: z.string().nullable(),
    abstained: z.boolean(),
    citations: z.array(z.string()),
    reader: z.string(),
    feedback: z
      .object({ atMs: z.number(), verdict: z.enum(["right", "wrong"]), correction: z.string().nullable() })
      .nullable(),
  }),
  z.object({
    row: z.literal("adapter"),
    id: z.string().min(1),
    policy: z.string(),
    revision: z.string(),
    state: adapterState,
    reason: z.string(),
    atMs: z.number(),
    tasks: z.array(z.string()),
    file: z.string(),
    history: z.array(adapterChange).exactOptional(),
  }),
  z.object({
    row: z.literal("forgotten"),
    atMs: z.number(),
    streams: z.array(shortHash).exactOptional(),
    fromSeconds: seconds.exactOptional(),
    toSeconds: seconds.exactOptional(),
    person: z.object({ words: z.int().positive(), hashes: z.array(shortHash) }).exactOptional(),
    words: z.array(shortHash).exactOptional(),
    ids: z.array(shortHash),
  }),
]) satisfies z.ZodType<MemoryRow>;
