/**
 * Adds rows of another memory, as `exported-rows.ts` reads them. Rows that are already there are skipped. Ids follow from
 * content, so adding the same rows twice changes nothing.
 */
import { sql } from "kysely";
import type { Embedder } from "../engine.ts";
import { DataError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import { addAdapter } from "./adapter-rows.ts";
import { type Blob, type BlobStore, claimBlobs, sweepBlobs } from "./blob-store.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";
import { closeEntry, insertEntry, selectEntryById, toEntry } from "./entries.ts";
import {
  addGap,
  cutGaps,
  deleteObservations,
  keepFiles,
  sourceFilesOf,
  streamRow,
  toStream,
} from "./journal.ts";
import type { AddedRows, AddRowsOptions, MemoryRow } from "./memory.ts";
import { unpackVector } from "./packed.ts";
import { addFace, addPerson, hasFace, renderTexts } from "./people-rows.ts";
import { addDecision, policyRow, putPolicyValue } from "./policy-state.ts";
import { assertFits, assertHash, type Held, hashesOf, isWatchedFurther } from "./row-conflict.ts";
import { withoutPath } from "./source-files.ts";
import { type Indexing, requireSpace, spaceRows } from "./space.ts";
import { countsIn } from "./speaker-counts.ts";
import { embedAll } from "./statements.ts";
import { entriesAround } from "./surrounding-rows.ts";
import { addFeedback, addTask, toTask } from "./task-rows.ts";
import { addTombstone, tombstones } from "./tombstone-rows.ts";
import { withoutForgotten, withoutKind } from "./tombstones.ts";
import { letWait } from "./waiting-vectors.ts";

type RowOf<Name extends MemoryRow["row"]> = Extract<MemoryRow, { row: Name }>;

/** What this memory holds under the name of a row. */
function* heldAs(db: Db, row: MemoryRow): Steps<Held> {
  const nothing = {
    stream: () => undefined,
    clip: () => undefined,
    entry: () => undefined,
    told: () => null,
    task: () => undefined,
  };
  switch (row.row) {
    case "stream": {
      const known = yield* db.get(build.selectFrom("stream").selectAll().where("id", "=", row.id));
      return { ...nothing, stream: () => known && toStream(known) };
    }
    case "clip": {
      const known = yield* clipIn(db, row.stream, row.clip);
      return { ...nothing, clip: () => known && { startSeconds: known.start_seconds, part: known.part } };
    }
    case "entry": {
      const known = yield* db.get(selectEntryById(row.id));
      const refers = yield* db.get(build.selectFrom("entry").select("told").where("id", "=", row.id));
      return { ...nothing, entry: () => known && toEntry(known), told: () => refers?.told ?? null };
    }
    case "task": {
      const task = build.selectFrom("task").select(["value", "feedback"]).where("id", "=", row.id);
      const known = yield* db.get(task);
      return { ...nothing, task: () => known && toTask(known) };
    }
    default:
      return nothing;
  }
}

function* clipIn(db: Db, stream: string, clip: number) {
  return yield* db.get(
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
  store: Store,
  blobStore: BlobStore,
  indexing: Indexing,
  rows: readonly MemoryRow[],
  blob: (hash: string) => Uint8Array | null,
  { forgotten = false }: AddRowsOptions = {},
): Promise<AddedRows> {
  await store.perform((db) => requireSpace(db, indexing));
  function* wanted(db: Db): Steps<readonly (MemoryRow | null)[]> {
    return forgotten ? rows : withoutForgotten(rows, yield* tombstones(db), indexing.words);
  }
  try {
    const expected = await store.perform(wanted);
    const blobs = await writeBlobsOf(store, blobStore, expected, blob);
    const vectors = await vectorsOf(store, indexing.embedder, expected);
    return await store.perform((db) =>
      db.write(function* () {
        const to = { blobStore, indexing, space: yield* requireSpace(db, indexing), blobs, vectors };
        let added = 0;
        let left = 0;
        const lastRow = yield* lastEntryRow(db);
        for (const [index, row] of (yield* wanted(db)).entries()) {
          if (row === null) {
            left += 1;
            continue;
          }
          assertFits(yield* heldAs(db, row), row, index);
          if (yield* addRow(db, row, to)) added += 1;
        }
        yield* renderTexts(db, indexing, vectors);
        if (indexing.embedder.meaning !== undefined) {
          const after = build.selectFrom("entry").select("row").where("row", ">", lastRow);
          const fresh = (yield* db.all(after)).map(({ row }) => row);
          yield* letWait(db, [...fresh, ...(yield* entriesAround(db, fresh))]);
        }
        return { added, skipped: rows.length - added - left, forgotten: left, blobs: blobs.size };
      }),
    );
  } catch (error) {
    await store.perform((db) => sweepBlobs(db, blobStore));
    throw error;
  }
}

function* lastEntryRow(db: Db): Steps<number> {
  return (yield* db.get(sql<{ row: number }>`select coalesce(max(row), 0) as row from entry`))!.row;
}

function* isNew(db: Db, row: MemoryRow): Steps<boolean> {
  if (row.row === "entry") return !(yield* db.get(selectEntryById(row.id)));
  if (row.row === "face") return !(yield* hasFace(db, row.id));
  return row.row === "clip" && ((yield* clipIn(db, row.stream, row.clip))?.part ?? 0) < (row.part ?? 1);
}

/**
 * Writes the blobs that new rows name and `read` finds.
 * @returns the blobs by hash; their bytes are read again if needed
 */
async function writeBlobsOf(
  store: Store,
  blobStore: BlobStore,
  rows: readonly (MemoryRow | null)[],
  read: (hash: string) => Uint8Array | null,
): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  const batch: Blob[] = [];
  for (const [index, row] of rows.entries()) {
    if (row === null || !(await store.perform((db) => isNew(db, row)))) continue;
    for (const hash of hashesOf(row)) {
      const bytes = found.has(hash) ? null : read(hash);
      if (bytes === null) continue;
      assertHash(hash, sha256(bytes), index);
      const blob: Blob = {
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
      };
      batch.push(blob);
      found.set(hash, blob);
    }
    if (batch.length >= blobsAtOnce) await blobStore.write(store, batch.splice(0));
  }
  await blobStore.write(store, batch.splice(0));
  return found;
}

async function vectorsOf(
  store: Store,
  embedder: Embedder,
  rows: readonly (MemoryRow | null)[],
): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>();
  if (embedder.meaning !== undefined) return vectors;
  const fresh = new Set<string>();
  for (const row of rows)
    if (row?.row === "entry" && (await store.perform((db) => isNew(db, row)))) fresh.add(row.text);
  const texts = [...fresh];
  for (let i = 0; i < texts.length; i += textsAtOnce) {
    const batch = texts.slice(i, i + textsAtOnce);
    const found = await embedAll(embedder, batch);
    for (const [k, text] of batch.entries()) vectors.set(text, found[k]!);
  }
  return vectors;
}

