/**
 * Forgetting: deletes entries and everything derived from them, in one transaction, with a report.
 *
 * All conditions of a request must hold. A request by stream or time alone removes whole clips with their journal and
 * observations, and a whole stream with its gaps. A request by person, text or id removes entries, and undecided
 * observations that would become such entries.
 *
 * What is derived is removed generously, never too little:
 * 1. A task is removed if it cited a forgotten entry (its answer may repeat it), was asked of a removed stream, names
 *    the person or holds the words.
 * 2. Word counts are kept per decision and speaker, for as long as the counts. Those of each decision about an affected
 *    clip are subtracted whole. By person, what they said is subtracted at any age, with counts whose speaker is unknown
 *    and those of decisions that counted their name. By query, decisions that counted all its words are subtracted
 *    whole. A person's name is removed from all counts, and so are words of the query that no entry holds any longer.
 * 3. What policies remember of the streams of those decisions is cleared: it may hold words just seen.
 * 4. An adapter is removed if it was trained on a forgotten task. If it was active, none is active afterwards.
 * 5. Frames are deleted from disk unless a remaining entry shows the same picture.
 * 6. The cache of engine output and the records of training in `runs/` are deleted whole.
 * 7. Vectors by meaning of entries beside a forgotten one, which hold its words too, and are made again.
 * 8. A person known by face goes with all faces, their pictures and vectors, the changes that tell of them, and the pictures
 *    of the clips that show them.
 * 9. The change log keeps only that these ids were forgotten, and a tombstone that the request was made (`tombstones.ts`).
 *
 * The file is then rewritten and the write-ahead log emptied, so that no file holds the text. A forgotten clip is not
 * watched again: the stream remembers how far it was watched.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type RawBuilder, sql } from "kysely";
import type { Embedder, WordSpace } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { adapters, deleteAdaptersOf } from "./adapter-rows.ts";
import { type BlobStore, markLoose, sweepBlobs } from "./blob-store.ts";
import { logForgotten } from "./change-log.ts";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import { emptyEngineCache } from "./engine-cache.ts";
import { deleteEntries, entryCondition } from "./entries.ts";
import { type ForgottenPeople, peopleToForget } from "./forget-people.ts";
import {
  assertSaysWhat,
  forgottenMessage,
  isShown,
  leftOutKept,
  type Meant,
  namelessFiles,
  nameStemsIn,
  outOfReach,
  type Reach,
  reachOf,
  sampleSize,
  taskGoes,
} from "./forget-request.ts";
import {
  gaps as allGaps,
  streams as allStreams,
  changeFailures,
  deleteObservations,
  keepFiles,
  keepLeftOut,
  sourceFilesOf,
  streamRow,
} from "./journal.ts";
import { listed, numbered } from "./listed.ts";
import { deletePeople, peopleEvents, peopleState } from "./people-rows.ts";
import { decisionReader, takeBack } from "./policy-state.ts";
import type { Evidence, ForgetReport, ForgetRequest, KeptAdapter, PackedObservation } from "./records.ts";
import { spaceRows } from "./space.ts";
import { countsTakenBack } from "./speaker-counts.ts";
import { entriesAround } from "./surrounding-rows.ts";
import { tasks as allTasks, toTask } from "./task-rows.ts";
import { addTombstone } from "./tombstone-rows.ts";
import { tombstoneOf } from "./tombstones.ts";
import { dropVectors } from "./waiting-vectors.ts";

/**
 * @throws TypeError if the request names nothing; RangeError for a query without a content word
 * @throws StoreError `store-busy` or `disk-full` if everything is forgotten, but another process or the disk stops the
 * file from being rewritten or its log from being emptied
 */
