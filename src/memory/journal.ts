/**
 * The journal: streams, clips as they go from perceived to stored or failed, and where a run resumes.
 *
 * Every step is one transaction, and repeating it changes nothing. Observations are kept while a clip waits to be
 * decided. Those of recent decided clips are kept to compare policies on: pictures of ten minutes, texts of an hour.
 * After that only frames that an entry refers to stay on disk.
 */
import { type RawBuilder, sql } from "kysely";
import type { Look } from "../perception/look.ts";
import { holesIn, isSameSpan, overlap, parted } from "../stream/spans.ts";
import { maskedMessage } from "../util/secrets.ts";
import type { Clock } from "../util/time.ts";
import { type BlobStore, claimBlobs, markLoose } from "./blob-store.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import { changedStream, decidedClip, unknownClip, unknownStream } from "./errors.ts";
import { floorRows, joinLooks } from "./floor.ts";
import { listed, numbered } from "./listed.ts";
import {
  hashesIn,
  joinObservations,
  type packObservation,
  type Recognised,
  recognised,
  withPeople,
} from "./packed.ts";
import { addSightings } from "./people-rows.ts";
import type {
  ClipDecision,
  ClipFailure,
  FloorFilter,
  FloorRow,
  Gap,
  GapFilter,
  LeftOut,
  NewStream,
  PackedObservation,
  Progress,
  RetriedClips,
  SourceFile,
  StreamRecord,
} from "./records.ts";
import { givenUp, keptObservations, mostWaiting, mostWithFrames } from "./retention.ts";
import type { GapTable, StreamTable } from "./schema.ts";
import { pathToKeep } from "./source-files.ts";
import { assertStream, assertStreams } from "./strict.ts";

/** A stream as the database returns it. */
export type StreamRow = {
  readonly [Column in keyof StreamTable]: Column extends "row" | "ended" | "next_clip"
    ? number
    : Column extends "left_out"
      ? string
      : StreamTable[Column];
};

export function toStream(row: StreamRow): StreamRecord {
  return {
    id: row.id,
    description: row.description,
    clipSeconds: row.clip_seconds,
    clock: parseStored<Clock>(row.clock, `the clock of ${row.id}`),
    fingerprint: row.fingerprint,
    addedAtMs: row.added_at_ms,
    ended: row.ended === 1,
    leftOut: parseStored<LeftOut[]>(row.left_out, `what was left out of ${row.id}`),
  };
}

/**
 * Adds a stream, or returns the one with its id.
 * @throws StoreError `stream-changed`; ConfigError for an invalid stream
 */
export function* addStream(db: Db, stream: NewStream, addedAtMs: number): Steps<StreamRecord> {
  assertStream(stream);
  return yield* db.write(function* () {
    yield* db.run(
      build
        .insertInto("stream")
        .values({
          id: stream.id,
          description: stream.description,
          clip_seconds: stream.clipSeconds,
          clock: JSON.stringify(stream.clock),
          fingerprint: stream.fingerprint,
          added_at_ms: addedAtMs,
        })
        .onConflict((conflict) => conflict.column("id").doNothing()),
    );
    const known = yield* streamRow(db, stream.id);
    if (known.clip_seconds !== stream.clipSeconds)
      throw changedStream(stream.id, `clip length (${known.clip_seconds} s)`);
    if (stream.fingerprint !== null && known.fingerprint !== stream.fingerprint)
      throw changedStream(stream.id, "content");
    return toStream(known);
  });
}

export function* streams(db: Db): Steps<StreamRecord[]> {
  return (yield* db.all(build.selectFrom("stream").selectAll().orderBy("row"))).map(toStream);
}

/** Keeps what a run left out of a stream. @throws StoreError `stream-unknown` */
export function* keepLeftOut(db: Db, stream: string, items: readonly LeftOut[]): Steps<void> {
  const { row } = yield* streamRow(db, stream);
  yield* db.run(
    build
      .updateTable("stream")
      .set({ left_out: JSON.stringify(items) })
      .where("row", "=", row),
  );
}

