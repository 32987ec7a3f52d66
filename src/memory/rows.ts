/**
 * A memory as rows, out and in, for `export.ts` to write to files and read back.
 *
 * Reading runs on its own connection in one read transaction, so it sees the memory as of one moment even while it is
 * written. Adding skips rows that are already there. Ids follow from content, so adding the same rows twice changes
 * nothing.
 */
import { sql } from "kysely";
import type { Embedder } from "../engine.ts";
import { DataError } from "../errors.ts";
import { adapters, addAdapter } from "./adapter-rows.ts";
import { type Blob, blobOf, claimBlobs, sweepBlobs, writeBlobs } from "./blobs.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, openDatabase, parseStored } from "./database.ts";
import { closeEntry, type EntryRow, insertEntry, selectEntryById, toEntry } from "./entries.ts";
import {
  addGap,
  cutGaps,
  deleteObservations,
  keepFiles,
  sourceFilesOf,
  streamRow,
  toStream,
} from "./journal.ts";
import type { AddedRows, AddRowsOptions, JsonValue, MemoryRow, PackedObservation } from "./memory.ts";
import { toClipRecord } from "./page-rows.ts";
import { addDecision, decisionReader, policyRow, putPolicyValue } from "./policy-state.ts";
import { assertFits, assertHash, type Held, hashesOf, isWatchedFurther } from "./row-conflict.ts";
import { type Indexing, requireSpace, spaceRows } from "./space.ts";
import { countsIn, countsRow } from "./speaker-counts.ts";
import { embedAll } from "./statements.ts";
import { entriesAround } from "./surrounding-rows.ts";
import { addFeedback, addTask, toTask } from "./task-rows.ts";
import { addTombstone, tombstones } from "./tombstone-rows.ts";
import { withoutForgotten, withoutKind } from "./tombstones.ts";
import { letWait } from "./waiting-vectors.ts";

type RowOf<Name extends MemoryRow["row"]> = Extract<MemoryRow, { row: Name }>;

/** All rows, in written order within a kind. */
export async function* memoryRows(directory: string): AsyncGenerator<MemoryRow> {
  const db = openDatabase(directory, { readOnly: true });
  try {
    db.exec("begin");
    yield* streamRows(db);
    yield* clipRows(db);
    yield* policyRows(db);
    yield* decisionRows(db);
    yield* entryRows(db);
    yield* gapRows(db);
    yield* taskRows(db);
    for (const adapter of adapters(db)) yield { row: "adapter", ...adapter };
    for (const tombstone of tombstones(db)) yield { row: "forgotten", ...tombstone };
  } finally {
    db.close();
  }
}

function* streamRows(db: Db): Generator<RowOf<"stream">> {
  for (const stream of db.iterate(build.selectFrom("stream").selectAll().orderBy("row"))) {
    const files = sourceFilesOf(db, stream.row);
    yield {
      ...{ row: "stream", ...toStream(stream), nextClip: stream.next_clip },
      ...(files.length > 0 && { files }),
    };
  }
}

function* clipRows(db: Db): Generator<RowOf<"clip">> {
  const clips = build
    .selectFrom("clip")
    .innerJoin("stream", "stream.row", "clip.stream")
    .leftJoin("observation", "observation.clip", "clip.row")
    .select(["stream.id as stream", "clip.clip", "clip.state", "clip.start_seconds", "clip.end_seconds"])
    .select(["clip.failure", "clip.attempts", "clip.part", "clip.look", "observation.value"])
    .orderBy("clip.row");
  for (const clip of db.iterate(clips)) {
    const observation =
      clip.value === null
        ? null
        : parseStored<PackedObservation>(
            clip.value,
            `the observation of clip ${clip.clip} of ${clip.stream}`,
          );
    yield { row: "clip", ...partOf(clip), ...toClipRecord(clip), observation };
  }
}

/** The first part goes without saying. */
const partOf = ({ part }: { readonly part: number }) => (part > 1 ? { part } : {});

