/** Entries in the database: rows to entries and back, filters as SQL, and adding, listing and closing entries. */
import { type RawBuilder, sql } from "kysely";
import type { WordSpace } from "../engine.ts";
import { logChange } from "./change-log.ts";
import { vectorChecksum } from "./checksums.ts";
import { build, type Db, parseStored, type Query, type Steps } from "./db.ts";
import { unknownEntry } from "./errors.ts";
import { listed, numbered } from "./listed.ts";
import type { Entry, EntryFilter, EntryList, Evidence } from "./memory.ts";
import { foldName } from "./names.ts";
import type { EntryTable } from "./schema.ts";
import type { NameConditions } from "./search-index.ts";

/** A row of `entry` with the id of its stream. */
export type EntryRow = Omit<EntryTable, "row" | "stream" | "vector_checksum" | "told"> & {
  readonly row: number;
  readonly stream: string;
};

export function toEntry(row: EntryRow): Entry {
  return {
    id: row.id,
    stream: row.stream,
    clip: row.clip,
    kind: row.kind,
    startSeconds: row.start_seconds,
    endSeconds: row.end_seconds,
    writtenAtMs: row.written_at_ms,
    text: row.text,
    speakers: parseStored<string[]>(row.speakers, `entry ${row.id}`),
    policy: row.policy,
    revision: row.revision,
    evidence: parseStored<Evidence>(row.evidence, `the evidence of entry ${row.id}`),
    closed:
      row.closed_at_ms === null
        ? null
        : { atMs: row.closed_at_ms, reason: row.closed_reason ?? "", supersededBy: row.superseded_by },
  };
}

/**
 * The condition a filter puts on `entry as e`.
 *
 * An entry closed after `writtenByMs` counts as open, as it was known then.
 */