/** Row of a stream. @throws StoreError `stream-unknown` */
export function* streamRow(db: Db, id: string): Steps<StreamRow> {
  const row = yield* db.get(build.selectFrom("stream").selectAll().where("id", "=", id));
  if (row) return row;
  throw unknownStream(id);
}

/** Checks that the named streams exist. @throws DataError `stream-unknown` */
export function* assertHeld(db: Db, named: readonly string[] | undefined): Steps<void> {
  if (named === undefined || named.length === 0) return;
  const ids = yield* db.all(build.selectFrom("stream").select("id").orderBy("row"));
  assertStreams(
    named,
    ids.map(({ id }) => id),
  );
}

/** Whether a clip is undecided: perceived, or failed with a retryable failure. */
export const waits = sql<boolean>`(state <> 'stored' and coalesce(failure, '') not like '%"retryable":false%')`;

const packedOf = ({ value }: { readonly value: string }) =>
  parseStored<PackedObservation>(value, "an observation");

/** How an observation of a clip that was journaled before is taken. */
export interface Journaling {
  /** Whether it replaces that of a waiting clip. @default false */
  readonly grow?: boolean;
  /** Files it is new material of, with their marks: see `Journal.addObservation`. */
  readonly files?: readonly SourceFile[] | undefined;
}

/**
 * Journals a clip as perceived; its blobs must have been written. A waiting clip stays as it is, but for `grow` and
 * `files`.
 * @returns the people who were recognised in it
 * @throws StoreError `clip-decided`
 */
export function* addObservation(
  db: Db,
  store: BlobStore,
  stream: StreamRow,
  { packed, blobs, faces, voices }: ReturnType<typeof packObservation>,
  { grow = false, files }: Journaling,
): Steps<Recognised> {
  const { clip, startSeconds, endSeconds } = packed;
  const look = packed.look ? JSON.stringify(packed.look) : null;
  const span = { start_seconds: startSeconds, end_seconds: endSeconds, look };
  const added = yield* db.get(
    build
      .insertInto("clip")
      .values({ stream: stream.row, clip, state: "perceived", ...span, failure: null })
      .onConflict((conflict) => conflict.columns(["stream", "clip"]).doNothing())
      .returning("row"),
  );
  const isNew = added !== undefined;
  let row = added?.row ?? 0;
  let observed = packed;
  if (files) {
    yield* keepFiles(db, stream.row, files);
    yield* cutGaps(db, stream.row, packed);
    if (!isNew) ({ row, observed } = yield* openAgain(db, stream.row, packed));
  } else if (!isNew) {
    row = yield* waitingRow(db, stream, clip);
    if (!grow) return recognised(null, null);
    yield* deleteObservations(db, [row]);
    yield* db.run(build.updateTable("clip").set(span).where("row", "=", row));
  }
  const told = yield* addSightings(db, stream, { faces, voices, clip, grow });
  observed = withPeople(observed, told);
  yield* db.run(build.insertInto("observation").values({ clip: row, value: JSON.stringify(observed) }));
  yield* claimBlobs(db, store, blobs);
  for (const hash of new Set(hashesIn(observed)))
    yield* db.run(build.insertInto("observation_frame").values({ clip: row, hash }));
  if (!isNew && !files) return told;
  yield* db.run(
    build
      .updateTable("stream")
      .set({ next_clip: sql`case when next_clip > ${clip} then next_clip else ${clip + 1} end`, ended: 0 })
      .where("row", "=", stream.row),
  );
  return told;
}

/** Row of a waiting clip. @throws StoreError `clip-decided` */
function* waitingRow(db: Db, stream: StreamRow, clip: number): Steps<number> {
  const waiting = yield* db.get(
    build
      .selectFrom("clip")
      .select("row")
      .where("stream", "=", stream.row)
      .where("clip", "=", clip)
      .where(waits),
  );
  if (waiting) return waiting.row;
  throw decidedClip(stream.id, clip);
}

