/**
 * The data of a memory: streams, clips, entries with two clocks and their evidence, decisions, adapters, changes, and
 * the requests and results of its calls. The calls are in `memory.ts`.
 */

import type { Cost } from "../engine.ts";
import type { KnownOne, SeenFace } from "../identity/records.ts";
import type { Look } from "../perception/look.ts";
import type { Observation, Pushed, SourceText } from "../perception/observation.ts";
import type { Frame, Gap, LeftOut, SourceFile } from "../stream/clip.ts";
import type { Task } from "../tasks/task.ts";
import type { Clock } from "../util/time.ts";

/** Gaps, source texts, files and what was left out are part of memory: readers see memory only. */
export type { Gap, LeftOut, SourceFile, SourceText };

/** A value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Kind of an entry: episodic is what happened, semantic is what is known. */
export type EntryKind = "episodic" | "semantic";

/** Where an entry came from. */
export interface Evidence {
  readonly clips: readonly number[];
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Frames by content hash; the bytes are blobs beside the store. */
  readonly frames: readonly { readonly atSeconds: number; readonly hash: string }[];
  readonly sources: readonly SourceText[];
  /** Tier of each perceptor that ran. */
  readonly tiers: Readonly<Record<string, string>>;
}

/** One memory: a text with its time, people and evidence. */
export interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly clip: number;
  readonly kind: EntryKind;
  /** Start of what was observed, in stream time. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** When it was written, in wall time. */
  readonly writtenAtMs: number;
  readonly text: string;
  readonly speakers: readonly string[];
  readonly policy: string;
  /** Revision of the policy and adapter that wrote it. */
  readonly revision: string;
  readonly evidence: Evidence;
  /** Set when the entry stopped being current; it stays readable. */
  readonly closed: {
    readonly atMs: number;
    readonly reason: string;
    readonly supersededBy: string | null;
  } | null;
}

/** A text to keep, before the store gives it an id and a writing time. */
export interface Statement {
  readonly clip: number;
  readonly kind: EntryKind;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** The text with people who have a name by their label too, `[person_3]`. @default as `text` */
  readonly told?: string;
  readonly speakers: readonly string[];
  readonly sources: readonly SourceText[];
  /** Moments of the key frames that show it; must be frames of the clip's observation. */
  readonly frameSeconds: readonly number[];
}

/** A stream that was added to a memory. */
export interface StreamRecord {
  readonly id: string;
  /** What was watched: path or URL with secrets removed. */
  readonly description: string;
  readonly clipSeconds: number;
  readonly clock: Clock;
  /** Hash that identifies the content; `null` for a live stream. */
  readonly fingerprint: string | null;
  readonly addedAtMs: number;
  /** Whether it was watched to its end. */
  readonly ended: boolean;
  /** What the last run left out of it. */
  readonly leftOut: readonly LeftOut[];
}

/** A stream that is paused. */
export interface Pause {
  readonly stream: string;
  /** Wall time. */
  readonly sinceMs: number;
}

/** What models are asked for: to write memories, to answer, to learn. */
export type SpentPurpose = "write" | "answer" | "learn";

/** What models cost, to be added to that of its day. */
export interface Spent {
  /** The stream it was for; `null` for no certain one. */
  readonly stream: string | null;
  readonly purpose: SpentPurpose;
  /** Wall time. */
  readonly atMs: number;
  readonly cost: Cost;
}

/** What models cost on a day, for a stream and a purpose. */
export interface SpentDay {
  /** Day of UTC: `2026-11-29`. */
  readonly day: string;
  readonly stream: string | null;
  readonly purpose: SpentPurpose;
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars of the calls that have a price. */
  readonly usd: number;
  /** Calls of which no price is known. */
  readonly unpriced: number;
}

/** A stream as it is added. */
export type NewStream = Omit<StreamRecord, "addedAtMs" | "ended" | "leftOut">;

/** State of a clip in the journal. */
export type ClipState = "perceived" | "stored" | "failed";

/** Why a watched clip has no entries. A model outage is `retryable`: the next run tries the clip again. */
export interface ClipFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly attempts: number;
}