export function entryCondition(filter: EntryFilter, names: NameConditions): RawBuilder<boolean> {
  const { streams, kinds, fromSeconds, toSeconds, asOfSeconds, writtenByMs, speakers, clips } = filter;
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (streams) conditions.push(sql`e.stream in (select row from stream where id in ${listed(streams)})`);
  if (kinds) conditions.push(sql`e.kind in ${listed(kinds)}`);
  if (clips) conditions.push(sql`e.clip in ${numbered(clips)}`);
  if (fromSeconds !== undefined)
    conditions.push(sql`(e.end_seconds > ${fromSeconds} or e.start_seconds >= ${fromSeconds})`);
  if (toSeconds !== undefined) conditions.push(sql`e.start_seconds < ${toSeconds}`);
  if (asOfSeconds !== undefined) conditions.push(sql`e.known_seconds <= ${asOfSeconds}`);
  if (writtenByMs !== undefined) conditions.push(sql`e.written_at_ms <= ${writtenByMs}`);
  if (!filter.includeClosed) {
    conditions.push(
      writtenByMs === undefined
        ? sql`e.closed_at_ms is null`
        : sql`(e.closed_at_ms is null or e.closed_at_ms > ${writtenByMs})`,
    );
  }
  if (speakers) conditions.push(speakerCondition(speakers, names));
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

function speakerCondition(speakers: readonly string[], names: NameConditions): RawBuilder<unknown> {
  const folded = speakers.map(foldName).filter((name) => name !== "");
  const spoken = sql`exists (select 1 from entry_speaker where entry = e.row and name in ${names.spellingsOf(folded)})`;
  return sql`(${spoken} or ${names.mentions(folded)})`;
}

/** Columns of `EntryRow` from `entry as e cross join stream as s`. */
export const entryColumns = sql`e.row, e.id, s.id as stream, e.clip, e.kind, e.start_seconds, e.end_seconds, e.known_seconds,
  e.written_at_ms, e.text, e.speakers, e.policy, e.revision, e.evidence, e.closed_at_ms, e.closed_reason,
  e.superseded_by, e.has_vector`;

/** Entries in time order: by stream, then start, then id. `newest` keeps the `limit` entries with the latest start. */
export function selectEntries(filter: EntryList, names: NameConditions): Query<EntryRow> {
  const limit = filter.limit === undefined ? sql`` : sql`limit ${filter.limit}`;
  const order = sql`s.id, e.start_seconds, e.id`;
  const chosen = (direction: RawBuilder<unknown>) =>
    sql<EntryRow>`select ${entryColumns} from entry as e join stream as s on s.row = e.stream
      where ${entryCondition(filter, names)} order by ${direction} ${limit}`;
  if (!filter.newest) return chosen(order);
  return sql<EntryRow>`select * from (${chosen(sql`e.start_seconds desc, e.id desc`)}) as newest
    order by stream, start_seconds, id`;
}

export function selectEntriesByRow(rows: readonly number[]): Query<EntryRow> {
  return sql<EntryRow>`select ${entryColumns} from entry as e join stream as s on s.row = e.stream
    where e.row in ${numbered(rows)}`;
}

/** Names of speakers in current entries, in the order they were written. */
export function selectSpeakers(): Query<{ name: string }> {
  return sql<{ name: string }>`select speaker.value as name from entry as e, json_each(e.speakers) as speaker
    where e.closed_at_ms is null group by speaker.value order by min(e.row), min(speaker.key)`;
}

export function selectEntryById(id: string): Query<EntryRow> {
  return sql<EntryRow>`select ${entryColumns} from entry as e join stream as s on s.row = e.stream where e.id = ${id}`;
}

export const noTime = 9_000_000_000_000_000n;

/** Adds one entry with everything derived from it, inside a transaction. @returns its row */
export function* insertEntry(
  db: Db,
  entry: Entry,
  derived: {
    readonly streamRow: number;
    readonly knownSeconds: number;
    readonly words: WordSpace;
    /** Row of the vector space, and the unit vector; a zero vector is not indexed. */
    readonly space: number;
    readonly vector: Float32Array;
    /** Hashes of blobs that are here. @default all */
    readonly frames?: ReadonlySet<string>;
    /** The text with references to people. @default it refers to no one */
    readonly told?: string | null;
  },
): Steps<number> {
  const { closed } = entry;
  const hasVector = derived.vector.some((value) => value !== 0);
  const added = yield* db.get(
    build
      .insertInto("entry")
      .returning("row")
      .values({
        id: entry.id,
        stream: derived.streamRow,
        clip: entry.clip,
        kind: entry.kind,
        start_seconds: entry.startSeconds,
        end_seconds: entry.endSeconds,
        known_seconds: derived.knownSeconds,
        written_at_ms: entry.writtenAtMs,
        text: entry.text,
        told: derived.told ?? null,
        speakers: JSON.stringify(entry.speakers),
        policy: entry.policy,
        revision: entry.revision,
        evidence: JSON.stringify(entry.evidence),
        closed_at_ms: closed?.atMs ?? null,
        closed_reason: closed?.reason ?? null,
        superseded_by: closed?.supersededBy ?? null,
        has_vector: hasVector ? 1 : 0,
        vector_checksum: hasVector ? vectorChecksum(derived.vector) : null,
      }),
  );
  const { row } = added!;
  for (const name of new Set(entry.speakers.map(foldName))) {
    yield* db.run(build.insertInto("entry_speaker").values({ name, entry: row }));
  }
  for (const hash of new Set(entry.evidence.frames.map((frame) => frame.hash))) {
    if (derived.frames?.has(hash) ?? true)
      yield* db.run(build.insertInto("entry_frame").values({ hash, entry: row }));
  }
  yield* insertText(db, row, entry, derived.words);
  if (hasVector) {
    yield* db.index.putVector(derived.space, {
      row,
      stream: derived.streamRow,
      knownSeconds: derived.knownSeconds,
      closedAtMs: closed?.atMs ?? null,
      vector: derived.vector,
    });
  }
  yield* logChange(db, { kind: "entry", id: entry.id, stream: derived.streamRow, clip: entry.clip });
  return row;
}

/** Puts an entry into the text index: its stems, and those of its speakers. */
export function* insertText(
  db: Db,
  row: number,
  entry: Pick<Entry, "text" | "speakers">,
  words: WordSpace,
): Steps<void> {
  const names = [...new Set(entry.speakers.map(foldName))];
  yield* db.index.putText(row, { ...indexedText(entry, words), text: entry.text, names });
}

/** What the text index holds of an entry. */
export function indexedText({ text, speakers }: Pick<Entry, "text" | "speakers">, words: WordSpace) {
  return {
    stems: words.stems(text).join(" "),
    speakers: speakers.flatMap((name) => words.stems(name)).join(" "),
  };
}

export const toBuffer = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);

/** Deletes entries and everything derived from them except blobs, inside a transaction. @returns vectors deleted */
export function* deleteEntries(db: Db, rows: readonly number[], spaces: readonly number[]): Steps<number> {
  let vectors = 0;
  for (const row of rows) {
    yield* db.index.dropText(row);
    for (const space of spaces) vectors += yield* db.index.dropVector(space, row);
    yield* db.run(build.deleteFrom("entry").where("row", "=", row));
  }
  return vectors;
}

/** Closes an entry; a closed one stays as it is. @throws StoreError `entry-unknown` */
export function* closeEntry(
  db: Db,
  id: string,
  closed: NonNullable<Entry["closed"]>,
  spaces: readonly number[],
): Steps<void> {
  yield* db.write(function* () {
    const entry = yield* db.get(
      build.selectFrom("entry").select(["row", "closed_at_ms"]).where("id", "=", id),
    );
    if (!entry) throw unknownEntry(id);
    if (entry.closed_at_ms !== null) return;
    yield* db.run(
      build
        .updateTable("entry")
        .set({ closed_at_ms: closed.atMs, closed_reason: closed.reason, superseded_by: closed.supersededBy })
        .where("row", "=", entry.row),
    );
    for (const space of spaces) yield* db.index.closeVector(space, entry.row, closed.atMs);
    yield* logChange(db, { kind: "entry-closed", id });
  });
}
