/** Which rows of another memory conflict with what a memory holds. */
import { isDeepStrictEqual } from "node:util";
import { DataError } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import { hashesIn } from "./packed.ts";
import type { ClipRecord, Entry, MemoryRow, SourceFile, StreamRecord } from "./records.ts";

/** What a memory holds under the names of a row. */
export interface Held {
  stream(id: string): StreamRecord | undefined;
  clip(
    stream: string,
    clip: number,
  ): (Pick<ClipRecord, "startSeconds"> & { readonly part: number }) | undefined;
  entry(id: string): Entry | undefined;
  /** The text of an entry with references to people; `null` without. */
  told(id: string): string | null;
  task(id: string): Task | undefined;
}

/** Checks that a row agrees with what the memory holds under its name. @throws DataError `row-conflict` */
export function assertFits(held: Held, row: MemoryRow, index: number): void {
  const [here, there, what] = compared(held, row);
  if (here === undefined || isDeepStrictEqual(here, there)) return;
  throw new DataError(
    "row-conflict",
    `This memory holds the ${what} with other content. Import into another memory, or forget this one first.`,
    { details: { index } },
  );
}

/** What identifies the content of a row, in the memory and in the row. */
function compared(held: Held, row: MemoryRow): readonly [here: unknown, there: unknown, what: string] {
  switch (row.row) {
    case "stream": {
      const known = held.stream(row.id);
      return [known && streamFacts(known), streamFacts(row), `stream ${row.id}`];
    }
    case "clip": {
      const known = held.clip(row.stream, row.clip);
      // A part that came later may start earlier.
      const here = known?.part === (row.part ?? 1) ? known.startSeconds : undefined;
      return [here, row.startSeconds, `clip ${row.clip} of ${row.stream}`];
    }
    case "entry": {
      const known = held.entry(row.id);
      // People may be called otherwise there.
      const told = held.told(row.id) ?? undefined;
      const here = known && entryFacts({ ...known, text: told ?? known.text });
      return [here, entryFacts({ ...row, text: row.told ?? row.text }), `entry ${row.id}`];
    }
    case "task":
      return [held.task(row.id)?.question, row.question, `task ${row.id}`];
    default:
      return [undefined, undefined, row.row];
  }
}

const streamFacts = ({ clipSeconds, clock, fingerprint }: StreamRecord) => [clipSeconds, clock, fingerprint];
const entryFacts = (entry: Entry) => [entry.stream, entry.clip, entry.kind, entry.text, entry.revision];

/** Whether a file was watched further than is known. */
export function isWatchedFurther(file: SourceFile, known: SourceFile | undefined): boolean {
  if (known === undefined || file.watchedSeconds > known.watchedSeconds) return true;
  return file.watchedSeconds === known.watchedSeconds && file.whole && !known.whole;
}

/** Hashes of the blobs a row names. */
export function hashesOf(row: MemoryRow): string[] {
  if (row.row === "entry") return row.evidence.frames.map(({ hash }) => hash);
  if (row.row === "face") return row.crop === null ? [] : [row.crop];
  return row.row === "clip" && row.observation ? hashesIn(row.observation) : [];
}

/** Checks the hash of a blob. @throws DataError `blob-damaged` */
export function assertHash(hash: string, actual: string, index: number): void {
  if (actual === hash) return;
  throw new DataError(
    "blob-damaged",
    `The blob ${hash} is damaged: its bytes have the hash ${actual}. Copy the export again.`,
    { details: { index } },
  );
}