/** Who decided what is kept of a clip, and when. */
export interface ClipDecision {
  readonly clip: number;
  readonly policy: string;
  /** Revision of the policy and its adapter. */
  readonly revision: string;
  /** Wall time. */
  readonly decidedAtMs: number;
}

/** One clip of the journal. */
export interface ClipRecord {
  readonly stream: string;
  readonly clip: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly state: ClipState;
  /** The last failure while the clip is failed. */
  readonly failure: Omit<ClipFailure, "attempts"> | null;
  /** How often it failed. */
  readonly attempts: number;
  /** What a cheap look told of it; `null` if no one looked. */
  readonly look: Look | null;
}

/** What is known of a stretch that was watched, whatever was kept of it. It is no entry, and nothing is learned from it. */
export interface FloorRow {
  readonly id: string;
  readonly kind: "floor";
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** How much of the span was watched: less where there are gaps. */
  readonly watchedSeconds: number;
  /** The look in words. */
  readonly text: string;
  /** The looks of its clips as one. */
  readonly look: Look;
}

/** Clips that had failed for good, by number. */
export interface RetriedClips {
  /** Those that wait again. */
  readonly waiting: readonly number[];
  /** Those whose observation was deleted meanwhile, so that nothing is left to try. */
  readonly gone: readonly number[];
}

/** Where a run resumes. */
export interface Progress {
  /** First clip index that was never perceived: where the source opens. */
  readonly nextClip: number;
  /** Clips that wait to be decided, oldest first, retryable failures included. They are decided before anything new. */
  readonly pending: readonly Observation[];
  /** The last observations of the short-term window that are not pending, oldest first (at most window − 1). */
  readonly recent: readonly Observation[];
  readonly storedClips: number;
  readonly failedClips: number;
}

/** What a policy remembers: a small value per stream, and word counts over all its candidates of all streams. */
export interface PolicyState {
  /** The policy's value of this stream; `null` before the first decision. */
  readonly value: JsonValue;
  /** Number of candidate texts seen, and how many of them held each stem. */
  readonly documents: number;
  readonly words: ReadonlyMap<string, number>;
}

/** How one decision changes the policy's state. Counts are increments, so commits of several processes add up. */
export interface PolicyStateChange {
  /** Replaces the value of the decision's policy and stream. */
  readonly value: JsonValue;
  readonly documents: number;
  readonly words: ReadonlyMap<string, number>;
}

/** One decision, committed in one transaction: entries, journal rows of its clips, policy state. */
export interface Decision {
  readonly stream: string;
  /** The clips decided about; each becomes `stored`. */
  readonly clips: readonly number[];
  readonly policy: string;
  readonly revision: string;
  readonly statements: readonly Statement[];
  readonly stateChange: PolicyStateChange | null;
}

/** State of an adapter; at most one per policy is active. */
export type AdapterState =
  /** Trained, not yet tried. */
  | "candidate"
  /** The policy writes with it now. */
  | "active"
  /** It was active before. */
  | "retired"
  /** It failed the gate; the reason says why. */
  | "refused";

/** For which streams an adapter writes on canary, beside the active one. */
export interface Canary {
  /** Share of the streams, above 0 and below 1. */
  readonly share: number;
  /** Says which of them. */
  readonly salt: number;
}

/** A change of an adapter's state. */
export interface AdapterChange {
  readonly state: AdapterState;
  /** The policy writes with this candidate for a share of the streams. @default it does not */
  readonly canary?: Canary;
  /** Reason, for people. */
  readonly reason: string;
  /** Wall time. */
  readonly atMs: number;
}

/** An adapter that was trained on this memory's tasks, with its state and history. */
export interface KeptAdapter {
  readonly id: string;
  /** Id of the policy it belongs to. */
  readonly policy: string;
  readonly revision: string;
  readonly state: AdapterState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  /** When it entered this state, in wall time. */
  readonly atMs: number;
  /** Ids of the tasks it was trained on: forgetting one of them forgets the adapter. */
  readonly tasks: readonly string[];
  /** The adapter's file, whole. */
  readonly file: string;
  /** All its states, the gate's verdict first, the present one last. @default the present state alone */
  readonly history?: readonly AdapterChange[];
}

