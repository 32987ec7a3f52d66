/**
 * What a memory does, in five interfaces: the journal of what was watched, the entries that were kept, the tasks that
 * were asked, the adapters that were trained, and the care of the whole. Who needs one part takes that part.
 *
 * Entries are closed or superseded, never rewritten; forgetting is explicit and reaches everything derived. Whatever a
 * call acknowledged is kept when its promise resolves. `sqlite.ts` keeps it on disk, `in-memory.ts` in this process; both
 * pass `memory-cases.ts`. A key that a filter or request does not have is a `ConfigError` `option-unknown`, and a stream
 * that is named to read from and not held is a `DataError` `stream-unknown`.
 */

import type { EngineCache } from "../engine.ts";
import type { Observation } from "../perception/observation.ts";
import type { Feedback, Task } from "../tasks/task.ts";
import type {
  AdapterFilter,
  AddedRows,
  Change,
  ClipFailure,
  Decision,
  Entry,
  EntryList,
  ForgetReport,
  ForgetRequest,
  Gap,
  GapFilter,
  KeptAdapter,
  MemoryRow,
  MemoryStats,
  Page,
  Paged,
  PageFilters,
  PageOptions,
  PolicyState,
  Progress,
  RecalledEntry,
  RecallQuery,
  Receipt,
  StreamRecord,
  TaskCount,
  TaskList,
} from "./records.ts";

export type * from "./records.ts";

/** Held by whoever writes a stream; released by `release`, by closing the memory, or by the death of the process. */
export interface StreamLease {
  release(): Promise<void>;
}

/** What was watched: streams, and their clips from perceived to stored or failed. Every step may be made twice. */
export interface Journal {
  /**
   * Registers a stream, or returns the one of that id.
   * @throws StoreError `stream-changed` when its fingerprint or clip length differ
   * @throws ConfigError `clock-invalid`, `clip-seconds-invalid` or `stream-id-invalid`
   */
  addStream(stream: Omit<StreamRecord, "addedAtMs" | "ended">): Promise<StreamRecord>;
  /** In the order they were added. */
  streams(): Promise<StreamRecord[]>;
  /** @throws StoreError `stream-busy` when a live process holds it. */
  lease(stream: string): Promise<StreamLease>;
  /** @param windowClips how many clips the short-term window holds, the new one included */
  progress(stream: string, windowClips: number): Promise<Progress>;
  /** Marks that the end of a stream was reached; another clip of it takes the mark away. */
  endStream(stream: string): Promise<void>;
  /**
   * Journals a clip as perceived, its frames as blobs. Of a clip that waits to be decided it changes nothing.
   * @throws StoreError `clip-decided` for a clip that is stored, or failed for good, with `stream` and `clip` in `details`
   */
  addObservation(observation: Observation): Promise<void>;
  /**
   * Journals what is known of a clip so far, in the place of what was: for clips whose items come one by one.
   * @throws StoreError `clip-decided`
   */
  growObservation(observation: Observation): Promise<void>;
  /** Stores what was decided about clips, in one step. Decided twice at one revision, a clip stores nothing more. */
  commit(decision: Decision): Promise<Receipt>;
  /** Journals a clip as failed. If the failure is retryable, the clip waits for another try. */
  failClip(stream: string, clip: number, failure: Omit<ClipFailure, "attempts">): Promise<void>;
  /**
   * Observations of clips that were decided, oldest first: the last 60 of a stream whole (720 of all streams), earlier ones
   * without frames, 360 at most. What policies are compared on. A frame's bytes are read when they are looked at, and may
   * be gone by then.
   */
  observations(stream: string): Promise<Observation[]>;
  /** Failures of one stream or of all, in the order of their clips. */
  clipFailures(stream?: string): Promise<{ stream: string; clip: number; failure: ClipFailure }[]>;
  /** What a policy remembers of a stream, and its word counts over all streams. */
  policyState(policy: string, stream: string): Promise<PolicyState>;
  /** Keeps a span that was not watched; one that begins at the same moment keeps the later end. */
  addGap(gap: Gap): Promise<void>;
  /** By stream, then start. */
  gaps(filter?: GapFilter): Promise<Gap[]>;
}