/**
 * Opens a known clip for new material: a waiting one waits with all of its material, a decided one waits as another part
 * with the new alone. Its span and look become those of all parts. Inside a transaction.
 * @returns its row, and the observation that is to be decided about
 */
function* openAgain(
  db: Db,
  stream: number,
  packed: PackedObservation,
): Steps<{ readonly row: number; readonly observed: PackedObservation }> {
  const known = (yield* db.get(
    build
      .selectFrom("clip")
      .leftJoin("observation", "observation.clip", "clip.row")
      .select(["clip.row", "clip.start_seconds", "clip.end_seconds", "clip.look", "observation.value"])
      .select(sql<number>`case when ${waits} then 1 else 0 end`.as("waits"))
      .where("clip.stream", "=", stream)
      .where("clip.clip", "=", packed.clip),
  ))!;
  const { row, value } = known;
  const earlier =
    known.waits === 1 && value !== null ? parseStored<PackedObservation>(value, "an observation") : null;
  const before = { startSeconds: known.start_seconds, endSeconds: known.end_seconds };
  const looks = [
    ...(known.look === null ? [] : [{ ...before, look: parseStored<Look>(known.look, "a look") }]),
    ...(packed.look ? [{ ...packed, look: packed.look }] : []),
  ];
  yield* deleteObservations(db, [row]);
  yield* db.run(
    build
      .updateTable("clip")
      .set({
        ...{ state: "perceived", failure: null, part: sql`part + ${earlier ? 0 : 1}` },
        start_seconds: Math.min(before.startSeconds, packed.startSeconds),
        end_seconds: Math.max(before.endSeconds, packed.endSeconds),
        look: looks.length === 0 ? null : JSON.stringify(joinLooks(looks)),
      })
      .where("row", "=", row),
  );
  return { row, observed: earlier ? joinObservations(earlier, packed) : packed };
}

export function* sourceFiles(db: Db, stream: string): Steps<SourceFile[]> {
  return yield* sourceFilesOf(db, (yield* streamRow(db, stream)).row);
}

export function* sourceFilesOf(db: Db, stream: number): Steps<SourceFile[]> {
  const files = build.selectFrom("source_file").selectAll().where("stream", "=", stream);
  return (yield* db.all(files.orderBy("start_seconds").orderBy("id"))).map(
    ({ id, name, start_seconds, watched_seconds, bytes, whole, path }) => ({
      ...{ id, name, startSeconds: start_seconds, watchedSeconds: watched_seconds, bytes },
      whole: whole === 1,
      ...(path !== null && { path }),
    }),
  );
}

/** Keeps up to where files were watched. */
export function* keepFiles(db: Db, stream: number, files: readonly SourceFile[]): Steps<void> {
  const known = build.selectFrom("source_file").select(["id", "path"]).where("stream", "=", stream);
  const closed = new Set((yield* db.all(known.where("path", "=", ""))).map(({ id }) => id));
  for (const file of files) {
    const { id, name, startSeconds, watchedSeconds, bytes, whole } = file;
    const path = pathToKeep(file, closed.has(id) ? { path: "" } : undefined) ?? null;
    const marks = { start_seconds: startSeconds, watched_seconds: watchedSeconds };
    const now = { name, bytes, whole: whole ? 1 : 0, path, ...marks };
    yield* db.run(
      build
        .insertInto("source_file")
        .values({ stream, id, ...now })
        .onConflict((conflict) => conflict.columns(["stream", "id"]).doUpdateSet(now)),
    );
  }
}