/** What rows are added with. */
interface AddTo {
  readonly blobStore: BlobStore;
  readonly indexing: Indexing;
  /** Row of the current space. */
  readonly space: number;
  /** Blobs that are here, by hash. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** Vectors of new entries, by text. */
  readonly vectors: ReadonlyMap<string, Float32Array>;
}

/** Adds one row. @returns false if it is already there or its clip was forgotten */
function* addRow(db: Db, row: MemoryRow, to: AddTo): Steps<boolean> {
  switch (row.row) {
    case "stream":
      return yield* addStreamRow(db, row);
    case "clip":
      return yield* addClipRow(db, row, to);
    case "policy":
      return yield* addPolicyRow(db, row);
    case "decision":
      return yield* addDecisionRow(db, row);
    case "entry":
      return yield* addEntryRow(db, row, to);
    case "person": {
      const { row: _, ...person } = row;
      return yield* addPerson(db, person);
    }
    case "face": {
      const { row: _, vector, ...face } = row;
      const [crop = null] = face.crop === null ? [] : yield* claim(db, [face.crop], to);
      return yield* addFace(db, { ...face, crop, vector: unpackVector(vector) });
    }
    case "gap": {
      const { row: _, ...gap } = row;
      return yield* addGap(db, { kind: "gap", ...gap });
    }
    case "adapter": {
      const { row: _, ...adapter } = row;
      return yield* addAdapter(db, adapter);
    }
    case "forgotten":
      return yield* addTombstone(db, withoutKind(row));
    case "task":
      return yield* addTaskRow(db, row);
  }
}