function* policyRows(db: Db): Generator<RowOf<"policy">> {
  const values = build
    .selectFrom("policy_value")
    .innerJoin("policy", "policy.row", "policy_value.policy")
    .innerJoin("stream", "stream.row", "policy_value.stream")
    .select(["policy.id as policy", "stream.id as stream", "policy_value.value"])
    .orderBy("policy.id")
    .orderBy("stream.row");
  for (const { policy, stream, value } of db.iterate(values)) {
    yield {
      row: "policy",
      policy,
      stream,
      value: parseStored<JsonValue>(value, `what ${policy} keeps of ${stream}`),
    };
  }
}

function* decisionRows(db: Db): Generator<RowOf<"decision">> {
  const decisions = sql<{
    policy: string;
    revision: string;
    decided_at_ms: number;
    documents: number;
    clips: string;
    words: string;
  }>`select p.id as policy, d.revision, d.decided_at_ms, d.documents, d.words,
      (select json_group_array(json_patch(json_object('stream', s.id, 'clip', c.clip),
          iif(dc.part > 1, json_object('part', dc.part), '{}')) order by c.row, dc.part)
        from decision_clip as dc join clip as c on c.row = dc.clip join stream as s on s.row = c.stream
        where dc.decision = d.row) as clips
    from decision as d join policy as p on p.row = d.policy order by d.row`;
  const countsOf = decisionReader(db);
  for (const { policy, revision, decided_at_ms, documents, clips, words } of db.iterate(decisions)) {
    yield {
      row: "decision",
      ...{ policy, revision, documents },
      clips: parseStored<RowOf<"decision">["clips"]>(clips, "a decision"),
      decidedAtMs: decided_at_ms,
      ...countsRow(countsOf(words)),
    };
  }
}

function* entryRows(db: Db): Generator<RowOf<"entry">> {
  const entries = sql<EntryRow>`select e.*, s.id as stream from entry as e
    join stream as s on s.row = e.stream order by e.row`;
  for (const row of db.iterate(entries)) yield { row: "entry", ...toEntry(row) };
}

function* gapRows(db: Db): Generator<RowOf<"gap">> {
  const gaps = build
    .selectFrom("gap")
    .innerJoin("stream", "stream.row", "gap.stream")
    .select(["stream.id as stream", "gap.start_seconds", "gap.end_seconds", "gap.reason", "gap.detail"])
    .orderBy("stream.row")
    .orderBy("gap.start_seconds")
    .orderBy("gap.reason");
  for (const { stream, start_seconds, end_seconds, reason, detail } of db.iterate(gaps)) {
    yield { row: "gap", stream, startSeconds: start_seconds, endSeconds: end_seconds, reason, detail };
  }
}

function* taskRows(db: Db): Generator<RowOf<"task">> {
  for (const task of db.iterate(build.selectFrom("task").select(["value", "feedback"]).orderBy("row"))) {
    yield { row: "task", ...toTask(task) };
  }
}

/** What this memory holds under the names of a row. */
const heldIn = (db: Db): Held => ({
  stream: (id) => {
    const row = db.get(build.selectFrom("stream").selectAll().where("id", "=", id));
    return row && toStream(row);
  },
  clip: (stream, clip) => {
    const row = clipIn(db, stream, clip);
    return row && { startSeconds: row.start_seconds, part: row.part };
  },
  entry: (id) => {
    const row = db.get(selectEntryById(id));
    return row && toEntry(row);
  },
  task: (id) => {
    const row = db.get(build.selectFrom("task").select(["value", "feedback"]).where("id", "=", id));
    return row && toTask(row);
  },
});

function clipIn(db: Db, stream: string, clip: number) {
  return db.get(
    build
      .selectFrom("clip")
      .innerJoin("stream", "stream.row", "clip.stream")
      .select(["clip.row", "clip.state", "clip.part", "clip.start_seconds", "clip.end_seconds"])
      .where("stream.id", "=", stream)
      .where("clip.clip", "=", clip),
  );
}

const blobsAtOnce = 64;
const textsAtOnce = 256;