/** What a commit did. Repeating a decision at the same revision stores nothing and says so. */
export interface Receipt {
  readonly stored: readonly Entry[];
  readonly skipped: readonly {
    readonly statement: Statement;
    readonly reason: "duplicate" | "empty" | "already-stored";
  }[];
}

/** Which entries: every given condition must hold. Filters apply before any search. */
export interface EntryFilter {
  readonly streams?: readonly string[];
  readonly kinds?: readonly EntryKind[];
  /** Overlapping this span of stream time. */
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  /** "As of": only entries whose observation had ended by this moment of stream time. */
  readonly asOfSeconds?: number;
  /** Only entries written up to this wall time. */
  readonly writtenByMs?: number;
  /** Entries spoken by or naming any of these people, compared without case. */
  readonly speakers?: readonly string[];
  readonly clips?: readonly number[];
  /** Whether closed entries are included. @default false */
  readonly includeClosed?: boolean;
}

/** Which entries are listed. */
export interface EntryList extends EntryFilter {
  /** At most this many. @default all */
  readonly limit?: number;
  /** Whether to list the last `limit` by start instead of the first. @default false */
  readonly newest?: boolean;
}

/** Of which stretches the floor is read. */
export type FloorFilter = Pick<EntryFilter, "streams" | "fromSeconds" | "toSeconds" | "asOfSeconds">;

/** Which gaps are listed. */
export type GapFilter = Pick<EntryFilter, "streams" | "fromSeconds" | "toSeconds">;

/** Which tasks are counted. */
export interface TaskCount {
  /** Wall time after which they were asked. */
  readonly afterMs: number;
  /** Id of the last one that counts. */
  readonly upTo: string;
}

/** Which tasks are listed. */
export interface TaskList {
  /** At most this many. @default all */
  readonly limit?: number;
  /** Whether to list the last `limit` asked instead of the first. @default false */
  readonly newest?: boolean;
}

/** Which adapters are listed. */
export interface AdapterFilter {
  readonly policy?: string;
  readonly state?: AdapterState;
}

/** What to recall entries for, and how. */
export interface RecallQuery extends EntryFilter {
  readonly text: string;
  /** What is compared by meaning, without words that only help to find spellings. @default text */
  readonly meant?: string;
  /** A moment of stream time the question is about: entries near it score higher. */
  readonly nearSeconds?: number;
  /** People the question names: their entries score higher (`speakers` filters instead). */
  readonly aboutSpeakers?: readonly string[];
  /** How many entries, best first. @default 20 */
  readonly limit?: number;
  /**
   * `search` ranks entries; `whole-memory` returns all in time order, as the paper's evaluation does.
   * @default "search"
   */
  readonly mode?: "search" | "whole-memory";
}

/** Why an entry was recalled: rank (from 1) and raw score per channel, and the fused score. */
export interface RecallScore {
  readonly total: number;
  readonly fullText?: { readonly rank: number; readonly score: number };
  /** The cosine of question and entry, by meaning where an encoder compared them, otherwise by spelling. */
  readonly vector?: { readonly rank: number; readonly score: number; readonly byMeaning?: true };
  readonly time?: { readonly rank: number; readonly score: number };
  readonly speaker?: { readonly rank: number; readonly score: number };
}

/** An entry with the reasons it was recalled. */
export interface RecalledEntry {
  readonly entry: Entry;
  readonly score: RecallScore;
}

/** What to forget: everything that meets all given conditions. */
export interface ForgetRequest {
  readonly streams?: readonly string[];
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  readonly person?: string;
  /** Entries whose text holds all content words of this query. */
  readonly query?: string;
  readonly entries?: readonly string[];
}

/** Rows that were removed, or in a dry run would be removed, by kind. */
export interface ForgetReport {
  readonly dryRun: boolean;
  readonly entries: number;
  readonly vectors: number;
  readonly clips: number;
  readonly observations: number;
  readonly tasks: number;
  /** Adapters trained on forgotten tasks. */
  readonly adapters: number;
  readonly gaps: number;
  readonly streams: number;
  readonly blobs: number;
  readonly blobBytes: number;
  /** People known by their faces, and faces. */
  readonly people: number;
  readonly faces: number;
  /** Distinct words whose counts were lowered. */
  readonly words: number;
  /** What may still hold it and cannot be changed here, one sentence each. */
  readonly outOfReach: readonly string[];
  /** Texts of the first entries removed, to check before forgetting. */
  readonly sample: readonly { readonly id: string; readonly text: string }[];
}

