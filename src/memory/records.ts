/**
 * What is kept, as data: streams, clips, entries with two clocks and their evidence, decisions, adapters, changes, and
 * what is asked of a memory and comes back. `memory.ts` has what can be done with it.
 */

import type { Observation, Pushed, SourceText } from "../perception/observation.ts";
import type { Frame, Gap } from "../stream/clip.ts";
import type { Task } from "../tasks/task.ts";
import type { Clock } from "../util/time.ts";

/** Spans that were not watched are kept and read here too: whoever answers sees memory only. */
export type { Gap, SourceText };

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type EntryKind = "episodic" | "semantic";

/** Where an entry came from. */
export interface Evidence {
  readonly clips: readonly number[];
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Frames by content hash; the bytes are blobs beside the store. */
  readonly frames: readonly { readonly atSeconds: number; readonly hash: string }[];
  readonly sources: readonly SourceText[];
  /** Which perceptor tiers were at work. */
  readonly tiers: Readonly<Record<string, string>>;
}

/** One thing kept. */
export interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly clip: number;
  readonly kind: EntryKind;
  /** Observed at, in stream time. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Written at, in wall time. */
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

/** A thing to keep, before the store gives it an id and a writing time. */
export interface Statement {
  readonly clip: number;
  readonly kind: EntryKind;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speakers: readonly string[];
  readonly sources: readonly SourceText[];
  /** Moments of the key frames that show it; must be frames of the clip's observation. */
  readonly frameSeconds: readonly number[];
}

export interface StreamRecord {
  readonly id: string;
  /** What was watched: path or URL with secrets removed. */
  readonly description: string;
  readonly clipSeconds: number;
  readonly clock: Clock;
  /** Hash of what identifies the content, or `null` where nothing does (live). */
  readonly fingerprint: string | null;
  readonly addedAtMs: number;
  /** Whether its end was reached. */
  readonly ended: boolean;
}

export type ClipState = "perceived" | "stored" | "failed";

/** Why a clip has no entries although it was watched. A model outage is `retryable`: the next run tries it again. */
export interface ClipFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly attempts: number;
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
}

/** Where a run resumes. */
export interface Progress {
  /** First clip index that was never perceived: where the source opens. */
  readonly nextClip: number;
  /** Perceived but not stored, oldest first: decide these before anything new. Retryable failures are among them. */
  readonly pending: readonly Observation[];
  /** The last observations of the short-term window that are not pending, oldest first (at most window − 1). */
  readonly recent: readonly Observation[];
  readonly storedClips: number;
  readonly failedClips: number;
}

/** What a policy remembers: a small value of its own per stream, and word counts over all it was offered anywhere. */
export interface PolicyState {
  /** Of this policy and stream; `null` before the first decision. */
  readonly value: JsonValue;
  /** Number of candidate texts seen, and how many of them held each stem. */
  readonly documents: number;
  readonly words: ReadonlyMap<string, number>;
}

/** The change one decision makes to it. Counts are increments, so commits of several processes add up. */
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

export type AdapterState =
  /** Trained, not judged. */
  | "candidate"
  /** The policy writes with it. */
  | "active"
  /** Was active. */
  | "retired"
  /** Not good enough; the reason says why. */
  | "refused";

/** One thing that became of an adapter: it was kept, refused, made active, retired. */
export interface AdapterChange {
  readonly state: AdapterState;
  /** For people. */
  readonly reason: string;
  /** Wall time. */
  readonly atMs: number;
}

/** An adapter that was trained on this memory's tasks, and what became of it. */
export interface KeptAdapter {
  readonly id: string;
  /** The policy it steers. */
  readonly policy: string;
  readonly revision: string;
  readonly state: AdapterState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  /** When it came into this state, in wall time. */
  readonly atMs: number;
  /** Ids of the tasks it was trained on: forgetting one of them forgets the adapter. */
  readonly tasks: readonly string[];
  /** The adapter's file, whole. */
  readonly file: string;
  /** All that became of it, the gate's verdict first, its present state last. @default that state alone */
  readonly history?: readonly AdapterChange[];
}

/** What a write did. Deciding the same clip at the same revision again stores nothing and says so. */
export interface Receipt {
  readonly stored: readonly Entry[];
  readonly skipped: readonly {
    readonly statement: Statement;
    readonly reason: "duplicate" | "empty" | "already-stored";
  }[];
}

/** Which entries: every condition given must hold, and all are applied before any search. */
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
  /** Spoken by or naming any of these, compared without case. */
  readonly speakers?: readonly string[];
  readonly clips?: readonly number[];
  /** Closed entries too; default false. */
  readonly includeClosed?: boolean;
}

/** Which entries to list. */
export interface EntryList extends EntryFilter {
  /** At most so many. @default all */
  readonly limit?: number;
  /** The last `limit` by start instead of the first. @default false */
  readonly newest?: boolean;
}

export type GapFilter = Pick<EntryFilter, "streams" | "fromSeconds" | "toSeconds">;

/** Which tasks are counted. */
export interface TaskCount {
  /** Wall time they were asked after. */
  readonly afterMs: number;
  /** Id of the last one that counts. */
  readonly upTo: string;
}