/** Cuts what was watched after all out of the gaps. Inside a transaction. */
export function* cutGaps(
  db: Db,
  stream: number,
  { startSeconds, endSeconds }: Pick<PackedObservation, "startSeconds" | "endSeconds">,
): Steps<void> {
  const touched = (yield* db.all(
    build
      .selectFrom("gap")
      .selectAll()
      .where("stream", "=", stream)
      .where("start_seconds", "<=", endSeconds)
      .where("end_seconds", ">=", startSeconds),
  )).map((row) => ({ row, span: { startSeconds: row.start_seconds, endSeconds: row.end_seconds } }));
  const [met, others] = parted(touched, ({ span }) => overlap(span, { startSeconds, endSeconds }));
  for (const { row, span } of met) {
    const key = build.deleteFrom("gap").where("stream", "=", stream).where("reason", "=", row.reason);
    yield* db.run(key.where("start_seconds", "=", row.start_seconds));
    for (const rest of holesIn(span, [{ startSeconds, endSeconds }])) {
      // One that touches the clip may have been kept again by this run.
      if (others.some((other) => isSameSpan(other.span, rest))) continue;
      const ends = { start_seconds: rest.startSeconds, end_seconds: rest.endSeconds };
      yield* db.run(
        build
          .insertInto("gap")
          .values({ ...row, ...ends })
          .onConflict((conflict) =>
            conflict
              .columns(["stream", "start_seconds", "reason"])
              .doUpdateSet({ end_seconds: ends.end_seconds, detail: row.detail }),
          ),
      );
      yield* logChange(db, { kind: "gap", stream, value: rest });
    }
  }
}

/** What is stored about a clip; `undefined` if it was never perceived or was forgotten. */
export function* clipWithObservation(db: Db, stream: number, clip: number) {
  return yield* db.get(
    build
      .selectFrom("clip")
      .leftJoin("observation", "observation.clip", "clip.row")
      .select(["clip.row", "clip.state", "clip.part", "clip.start_seconds", "clip.end_seconds"])
      .select("observation.value")
      .where("clip.stream", "=", stream)
      .where("clip.clip", "=", clip),
  );
}

export function* markStored(
  db: Db,
  stream: number,
  { row, clip }: { row: number; clip: number },
): Steps<void> {
  yield* db.run(build.updateTable("clip").set({ state: "stored", failure: null }).where("row", "=", row));
  yield* logChange(db, { kind: "clip", stream, clip, value: { state: "stored" } });
}

/** Journals a clip as failed; a stored clip stays stored. @throws StoreError `clip-unknown` */
export function* failClip(
  db: Db,
  stream: StreamRow,
  clip: number,
  failure: Omit<ClipFailure, "attempts">,
): Steps<void> {
  const { code, retryable } = failure;
  const message = maskedMessage(failure.message);
  const changed = yield* db.get(
    build
      .updateTable("clip")
      .set({
        state: sql`case state when 'stored' then state else 'failed' end`,
        failure: sql`case state when 'stored' then failure else ${JSON.stringify({ code, message, retryable })} end`,
        attempts: sql`attempts + 1`,
      })
      .where("stream", "=", stream.row)
      .where("clip", "=", clip)
      .returning("state"),
  );
  if (!changed) throw unknownClip(stream.id, clip);
  if (changed.state === "failed")
    yield* logChange(db, { kind: "clip", stream: stream.row, clip, value: { state: "failed" } });
}

/** Makes failed clips wait no longer. */
export function* giveUpClips(db: Db, stream: string, clips: readonly number[]): Steps<void> {
  const { row } = yield* streamRow(db, stream);
  yield* db.write(() =>
    changeFailures(db, sql`stream = ${row} and clip in ${numbered(clips)}`, { retryable: false }),
  );
}

/** Changes what is kept about failed clips. Inside a transaction. @param which a condition on `clip` */
export function* changeFailures(
  db: Db,
  which: RawBuilder<unknown>,
  change: Partial<StoredFailure> | ((failure: StoredFailure) => Partial<StoredFailure>),
): Steps<void> {
  const failed = yield* db.all(
    sql<{ row: number; failure: string }>`select row, failure from clip where state = 'failed' and ${which}`,
  );
  for (const { row, failure } of failed) {
    const before = parseStored<StoredFailure>(failure, "the failure of a clip");
    const after = { ...before, ...(typeof change === "function" ? change(before) : change) };
    yield* db.run(
      build
        .updateTable("clip")
        .set({ failure: JSON.stringify(after) })
        .where("row", "=", row),
    );
  }
}

