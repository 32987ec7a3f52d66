/**
 * What a memory does, in six interfaces: the journal of what was watched, the entries kept, the tasks asked, the
 * adapters trained, the people known, and maintenance of the whole. A caller that needs one of them takes only that one.
 *
 * Entries are closed or superseded, never rewritten. Forgetting is explicit and removes everything derived. When the
 * promise of a call resolves, its result is kept: on disk by `sqlite.ts`, in a database by `postgres/postgres.ts`, in this
 * process by `in-memory.ts`. All pass `test/memory-cases`. An unknown key in a filter or request is a `ConfigError` `option-unknown`; reading an unknown
 * stream is a `DataError` `stream-unknown`.
 */
/// <reference lib="esnext.disposable" preserve="true" />
import type { EngineCache } from "../engine.ts";
import type { PeopleChange, PeopleEvent, PeopleUndo } from "../identity/records.ts";
import type { ListedFace, ListedPerson } from "../identity/view.ts";
import type { Observation } from "../perception/observation.ts";
import type { Feedback, Task } from "../tasks/task.ts";
import type {
  AdapterFilter,
  AddedRows,
  AddRowsOptions,
  Canary,
  Change,
  ClipDecision,
  ClipFailure,
  Decision,
  Entry,
  EntryFilter,
  EntryList,
  EntryOverview,
  FloorFilter,
  FloorRow,
  ForgetReport,
  ForgetRequest,
  Gap,
  GapFilter,
  KeptAdapter,
  LeftOut,
  MemoryRow,
  MemoryStats,
  NewStream,
  OverviewOptions,
  Page,
  Paged,
  PageFilters,
  PageOptions,
  Pause,
  PolicyState,
  Progress,
  RecalledEntry,
  RecallQuery,
  Receipt,
  RetriedClips,
  SourceFile,
  Spent,
  SpentDay,
  StreamRecord,
  StreamStats,
  TaskCount,
  TaskList,
} from "./records.ts";

export type * from "./records.ts";

/** A process that writes a stream. */
export interface LeaseHolder {
  readonly pid: number;
  readonly host: string;
  /** When it was last heard from, by its own clock. */
  readonly heardAtMs: number;
}

/** The right to write a stream. It ends with `release`, when the memory is closed, or when the process dies. */
export interface StreamLease {
  /** Who held it and may still be alive; `null` unless it was taken over by request. */
  readonly tookOver: LeaseHolder | null;
  release(): Promise<void>;
}