/** What a memory holds, in numbers. */
export interface MemoryStats {
  readonly streams: number;
  readonly clips: number;
  readonly failedClips: number;
  /** Clips that are not decided yet. */
  readonly waitingClips: number;
  readonly entries: number;
  readonly gaps: number;
  readonly tasks: number;
  readonly blobs: number;
  /** Entries whose vector by meaning is not made yet. */
  readonly waitingVectors: number;
  readonly databaseBytes: number;
  readonly blobBytes: number;
}

/** An observation with its frames by hash. */
export type PackedObservation = Omit<Observation, "frames" | "pushed" | "faces" | "voices"> & {
  readonly frames: readonly (Omit<Frame, "jpeg"> & { readonly hash: string })[];
  readonly pushed?:
    | (Omit<Pushed, "sounds"> & {
        readonly sounds: readonly { readonly startSeconds: number; readonly hash: string }[];
      })
    | undefined;
};

/** A word and how often it was counted. */
export type WordCount = readonly [stem: string, times: number];

/**
 * One row of an export: everything a memory holds except what can be computed again (text index, vectors, word counts).
 */
export type MemoryRow =
  | ({
      readonly row: "stream";
      readonly nextClip: number;
      /** The files it was watched from. @default none */
      readonly files?: readonly SourceFile[];
    } & StreamRecord)
  | ({
      readonly row: "clip";
      /** How often it was opened, counted from 1. @default 1 */
      readonly part?: number;
      /** The observation, if it is still kept. */
      readonly observation: PackedObservation | null;
    } & ClipRecord)
  | ({
      readonly row: "entry";
      /** The text with references to people in place of their names. @default it refers to no one */
      readonly told?: string;
    } & Entry)
  | ({ readonly row: "person" } & KnownOne)
  | ({
      readonly row: "face";
      /** 32-bit numbers, little-endian, as base64. */
      readonly vector: string | null;
    } & Omit<SeenFace, "vector">)
  | { readonly row: "policy"; readonly policy: string; readonly stream: string; readonly value: JsonValue }
  | {
      readonly row: "decision";
      readonly policy: string;
      readonly revision: string;
      readonly decidedAtMs: number;
      readonly clips: readonly {
        readonly stream: string;
        readonly clip: number;
        /** The part decided about. @default 1 */
        readonly part?: number;
      }[];
      /** What it added to the policy's word counts. */
      readonly documents: number;
      readonly words: readonly WordCount[];
      /** The same by speaker: a folded name, empty for lines without one, `null` if unknown. @default unknown */
      readonly bySpeaker?: readonly {
        readonly speaker: string | null;
        readonly documents: number;
        readonly words: readonly WordCount[];
      }[];
    }
  | ({ readonly row: "gap" } & Omit<Gap, "kind">)
  | ({ readonly row: "task" } & Task)
  | ({ readonly row: "adapter" } & KeptAdapter)
  | ({ readonly row: "forgotten" } & Tombstone);

/** What was forgotten, without its words: hashes of 16 hex digits. All conditions hold together; ids are for themselves. */
export interface Tombstone {
  readonly atMs: number;
  /** @default all */
  readonly streams?: readonly string[];
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  /** How many words a person's name has, and the name in each of its spellings. */
  readonly person?: { readonly words: number; readonly hashes: readonly string[] };
  /** Words that a text held, all of them. */
  readonly words?: readonly string[];
  /** Entries and tasks. */
  readonly ids: readonly string[];
}

/** How rows are added. */
export interface AddRowsOptions {
  /** Whether also what was forgotten in this memory. @default false */
  readonly forgotten?: boolean;
}

