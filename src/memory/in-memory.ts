/**
 * Memory in this process, lost when it is closed, for tests and small agents. It behaves as the store on disk and
 * passes the same cases. It keeps plain maps, so the time of a search grows with the number of entries.
 *
 * A change that can fail is made on a copy, which then becomes the state.
 */
import { hostname } from "node:os";
import type { Embedder, EngineCache, WordSpace } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { personOf } from "../identity/change.ts";
import { listFaces, listPeople } from "../identity/view.ts";
import type { Observation } from "../perception/observation.ts";
import { defaultWindowClips } from "../stream/clip.ts";
import type { Task } from "../tasks/task.ts";
import { activated, onCanary, rolledBackFrom } from "./adapter-history.ts";
import { ChangeFeed } from "./change-feed.ts";
import { busyStream, unknownEntry, unknownTask } from "./errors.ts";
import { forget } from "./in-memory/forget.ts";
import {
  addGap,
  addObservation,
  addStream,
  clipFailures,
  commit,
  decidedObservations,
  decisions,
  failClip,
  floor,
  gaps,
  giveUpClips,
  keepFiles,
  keepLeftOut,
  plain,
  policyState,
  progress,
  retryClips,
  sourceFiles,
  streamOf,
  trimAll,
  trimFrames,
} from "./in-memory/journal.ts";
import { overview, streamStats } from "./in-memory/overview.ts";
import { page } from "./in-memory/page.ts";
import { decideChange, peopleState, putChange } from "./in-memory/people.ts";
import { recallEntries } from "./in-memory/recall.ts";
import { adaptersOf, addAdapter, addRows, memoryRows, putAdapters } from "./in-memory/rows.ts";
import { addSpent, spent } from "./in-memory/spent.ts";
import {
  emptyState,
  entriesPassing,
  itemsOf,
  logChange,
  put,
  type State,
  speakersOf,
  sweepBlobs,
  waits,
} from "./in-memory/state.ts";
import { dropStaleVectors, makeWaitingVectors } from "./in-memory/surrounding-vectors.ts";
import type { LeaseHolder, Memory } from "./memory.ts";
import { rejoinPeople } from "./rejoin-people.ts";
import { keptWithFrames, sweepEvery } from "./retention.ts";
import { Settling } from "./settling.ts";
import { askedOf, candidatesOf, embedAll, named } from "./statements.ts";
import { assertStreams, strict } from "./strict.ts";

