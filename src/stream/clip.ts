/**
 * Time and clips: the types that sources produce, and the arithmetic of the clip grid.
 *
 * A stream is one timeline in seconds. Clip `i` covers [i·length, (i+1)·length), so a clip's number follows from its
 * time alone and a restart cuts at the same places. The last clip of a file keeps its true, shorter end; a tail is
 * never dropped.
 */
import type { Clock } from "../util/time.ts";
import type { PictureLook } from "./picture-look.ts";

/** Default clip length in seconds (the paper's segment length). */
export const defaultClipSeconds = 10;
/** Default number of clips the policy sees at once, the new one included (the paper's K). */
export const defaultWindowClips = 5;

/** One picture with the exact media time of its source frame. */
export interface Frame {
  readonly atSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/** Mono audio at 16 kHz. `samples[i]` sounds at `startSeconds + i / 16000`. */
export interface Audio {
  readonly startSeconds: number;
  readonly samples: Int16Array;
}

/** A timed text that the source itself contains. */
export interface Cue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly kind: "speech" | "caption" | "screen";
  /** Where it was read: a file beside the medium, a track inside it, or a text stream. */
  readonly origin: "sidecar" | "embedded" | "stream";
  /** BCP 47 tag, if the source gives one. */
  readonly language: string | null;
}

/** What a container says of the material. */
export interface Recording {
  /** Size of its pictures as they are shown, in pixels; `null` without pictures. */
  readonly width: number | null;
  readonly height: number | null;
  /** When the material that this clip starts with was recorded, in wall time; `null` if the container does not say. */
  readonly recordedAtMs: number | null;
}

/** One contiguous piece of a stream: its frames, sound and texts. */
export interface Clip {
  readonly kind: "clip";
  readonly stream: string;
  /** Place on the grid: `floor(startSeconds / clipSeconds)`. */
  readonly index: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** What a policy sees: about one frame a second, within 448×252. Empty if there is no picture. */
  readonly frames: readonly Frame[];
  /** The same moments larger, for reading text. Empty if there is no picture or no screen reader. */
  readonly largeFrames: readonly Frame[];
  readonly audio: Audio | null;
  /** Cues that start inside the clip (a cue belongs to the clip it starts in), in time order. */
  readonly cues: readonly Cue[];
  /** End of what a cue of an earlier clip says, if that continues in this one. @default nothing continues */
  readonly saidUntilSeconds?: number;
  /** Moments at which the picture changed to another shot. */
  readonly shots: readonly number[];
  /** Cheap looks at the picture, about one a second. @default none */
  readonly looks?: readonly PictureLook[];
  /** What its container says. @default nothing */
  readonly recording?: Recording;
  /** The marks of its files that hold once it is kept. @default none */
  readonly files?: readonly SourceFile[];
}

/** A span that was not watched. It is kept, so that an answer can say "I was not watching then". */
export interface Gap {
  readonly kind: "gap";
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly reason: "between-files" | "source-down" | "unreadable" | "behind" | "not-watched" | "paused";
  /** One sentence for people. */
  readonly detail: string;
}

/** Whether a live source is connected: said when it changes, and once a minute while there is no connection. */
export interface SourceStatus {
  readonly stream: string;
  /** Name of the source, without secrets. */
  readonly source: string;
  /** `connecting` before the first connection, `down` after one was lost, `up` when an outage is over. */
  readonly state: "connecting" | "down" | "up";
  /** Why, and what to do about it; a sentence without a full stop. */
  readonly reason: string;
}

/** A file of a source, and up to where it was watched. */
export interface SourceFile {
  /** Tells the file again, whatever its name: see `file-identity.ts`. */
  readonly id: string;
  /** Its last name: the path below the folder that was watched. */
  readonly name: string;
  /**
   * Where it lay when it was watched last: an absolute path without links. Empty once something of its stream was
   * forgotten: it is shown no more. It is in no export. @default not known
   */
  readonly path?: string;
  /** Where it starts on the stream's timeline, in seconds. */
  readonly startSeconds: number;
  /** Up to where it was watched, in seconds from its start. */
  readonly watchedSeconds: number;
  /** Its size in bytes at that time. */
  readonly bytes: number;
  /** Whether all of it had been watched then: there is more only if it grew. */
  readonly whole: boolean;
}

/** Where a source is read from, and by which clock. */
export interface OpenOptions {
  /** Where to start, in seconds: a multiple of the clip length. */
  readonly fromSeconds?: number;
  /** The clock that an earlier run gave the stream. @default the source's own */
  readonly clock?: Clock;
  /** Files that earlier runs watched: what came since is read, wherever it lies. `fromSeconds` then counts for nothing. */
  readonly files?: readonly SourceFile[];
  readonly signal?: AbortSignal;
  /** Called with what becomes of the connection. */
  readonly onStatus?: (status: SourceStatus) => void;
}

/** Something a source holds that was not remembered. */
export interface LeftOut {
  /** What kind of thing it is; `damaged` is what is cut off or cannot be read, `source` a live one that was not connected. */
  readonly kind: "source" | "file" | "damaged" | "track" | "overlap" | "link" | "sound" | "picture" | "text";
  /** File, track or cue it is about, as a person would name it; `null` for the whole source. */
  readonly name: string | null;
  /** One sentence: what was left out, why, and what to do about it if something can be done. */
  readonly reason: string;
}

/** One ordered input, which may be opened repeatedly. */
export interface Source {
  /** Default stream id: readable, stable for the same source. */
  readonly id: string;
  /** Ids to take, the first that is free, when `id` is that of another source. @default none */
  readonly otherIds?: readonly string[];
  /** The name the user gave, for messages. */
  readonly description: string;
  readonly live: boolean;
  readonly clock: Clock;
  /** Clip length in seconds. */
  readonly clipSeconds: number;
  /** End of the timeline in seconds; `null` if it is not known in advance. */
  readonly endSeconds: number | null;
  /** Hash that identifies the content, to notice a file that was replaced between runs; `null` for live sources. */
  readonly fingerprint: string | null;
  /** Whether it may be the recording of a stream that was live under its name, and then continues with it. @default false */
  readonly mayFollowLive?: boolean;
  /** What is left out of it. It may grow while the source is read, which may find damaged files. */
  readonly leftOut: readonly LeftOut[];
  /** Its files with the marks that hold when all that was read is kept; absent if it is not made of files. */
  readonly files?: readonly SourceFile[];
  /** Of a source made of files: whether one of these files is its own. */
  holds?(files: readonly SourceFile[]): boolean;
  /** Clips and gaps in time order. Back-pressure: the next is made when it is requested. */
  open(options?: OpenOptions): AsyncIterable<Clip | Gap>;
}

/** Number of the clip that holds a moment. */
export function clipIndexAt(seconds: number, clipSeconds: number): number {
  return Math.floor(seconds / clipSeconds + 1e-9);
}