/** Adds rows as `Memory.addRows` says. Vectors of new entries are held in working memory until all rows are added. */
export async function addRows(
  db: Db,
  blobFolder: string,
  indexing: Indexing,
  rows: readonly MemoryRow[],
  blob: (hash: string) => Uint8Array | null,
  { forgotten = false }: AddRowsOptions = {},
): Promise<AddedRows> {
  requireSpace(db, indexing);
  const wanted = () => (forgotten ? rows : withoutForgotten(rows, tombstones(db), indexing.words));
  try {
    const expected = wanted();
    const blobs = await writeBlobsOf(db, blobFolder, expected, blob);
    const vectors = await vectorsOf(db, indexing.embedder, expected);
    return db.write(() => {
      const add = adder(db, { blobFolder, indexing, space: requireSpace(db, indexing), blobs, vectors });
      const held = heldIn(db);
      let added = 0;
      let left = 0;
      const lastRow = lastEntryRow(db);
      for (const [index, row] of wanted().entries()) {
        if (row === null) {
          left += 1;
          continue;
        }
        assertFits(held, row, index);
        if (add(row)) added += 1;
      }
      if (indexing.embedder.meaning !== undefined) {
        const fresh = db
          .all(build.selectFrom("entry").select("row").where("row", ">", lastRow))
          .map(({ row }) => row);
        letWait(db, [...fresh, ...entriesAround(db, fresh)]);
      }
      return { added, skipped: rows.length - added - left, forgotten: left, blobs: blobs.size };
    });
  } catch (error) {
    sweepBlobs(db, blobFolder);
    throw error;
  }
}

const lastEntryRow = (db: Db): number =>
  db.get(sql<{ row: number }>`select coalesce(max(row), 0) as row from entry`)!.row;

function isNew(db: Db, row: MemoryRow): boolean {
  if (row.row === "entry") return !db.get(selectEntryById(row.id));
  return row.row === "clip" && (clipIn(db, row.stream, row.clip)?.part ?? 0) < (row.part ?? 1);
}

/**
 * Writes the blobs that new rows name and `read` finds.
 * @returns the blobs by hash; their bytes are read again if needed
 */
async function writeBlobsOf(
  db: Db,
  blobFolder: string,
  rows: readonly (MemoryRow | null)[],
  read: (hash: string) => Uint8Array | null,
): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  const batch: Blob[] = [];
  for (const [index, row] of rows.entries()) {
    if (row === null || !isNew(db, row)) continue;
    for (const hash of hashesOf(row)) {
      const bytes = found.has(hash) ? null : read(hash);
      if (bytes === null) continue;
      const blob = blobOf(bytes);
      assertHash(hash, blob.hash, index);
      batch.push(blob);
      found.set(hash, {
        hash,
        byteLength: bytes.byteLength,
        get bytes() {
          const again = read(hash);
          if (again) return again;
          throw new DataError(
            "blob-missing",
            `The blob ${hash} was deleted while it was read. Import again.`,
          );
        },
      });
    }
    if (batch.length >= blobsAtOnce) await writeBlobs(db, blobFolder, batch.splice(0));
  }
  await writeBlobs(db, blobFolder, batch.splice(0));
  return found;
}

async function vectorsOf(
  db: Db,
  embedder: Embedder,
  rows: readonly (MemoryRow | null)[],
): Promise<Map<string, Float32Array>> {
  const texts = [...new Set(rows.flatMap((row) => (row?.row === "entry" && isNew(db, row) ? row.text : [])))];
  const vectors = new Map<string, Float32Array>();
  if (embedder.meaning !== undefined) return vectors;
  for (let i = 0; i < texts.length; i += textsAtOnce) {
    const batch = texts.slice(i, i + textsAtOnce);
    const found = await embedAll(embedder, batch);
    for (const [k, text] of batch.entries()) vectors.set(text, found[k]!);
  }
  return vectors;
}