/** Claims those of some blobs that are here. @returns their hashes */
function* claim(db: Db, hashes: readonly string[], { blobStore, blobs }: AddTo): Steps<string[]> {
  const found = [...new Set(hashes)].filter((hash) => blobs.has(hash));
  yield* claimBlobs(
    db,
    blobStore,
    found.map((hash) => blobs.get(hash)!),
  );
  return found;
}

function* addEntryRow(db: Db, { row: _, told, ...entry }: RowOf<"entry">, to: AddTo): Steps<boolean> {
  const known = yield* db.get(selectEntryById(entry.id));
  if (known) {
    if (known.closed_at_ms !== null || !entry.closed) return false;
    yield* closeEntry(db, entry.id, entry.closed, yield* spaceRows(db));
    return true;
  }
  const frames = new Set(yield* claim(db, hashesOf({ row: "entry", ...entry }), to));
  const clip = yield* clipIn(db, entry.stream, entry.clip);
  yield* insertEntry(db, entry, {
    streamRow: (yield* streamRow(db, entry.stream)).row,
    knownSeconds: Math.max(entry.endSeconds, clip?.end_seconds ?? 0),
    words: to.indexing.words,
    space: to.space,
    vector: to.vectors.get(entry.text) ?? new Float32Array(to.indexing.embedder.dimension),
    frames,
    ...(told !== undefined && { told }),
  });
  return true;
}

function* addTaskRow(db: Db, { row: _, feedback, ...task }: RowOf<"task">): Steps<boolean> {
  const known = yield* db.get(build.selectFrom("task").select("feedback").where("id", "=", task.id));
  if (!known) yield* addTask(db, task);
  const isNews = feedback !== null && (known?.feedback ?? null) === null;
  if (isNews) yield* addFeedback(db, task.id, feedback);
  return !known || isNews;
}

function* addStreamRow(db: Db, row: RowOf<"stream">): Steps<boolean> {
  const isFurther = yield* takeStream(db, row);
  const stream = (yield* streamRow(db, row.id)).row;
  const marks = new Map((yield* sourceFilesOf(db, stream)).map((file) => [file.id, file]));
  const further = (row.files ?? [])
    .filter((file) => isWatchedFurther(file, marks.get(file.id)))
    .map((file) => ({ ...marks.get(file.id), ...withoutPath(file) }));
  yield* keepFiles(db, stream, further);
  return isFurther || further.length > 0;
}