type StoredFailure = Omit<ClipFailure, "attempts">;

/** Makes clips that failed for good wait again where their observation is kept. */
export function* retryClips(db: Db, stream: string): Steps<RetriedClips> {
  const { row } = yield* streamRow(db, stream);
  return yield* db.write(function* () {
    const failed = yield* db.all(sql<{ row: number; clip: number; kept: number }>`select row, clip,
      case when exists (select 1 from observation where observation.clip = clip.row) then 1 else 0 end as kept
      from clip where stream = ${row} and state = 'failed' and not ${waits} order by clip`);
    const [waiting, gone] = [1, 0].map((wanted) => failed.filter(({ kept }) => kept === wanted));
    const rows = numbered(waiting!.map((clip) => clip.row));
    yield* changeFailures(db, sql`row in ${rows}`, { retryable: true });
    const numbers = (clips: typeof failed) => clips.map(({ clip }) => clip);
    return { waiting: numbers(waiting!), gone: numbers(gone!) };
  });
}

/** Gives up the oldest failed clips of each stream beyond those that may wait. */
export function* giveUpOldest(db: Db, most = mostWaiting): Steps<void> {
  const oldest = sql`row in (select row from (
      select row, row_number() over (partition by stream order by clip desc) as place
      from clip where state = 'failed' and ${waits}
    ) as waiting where place > ${most})`;
  yield* db.write(() =>
    changeFailures(db, oldest, ({ message }) => ({ retryable: false, message: message + givenUp })),
  );
}

export function* clipFailures(
  db: Db,
  stream?: string,
): Steps<{ stream: string; clip: number; failure: ClipFailure }[]> {
  const failed = build
    .selectFrom("clip")
    .innerJoin("stream", "stream.row", "clip.stream")
    .select(["stream.id as stream", "clip.clip", "clip.failure", "clip.attempts"])
    .where("clip.state", "=", "failed")
    .orderBy("stream.row")
    .orderBy("clip.clip");
  return (yield* db.all(stream === undefined ? failed : failed.where("stream.id", "=", stream))).map(
    ({ failure, attempts, ...where }) => ({
      ...where,
      failure: {
        ...parseStored<Omit<ClipFailure, "attempts">>(failure ?? "{}", "the failure of a clip"),
        attempts,
      },
    }),
  );
}

/** Who decided about the clips of a stream. @throws DataError `stream-unknown` */
export function* decisions(db: Db, stream: string): Steps<ClipDecision[]> {
  const { row } = yield* streamRow(db, stream);
  return yield* db.all(
    build
      .selectFrom("decision_clip")
      .innerJoin("decision", "decision.row", "decision_clip.decision")
      .innerJoin("policy", "policy.row", "decision.policy")
      .innerJoin("clip", "clip.row", "decision_clip.clip")
      .select([
        "clip.clip",
        "policy.id as policy",
        "decision.revision",
        "decision.decided_at_ms as decidedAtMs",
      ])
      .where("clip.stream", "=", row)
      .orderBy("clip.clip")
      .orderBy("decision.row"),
  );
}

/** Where a run of a stream resumes, its observations as they are kept. */
export type PackedProgress = Omit<Progress, "pending" | "recent"> & {
  readonly pending: readonly PackedObservation[];
  readonly recent: readonly PackedObservation[];
};

export function* progress(db: Db, stream: string, windowClips: number): Steps<PackedProgress> {
  return yield* db.read(function* () {
    const { row, next_clip } = yield* streamRow(db, stream);
    const observed = build
      .selectFrom("clip")
      .innerJoin("observation", "observation.clip", "clip.row")
      .select("observation.value")
      .where("clip.stream", "=", row);
    const pending = observed.where(waits).orderBy("clip.clip");
    // A clip that failed for good is part of the window too, as it was when it failed.
    const recent = observed
      .where(sql<boolean>`not ${waits}`)
      .orderBy("clip.clip", "desc")
      .limit(Math.max(0, windowClips - 1));
    return {
      nextClip: next_clip,
      pending: (yield* db.all(pending)).map(packedOf),
      recent: (yield* db.all(recent)).map(packedOf).reverse(),
      storedClips: yield* countClips(db, "stored", row),
      failedClips: yield* countClips(db, "failed", row),
    };
  });
}

