/**
 * Memory in one directory: `memory.db` (SQLite, write-ahead log, every commit synced to disk) and `blobs/`.
 *
 * Several processes may open it at once. This file only combines the parts, each in a file named for it. Statements run
 * synchronously on one connection; a promise resolves when the data is on disk.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Embedder, WordSpace } from "../engine.ts";
import { EngineError, StoreError } from "../errors.ts";
import { personOf } from "../identity/change.ts";
import { listFaces, listPeople } from "../identity/view.ts";
import type { Observation } from "../perception/observation.ts";
import { defaultWindowClips } from "../stream/clip.ts";
import { activateAdapter, adapters, addAdapter, canaryAdapter, rollbackAdapter } from "./adapter-rows.ts";
import { readBlob, sweepBlobs, writeBlobs } from "./blobs.ts";
import { ChangeFeed } from "./change-feed.ts";
import { changeLog } from "./change-log.ts";
import { checkMemory, memoryStats } from "./check.ts";
import { commitDecision } from "./commit.ts";
import { type Connection, openDatabase } from "./database.ts";
import { build } from "./db.ts";
import { engineCache } from "./engine-cache.ts";
import { closeEntry, selectEntryById, toEntry } from "./entries.ts";
import { memoryRows } from "./exported-rows.ts";
import { forget } from "./forget.ts";
import {
  addGap,
  addObservation,
  addStream,
  assertHeld,
  clipFailures,
  decidedObservations,
  decisions,
  dropOldObservations,
  failClip,
  floor,
  gaps,
  giveUpClips,
  giveUpOldest,
  type Journaling,
  keepFiles,
  keepLeftOut,
  progress,
  retryClips,
  sourceFiles,
  streamRow,
  streams,
  trimFramesOfAll,
  trimObservations,
} from "./journal.ts";
import { leases } from "./lease.ts";
import type { Memory } from "./memory.ts";
import { overview, streamStats } from "./overview-rows.ts";
import { packObservation, withPeople } from "./packed.ts";
import { page } from "./page-rows.ts";
import { pauseStream, pauses } from "./pauses.ts";
import { change, peopleEvents, peopleState, trimFaces } from "./people-rows.ts";
import { policyState } from "./policy-state.ts";
import { wholeMemory } from "./recall.ts";
import { toldRecall } from "./recall-channel.ts";
import { keptWithFrames, sweepEvery } from "./retention.ts";
import { addRows } from "./rows.ts";
import { Searcher } from "./searcher.ts";
import { openSpace, reindex, requireSpace, spaceRows } from "./space.ts";
import { addSpent, spent } from "./spent-rows.ts";
import { askedOf, embedAll } from "./statements.ts";
import { strict } from "./strict.ts";
import { addFeedback, addTask, countTasks, tasks } from "./task-rows.ts";
import { makeWaitingVectors } from "./waiting-vectors.ts";

/** How a memory on disk is opened. */
export interface SqliteMemoryOptions {
  /** How text is split for the text index. */
  readonly words: WordSpace;
  readonly embedder: Embedder;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /**
   * Whether to open it without writing; a missing memory is then not created. `"if-needed"` does so where it exists and
   * the disk is read-only or full. A memory that cannot be shared there is read into working memory, with its log.
   * @default false
   */
  readonly readOnly?: boolean | "if-needed";
}

/** A memory on disk. */
export interface SqliteMemory extends Memory {
  /**
   * Indexes everything again with the word space and embedder this memory was opened with. The old index is used until
   * the end; an interrupted call resumes when it is repeated.
   */
  reindex(
    signal?: AbortSignal,
    onProgress?: (entries: number) => void,
  ): Promise<{ readonly entries: number }>;
}

/**
 * Opens the memory of a directory; a missing one is created.
 *
 * @throws StoreError for a damaged, foreign or newer file, or a read-only or full disk
 */
export async function openSqliteMemory(
  directory: string,
  options: SqliteMemoryOptions,
): Promise<SqliteMemory> {
  const { readOnly = false } = options;
  if (readOnly !== "if-needed") return openAs(directory, options, readOnly);
  try {
    return openAs(directory, options, false);
  } catch (error) {
    const isUnwritable = error instanceof StoreError && unwritableCodes.includes(error.code);
    if (!isUnwritable || !existsSync(join(directory, "memory.db"))) throw error;
    return openAs(directory, options, true);
  }
}

/** Codes of opening for writing where a memory may still be readable. */
const unwritableCodes = ["store-read-only", "disk-full", "store-unopenable", "store-io"];