function* takeStream(db: Db, row: RowOf<"stream">): Steps<boolean> {
  const known = yield* db.get(
    build.selectFrom("stream").select(["next_clip", "ended"]).where("id", "=", row.id),
  );
  if (known) {
    const isFurther = row.nextClip > known.next_clip || (row.nextClip === known.next_clip && row.ended);
    if (!isFurther || (row.nextClip === known.next_clip && known.ended === 1)) return false;
    const further = {
      next_clip: row.nextClip,
      ended: row.ended ? 1 : 0,
      left_out: JSON.stringify(row.leftOut),
    };
    yield* db.run(build.updateTable("stream").set(further).where("id", "=", row.id));
    return true;
  }
  yield* db.run(
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
function* addClipRow(db: Db, row: RowOf<"clip">, to: AddTo): Steps<boolean> {
  const failure = row.failure === null ? null : JSON.stringify(row.failure);
  const part = row.part ?? 1;
  const known = yield* clipIn(db, row.stream, row.clip);
  if (known && known.part !== part) {
    if (known.part > part) return false;
    yield* deleteObservations(db, [known.row]);
    const span = { start_seconds: row.startSeconds, end_seconds: row.endSeconds };
    const later = { ...span, part, state: row.state, failure, attempts: row.attempts, look: lookOf(row) };
    yield* db.run(build.updateTable("clip").set(later).where("row", "=", known.row));
    yield* addObservationRow(db, known.row, row, to);
    yield* cutGaps(db, (yield* streamRow(db, row.stream)).row, row);
    yield* logClip(db, row);
    return true;
  }
  if (known) {
    if (known.state === "stored" || row.state === "perceived") return false;
    const later = { state: row.state, failure, attempts: row.attempts };
    const moved = yield* db.run(
      build
        .updateTable("clip")
        .set(later)
        .where("row", "=", known.row)
        .where((e) => e.or([e("state", "<>", later.state), e("attempts", "<", later.attempts)])),
    );
    if (moved > 0) yield* logClip(db, row);
    return moved > 0;
  }
  const added = yield* db.get(
    build
      .insertInto("clip")
      .returning("row")
      .values({
        stream: (yield* streamRow(db, row.stream)).row,
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
  yield* addObservationRow(db, added!.row, row, to);
  yield* cutGaps(db, (yield* streamRow(db, row.stream)).row, row);
  yield* logClip(db, row);
  return true;
}

const lookOf = ({ look }: RowOf<"clip">) => (look === null ? null : JSON.stringify(look));

function* addObservationRow(db: Db, clip: number, row: RowOf<"clip">, to: AddTo): Steps<void> {
  if (!row.observation) return;
  const hashes = new Set(yield* claim(db, hashesOf(row), to));
  const frames = row.observation.frames.filter(({ hash }) => hashes.has(hash));
  yield* db.run(
    build.insertInto("observation").values({ clip, value: JSON.stringify({ ...row.observation, frames }) }),
  );
  for (const hash of hashes) yield* db.run(build.insertInto("observation_frame").values({ clip, hash }));
}

function* logClip(db: Db, { stream, clip, state }: RowOf<"clip">): Steps<void> {
  if (state === "perceived") return;
  yield* logChange(db, { kind: "clip", stream: (yield* streamRow(db, stream)).row, clip, value: { state } });
}

/** An existing value of this memory's policy stays. */
function* addPolicyRow(db: Db, row: RowOf<"policy">): Steps<boolean> {
  const policy = yield* policyRow(db, row.policy);
  const stream = (yield* streamRow(db, row.stream)).row;
  const known = build.selectFrom("policy_value").select("policy").where("policy", "=", policy);
  if (yield* db.get(known.where("stream", "=", stream))) return false;
  yield* putPolicyValue(db, policy, stream, row.value);
  return true;
}

function* addDecisionRow(db: Db, row: RowOf<"decision">): Steps<boolean> {
  const clips: { readonly clip: number; readonly part: number }[] = [];
  for (const { stream, clip, part = 1 } of row.clips) {
    const known = (yield* clipIn(db, stream, clip))?.row;
    if (known !== undefined) clips.push({ clip: known, part });
  }
  let isKnown = false;
  for (const { clip, part } of clips) {
    const decided = yield* db.get(
      build
        .selectFrom("decision_clip")
        .select("clip")
        .where("clip", "=", clip)
        .where("part", "=", part)
        .where("revision", "=", row.revision),
    );
    isKnown ||= decided !== undefined;
  }
  if (isKnown || clips.length === 0) return false;
  const { revision, decidedAtMs } = row;
  const policy = yield* policyRow(db, row.policy);
  const decision = yield* addDecision(db, { policy, revision, decidedAtMs }, countsIn(row));
  for (const { clip, part } of clips)
    yield* db.run(build.insertInto("decision_clip").values({ clip, part, revision, decision }));
  return true;
}