/** What was watched: streams, and their clips from perceived to stored or failed. Every step may be repeated. */
export interface Journal {
  /**
   * Registers a stream, or returns the one of that id.
   * @throws StoreError `stream-changed` if its clip length differs, or its fingerprint from one that is not `null`: a
   * live source continues with any stream
   * @throws ConfigError `clock-invalid`, `clip-seconds-invalid` or `stream-id-invalid`
   */
  addStream(stream: NewStream): Promise<StreamRecord>;
  /** All streams, in the order they were added. */
  streams(): Promise<StreamRecord[]>;
  /**
   * Takes the right to write a stream. With `takeOver` also from a process that seems alive, which is refused at its
   * next write: of a clip, a gap, the end, or what was left out.
   * @throws StoreError `stream-busy` if a live process holds it
   */
  lease(stream: string, options?: { readonly takeOver?: boolean | undefined }): Promise<StreamLease>;
  /** Where a run of a stream resumes. @param windowClips clips in the short-term window, the new one included */
  progress(stream: string, windowClips: number): Promise<Progress>;
  /** Marks a stream as ended; its next clip removes the mark. */
  endStream(stream: string): Promise<void>;
  /** Keeps what a run left out of a stream, instead of what was kept before. */
  keepLeftOut(stream: string, items: readonly LeftOut[]): Promise<void>;
  /**
   * Journals a clip as perceived, with its frames as blobs. A waiting clip stays as it is.
   *
   * With `files` it holds new material of files, whose marks are kept in the same step: a waiting clip gets it added, and
   * a decided one is opened again as another part, to be decided about this material alone. What is watched now is cut
   * out of the gaps kept before.
   * @returns the observation without its faces, which are kept apart, and with the people they belong to
   * @throws StoreError `clip-decided` for a clip that was stored or failed for good, with `stream` and `clip` in
   * `details`, unless `files` are given
   */
  addObservation(observation: Observation, files?: readonly SourceFile[]): Promise<Observation>;
  /** The files a stream was watched from, by their start; none for streams of another kind and of older versions. */
  sourceFiles(stream: string): Promise<SourceFile[]>;
  /** Keeps up to where files of a stream were watched. */
  keepFiles(stream: string, files: readonly SourceFile[]): Promise<void>;
  /**
   * Replaces the observation of a waiting clip, or journals it: for clips whose items arrive one by one.
   * @returns as `addObservation`
   * @throws StoreError `clip-decided`
   */
  growObservation(observation: Observation): Promise<Observation>;
  /** Stores what was decided about clips, in one step. Repeating a decision at one revision stores nothing more. */
  commit(decision: Decision): Promise<Receipt>;
  /**
   * Journals a clip as failed. If the failure is retryable, the clip waits for another try. At most 8,640 clips of a
   * stream wait (a day of 10 s clips); of more, the oldest are given up.
   */
  failClip(stream: string, clip: number, failure: Omit<ClipFailure, "attempts">): Promise<void>;
  /** Makes failed clips wait no longer: they failed for good. */
  giveUpClips(stream: string, clips: readonly number[]): Promise<void>;
  /** Makes clips that failed for good wait for another try, as far as their observation is still kept. */
  retryClips(stream: string): Promise<RetriedClips>;
  /**
   * Observations of decided clips, oldest first, to compare policies on: the last 60 of a stream with frames (720 of
   * all streams), earlier ones without, 360 at most. A frame's bytes are read at each access and may have been deleted.
   * `failed` gives those of clips that failed for good instead.
   */
  observations(stream: string, which?: "stored" | "failed"): Promise<Observation[]>;
  /**
   * An observation of `progress` whose pictures and sound can be read. Those of many waiting clips are only read from a
   * database when they are needed, which is asked for here.
   * @throws StoreError `blob-missing`
   */
  loadFrames(observation: Observation): Promise<Observation>;
  /** Failures of one stream or of all, in the order of their clips. */
  clipFailures(stream?: string): Promise<{ stream: string; clip: number; failure: ClipFailure }[]>;
  /** Who decided about the clips of a stream, by clip; of several decisions about one, the latest last. */
  decisions(stream: string): Promise<ClipDecision[]>;
  /** What a policy remembers of a stream, and its word counts over all streams. */
  policyState(policy: string, stream: string): Promise<PolicyState>;
  /** What is known of every stretch that was watched, by stream, then start: a row a minute or less often. */
  floor(filter?: FloorFilter): Promise<FloorRow[]>;
  /** Keeps a span that was not watched. For the same start the later end is kept, for the same span the later reason. */
  addGap(gap: Gap): Promise<void>;
  /** Gaps that pass a filter, by stream, then start. */
  gaps(filter?: GapFilter): Promise<Gap[]>;
  /**
   * Pauses a stream, or lets it run again. Who watches it, in this process or another, leaves out what comes meanwhile.
   * @throws StoreError `stream-unknown`
   */
  pauseStream(stream: string, isPaused: boolean): Promise<void>;
  /** Streams that are paused, in the order they were added. */
  pauses(): Promise<Pause[]>;
}

/** What is remembered. */
export interface Entries {
  /** Entries in time order (by stream, then start). */
  entries(filter?: EntryList): Promise<Entry[]>;
  /** The entry with an id, or `null`. */
  entry(id: string): Promise<Entry | null>;
  /** Entries a question is about, best first, with the reasons for each. */
  recall(query: RecallQuery): Promise<RecalledEntry[]>;
  /** Names of the speakers in current entries, each in its first spelling, sorted. */
  speakers(): Promise<string[]>;
  /** Closes an entry that is no longer true; a closed one stays as it is. @throws StoreError `entry-unknown` */
  closeEntry(id: string, reason: string, supersededBy?: string): Promise<void>;
  /** Bytes of a blob, or `null` if it was forgotten. */
  blob(hash: string): Promise<Uint8Array | null>;
}

/** The tasks: what was asked, and feedback on the answers. */
export interface Tasks {
  /** Adding a task again changes nothing. */
  addTask(task: Omit<Task, "feedback">): Promise<void>;
  /** Tasks in the order they were asked; `newest` keeps the last `limit` of them. */
  tasks(filter?: TaskList): Promise<Task[]>;
  /** How many tasks were asked after a moment, up to and including `upTo`; 0 if `upTo` was asked before that moment. */
  countTasks(which: TaskCount): Promise<number>;
  /** Keeps feedback on a task. @throws StoreError `task-unknown` */
  addFeedback(task: string, feedback: Feedback): Promise<void>;
}

