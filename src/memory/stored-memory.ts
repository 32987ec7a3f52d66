/**
 * A memory over a database, whichever it is: `sqlite.ts` and `postgres/postgres.ts` say which. This file only combines
 * the parts, each in a file named for it.
 */
import { StoreError } from "../errors.ts";
import { personOf } from "../identity/change.ts";
import { listFaces, listPeople } from "../identity/view.ts";
import type { Observation } from "../perception/observation.ts";
import { defaultWindowClips } from "../stream/clip.ts";
import { activateAdapter, adapters, addAdapter, canaryAdapter, rollbackAdapter } from "./adapter-rows.ts";
import { type BlobStore, sweepBlobs } from "./blob-store.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { commitDecision } from "./commit.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";
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
  type StreamRow,
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
import type {
  Entry,
  EntryList,
  ForgetReport,
  ForgetRequest,
  MemoryRow,
  MemoryStats,
  RecalledEntry,
  RecallQuery,
} from "./records.ts";
import { rejoinPeople } from "./rejoin-people.ts";
import { keptWithFrames, sweepEvery } from "./retention.ts";
import { addRows } from "./rows.ts";
import { Settling } from "./settling.ts";
import { type Indexing, reindex, requireSpace, spaceRows } from "./space.ts";
import { addSpent, spent } from "./spent-rows.ts";
import { askedOf, embedAll } from "./statements.ts";
import { strict } from "./strict.ts";
import { addFeedback, addTask, countTasks, tasks } from "./task-rows.ts";
import { makeWaitingVectors } from "./waiting-vectors.ts";

/** What a memory is built on. */
export interface StoredParts {
  /** Where the memory is, for messages and for what is kept of it outside. */
  readonly directory: string;
  /** The folder of what is beside it: records of training, matrices of adapters. */
  readonly folder: string;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly feed: ChangeFeed;
  readonly searches: Searches;
  vectorSearch(): Promise<VectorSearch>;
  /** The bucket of its pictures; `null` where they are with it. */
  readonly bucket: string | null;
  /** Builds what finds the nearest of many vectors, where there are so many and it is not there. */
  indexVectors(): Promise<void>;
  /** Wall clock that writers of other processes have too. */
  readonly leaseNow: () => number;
  rows(): AsyncIterable<MemoryRow>;
  stats(): Promise<MemoryStats>;
  check(): Promise<string[]>;
  /** Forgets elsewhere, while this thread serves others; `null` where it is to be done here. @default it is done here */
  forgetApart?(request: ForgetRequest, dryRun: boolean): Promise<ForgetReport | null>;
  /** Closes the database. */
  close(): void | Promise<void>;
}

/** The searches of a memory. */
export interface Searches {
  /** Entries a question is about. @param vector the question in the space of the vectors */
  recall(query: RecallQuery, vector: Float32Array): Promise<RecalledEntry[]>;
  entries(filter: EntryList): Promise<Entry[]>;
  speakers(): Promise<string[]>;
  end(): Promise<void>;
}

/** How a database without vectors of its own compares them: by pgvector, or by this process, which reads all. */
export type VectorsBy = "pgvector" | "process";

/** How a memory finds the nearest vectors. */
export interface VectorSearch {
  readonly by: "sqlite-vec" | VectorsBy;
  readonly vectors: number;
  /** Whether an HNSW index finds them; otherwise all that pass a filter are compared. */
  readonly isApproximate: boolean;
  /** Why there is no index although there are so many vectors; `null` where none is needed. */
  readonly lacksIndex: string | null;
}

/** A memory that is kept. */
export interface StoredMemory extends Memory {
  /** How vectors are compared now. */
  vectorSearch(): Promise<VectorSearch>;
  /** The bucket of its pictures, `s3://…`; `null` where they are in its directory or database. */
  readonly bucket: string | null;
  /**
   * Indexes everything again with the word space and embedder this memory was opened with. The old index is used until
   * the end; an interrupted call resumes when it is repeated.
   */
  reindex(
    signal?: AbortSignal,
    onProgress?: (entries: number) => void,
  ): Promise<{ readonly entries: number }>;
}