export function* countClips(db: Db, state: "stored" | "failed", stream: number): Steps<number> {
  const count = build.selectFrom("clip").select((e) => e.fn.countAll<number>().as("n"));
  return (yield* db.get(count.where("state", "=", state).where("stream", "=", stream)))?.n ?? 0;
}

/**
 * Deletes frames of a stream's decided clips, keeping the newest `kept`. Inside a transaction.
 *
 * It looks back only as far as observations are kept, so its time does not grow with the stream.
 */
export function* trimObservations(db: Db, stream: number, kept: number): Steps<void> {
  const old = yield* db.all(sql<{ row: number }>`select row from
    (select row from clip where stream = ${stream} and not ${waits}
      order by clip desc limit ${keptObservations} offset ${kept}) as earlier
    where exists (select 1 from observation_frame where clip = earlier.row)`);
  yield* dropFrames(
    db,
    old.map(({ row }) => row),
  );
}

/**
 * Deletes frames of decided clips, keeping the newest `mostWithFrames` overall and each stream's short-term window: a
 * resumed run needs it.
 */
export function* trimFramesOfAll(db: Db, windowClips: number): Steps<void> {
  yield* db.write(function* () {
    const old = yield* db.all(sql<{ row: number }>`select row from (
      select c.row, row_number() over (order by c.row desc) as place,
        row_number() over (partition by c.stream order by c.clip desc) as own_place
      from clip as c where c.row in (select clip from observation_frame) and not ${waits}
    ) as framed where place > ${mostWithFrames} and own_place > ${windowClips}`);
    yield* dropFrames(
      db,
      old.map(({ row }) => row),
    );
  });
}

/** Inside a transaction. */
function* dropFrames(db: Db, clipRows: readonly number[]): Steps<void> {
  if (clipRows.length === 0) return;
  yield* freeFrames(db, numbered(clipRows));
  for (const clip of clipRows) {
    const observation = build.selectFrom("observation").select("value").where("clip", "=", clip);
    const found = yield* db.get(observation);
    if (!found) continue;
    const value = { ...parseStored<PackedObservation>(found.value, "an observation"), frames: [] };
    yield* db.run(
      build
        .updateTable("observation")
        .set({ value: JSON.stringify(value) })
        .where("clip", "=", clip),
    );
  }
}

/** Deletes observations of decided clips, keeping the newest of each stream. */
export function* dropOldObservations(db: Db): Steps<void> {
  yield* db.write(function* () {
    const old = yield* db.all(sql<{ row: number }>`select row from (
      select c.row, row_number() over (partition by c.stream order by c.clip desc) as place
      from clip as c where c.row in (select clip from observation) and not ${waits}
    ) as observed where place > ${keptObservations}`);
    yield* deleteObservations(
      db,
      old.map(({ row }) => row),
    );
  });
}

export function* decidedObservations(
  db: Db,
  stream: string,
  which: "stored" | "failed" = "stored",
): Steps<PackedObservation[]> {
  const { row } = yield* streamRow(db, stream);
  const observed = build
    .selectFrom("clip")
    .innerJoin("observation", "observation.clip", "clip.row")
    .select("observation.value")
    .where("clip.stream", "=", row)
    .where("clip.state", "=", which)
    .where(sql<boolean>`not ${waits}`)
    .orderBy("clip.clip", "desc")
    .limit(keptObservations);
  return (yield* db.all(observed)).map(packedOf).reverse();
}

/** Removes the frames of observations. Inside a transaction. */
function* freeFrames(db: Db, clipRows: RawBuilder<unknown>): Steps<void> {
  const frames = yield* db.all(
    sql<{ hash: string }>`select distinct hash from observation_frame where clip in ${clipRows}`,
  );
  yield* markLoose(
    db,
    frames.map(({ hash }) => hash),
  );
  yield* db.run(sql`delete from observation_frame where clip in ${clipRows}`);
}