/** What adding rows did. */
export interface AddedRows {
  readonly added: number;
  /** Rows that were already there. */
  readonly skipped: number;
  /** Rows left out because they were forgotten in this memory. */
  readonly forgotten: number;
  readonly blobs: number;
}

/** How far a stream is, and what it takes, in numbers. */
export interface StreamStats {
  readonly stream: string;
  readonly clips: number;
  readonly storedClips: number;
  readonly failedClips: number;
  /** Clips that are not decided yet, failures that are tried again among them. */
  readonly waitingClips: number;
  /** Start of the first clip that is not decided yet, in stream time; `null` if none waits. */
  readonly waitingFromSeconds: number | null;
  /** Current entries. */
  readonly entries: number;
  /** Start of the first clip and end of the last, in stream time; `null` without clips. */
  readonly startSeconds: number | null;
  readonly endSeconds: number | null;
  readonly watchedSeconds: number;
  readonly gaps: number;
  readonly gapSeconds: number;
  /** Wall time at which the latest entry was written; `null` without entries. */
  readonly lastWrittenAtMs: number | null;
  /** Bytes of entries with their evidence, of observations, and of the frames of both, each frame once. */
  readonly bytes: { readonly entries: number; readonly observations: number; readonly frames: number };
}

/** A list of entries from afar. */
export interface EntryOverview {
  readonly entries: number;
  /** Cursors of the pages of `page("entries")` under the same filter, from the second page on. */
  readonly cursors: readonly string[];
  /** How many entries begin in each stretch in which any does, by stream, then start. */
  readonly counts: readonly {
    readonly stream: string;
    readonly startSeconds: number;
    readonly entries: number;
  }[];
}

/** How an overview is divided. */
export interface OverviewOptions {
  /** Items per page, from 1 up. @default 100 */
  readonly limit?: number;
  /** Length of a stretch, in seconds, above 0. @default 60 */
  readonly stretchSeconds?: number;
}

/** The lists that can be paged through, and the items of each. */
export interface Paged {
  /** In time order (by stream, then start). */
  readonly entries: Entry;
  /** In the order they were asked. */
  readonly tasks: Task;
  /** By stream, then number. */
  readonly clips: ClipRecord;
  /** In the order they were trained. */
  readonly adapters: KeptAdapter;
}

/** The filter of each list. */
export interface PageFilters {
  readonly entries: EntryFilter;
  readonly tasks: { readonly streams?: readonly string[] };
  readonly clips: { readonly streams?: readonly string[]; readonly states?: readonly ClipState[] };
  readonly adapters: AdapterFilter;
}

/** Which page of a list to read. */
export interface PageOptions {
  /** `next` of the page before. @default from the beginning */
  readonly cursor?: string;
  /** Items per page, from 1 up. @default 100 */
  readonly limit?: number;
}

/** One page of a list, and the cursor of the next, `null` at the end. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** One change of a memory. It holds ids only; what they name may be gone when it is read. */
export type Change = {
  /** Cursor to resume after this change. */
  readonly cursor: string;
} & (
  | { readonly kind: "entry"; readonly entry: string; readonly stream: string; readonly clip: number }
  | { readonly kind: "entry-closed"; readonly entry: string }
  /** These were forgotten, with everything derived from them. */
  | {
      readonly kind: "forgotten";
      readonly entries: readonly string[];
      readonly tasks: readonly string[];
      readonly adapters: readonly string[];
    }
  | { readonly kind: "task"; readonly task: string }
  | { readonly kind: "feedback"; readonly task: string }
  /** The adapter was kept, or entered another state. */
  | {
      readonly kind: "adapter";
      readonly adapter: string;
      readonly policy: string;
      readonly state: AdapterState;
    }
  /** The clip was decided, or failed. */
  | {
      readonly kind: "clip";
      readonly stream: string;
      readonly clip: number;
      readonly state: "stored" | "failed";
    }
  | {
      readonly kind: "gap";
      readonly stream: string;
      readonly startSeconds: number;
      readonly endSeconds: number;
    }
  /** People became known, or were changed by hand: their numbers. */
  | { readonly kind: "people"; readonly people: readonly number[] }
  /** More changed than the log holds: read again what you keep a copy of. */
  | { readonly kind: "reset" }
);