/** Adds one row. @returns false if it is already there or its clip was forgotten */
function adder(
  db: Db,
  to: {
    readonly blobFolder: string;
    readonly indexing: Indexing;
    readonly space: number;
    readonly blobs: ReadonlyMap<string, Blob>;
    readonly vectors: ReadonlyMap<string, Float32Array>;
  },
): (row: MemoryRow) => boolean {
  const claim = (hashes: readonly string[]) => {
    const found = [...new Set(hashes)].filter((hash) => to.blobs.has(hash));
    claimBlobs(
      db,
      to.blobFolder,
      found.map((hash) => to.blobs.get(hash)!),
    );
    return found;
  };
  const add: { readonly [Name in MemoryRow["row"]]: (row: RowOf<Name>) => boolean } = {
    stream: (row) => addStreamRow(db, row),
    clip: (row) => addClipRow(db, row, claim),
    policy: (row) => addPolicyRow(db, row),
    decision: (row) => addDecisionRow(db, row),
    entry: ({ row: _, ...entry }) => {
      const known = db.get(selectEntryById(entry.id));
      if (known) {
        if (known.closed_at_ms !== null || !entry.closed) return false;
        closeEntry(db, entry.id, entry.closed, spaceRows(db));
        return true;
      }
      const frames = new Set(claim(hashesOf({ row: "entry", ...entry })));
      insertEntry(db, entry, {
        streamRow: streamRow(db, entry.stream).row,
        knownSeconds: Math.max(entry.endSeconds, clipIn(db, entry.stream, entry.clip)?.end_seconds ?? 0),
        words: to.indexing.words,
        space: to.space,
        vector: to.vectors.get(entry.text) ?? new Float32Array(to.indexing.embedder.dimension),
        frames,
      });
      return true;
    },
    gap: ({ row: _, ...gap }) => addGap(db, { kind: "gap", ...gap }),
    adapter: ({ row: _, ...adapter }) => addAdapter(db, adapter),
    forgotten: (row) => addTombstone(db, withoutKind(row)),
    task: ({ row: _, feedback, ...task }) => {
      const known = db.get(build.selectFrom("task").select("feedback").where("id", "=", task.id));
      if (!known) addTask(db, task);
      const isNews = feedback !== null && (known?.feedback ?? null) === null;
      if (isNews) addFeedback(db, task.id, feedback);
      return !known || isNews;
    },
  };
  return <Name extends MemoryRow["row"]>(row: RowOf<Name>) =>
    (add[row.row as Name] as (row: RowOf<Name>) => boolean)(row);
}

function addStreamRow(db: Db, row: RowOf<"stream">): boolean {
  const isFurther = takeStream(db, row);
  const stream = streamRow(db, row.id).row;
  const marks = new Map(sourceFilesOf(db, stream).map((file) => [file.id, file]));
  const further = (row.files ?? []).filter((file) => isWatchedFurther(file, marks.get(file.id)));
  keepFiles(db, stream, further);
  return isFurther || further.length > 0;
}

function takeStream(db: Db, row: RowOf<"stream">): boolean {
  const known = db.get(build.selectFrom("stream").select(["next_clip", "ended"]).where("id", "=", row.id));
  if (known) {
    const isFurther = row.nextClip > known.next_clip || (row.nextClip === known.next_clip && row.ended);
    if (!isFurther || (row.nextClip === known.next_clip && known.ended === 1)) return false;
    const further = {
      next_clip: row.nextClip,
      ended: row.ended ? 1 : 0,
      left_out: JSON.stringify(row.leftOut),
    };
    db.run(build.updateTable("stream").set(further).where("id", "=", row.id));
    return true;
  }
  db.run(
    build.insertInto("stream").values({
      id: row.id,
      description: row.description,
      clip_seconds: row.clipSeconds,
      clock: JSON.stringify(row.clock),
      fingerprint: row.fingerprint,
      added_at_ms: row.addedAtMs,
      ended: row.ended ? 1 : 0,
      next_clip: row.nextClip,
      left_out: JSON.stringify(row.leftOut),
    }),
  );
  return true;
}