function openAs(directory: string, options: SqliteMemoryOptions, readOnly: boolean): SqliteMemory {
  const connection = openDatabase(directory, { readOnly });
  try {
    connection.perform((db) => openSpace(db, options));
    connection.perform((db) => sweepBlobs(db, join(directory, "blobs")));
    return sqliteMemory(directory, connection, options);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function sqliteMemory(directory: string, connection: Connection, options: SqliteMemoryOptions): SqliteMemory {
  const { words, embedder, now } = options;
  const blobFolder = join(directory, "blobs");
  const { perform } = connection;
  const held = leases(connection, now);
  const feed = new ChangeFeed(changeLog(connection));
  const searcher = new Searcher(connection, directory, options);
  connection.onWrite(() => feed.wake());
  let windowClips = defaultWindowClips;
  let clipsSinceSweep = 0;
  let closed = false;
  /** Decided clips of a stream that keep their frames. */
  const withFrames = () => Math.max(keptWithFrames, windowClips);
  /** Every few clips: deletes old observations of decided clips. */
  const tidyAfter = (clips: number) => {
    clipsSinceSweep += clips;
    if (clipsSinceSweep < sweepEvery) return;
    clipsSinceSweep = 0;
    perform(function* (db) {
      yield* giveUpOldest(db);
      yield* dropOldObservations(db);
      yield* trimFramesOfAll(db, windowClips);
      yield* db.write(() => trimFaces(db));
      yield* sweepBlobs(db, blobFolder);
    });
  };

  let settling = Promise.resolve();
  /** Makes the vectors that are waited for, one call at a time. What an engine cannot make now waits for the next call. */
  const settle = (): Promise<void> => {
    if (embedder.meaning === undefined) return Promise.resolve();
    const next = settling.then(() => makeWaitingVectors(connection, options));
    settling = next.catch(() => {});
    return next.catch((error) => {
      const comesBack = error instanceof EngineError && error.isRetryable;
      if (!comesBack) throw error;
    });
  };

  const close = async () => {
    if (closed) return;
    closed = true;
    try {
      await held.releaseAll();
      perform((db) => sweepBlobs(db, blobFolder));
    } catch (error) {
      // A lease ends with its process and blobs are swept again, so a full disk is not told twice.
      if (!(error instanceof StoreError)) throw error;
    } finally {
      // The last connection to close empties the log, which one that only reads cannot.
      await searcher.end();
      connection.close();
      feed.close();
    }
  };

  const journal = async (observation: Observation, how: Journaling) => {
    const packed = packObservation(observation);
    await writeBlobs(connection, blobFolder, packed.blobs);
    const told = perform((db) =>
      db.write(function* () {
        const stream = yield* streamRow(db, observation.stream);
        yield* held.assertHeld(db, stream.row, stream.id);
        return yield* addObservation(db, blobFolder, stream, packed, how);
      }),
    );
    const { faces: _, voices: __, ...kept } = observation;
    return withPeople(kept, told);
  };

  return {
    directory,

    addStream: async (stream) => {
      return perform(function* (db) {
        yield* requireSpace(db, options);
        return yield* addStream(db, stream, now());
      });
    },
    streams: async () => perform(streams),
    lease: async (stream, { takeOver } = {}) => {
      perform((db) => requireSpace(db, options));
      await settle();
      return held.take(perform((db) => streamRow(db, stream)).row, stream, takeOver);
    },
    progress: async (stream, window) => {
      windowClips = Math.max(windowClips, window);
      return perform((db) => progress(db, blobFolder, stream, window));
    },
    endStream: async (stream) => {
      perform(function* (db) {
        const { row } = yield* streamRow(db, stream);
        yield* db.run(build.updateTable("stream").set({ ended: 1 }).where("row", "=", row));
      });
    },

    keepLeftOut: async (stream, items) => perform((db) => keepLeftOut(db, stream, items)),

    addObservation: (observation, files) => journal(observation, { files }),
    sourceFiles: async (stream) => perform((db) => sourceFiles(db, stream)),
    keepFiles: async (stream, files) =>
      perform((db) =>
        db.write(function* () {
          const { row } = yield* streamRow(db, stream);
          yield* held.assertHeld(db, row, stream);
          yield* keepFiles(db, row, files);
        }),
      ),
    growObservation: (observation) => journal(observation, { grow: true }),
    commit: async (decision) => {
      const receipt = await commitDecision(connection, decision, {
        indexing: options,
        now,
        leases: held,
        withFrames: withFrames(),
      });
      tidyAfter(decision.clips.length);
      await settle();
      return receipt;
    },
    failClip: async (stream, clip, failure) => {
      perform((db) =>
        db.write(function* () {
          const row = yield* streamRow(db, stream);
          yield* held.assertHeld(db, row.row, stream);
          yield* failClip(db, row, clip, failure);
          yield* trimObservations(db, row.row, withFrames());
        }),
      );
      tidyAfter(1);
    },
    giveUpClips: async (stream, clips) => perform((db) => giveUpClips(db, stream, clips)),
    retryClips: async (stream) => perform((db) => retryClips(db, stream)),
    observations: async (stream, which) =>
      perform((db) => decidedObservations(db, blobFolder, stream, which)),
    clipFailures: async (stream) => perform((db) => clipFailures(db, stream)),
    decisions: async (stream) => perform((db) => decisions(db, stream)),
    policyState: async (policy, stream) => perform((db) => policyState(db, policy, stream)),
    floor: async (filter = {}) => {
      strict.floor(filter);
      return perform(function* (db) {
        yield* assertHeld(db, filter.streams);
        return yield* floor(db, filter);
      });
    },
    addGap: async (gap) => void perform((db) => addGap(db, gap)),
    gaps: async (filter = {}) => {
      strict.gaps(filter);
      return perform(function* (db) {
        yield* assertHeld(db, filter.streams);
        return yield* gaps(db, filter);
      });
    },

    pauseStream: async (stream, isPaused) =>
      perform((db) => pauseStream(db, stream, isPaused ? now() : null)),
    pauses: async () => perform(pauses),

    entries: async (filter = {}) => {
      strict.entries(filter);
      perform((db) => assertHeld(db, filter.streams));
      return searcher.entries(filter);
    },
    entry: async (id) => {
      const row = connection.get(selectEntryById(id));
      return row ? toEntry(row) : null;
    },
    recall: async (query) => {
      strict.recall(query);
      perform((db) => assertHeld(db, query.streams));
      if (query.mode === "whole-memory") return perform((db) => wholeMemory(db, query));
      perform((db) => requireSpace(db, options));
      const [vector] = await embedAll(embedder, [askedOf(embedder, query)], { role: "query" });
      return toldRecall(directory, () => searcher.recall(query, vector!));
    },
    speakers: () => searcher.speakers(),
    closeEntry: async (id, reason, supersededBy) =>
      perform(function* (db) {
        const closed = { atMs: now(), reason, supersededBy: supersededBy ?? null };
        yield* closeEntry(db, id, closed, yield* spaceRows(db));
      }),
    blob: (hash) => readBlob(blobFolder, hash),

    addTask: async (task) => perform((db) => addTask(db, task)),
    tasks: async (filter = {}) => {
      strict.tasks(filter);
      return perform((db) => tasks(db, filter));
    },
    countTasks: async (which) => perform((db) => countTasks(db, which)),
    addFeedback: async (task, feedback) => perform((db) => addFeedback(db, task, feedback)),

    addAdapter: async (adapter) => void perform((db) => addAdapter(db, adapter)),
    adapters: async (filter = {}) => {
      strict.adapters(filter);
      return perform((db) => adapters(db, filter));
    },
    rollbackAdapter: async (policy) => perform((db) => rollbackAdapter(db, policy, now())),
    activateAdapter: async (policy, id, reason) =>
      perform((db) => activateAdapter(db, policy, { id, reason, atMs: now() })),
    canaryAdapter: async (policy, id, canary, reason) =>
      perform((db) => canaryAdapter(db, policy, { id, canary, reason, atMs: now() })),

    engineCache: (scope) => engineCache(connection, scope),

    people: async () => listPeople(perform(peopleState)),
    faces: async (person) => {
      const state = perform(peopleState);
      return listFaces(state, person === null ? null : personOf(state, person));
    },
    changePeople: async (asked) => {
      const event = await change(connection, options, asked, now());
      await settle();
      return event;
    },
    peopleEvents: async () => perform(peopleEvents),

    page: async (list, filter = {}, pageOptions = {}) => {
      strict.page(list, filter, pageOptions);
      return perform(function* (db) {
        if ("streams" in filter) yield* assertHeld(db, filter.streams);
        return yield* page(db, list, filter, pageOptions);
      });
    },
    overview: async (filter = {}, how = {}) => {
      strict.overview(filter, how);
      return perform(function* (db) {
        yield* assertHeld(db, filter.streams);
        return yield* overview(db, filter, how);
      });
    },
    changes: (following = {}) => {
      strict.changes(following);
      return feed.follow(following);
    },
    forget: async (request, how = {}) => {
      strict.forget(request, how);
      const report = perform((db) => forget(db, blobFolder, options, request, how.dryRun ?? false));
      if (!how.dryRun) await settle();
      return report;
    },
    rows: () => memoryRows(directory),
    addRows: async (rows, blob, how) => {
      const added = await addRows(connection, blobFolder, options, rows, blob, how);
      await settle();
      return added;
    },
    stats: async () => memoryStats(connection),
    streamStats: async () => perform(streamStats),
    addSpent: async (some) => perform((db) => addSpent(db, some)),
    spent: async (sinceMs = 0) => perform((db) => spent(db, sinceMs)),
    check: async () => checkMemory(connection, blobFolder, words),
    reindex: (signal, onProgress) => reindex(connection, options, signal, onProgress),
    close,
    [Symbol.asyncDispose]: close,
  };
}