/** Deletes observations with their frames. @returns how many there were */
export function* deleteObservations(db: Db, clipRows: readonly number[]): Steps<number> {
  if (clipRows.length === 0) return 0;
  yield* freeFrames(db, numbered(clipRows));
  return yield* db.run(sql`delete from observation where clip in ${numbered(clipRows)}`);
}

/** The floor of streams, from the looks of their clips. */
export function* floor(
  db: Db,
  { streams, fromSeconds, toSeconds, asOfSeconds }: FloorFilter,
): Steps<FloorRow[]> {
  let query = build
    .selectFrom("clip")
    .innerJoin("stream", "stream.row", "clip.stream")
    .select(["stream.id as stream", "clip.start_seconds", "clip.end_seconds", "clip.look"])
    .where("clip.look", "is not", null)
    .orderBy("stream.id")
    .orderBy("clip.start_seconds");
  if (streams) query = query.where(sql<boolean>`stream.id in ${listed(streams)}`);
  if (fromSeconds !== undefined) query = query.where("clip.end_seconds", ">", fromSeconds);
  if (toSeconds !== undefined) query = query.where("clip.start_seconds", "<", toSeconds);
  if (asOfSeconds !== undefined) query = query.where("clip.end_seconds", "<=", asOfSeconds);
  const clips = (yield* db.all(query)).map(({ stream, start_seconds, end_seconds, look }) => ({
    ...{ stream, startSeconds: start_seconds, endSeconds: end_seconds },
    look: parseStored<Look>(look!, "the look of a clip"),
  }));
  return floorRows(clips);
}

/** Keeps a gap; if a later run meets it again, the later end is kept, and of one span the later reason. @returns whether anything changed */
export function* addGap(db: Db, gap: Gap): Steps<boolean> {
  return yield* db.write(function* () {
    const row: GapTable = {
      stream: (yield* streamRow(db, gap.stream)).row,
      start_seconds: gap.startSeconds,
      end_seconds: gap.endSeconds,
      reason: gap.reason,
      detail: gap.detail,
    };
    const changed = yield* db.run(
      build
        .insertInto("gap")
        .values(row)
        .onConflict((conflict) =>
          conflict
            .columns(["stream", "start_seconds", "reason"])
            .doUpdateSet({ end_seconds: row.end_seconds, detail: row.detail })
            .where("gap.end_seconds", "<", row.end_seconds),
        ),
    );
    if (changed === 0) return false;
    yield* db.run(
      build
        .deleteFrom("gap")
        .where("stream", "=", row.stream)
        .where("start_seconds", "=", row.start_seconds)
        .where("end_seconds", "=", row.end_seconds)
        .where("reason", "<>", row.reason),
    );
    const { startSeconds, endSeconds } = gap;
    yield* logChange(db, { kind: "gap", stream: row.stream, value: { startSeconds, endSeconds } });
    return true;
  });
}

export function* gaps(db: Db, filter: GapFilter): Steps<Gap[]> {
  let query = build
    .selectFrom("gap")
    .innerJoin("stream", "stream.row", "gap.stream")
    .select(["stream.id as stream", "gap.start_seconds", "gap.end_seconds", "gap.reason", "gap.detail"])
    .orderBy("stream.id")
    .orderBy("gap.start_seconds")
    .orderBy("gap.reason");
  if (filter.streams) query = query.where(sql<boolean>`stream.id in ${listed(filter.streams)}`);
  if (filter.fromSeconds !== undefined) query = query.where("gap.end_seconds", ">", filter.fromSeconds);
  if (filter.toSeconds !== undefined) query = query.where("gap.start_seconds", "<", filter.toSeconds);
  return (yield* db.all(query)).map(({ start_seconds, end_seconds, ...rest }) => ({
    kind: "gap",
    ...rest,
    startSeconds: start_seconds,
    endSeconds: end_seconds,
  }));
}
