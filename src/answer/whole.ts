/** What a question of the whole ("What happened?", "How long is it?") is answered from. */
import { wholeFloor } from "../memory/floor.ts";
import type { Entries, Entry, FloorRow, Journal, RecalledEntry, StreamRecord } from "../memory/memory.ts";
import type { Clock } from "../util/time.ts";
import type { AskedOfWhole } from "./asked.ts";
import type { StreamSpan } from "./time-filter.ts";

/** What is looked at, and how much of it. */
export interface WholeOptions {
  readonly memory: Pick<Journal, "floor"> & Pick<Entries, "entries">;
  readonly asOfSeconds?: number;
  readonly speakers?: readonly string[];
  /** Only what lies in these. @default everything */
  readonly spans?: readonly StreamSpan[];
  /** Most entries of an overview. */
  readonly limit: number;
  /** `whole-memory` leaves no entry out. */
  readonly mode?: "search" | "whole-memory";
}

/** What a question of the whole is answered from: entries spread over the part it asks about, and a row a stream. */
export async function wholeOf(
  whole: AskedOfWhole | null,
  records: readonly StreamRecord[],
  { memory, asOfSeconds, speakers, limit, mode, spans }: WholeOptions,
): Promise<{ readonly floor: readonly FloorRow[]; readonly entries: readonly RecalledEntry[] | null }> {
  if (whole === null) return { floor: [], entries: null };
  const floor: FloorRow[] = [];
  const entries: Entry[] = [];
  const known = asOfSeconds === undefined ? {} : { asOfSeconds };
  for (const { id, clock } of records) {
    const rows = await memory.floor({ streams: [id], ...known });
    const people = whole.of === "people" ? undefined : (whole.speakers ?? speakers);
    const own = await memory.entries({ streams: [id], ...known, ...(people && { speakers: people }) });
    const { from, to } = spanOf(whole.part, [...rows, ...own]);
    const isWithin = (one: Entry | FloorRow) =>
      spans?.some(
        (span) =>
          span.stream === id && one.endSeconds >= span.fromSeconds && one.startSeconds < span.toSeconds,
      ) ?? true;
    const touches = (one: Entry | FloorRow) =>
      one.endSeconds >= from && one.startSeconds < to && isWithin(one);
    const ofPart = rows.filter(touches);
    if (ofPart.length > 0) floor.push(dated(wholeFloor(ofPart), clock));
    entries.push(...own.filter(touches));
  }
  if (whole.of === "people") return { floor: [], entries: sightingsIn(entries, whole) };
  if (whole.of !== "overview") return { floor, entries: null };
  const spread = mode === "whole-memory" ? entries : spreadOver(entries, limit);
  return { floor, entries: spread.map((entry) => ({ entry, score: { total: 0 } })) };
}

/** Entries that tell who was there, or when one was; `null` where none does. */
function sightingsIn(entries: readonly Entry[], { speakers }: AskedOfWhole): RecalledEntry[] | null {
  const named = speakers?.map((name) => name.replace(/^\[?(person_\d+)\]?$/, "[$1]"));
  const told = entries.filter(
    ({ evidence, text }) =>
      evidence.sources.some(({ kind }) => kind === "person") &&
      (named?.some((name) => text.toLowerCase().startsWith(`${name} is `)) ?? true),
  );
  return told.length === 0 ? null : told.map((entry) => ({ entry, score: { total: 0 } }));
}

/** A row with the date its clock tells, if it tells one: a container may hold the date of a copy. */
function dated(row: FloorRow, clock: Clock): FloorRow {
  if (clock.kind !== "wall") return row;
  return { ...row, look: { ...row.look, recordedAtMs: clock.originMs + row.startSeconds * 1000 } };
}

/** The span of a part of what is known. */
function spanOf(
  part: AskedOfWhole["part"],
  all: readonly { readonly startSeconds: number; readonly endSeconds: number }[],
): { readonly from: number; readonly to: number } {
  if (part === null) return { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const start = all.reduce(
    (least, { startSeconds }) => Math.min(least, startSeconds),
    Number.POSITIVE_INFINITY,
  );
  const end = all.reduce((most, { endSeconds }) => Math.max(most, endSeconds), Number.NEGATIVE_INFINITY);
  return part.from === "start"
    ? { from: Number.NEGATIVE_INFINITY, to: start + part.seconds }
    : { from: end - part.seconds, to: Number.POSITIVE_INFINITY };
}

/** `n` items at equal distances, the first and the last among them; all if there are no more. */
function spreadOver<Item>(items: readonly Item[], n: number): Item[] {
  if (items.length <= n) return [...items];
  return Array.from(
    { length: n },
    (_, i) => items[Math.round((i * (items.length - 1)) / Math.max(1, n - 1))]!,
  );
}