/** The later part and the further state of a clip are kept, whichever memory has them. */
function addClipRow(
  db: Db,
  row: RowOf<"clip">,
  claim: (hashes: readonly string[]) => readonly string[],
): boolean {
  const failure = row.failure === null ? null : JSON.stringify(row.failure);
  const part = row.part ?? 1;
  const known = clipIn(db, row.stream, row.clip);
  if (known && known.part !== part) {
    if (known.part > part) return false;
    deleteObservations(db, [known.row]);
    const span = { start_seconds: row.startSeconds, end_seconds: row.endSeconds };
    const later = { ...span, part, state: row.state, failure, attempts: row.attempts, look: lookOf(row) };
    db.run(build.updateTable("clip").set(later).where("row", "=", known.row));
    addObservationRow(db, known.row, row, claim);
    cutGaps(db, streamRow(db, row.stream).row, row);
    logClip(db, row);
    return true;
  }
  if (known) {
    if (known.state === "stored" || row.state === "perceived") return false;
    const later = { state: row.state, failure, attempts: row.attempts };
    const moved = db.run(
      build
        .updateTable("clip")
        .set(later)
        .where("row", "=", known.row)
        .where((e) => e.or([e("state", "<>", later.state), e("attempts", "<", later.attempts)])),
    );
    if (moved.changes > 0) logClip(db, row);
    return moved.changes > 0;
  }
  const { lastInsertRowid } = db.run(
    build.insertInto("clip").values({
      stream: streamRow(db, row.stream).row,
      clip: row.clip,
      state: row.state,
      start_seconds: row.startSeconds,
      end_seconds: row.endSeconds,
      failure,
      attempts: row.attempts,
      look: lookOf(row),
      part,
    }),
  );
  addObservationRow(db, Number(lastInsertRowid), row, claim);
  cutGaps(db, streamRow(db, row.stream).row, row);
  logClip(db, row);
  return true;
}

const lookOf = ({ look }: RowOf<"clip">) => (look === null ? null : JSON.stringify(look));

function addObservationRow(
  db: Db,
  clip: number,
  row: RowOf<"clip">,
  claim: (hashes: readonly string[]) => readonly string[],
): void {
  if (!row.observation) return;
  const hashes = new Set(claim(hashesOf(row)));
  const frames = row.observation.frames.filter(({ hash }) => hashes.has(hash));
  db.run(
    build.insertInto("observation").values({ clip, value: JSON.stringify({ ...row.observation, frames }) }),
  );
  for (const hash of hashes) db.run(build.insertInto("observation_frame").values({ clip, hash }));
}

function logClip(db: Db, { stream, clip, state }: RowOf<"clip">): void {
  if (state === "perceived") return;
  logChange(db, { kind: "clip", stream: streamRow(db, stream).row, clip, value: { state } });
}

/** An existing value of this memory's policy stays. */
function addPolicyRow(db: Db, row: RowOf<"policy">): boolean {
  const policy = policyRow(db, row.policy);
  const stream = streamRow(db, row.stream).row;
  const known = build.selectFrom("policy_value").select("policy").where("policy", "=", policy);
  if (db.get(known.where("stream", "=", stream))) return false;
  putPolicyValue(db, policy, stream, row.value);
  return true;
}

function addDecisionRow(db: Db, row: RowOf<"decision">): boolean {
  const clips = row.clips.flatMap(({ stream, clip, part = 1 }) => {
    const known = clipIn(db, stream, clip)?.row;
    return known === undefined ? [] : [{ clip: known, part }];
  });
  const isKnown = clips.some(({ clip, part }) =>
    db.get(
      build
        .selectFrom("decision_clip")
        .select("clip")
        .where("clip", "=", clip)
        .where("part", "=", part)
        .where("revision", "=", row.revision),
    ),
  );
  if (isKnown || clips.length === 0) return false;
  const { revision, decidedAtMs } = row;
  const policy = policyRow(db, row.policy);
  const decision = addDecision(db, { policy, revision, decidedAtMs }, countsIn(row));
  for (const { clip, part } of clips)
    db.run(build.insertInto("decision_clip").values({ clip, part, revision, decision }));
  return true;
}