/** Adapters trained on the tasks, at most one active per policy, and the cache of training. */
export interface Adapters {
  /**
   * Keeps an adapter. An active one replaces the present active one. Adding an adapter again changes nothing.
   * @throws StoreError `task-unknown` if a task it was trained on has been forgotten
   */
  addAdapter(adapter: KeptAdapter): Promise<void>;
  /** Adapters that pass a filter, in the order they were trained. */
  adapters(filter?: AdapterFilter): Promise<KeptAdapter[]>;
  /**
   * Undoes the last activation: the adapter that was active before and is still kept is active again, or none.
   * @returns its id
   */
  rollbackAdapter(policy: string): Promise<string | null>;
  /** Makes an adapter active instead of the present one, or none. @throws StoreError `adapter-unknown` */
  activateAdapter(policy: string, id: string | null, reason: string): Promise<void>;
  /**
   * Puts an adapter on canary: it is a candidate with which the policy writes a share of the streams. With `null` none is on
   * canary, and the one that was is retired; so it is when another goes on canary or becomes active.
   * @throws StoreError `adapter-unknown`
   */
  canaryAdapter(policy: string, id: string | null, canary: Canary | null, reason: string): Promise<void>;
  /**
   * A bounded cache of engine output in training, for the next run. It is never exported. Any `forget` clears it, and a
   * cache opened before then keeps nothing afterwards.
   * @param scope what the output depends on besides the key, such as the endpoint and its settings
   */
  engineCache(scope: string): EngineCache;
}

/** Who is who: people known by their faces, where that was switched on, and what is changed about them by hand. */
export interface People {
  /** Everybody, by number; those merged into others are left out. */
  people(): Promise<ListedPerson[]>;
  /** Faces that are a person's or may be, by stream, then time; `null` for those of no one. @throws DataError `person-unknown` */
  faces(person: number | null): Promise<ListedFace[]>;
  /**
   * Changes people, or undoes a change (the last without a number). Entries that refer to them read as they are called
   * afterwards.
   * @throws DataError `person-unknown`, `face-unknown`, `people-invalid`, `people-met`, `people-nothing-to-undo`,
   * `people-undo-order`
   */
  changePeople(change: PeopleChange | PeopleUndo): Promise<PeopleEvent>;
  /** Changes that were made, oldest first. */
  peopleEvents(): Promise<PeopleEvent[]>;
}

/** The memory as a whole: pages, changes, forgetting, export and import, checks. */
export interface Maintenance {
  /**
   * One page of a list; `next` is the cursor of the next page, `null` at the end. Writes between two pages neither
   * repeat nor hide an item that was there before.
   * @throws ConfigError `cursor-invalid` for a cursor of another list or filter
   */
  page<List extends keyof Paged>(
    list: List,
    filter?: PageFilters[List],
    options?: PageOptions,
  ): Promise<Page<Paged[List]>>;
  /** A list of entries from afar: how many there are, when, and where its pages begin. */
  overview(filter?: EntryFilter, options?: OverviewOptions): Promise<EntryOverview>;
  /**
   * Changes from now on, or after `since`, by this process or another, until the signal aborts or the memory closes.
   * The last 10,000 changes are kept; an older cursor receives one `reset` first.
   * @throws ConfigError `cursor-invalid`
   */
  changes(options?: { readonly since?: string; readonly signal?: AbortSignal }): AsyncIterable<Change>;
  /** Deletes what a request describes and everything derived from it. A dry run only reports. */
  forget(request: ForgetRequest, options?: { readonly dryRun?: boolean }): Promise<ForgetReport>;
  /** The whole memory as of one moment, each row after the rows it refers to. */
  rows(): AsyncIterable<MemoryRow>;
  /**
   * Adds rows of another memory in one transaction; rows already there are skipped. `blob` finds their frames; an entry
   * whose frames it does not find keeps only their hashes. What was forgotten in this memory is left out, unless the rows
   * are of a memory that forgot it too.
   * @throws DataError `row-conflict` or `blob-damaged`, with the number of the row as `details.index`; nothing is added
   * then
   */
  addRows(
    rows: readonly MemoryRow[],
    blob: (hash: string) => Uint8Array | null,
    options?: AddRowsOptions,
  ): Promise<AddedRows>;
  /** What the memory holds, in numbers. */
  stats(): Promise<MemoryStats>;
  /** How far each stream is, in the order they were added. */
  streamStats(): Promise<StreamStats[]>;
  /** Adds to what models cost. It goes with its stream, and is in no export. @throws StoreError `stream-unknown` */
  addSpent(spent: Spent): Promise<void>;
  /** What models cost since the day of a moment, by day, then stream. @param sinceMs wall time @default everything */
  spent(sinceMs?: number): Promise<SpentDay[]>;
  /** Checks that all parts of the memory agree. @returns one sentence per problem */
  check(): Promise<string[]>;
}

/** A whole memory. */
export interface Memory extends Journal, Entries, Tasks, Adapters, People, Maintenance, AsyncDisposable {
  /** Directory it is kept in; `:memory:` for the in-memory store. */
  readonly directory: string;
  /** Closes the memory, which then refuses every call. It may be closed twice. */
  close(): Promise<void>;
}
