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
import type { Observation } from "../perception/observation.ts";
import { defaultWindowClips } from "../stream/clip.ts";
import { activateAdapter, adapters, addAdapter, rollbackAdapter } from "./adapter-rows.ts";
import { readBlob, sweepBlobs, writeBlobs } from "./blobs.ts";
import { ChangeFeed } from "./change-feed.ts";
import { changeLog } from "./change-log.ts";
import { checkMemory, memoryStats } from "./check.ts";
import { commitDecision } from "./commit.ts";
import { build, type Db, openDatabase } from "./database.ts";
import { engineCache } from "./engine-cache.ts";
import { closeEntry, selectEntryById, toEntry } from "./entries.ts";
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
import { packObservation } from "./packed.ts";
import { page } from "./page-rows.ts";
import { policyState } from "./policy-state.ts";
import { recallEntries } from "./recall.ts";
import { toldRecall } from "./recall-channel.ts";
import { keptWithFrames, sweepEvery } from "./retention.ts";
import { addRows, memoryRows } from "./rows.ts";
import { Searcher } from "./searcher.ts";
import { openSpace, reindex, requireSpace, spaceRows } from "./space.ts";
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
  const db = openDatabase(directory, { readOnly });
  try {
    openSpace(db, options);
    sweepBlobs(db, join(directory, "blobs"));
    return sqliteMemory(directory, db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

function sqliteMemory(directory: string, db: Db, options: SqliteMemoryOptions): SqliteMemory {
  const { words, embedder, now } = options;
  const blobFolder = join(directory, "blobs");
  const held = leases(db, now);
  const feed = new ChangeFeed(changeLog(db));
  const searcher = new Searcher(db, directory, options);
  db.onWrite(() => feed.wake());
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
    giveUpOldest(db);
    dropOldObservations(db);
    trimFramesOfAll(db, windowClips);
    sweepBlobs(db, blobFolder);
  };

  let settling = Promise.resolve();
  /** Makes the vectors that are waited for, one call at a time. What an engine cannot make now waits for the next call. */
  const settle = (): Promise<void> => {
    if (embedder.meaning === undefined) return Promise.resolve();
    const next = settling.then(() => makeWaitingVectors(db, options));
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
      held.releaseAll();
      sweepBlobs(db, blobFolder);
    } catch (error) {
      // A lease ends with its process and blobs are swept again, so a full disk is not told twice.
      if (!(error instanceof StoreError)) throw error;
    } finally {
      // The last connection to close empties the log, which one that only reads cannot.
      await searcher.end();
      db.close();
      feed.close();
    }
  };

  const journal = async (observation: Observation, how: Journaling) => {
    const packed = packObservation(observation);
    await writeBlobs(db, blobFolder, packed.blobs);
    db.write(() => {
      const stream = streamRow(db, observation.stream);
      held.assertHeld(stream.row, stream.id);
      addObservation(db, blobFolder, stream, packed, how);
    });
  };

  return {
    directory,

    addStream: async (stream) => {
      requireSpace(db, options);
      return addStream(db, stream, now());
    },
    streams: async () => streams(db),
    lease: async (stream, { takeOver } = {}) => {
      requireSpace(db, options);
      await settle();
      return held.take(streamRow(db, stream).row, stream, takeOver);
    },
    progress: async (stream, window) => {
      windowClips = Math.max(windowClips, window);
      return progress(db, blobFolder, stream, window);
    },
    endStream: async (stream) => {
      const { row } = streamRow(db, stream);
      db.run(build.updateTable("stream").set({ ended: 1 }).where("row", "=", row));
    },

    keepLeftOut: async (stream, items) => keepLeftOut(db, stream, items),

    addObservation: (observation, files) => journal(observation, { files }),
    sourceFiles: async (stream) => sourceFiles(db, stream),
    keepFiles: async (stream, files) =>
      db.write(() => {
        const { row } = streamRow(db, stream);
        held.assertHeld(row, stream);
        keepFiles(db, row, files);
      }),
    growObservation: (observation) => journal(observation, { grow: true }),
    commit: async (decision) => {
      const receipt = await commitDecision(db, decision, {
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
      db.write(() => {
        const row = streamRow(db, stream);
        held.assertHeld(row.row, stream);
        failClip(db, row, clip, failure);
        trimObservations(db, row.row, withFrames());
      });
      tidyAfter(1);
    },
    giveUpClips: async (stream, clips) => giveUpClips(db, stream, clips),
    retryClips: async (stream) => retryClips(db, stream),
    observations: async (stream) => decidedObservations(db, blobFolder, stream),
    clipFailures: async (stream) => clipFailures(db, stream),
    decisions: async (stream) => decisions(db, stream),
    policyState: async (policy, stream) => policyState(db, policy, stream),
    floor: async (filter = {}) => {
      strict.floor(filter);
      assertHeld(db, filter.streams);
      return floor(db, filter);
    },
    addGap: async (gap) => void addGap(db, gap),
    gaps: async (filter = {}) => {
      strict.gaps(filter);
      assertHeld(db, filter.streams);
      return gaps(db, filter);
    },

    entries: async (filter = {}) => {
      strict.entries(filter);
      assertHeld(db, filter.streams);
      return searcher.entries(filter);
    },
    entry: async (id) => {
      const row = db.get(selectEntryById(id));
      return row ? toEntry(row) : null;
    },
    recall: async (query) => {
      strict.recall(query);
      assertHeld(db, query.streams);
      if (query.mode === "whole-memory")
        return recallEntries({ db, words, space: 0, vector: new Float32Array(), meaning: 0 }, query);
      requireSpace(db, options);
      const [vector] = await embedAll(embedder, [askedOf(embedder, query)], { role: "query" });
      return toldRecall(directory, () => searcher.recall(query, vector!));
    },
    speakers: () => searcher.speakers(),
    closeEntry: async (id, reason, supersededBy) =>
      closeEntry(db, id, { atMs: now(), reason, supersededBy: supersededBy ?? null }, spaceRows(db)),
    blob: (hash) => readBlob(blobFolder, hash),

    addTask: async (task) => addTask(db, task),
    tasks: async (filter = {}) => {
      strict.tasks(filter);
      return tasks(db, filter);
    },
    countTasks: async (which) => countTasks(db, which),
    addFeedback: async (task, feedback) => addFeedback(db, task, feedback),

    addAdapter: async (adapter) => void addAdapter(db, adapter),
    adapters: async (filter = {}) => {
      strict.adapters(filter);
      return adapters(db, filter);
    },
    rollbackAdapter: async (policy) => rollbackAdapter(db, policy, now()),
    activateAdapter: async (policy, id, reason) => activateAdapter(db, policy, { id, reason, atMs: now() }),

    engineCache: (scope) => engineCache(db, scope),

    page: async (list, filter = {}, pageOptions = {}) => {
      strict.page(list, filter, pageOptions);
      if ("streams" in filter) assertHeld(db, filter.streams);
      return page(db, list, filter, pageOptions);
    },
    changes: (following = {}) => {
      strict.changes(following);
      return feed.follow(following);
    },
    forget: async (request, how = {}) => {
      strict.forget(request, how);
      const report = forget(db, blobFolder, options, request, how.dryRun ?? false);
      if (!how.dryRun) await settle();
      return report;
    },
    rows: () => memoryRows(directory),
    addRows: async (rows, blob, how) => {
      const added = await addRows(db, blobFolder, options, rows, blob, how);
      await settle();
      return added;
    },
    stats: async () => memoryStats(db),
    check: async () => checkMemory(db, blobFolder, words),
    reindex: (signal, onProgress) => reindex(db, options, signal, onProgress),
    close,
    [Symbol.asyncDispose]: close,
  };
}