/** What is remembered. */
export interface Entries {
  /** Entries in time order (by stream, then start). */
  entries(filter?: EntryList): Promise<Entry[]>;
  entry(id: string): Promise<Entry | null>;
  /** Entries a question is about, best first, with the reasons. */
  recall(query: RecallQuery): Promise<RecalledEntry[]>;
  /** Names of all who speak in current entries, each in its first spelling, sorted. */
  speakers(): Promise<string[]>;
  /** Marks an entry as no longer so; one that is closed stays as it is. @throws StoreError `entry-unknown` */
  closeEntry(id: string, reason: string, supersededBy?: string): Promise<void>;
  /** Bytes of a blob, or `null` if it was forgotten. */
  blob(hash: string): Promise<Uint8Array | null>;
}

/** What was asked, and what people thought of the answers. */
export interface Tasks {
  /** Adding a task again changes nothing. */
  addTask(task: Omit<Task, "feedback">): Promise<void>;
  /** In the order they were asked; `newest` keeps the last `limit` of them. */
  tasks(filter?: TaskList): Promise<Task[]>;
  /** How many tasks were asked after a moment, up to one of them and with it; 0 where that was asked before. */
  countTasks(which: TaskCount): Promise<number>;
  /** @throws StoreError `task-unknown` */
  addFeedback(task: string, feedback: Feedback): Promise<void>;
}

/** What was trained on the tasks, at most one adapter active a policy, and what training keeps for its next run. */
export interface Adapters {
  /**
   * Keeps an adapter; one that is active takes the place of the active one. Adding it again changes nothing.
   * @throws StoreError `task-unknown` where a task it was trained on was forgotten meanwhile
   */
  addAdapter(adapter: KeptAdapter): Promise<void>;
  /** In the order they were trained. */
  adapters(filter?: AdapterFilter): Promise<KeptAdapter[]>;
  /**
   * Takes back the last activation: the adapter before it that is still kept is active again, or none.
   * @returns its id
   */
  rollbackAdapter(policy: string): Promise<string | null>;
  /** Makes an adapter active instead of the present one, or none. @throws StoreError `adapter-unknown` */
  activateAdapter(policy: string, id: string | null, reason: string): Promise<void>;
  /**
   * What engines said in training, kept for the next run and never exported. Bounded, and emptied whenever anything is
   * forgotten: a cache opened before that keeps nothing any more.
   * @param scope what the answers depend on besides their keys, such as the endpoint and its settings
   */
  engineCache(scope: string): EngineCache;
}

/** The memory as a whole: looking through it, following it, forgetting, moving, checking. */
export interface Maintenance {
  /**
   * One page of a list; `next` is where the following one begins, `null` at the end. What is written in between neither
   * repeats nor hides an item that was there before.
   * @throws ConfigError `cursor-invalid` for a cursor of another list or filter
   */
  page<List extends keyof Paged>(
    list: List,
    filter?: PageFilters[List],
    options?: PageOptions,
  ): Promise<Page<Paged[List]>>;
  /**
   * What changes from the call on, or from after `since`, by this process or another, until the signal aborts or the
   * memory closes. The last 10,000 changes are known; an older cursor gets one `reset` first.
   * @throws ConfigError `cursor-invalid`
   */
  changes(options?: { readonly since?: string; readonly signal?: AbortSignal }): AsyncIterable<Change>;
  /** Removes what a request describes and everything derived from it. A dry run reports the same and changes nothing. */
  forget(request: ForgetRequest, options?: { readonly dryRun?: boolean }): Promise<ForgetReport>;
  /** Everything in it as of one moment, each row after those it refers to. */
  rows(): AsyncIterable<MemoryRow>;
  /**
   * Adds rows of another memory in one transaction; what is there already is skipped. `blob` finds their frames; an
   * entry whose frames it does not find keeps their hashes only.
   * @throws DataError `row-conflict` or `blob-damaged`, with the number of the row as `details.index`; nothing is
   * added then
   */
  addRows(rows: readonly MemoryRow[], blob: (hash: string) => Uint8Array | null): Promise<AddedRows>;
  stats(): Promise<MemoryStats>;
  /** Compares what belongs together and runs the store's own checks: a sentence a problem, empty when all is well. */
  check(): Promise<string[]>;
}

/** A whole memory. */
export interface Memory extends Journal, Entries, Tasks, Adapters, Maintenance, AsyncDisposable {
  /** Where it is kept. */
  readonly directory: string;
  /** Releases what it holds; a closed memory refuses every call. Closing twice is closing once. */
  close(): Promise<void>;
}