/** The word space, embedder and clock of a memory. */
export interface StoredOptions extends Indexing {
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** Pending clips whose pictures are in working memory at once where they cannot be read when they are needed. */
const pendingLoaded = 60;

export function storedMemory(parts: StoredParts, options: StoredOptions): StoredMemory {
  const { directory, folder, store, blobs, feed, searches } = parts;
  const { embedder, now } = options;
  const perform = <Result>(action: (db: Db) => Steps<Result>) => store.perform(action);
  const held = leases(store, parts.leaseNow);
  let windowClips = defaultWindowClips;
  let clipsSinceSweep = 0;
  let closed = false;
  /** Decided clips of a stream that keep their frames. */
  const withFrames = () => Math.max(keptWithFrames, windowClips);
  /** Every few clips: deletes old observations of decided clips. */
  const tidyAfter = async (clips: number) => {
    clipsSinceSweep += clips;
    if (clipsSinceSweep < sweepEvery) return;
    clipsSinceSweep = 0;
    await perform(function* (db) {
      yield* giveUpOldest(db);
      yield* dropOldObservations(db);
      yield* trimFramesOfAll(db, windowClips);
      yield* db.write(() => trimFaces(db));
      yield* sweepBlobs(db, blobs);
    });
    indexAside();
  };
  /** It takes minutes, and its failure is kept for `vectorSearch`. */
  const indexAside = () => void parts.indexVectors().catch(() => {});

  const settling = new Settling(async (how) => {
    if (embedder.meaning !== undefined) await makeWaitingVectors(store, options, how);
  });

  const close = async () => {
    if (closed) return;
    closed = true;
    await settling.end();
    try {
      await held.releaseAll();
      await perform((db) => sweepBlobs(db, blobs));
    } catch (error) {
      // A lease ends with its process and blobs are swept again, so a full disk is not told twice.
      if (!(error instanceof StoreError)) throw error;
    } finally {
      // The last connection to close empties the log, which one that only reads cannot.
      await searches.end();
      feed.close();
      await parts.close();
    }
  };

  /** Writes to a stream, unless another process has taken over the lease that this one holds. */
  const written = async <Result>(stream: string, write: (db: Db, row: StreamRow) => Steps<Result>) =>
    perform((db) =>
      db.write(function* () {
        const row = yield* streamRow(db, stream);
        yield* held.assertHeld(db, row.row, stream);
        return yield* write(db, row);
      }),
    );

  const journal = async (observation: Observation, how: Journaling) => {
    const packed = packObservation(observation);
    await blobs.write(store, packed.blobs);
    const told = await written(observation.stream, (db, stream) =>
      addObservation(db, blobs, stream, packed, how),
    );
    await rejoinPeople({ changePeople, peopleEvents: async () => perform(peopleEvents) }, told.rejoined);
    const { faces: _, voices: __, ...kept } = observation;
    return withPeople(kept, told);
  };

  const changePeople: Memory["changePeople"] = async (asked) => {
    const event = await change(store, options, asked, now());
    await settling.soon();
    return event;
  };

  return {
    directory,
    vectorSearch: parts.vectorSearch,
    bucket: parts.bucket,

    addStream: async (stream) => {
      return perform(function* (db) {
        yield* requireSpace(db, options);
        return yield* addStream(db, stream, now());
      });
    },
    streams: async () => perform(streams),
    lease: async (stream, { takeOver } = {}) => {
      await perform((db) => requireSpace(db, options));
      await settling.soon();
      const { row } = await perform((db) => streamRow(db, stream));
      return held.take(row, stream, takeOver);
    },
    progress: async (stream, window) => {
      windowClips = Math.max(windowClips, window);
      const { pending, recent, ...numbers } = await perform((db) => progress(db, stream, window));
      return {
        ...numbers,
        pending: await blobs.unpack(pending, pendingLoaded),
        recent: await blobs.unpack(recent, recent.length),
      };
    },
    endStream: async (stream) =>
      void (await written(stream, (db, { row }) =>
        db.run(build.updateTable("stream").set({ ended: 1 }).where("row", "=", row)),
      )),

    keepLeftOut: (stream, items) => written(stream, (db) => keepLeftOut(db, stream, items)),

    addObservation: (observation, files) => journal(observation, { files }),
    sourceFiles: async (stream) => perform((db) => sourceFiles(db, stream)),
    keepFiles: (stream, files) => written(stream, (db, { row }) => keepFiles(db, row, files)),
    growObservation: (observation) => journal(observation, { grow: true }),
    commit: async (decision) => {
      const receipt = await commitDecision(store, decision, {
        indexing: options,
        now,
        leases: held,
        withFrames: withFrames(),
      });
      await tidyAfter(decision.clips.length);
      await settling.soon();
      return receipt;
    },
    failClip: async (stream, clip, failure) => {
      await written(stream, function* (db, row) {
        yield* failClip(db, row, clip, failure);
        yield* trimObservations(db, row.row, withFrames());
      });
      await tidyAfter(1);
    },
    giveUpClips: (stream, clips) => written(stream, (db) => giveUpClips(db, stream, clips)),
    retryClips: async (stream) => perform((db) => retryClips(db, stream)),
    observations: async (stream, which) => {
      const observed = await perform((db) => decidedObservations(db, stream, which));
      return blobs.unpack(observed, observed.length);
    },
    loadFrames: (observation) => blobs.load(observation),
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
    addGap: async (gap) => void (await written(gap.stream, (db) => addGap(db, gap))),
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
      await perform((db) => assertHeld(db, filter.streams));
      return searches.entries(filter);
    },
    entry: async (id) => {
      const row = await perform((db) => db.get(selectEntryById(id)));
      return row ? toEntry(row) : null;
    },
    recall: async (query) => {
      strict.recall(query);
      await perform((db) => assertHeld(db, query.streams));
      if (query.mode === "whole-memory") return perform((db) => wholeMemory(db, query));
      await perform((db) => requireSpace(db, options));
      const [vector] = await embedAll(embedder, [askedOf(embedder, query)], { role: "query" });
      return toldRecall(directory, () => searches.recall(query, vector!));
    },
    speakers: () => searches.speakers(),
    closeEntry: async (id, reason, supersededBy) =>
      perform(function* (db) {
        const closed = { atMs: now(), reason, supersededBy: supersededBy ?? null };
        yield* closeEntry(db, id, closed, yield* spaceRows(db));
      }),
    blob: (hash) => blobs.read(hash),

    addTask: async (task) => perform((db) => addTask(db, task)),
    tasks: async (filter = {}) => {
      strict.tasks(filter);
      return perform((db) => tasks(db, filter));
    },
    countTasks: async (which) => perform((db) => countTasks(db, which)),
    addFeedback: async (task, feedback) => perform((db) => addFeedback(db, task, feedback)),

    addAdapter: async (adapter) => void (await perform((db) => addAdapter(db, adapter))),
    adapters: async (filter = {}) => {
      strict.adapters(filter);
      return perform((db) => adapters(db, filter));
    },
    rollbackAdapter: async (policy) => perform((db) => rollbackAdapter(db, policy, now())),
    activateAdapter: async (policy, id, reason) =>
      perform((db) => activateAdapter(db, policy, { id, reason, atMs: now() })),
    canaryAdapter: async (policy, id, canary, reason) =>
      perform((db) => canaryAdapter(db, policy, { id, canary, reason, atMs: now() })),

    engineCache: (scope) => engineCache(store, scope),

    people: async () => listPeople(await perform(peopleState)),
    faces: async (person) => {
      const state = await perform(peopleState);
      return listFaces(state, person === null ? null : personOf(state, person));
    },
    changePeople,
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
      const { dryRun = false } = how;
      const report =
        (await parts.forgetApart?.(request, dryRun)) ??
        (await perform((db) => forget(db, { blobs, folder }, options, request, dryRun)));
      if (!dryRun) {
        await settling.soon();
        indexAside();
      }
      return report;
    },
    rows: parts.rows,
    addRows: async (rows, blob, how) => {
      const added = await addRows(store, blobs, options, rows, blob, how);
      await settling.whole();
      await parts.indexVectors();
      return added;
    },
    stats: parts.stats,
    streamStats: async () => perform(streamStats),
    addSpent: async (some) => perform((db) => addSpent(db, some)),
    spent: async (sinceMs = 0) => perform((db) => spent(db, sinceMs)),
    check: parts.check,
    reindex: async (signal, onProgress) => {
      const indexed = await reindex(store, options, signal, onProgress);
      await parts.indexVectors();
      return indexed;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