export function* forget(
  db: Db,
  { blobs, folder }: { readonly blobs: BlobStore; readonly folder: string },
  {
    words,
    embedder,
    now,
  }: {
    readonly words: WordSpace;
    readonly embedder: Pick<Embedder, "meaning">;
    readonly now: () => number;
  },
  request: ForgetRequest,
  dryRun: boolean,
): Steps<ForgetReport> {
  assertSaysWhat(request, words);
  yield* sweepBlobs(db, blobs); // so that the report counts what this request frees
  const how = { words, atMs: dryRun ? 0 : now(), isByMeaning: embedder.meaning !== undefined };
  const report = dryRun
    ? yield* rolledBack(db, () => forgetRows(db, request, how))
    : yield* db.write(() => forgetRows(db, request, how));
  if (!dryRun) {
    yield* sweepBlobs(db, blobs);
    rmSync(join(folder, "runs"), { recursive: true, force: true });
    removeMatrices(join(folder, "adapters"), yield* adapters(db));
    yield* db.wipe();
    yield* purge(db, blobs);
  }
  return { ...report, dryRun };
}

/** Deletes pictures that are outside the database, also any that a killed process left there. */
function* purge(db: Db, blobs: BlobStore): Steps<void> {
  try {
    yield* blobs.purge(db, "all");
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new StoreError(
      error.code,
      `The memories are forgotten, but their pictures could not be deleted. ${error.message} Then run the same forget again.`,
      { cause: error, details: error.details },
    );
  }
}

/** Removes folders of low-rank matrices that no adapter names any more. */
function removeMatrices(folder: string, kept: readonly KeptAdapter[]): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (!kept.some(({ file }) => file.includes(JSON.stringify(name))))
      rmSync(join(folder, name), { recursive: true, force: true });
}

class RolledBack<Result> extends Error {
  readonly result: Result;
  constructor(result: Result) {
    super("rolled back");
    this.result = result;
  }
}