/** Which tasks to list. */
export interface TaskList {
  /** At most so many. @default all */
  readonly limit?: number;
  /** The last `limit` asked instead of the first. @default false */
  readonly newest?: boolean;
}

export interface AdapterFilter {
  readonly policy?: string;
  readonly state?: AdapterState;
}

export interface RecallQuery extends EntryFilter {
  readonly text: string;
  /** A moment of stream time the question is about: entries near it score. */
  readonly nearSeconds?: number;
  /** People the question names: entries of theirs score (unlike `speakers`, which filters). */
  readonly aboutSpeakers?: readonly string[];
  /** How many, best first; default 20. */
  readonly limit?: number;
  /** `search` ranks; `whole-memory` returns all entries in time order (the paper's evaluation). Default `search`. */
  readonly mode?: "search" | "whole-memory";
}

/** Why an entry was recalled: rank (from 1) and raw score per channel, and the fused score. */
export interface RecallScore {
  readonly total: number;
  readonly fullText?: { readonly rank: number; readonly score: number };
  readonly vector?: { readonly rank: number; readonly score: number };
  readonly time?: { readonly rank: number; readonly score: number };
  readonly speaker?: { readonly rank: number; readonly score: number };
}

export interface RecalledEntry {
  readonly entry: Entry;
  readonly score: RecallScore;
}

export interface ForgetRequest {
  readonly streams?: readonly string[];
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  readonly person?: string;
  /** Entries whose text holds all content words of this query. */
  readonly query?: string;
  readonly entries?: readonly string[];
}

/** Rows removed (or, dry, that would be), by kind. */
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
  /** Distinct words whose counts were lowered. */
  readonly words: number;
  /** Texts of the first entries concerned, for a look before the deed. */
  readonly sample: readonly { readonly id: string; readonly text: string }[];
}

export interface MemoryStats {
  readonly streams: number;
  readonly clips: number;
  readonly failedClips: number;
  readonly entries: number;
  readonly gaps: number;
  readonly tasks: number;
  readonly blobs: number;
  readonly databaseBytes: number;
  readonly blobBytes: number;
}

/** An observation with its frames by hash. */
export type PackedObservation = Omit<Observation, "frames" | "pushed"> & {
  readonly frames: readonly (Omit<Frame, "jpeg"> & { readonly hash: string })[];
  readonly pushed?:
    | (Omit<Pushed, "sounds"> & {
        readonly sounds: readonly { readonly startSeconds: number; readonly hash: string }[];
      })
    | undefined;
};

/** One row of an export: all that a memory holds but what can be computed again (text index, vectors, word counts). */
export type MemoryRow =
  | ({ readonly row: "stream"; readonly nextClip: number } & StreamRecord)
  | ({
      readonly row: "clip";
      /** Where it is still kept: the clip is undecided or inside the short-term window. */
      readonly observation: PackedObservation | null;
    } & ClipRecord)
  | ({ readonly row: "entry" } & Entry)
  | { readonly row: "policy"; readonly policy: string; readonly stream: string; readonly value: JsonValue }
  | {
      readonly row: "decision";
      readonly policy: string;
      readonly revision: string;
      readonly decidedAtMs: number;
      readonly clips: readonly { readonly stream: string; readonly clip: number }[];
      /** What it added to the policy's word counts. */
      readonly documents: number;
      readonly words: readonly (readonly [stem: string, times: number])[];
    }
  | ({ readonly row: "gap" } & Omit<Gap, "kind">)
  | ({ readonly row: "task" } & Task)
  | ({ readonly row: "adapter" } & KeptAdapter);

/** What adding rows did. */
export interface AddedRows {
  readonly added: number;
  /** Already there. */
  readonly skipped: number;
  readonly blobs: number;
}

/** The lists that can be paged through, and what they hold. */
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

/** What each list can be narrowed by. */
export interface PageFilters {
  readonly entries: EntryFilter;
  readonly tasks: { readonly streams?: readonly string[] };
  readonly clips: { readonly streams?: readonly string[]; readonly states?: readonly ClipState[] };
  readonly adapters: AdapterFilter;
}

export interface PageOptions {
  /** `next` of the page before. @default the beginning */
  readonly cursor?: string;
  /** Items a page, from 1 up. @default 100 */
  readonly limit?: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** One thing that happened to a memory. Ids only: what they name is asked for, and may be gone by then. */
export type Change = {
  /** Where to go on from after this one. */
  readonly cursor: string;
} & (
  | { readonly kind: "entry"; readonly entry: string; readonly stream: string; readonly clip: number }
  | { readonly kind: "entry-closed"; readonly entry: string }
  /** These went, and all that was derived from them. */
  | {
      readonly kind: "forgotten";
      readonly entries: readonly string[];
      readonly tasks: readonly string[];
      readonly adapters: readonly string[];
    }
  | { readonly kind: "task"; readonly task: string }
  | { readonly kind: "feedback"; readonly task: string }
  /** It was kept, or came into another state. */
  | {
      readonly kind: "adapter";
      readonly adapter: string;
      readonly policy: string;
      readonly state: AdapterState;
    }
  /** It was decided, or failed. */
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
  /** More changed than is known: read again what you keep a copy of. */
  | { readonly kind: "reset" }
);