/** The parts of an in-memory store. */
export interface InMemoryOptions {
  /** How text is split for the text index. */
  readonly words: WordSpace;
  readonly embedder: Embedder;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** Most characters of engine output that are kept. */
const mostCached = 64 * 2 ** 20;

/** An empty memory in this process. */
export function inMemoryStore({ words, embedder, now }: InMemoryOptions): Memory {
  let kept = emptyState();
  let cache = new Map<string, string>();
  let closed = false;
  let windowClips = defaultWindowClips;
  let clipsSinceSweep = 0;
  /** Who writes each stream. */
  const leased = new Map<string, LeaseHolder>();

  const open = (): State => {
    if (!closed) return kept;
    throw new StoreError("store-closed", "This memory was closed.");
  };
  const feed = new ChangeFeed({
    last: () => kept.log.last,
    after: (number) => kept.log.changes.filter((change) => change.number > number),
  });
  /** Runs a change and tells the listeners. */
  const write = <Result>(change: (state: State) => Result): Result => {
    const result = change(open());
    feed.wake();
    return result;
  };
  /** Runs a change on a copy, which becomes the state if it succeeds. */
  const writeWhole = <Result>(change: (state: State) => Result): Result =>
    write((state) => {
      const copy = structuredClone(state);
      const result = change(copy);
      kept = copy;
      return result;
    });
  /** Every few clips: deletes old observations of decided clips. */
  const tidyAfter = (state: State, stream: string, clips: number) => {
    trimFrames(state, stream, Math.max(keptWithFrames, windowClips));
    clipsSinceSweep += clips;
    if (clipsSinceSweep < sweepEvery) return;
    clipsSinceSweep = 0;
    trimAll(state, windowClips);
    sweepBlobs(state);
  };
  const { meaning = 0 } = embedder;
  /** Vectors before the entries are stored; one by meaning takes in what is around them, and is made afterwards. */
  const vectorsOf = async (texts: readonly string[]) =>
    meaning === 0 ? embedAll(embedder, texts) : texts.map(() => new Float32Array(embedder.dimension));
  const settling = new Settling(async (how) => {
    if (meaning > 0) await makeWaitingVectors(open, embedder, how);
  });
  const assertHeld = (streams: readonly string[] | undefined) =>
    assertStreams(streams, [...open().streams.keys()]);
  const close = async () => {
    await settling.end();
    closed = true;
    kept = emptyState();
    cache = new Map();
    leased.clear();
    feed.close();
  };

  const changePeople: Memory["changePeople"] = async (asked) => {
    for (;;) {
      const texts = decideChange(open(), asked, 0).texts.map(({ text }) => text);
      const vectors = meaning === 0 ? await embedAll(embedder, texts) : [];
      const event = write((state) => {
        const decided = decideChange(state, asked, now());
        // Meanwhile a clip may have been seen.
        const isSame = decided.texts.every(({ text }, i) => text === texts[i]);
        return isSame ? plain(putChange(state, decided, words, vectors)) : null;
      });
      if (event === null) continue;
      await settling.soon();
      return event;
    }
  };
  const journal = async (observation: Observation, how: Parameters<typeof addObservation>[2]) => {
    const seen = write((state) => addObservation(state, observation, how));
    await rejoinPeople({ changePeople, peopleEvents: async () => open().peopleEvents }, seen.rejoined);
    return seen.observation;
  };

  return {
    directory: ":memory:",

    addStream: async (stream) => write((state) => addStream(state, stream, now())),
    streams: async () => [...open().streams.values()].map(({ record }) => plain(record)),
    lease: async (stream, { takeOver = false } = {}) => {
      streamOf(open(), stream);
      const tookOver = leased.get(stream) ?? null;
      if (tookOver && !takeOver) throw busyStream(stream, tookOver);
      const holder = { pid: process.pid, host: hostname(), heardAtMs: now() };
      leased.set(stream, holder);
      const release = async () => {
        if (leased.get(stream) === holder) leased.delete(stream);
      };
      return { tookOver, release };
    },
    progress: async (stream, window) => {
      windowClips = Math.max(windowClips, window);
      return progress(open, stream, window);
    },
    endStream: async (stream) =>
      write((state) => {
        streamOf(state, stream).record.ended = true;
      }),
    keepLeftOut: async (stream, items) => write((state) => keepLeftOut(state, stream, items)),
    addObservation: (observation, files) => journal(observation, { files }),
    sourceFiles: async (stream) => plain(sourceFiles(open(), stream)),
    keepFiles: async (stream, files) => write((state) => keepFiles(state, stream, files)),
    growObservation: (observation) => journal(observation, { grow: true }),
    commit: async (decision) => {
      open();
      const people = [...open().people.known.values()];
      const texts = named(candidatesOf(decision), people).map(({ text }) => text);
      const vectors = await vectorsOf(texts);
      const receipt = write((state) => {
        const stored = commit(state, decision, { vectors, words, now });
        tidyAfter(state, decision.stream, decision.clips.length);
        return plain(stored);
      });
      await settling.soon();
      return receipt;
    },
    failClip: async (stream, clip, failure) =>
      write((state) => {
        failClip(state, stream, clip, failure);
        tidyAfter(state, stream, 1);
      }),
    giveUpClips: async (stream, clips) => write((state) => giveUpClips(state, stream, clips)),
    retryClips: async (stream) => write((state) => retryClips(state, stream)),
    observations: async (stream, which) => decidedObservations(open, stream, which),
    loadFrames: async (observation) => observation,
    clipFailures: async (stream) => plain(clipFailures(open(), stream)),
    decisions: async (stream) => decisions(open(), stream),
    policyState: async (policy, stream) => policyState(open(), policy, stream),
    floor: async (filter = {}) => {
      strict.floor(filter);
      assertHeld(filter.streams);
      return plain(floor(open(), filter));
    },
    addGap: async (gap) => void write((state) => addGap(state, gap)),
    gaps: async (filter = {}) => {
      strict.gaps(filter);
      assertHeld(filter.streams);
      return gaps(open(), filter);
    },

    entries: async (filter = {}) => {
      strict.entries(filter);
      assertHeld(filter.streams);
      const { limit = Number.POSITIVE_INFINITY, newest = false } = filter;
      const passing = entriesPassing(open(), filter).map(({ entry }) => entry);
      if (!newest) return plain(passing.slice(0, limit));
      const latest = passing
        .toSorted((a, b) => b.startSeconds - a.startSeconds || (a.id < b.id ? 1 : -1))
        .slice(0, limit);
      return plain(passing.filter((entry) => latest.includes(entry)));
    },
    entry: async (id) => plain(open().entries.get(id)?.entry ?? null),
    recall: async (query) => {
      strict.recall(query);
      assertHeld(query.streams);
      const texts = query.mode === "whole-memory" ? [] : [askedOf(embedder, query)];
      const [vector = new Float32Array()] = await embedAll(embedder, texts, { role: "query" });
      return plain(recallEntries(open(), { words, vector, meaning }, query));
    },
    speakers: async () => speakersOf(open()),
    closeEntry: async (id, reason, supersededBy) =>
      write((state) => {
        const known = state.entries.get(id);
        if (!known) throw unknownEntry(id);
        if (known.entry.closed !== null) return;
        const how = { atMs: now(), reason, supersededBy: supersededBy ?? null };
        known.entry = { ...known.entry, closed: how };
        logChange(state, { kind: "entry-closed", entry: id }, { id });
      }),
    blob: async (hash) => {
      const bytes = open().blobs.get(hash);
      return bytes ? Uint8Array.from(bytes) : null;
    },

    addTask: async (task) =>
      write((state) => {
        if (state.tasks.has(task.id)) return;
        put(state, state.tasks, plain({ ...task, feedback: null }));
        logChange(state, { kind: "task", task: task.id }, { id: task.id });
      }),
    tasks: async (filter = {}) => {
      strict.tasks(filter);
      const { limit = Number.POSITIVE_INFINITY, newest = false } = filter;
      const all = inOrderAsked(open());
      return plain(newest ? all.slice(Math.max(0, all.length - limit)) : all.slice(0, limit));
    },
    countTasks: async ({ afterMs, upTo }) => {
      const all = inOrderAsked(open());
      const last = all.findIndex(({ id }) => id === upTo);
      return all.slice(0, last + 1).filter(({ askedAtMs }) => askedAtMs > afterMs).length;
    },
    addFeedback: async (id, feedback) =>
      write((state) => {
        const task = state.tasks.get(id)?.item;
        if (!task) throw unknownTask(id);
        put(state, state.tasks, { ...task, feedback: plain(feedback) });
        logChange(state, { kind: "feedback", task: id }, { id });
      }),

    addAdapter: async (adapter) => void write((state) => addAdapter(state, adapter)),
    adapters: async (filter = {}) => {
      strict.adapters(filter);
      const { policy, state } = filter;
      const all = itemsOf(open().adapters);
      return plain(
        all.filter(
          (adapter) =>
            (policy === undefined || adapter.policy === policy) &&
            (state === undefined || adapter.state === state),
        ),
      );
    },
    rollbackAdapter: async (policy) =>
      write((state) => {
        const { changed, active } = rolledBackFrom(adaptersOf(state, policy), now());
        putAdapters(state, changed);
        return active;
      }),
    activateAdapter: async (policy, id, reason) =>
      write((state) => {
        putAdapters(state, activated(adaptersOf(state, policy), policy, { id, reason, atMs: now() }));
      }),
    canaryAdapter: async (policy, id, canary, reason) =>
      write((state) => {
        putAdapters(state, onCanary(adaptersOf(state, policy), policy, { id, canary, reason, atMs: now() }));
      }),
    engineCache: (scope) => {
      open();
      return cacheOf(() => cache, scope);
    },

    people: async () => listPeople(peopleState(open())),
    faces: async (person) => {
      const state = peopleState(open());
      return listFaces(state, person === null ? null : personOf(state, person));
    },
    changePeople,
    peopleEvents: async () => plain(open().peopleEvents),

    page: async (list, filter = {}, options = {}) => {
      strict.page(list, filter, options);
      if ("streams" in filter) assertHeld(filter.streams);
      return plain(page(open(), list, filter, options));
    },
    overview: async (filter = {}, options = {}) => {
      strict.overview(filter, options);
      assertHeld(filter.streams);
      return overview(open(), filter, options);
    },
    changes: (options = {}) => {
      strict.changes(options);
      open();
      return feed.follow(options);
    },
    forget: async (request, options = {}) => {
      strict.forget(request, options);
      if (options.dryRun)
        return { ...forget(structuredClone(open()), { words, atMs: 0 }, request), dryRun: true };
      const report = writeWhole((state) => {
        const forgotten = forget(state, { words, atMs: now() }, request);
        if (meaning > 0) dropStaleVectors(state);
        return forgotten;
      });
      cache = new Map();
      await settling.soon();
      return { ...report, dryRun: false };
    },
    rows: () => rowsOf(() => memoryRows(open())),
    addRows: async (rows, blob, how = {}) => {
      const texts = rows.flatMap((row) => (row.row === "entry" ? row.text : []));
      const distinct = [...new Set(texts)];
      const found = await vectorsOf(distinct);
      const vectors = new Map(distinct.map((text, i) => [text, found[i]!]));
      const added = writeWhole((state) => addRows(state, rows, { words, vectors, blob, ...how }));
      await settling.whole();
      return added;
    },
    stats: async () => {
      const state = open();
      sweepBlobs(state);
      const clips = [...state.clips.values()];
      const bytes = [...state.blobs.values()].map(({ byteLength }) => byteLength);
      return {
        streams: state.streams.size,
        clips: clips.length,
        failedClips: clips.filter((clip) => clip.state === "failed").length,
        waitingClips: clips.filter(({ state, failure }) => state !== "stored" && (failure?.retryable ?? true))
          .length,
        entries: state.entries.size,
        gaps: [...state.streams.values()].reduce((sum, stream) => sum + stream.gaps.length, 0),
        tasks: state.tasks.size,
        blobs: state.blobs.size,
        waitingVectors: 0,
        databaseBytes: 0,
        blobBytes: bytes.reduce((sum, size) => sum + size, 0),
      };
    },
    streamStats: async () => streamStats(open()),
    addSpent: async (some) => write((state) => addSpent(state, some)),
    spent: async (sinceMs = 0) => spent(open(), sinceMs),
    pauseStream: async (stream, isPaused) =>
      write((state) => {
        const kept = streamOf(state, stream);
        kept.pausedSinceMs = isPaused ? (kept.pausedSinceMs ?? now()) : null;
      }),
    pauses: async () =>
      [...open().streams.values()].flatMap(({ record: { id }, pausedSinceMs }) =>
        pausedSinceMs === null ? [] : [{ stream: id, sinceMs: pausedSinceMs }],
      ),
    check: async () => problemsOf(open()),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function inOrderAsked(state: State): Task[] {
  return itemsOf(state.tasks).sort((a, b) => a.askedAtMs - b.askedAtMs);
}

/** The memory as of the moment the first row is requested. */
async function* rowsOf<Row>(read: () => readonly Row[]): AsyncGenerator<Row> {
  yield* read();
}

/** A cache whose answers end with the map it was opened on. */
function cacheOf(current: () => Map<string, string>, scope: string): EngineCache {
  const own = current();
  const keyOf = (key: string) => JSON.stringify([scope, key]);
  return {
    get: (key) => (current() === own ? own.get(keyOf(key)) : undefined),
    set: (key, said) => {
      if (current() !== own) return;
      own.delete(keyOf(key));
      own.set(keyOf(key), said);
      let length = [...own.values()].reduce((sum, text) => sum + text.length, 0);
      for (const [oldest, text] of own) {
        if (length <= mostCached) break;
        own.delete(oldest);
        length -= text.length;
      }
    },
  };
}

function problemsOf(state: State): string[] {
  const clips = [...state.clips.values()];
  const lost = clips.filter((clip) => waits(clip) && clip.observation === null).length;
  const shown = [
    ...[...state.entries.values()].flatMap(({ frames }) => [...frames]),
    ...clips.flatMap(({ observation }) => (observation?.frames ?? []).map(({ hash }) => hash)),
  ];
  const missing = new Set(shown.filter((hash) => !state.blobs.has(hash)));
  return [
    ...(lost > 0 ? [`${lost} undecided clips have no observation.`] : []),
    ...[...missing].map((hash) => `The blob ${hash} is missing.`),
  ];
}