/** The result of an action, whose changes are undone. */
function* rolledBack<Result>(db: Db, action: () => Steps<Result>): Steps<Result> {
  try {
    return yield* db.write(function* () {
      throw new RolledBack(yield* action());
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.result as Result;
    throw error;
  }
}

function* forgetRows(
  db: Db,
  request: ForgetRequest,
  how: { readonly words: WordSpace; readonly atMs: number; readonly isByMeaning: boolean },
): Steps<Omit<ForgetReport, "dryRun">> {
  const { person, query } = request;
  const { words, atMs, isByMeaning } = how;
  const reach = reachOf(request, words);
  const { meant, wholeStreams } = reach;

  const entries = yield* findEntries(db, request, meant);
  const sample = entries.slice(0, sampleSize).map(({ id, text }) => ({ id, text }));
  const nameStems = nameStemsIn(
    person ?? "",
    entries.map(({ text }) => text),
    words,
  );
  const streams = yield* streamRows(db, request);
  const tasks = yield* deleteTasks(db, request, reach, new Set(entries.map(({ id }) => id)));
  const adapters = yield* deleteAdaptersOf(db, tasks);
  yield* emptyEngineCache(db);
  yield* logForgotten(db, {
    entries: entries.map(({ id }) => id),
    tasks,
    adapters,
    streams: wholeStreams ? streams : [],
  });
  const people = yield* findPeople(db, request, reach);
  const removed = {
    people: [...people.people, ...people.faces.map(({ id }) => id)],
    streams: (yield* db.all(
      sql<{ id: string }>`select id from stream where row in ${numbered(streams)}`,
    )).map(({ id }) => id),
    entries: entries.map(({ id }) => id),
    tasks,
  };
  yield* addTombstone(db, tombstoneOf(request, removed, words, atMs));
  yield* markLoose(db, yield* framesOf(db, entries));
  const rows = entries.map(({ row }) => row);
  const around = isByMeaning ? yield* entriesAround(db, rows) : [];
  const vectors = yield* deleteEntries(db, rows, yield* spaceRows(db));
  // Their vectors hold words of what is forgotten.
  yield* dropVectors(db, around);
  yield* db.run(
    sql`update entry set superseded_by = null where superseded_by in ${listed(entries.map(({ id }) => id))}`,
  );

  const clips = yield* findClips(db, request, reach, entries, reach.byText ? people : null);
  // A recording would still show it.
  yield* db.run(
    sql`update source_file set path = '' where stream in ${numbered(entries.map(({ stream }) => stream))}
      or stream in (select stream from clip where row in ${numbered(clips.map(({ row }) => row))})`,
  );
  if (reach.byText) yield* dropFramesOf(db, people);
  yield* deletePeople(db, people);
  const lowered = yield* takeBackDecisions(db, words, request, reach, clips);
  if (reach.personOnly) {
    for (const stem of yield* deleteWords(db, [...nameStems])) lowered.add(stem);
  }
  if (query !== undefined) {
    const unheld: string[] = [];
    for (const stem of words.stems(query)) if (!(yield* db.index.holdsStem(stem))) unheld.push(stem);
    for (const stem of yield* deleteWords(db, unheld)) lowered.add(stem);
  }
  if (reach.bySpan)
    yield* db.run(sql`update clip set look = null where row in ${numbered(clips.map(({ row }) => row))}`);
  const observations = yield* deleteObservations(
    db,
    clips.map(({ row }) => row),
  );
  if (reach.byText) yield* blankFailures(db, request);
  const gone = clips.filter(({ goes }) => goes).map(({ row }) => row);
  yield* db.run(sql`delete from clip where row in ${numbered(gone)}`);
  yield* db.run(sql`delete from decision where row not in (select decision from decision_clip)`);

  for (const { id, leftOut } of yield* allStreams(db)) {
    const kept = leftOutKept({ id, leftOut }, request, reach);
    if (kept.length < leftOut.length) yield* keepLeftOut(db, id, kept);
    const { row } = yield* streamRow(db, id);
    yield* keepFiles(db, row, namelessFiles(id, yield* sourceFilesOf(db, row), request, reach));
  }
  let gaps = 0;
  if (wholeStreams) {
    gaps = yield* db.run(sql`delete from gap where stream in ${numbered(streams)}`);
    yield* db.run(sql`delete from stream where row in ${numbered(streams)}`);
  }
  const freed = yield* freedBlobs(db);
  return {
    entries: entries.length,
    vectors,
    clips: gone.length,
    observations,
    tasks: tasks.length,
    adapters: adapters.length,
    gaps,
    streams: wholeStreams ? streams.length : 0,
    blobs: freed.blobs,
    blobBytes: freed.bytes,
    words: lowered.size,
    people: people.people.length,
    faces: people.faces.length,
    outOfReach: outOfReach(request, reach, {
      streams: yield* allStreams(db),
      gaps: yield* allGaps(db, {}),
      tasks: yield* allTasks(db, {}),
    }),
    sample,
  };
}

interface FoundEntry {
  readonly row: number;
  readonly id: string;
  readonly stream: number;
  readonly clip: number;
  readonly text: string;
}

/** Entries to remove, closed ones too, in the order they were written. */
function* findEntries(db: Db, request: ForgetRequest, meant: Meant): Steps<FoundEntry[]> {
  const { entries: ids, person, query } = request;
  const conditions: RawBuilder<unknown>[] = [
    entryCondition({ ...scopeOf(request), includeClosed: true }, db.index),
  ];
  if (ids) conditions.push(sql`e.id in ${listed(ids)}`);
  const all = sql<FoundEntry & { speakers: string; evidence: string }>`
    select e.row, e.id, e.stream, e.clip, e.text, e.speakers, e.evidence from entry as e
    where ${sql.join(conditions, sql` and `)} order by e.row`;
  const found: FoundEntry[] = [];
  yield* db.each(all, ({ speakers, evidence, ...entry }) => {
    if (person !== undefined || query !== undefined) {
      const { sources } = parseStored<Evidence>(evidence, `the evidence of entry ${entry.id}`);
      const names = [
        ...parseStored<string[]>(speakers, `entry ${entry.id}`),
        ...sources.flatMap(({ text, speaker }) => [text, speaker ?? ""]),
      ];
      if (!meant([entry.text], names)) return;
    }
    found.push(entry);
  });
  return found;
}

/** The people and faces that go. */
function* findPeople(db: Db, request: ForgetRequest, reach: Reach): Steps<ForgottenPeople> {
  const clips = yield* db.all(sql<{
    stream: string;
    clip: number;
  }>`select s.id as stream, c.clip from clip as c
    join stream as s on s.row = c.stream where ${clipsInScope(request)}`);
  const inScope = new Set(clips.map(({ stream, clip }) => JSON.stringify([stream, clip])));
  const isInScope = ({ stream, clip }: { readonly stream: string; readonly clip: number }) =>
    reach.personOnly || inScope.has(JSON.stringify([stream, clip]));
  return peopleToForget(yield* peopleState(db), yield* peopleEvents(db), reach, isInScope);
}

/** Takes the pictures of clips that show people who are forgotten from the entries that are left. */
function* dropFramesOf(db: Db, { faces }: ForgottenPeople): Steps<void> {
  for (const { stream, clip } of faces) {
    const { row } = yield* streamRow(db, stream);
    const ofClip = sql`select row from entry where clip = ${clip} and stream = ${row}`;
    const gone = yield* db.all(
      sql<{ hash: string }>`delete from entry_frame where entry in (${ofClip}) returning hash`,
    );
    yield* markLoose(
      db,
      gone.map(({ hash }) => hash),
    );
  }
}

const scopeOf = ({ streams, fromSeconds, toSeconds }: ForgetRequest) => ({
  ...(streams && { streams }),
  ...(fromSeconds !== undefined && { fromSeconds }),
  ...(toSeconds !== undefined && { toSeconds }),
});

function* streamRows(db: Db, { streams }: ForgetRequest): Steps<number[]> {
  const all = build.selectFrom("stream").select("row");
  return (yield* db.all(streams ? all.where(sql<boolean>`id in ${listed(streams)}`) : all)).map(
    ({ row }) => row,
  );
}

function* framesOf(db: Db, entries: readonly FoundEntry[]): Steps<string[]> {
  const rows = numbered(entries.map(({ row }) => row));
  return (yield* db.all(
    sql<{ hash: string }>`select distinct hash from entry_frame where entry in ${rows}`,
  )).map(({ hash }) => hash);
}

/** The condition that streams and times of a request put on `clip as c`. */
function clipsInScope({ streams, fromSeconds: from, toSeconds: to }: ForgetRequest): RawBuilder<unknown> {
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (streams) conditions.push(sql`c.stream in (select row from stream where id in ${listed(streams)})`);
  if (from !== undefined) conditions.push(sql`c.end_seconds > ${from}`);
  if (to !== undefined) conditions.push(sql`c.start_seconds < ${to}`);
  return sql`(${sql.join(conditions, sql` and `)})`;
}

interface FoundClip {
  readonly row: number;
  /** Whether the journal row is removed; otherwise only its observation is. */
  readonly goes: boolean;
}

/**
 * Clips whose observation and word counts are removed: those that lost an entry, those of a span, and undecided ones
 * that show what the request describes. Called after the entries are deleted.
 * @param people who is forgotten by name: what shows them goes too
 */
function* findClips(
  db: Db,
  request: ForgetRequest,
  { bySpan, byText, meant }: Reach,
  entries: readonly FoundEntry[],
  people: ForgottenPeople | null,
): Steps<FoundClip[]> {
  const seen = new Set<string>();
  for (const { stream, clip } of people?.faces ?? [])
    seen.add(`${(yield* streamRow(db, stream)).row}/${clip}`);
  const keys = new Set(entries.map(({ stream, clip }) => `${stream}/${clip}`));
  const rows = sql<{
    row: number;
    stream: number;
    clip: number;
    state: string;
    in_scope: number;
    has_entries: number;
    value: string | null;
  }>`select c.row, c.stream, c.clip, c.state, case when ${clipsInScope(request)} then 1 else 0 end as in_scope,
      case when exists (select 1 from entry as e where e.stream = c.stream and e.clip = c.clip) then 1 else 0 end
        as has_entries,
      case when ${bySpan ? 1 : 0} = 1 then null else o.value end as value
    from clip as c left join observation as o on o.clip = c.row`;
  const found: FoundClip[] = [];
  yield* db.each(rows, (clip) => {
    const key = `${clip.stream}/${clip.clip}`;
    const lostEntries = keys.has(key) || seen.has(key);
    if (bySpan) {
      if (clip.in_scope) found.push({ row: clip.row, goes: clip.has_entries === 0 });
      else if (lostEntries) found.push({ row: clip.row, goes: false });
      return;
    }
    const shows =
      byText &&
      clip.in_scope === 1 &&
      clip.value !== null &&
      isShown(parseStored<PackedObservation>(clip.value, "an observation"), meant);
    if (lostEntries || shows) found.push({ row: clip.row, goes: shows && clip.state !== "stored" });
  });
  return found;
}

/** Subtracts what decisions counted of what is forgotten. @returns the words whose counts were lowered */
function* takeBackDecisions(
  db: Db,
  words: WordSpace,
  request: ForgetRequest,
  { byText, bySpeaker }: Reach,
  clips: readonly FoundClip[],
): Steps<Set<string>> {
  const found = numbered(clips.map(({ row }) => row));
  const scope = byText ? clipsInScope(request) : sql`dc.clip in ${found}`;
  const decisions = yield* db.all(
    sql<{ row: number; policy: number; words: string; found: number }>`
      select d.row, d.policy, d.words, max(case when dc.clip in ${found} then 1 else 0 end) as found
      from decision_clip as dc join clip as c on c.row = dc.clip join decision as d on d.row = dc.decision
      where ${scope} group by d.row`,
  );
  const countsOf = yield* decisionReader(db);
  const chosen = countsTakenBack(request, words);
  const lowered = new Set<string>();
  const changed: number[] = [];
  for (const decision of decisions) {
    const counts = countsOf(decision.words);
    const gone = decision.found && !bySpeaker ? counts : chosen(counts);
    if (gone.length === 0) continue;
    const places = new Set(gone.map((share) => counts.indexOf(share)));
    for (const stem of yield* takeBack(db, decision, places)) lowered.add(stem);
    changed.push(decision.row);
  }
  yield* db.run(sql`delete from policy_value where stream in (select stream from clip where row in ${found}
    or row in (select clip from decision_clip where decision in ${numbered(changed)}))`);
  yield* db.run(sql`delete from word where documents <= 0`);
  return lowered;
}

/** Removes messages of failures whose clip can no longer tell who spoke: a message may quote what a model wrote. */
function* blankFailures(db: Db, request: ForgetRequest): Steps<void> {
  const silent = sql`row in (select c.row from clip as c where ${clipsInScope(request)})
    and row not in (select clip from observation)`;
  yield* changeFailures(db, silent, { message: forgottenMessage });
}

function* deleteWords(db: Db, stems: readonly string[]): Steps<string[]> {
  return (yield* db.all(
    sql<{ stem: string }>`delete from word where stem in ${listed(stems)} returning stem`,
  )).map(({ stem }) => stem);
}

/** @returns ids of the tasks deleted */
function* deleteTasks(
  db: Db,
  request: ForgetRequest,
  reach: Reach,
  entries: ReadonlySet<string>,
): Steps<string[]> {
  const ids = (yield* db.all(build.selectFrom("task").select(["id", "value", "feedback"])))
    .filter((row) => taskGoes(toTask(row), request, reach, entries))
    .map(({ id }) => id);
  yield* db.run(sql`delete from task where id in ${listed(ids)}`);
  return ids;
}

/** Blobs that the sweep after this transaction will delete. */
function* freedBlobs(db: Db): Steps<{ readonly blobs: number; readonly bytes: number }> {
  return (yield* db.get(sql<{ blobs: number; bytes: number }>`
    select count(*) as blobs, coalesce(sum(bytes), 0) as bytes from blob
    where hash in (select hash from loose_blob)
      and hash not in (select hash from entry_frame) and hash not in (select hash from observation_frame)
      and hash not in (select crop from face where crop is not null)`))!;
}
