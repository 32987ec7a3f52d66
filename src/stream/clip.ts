/**
 * Time and clips: what a source is cut into. Types and the arithmetic of the grid; sources make them.
 *
 * A stream is one timeline in seconds. Clip `i` covers [i·length, (i+1)·length), so a clip's number follows from its
 * time alone and a restart cuts at the same places. The last clip of a file keeps its true, shorter
 * end; a tail is never dropped.
 */
import type { Clock } from "../util/time.ts";

/** Clip length in seconds where nothing else is said (the paper's segment length). */
export const defaultClipSeconds = 10;
/** How many clips the policy sees at once, the new one included (the paper's K). */
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

/** One timed text the source itself carries. */
export interface Cue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly kind: "speech" | "caption" | "screen";
  /** Where it was read: a file beside the media, a track inside it, or a text stream. */
  readonly origin: "sidecar" | "embedded" | "stream";
  /** BCP 47 tag where the source says. */
  readonly language: string | null;
}

/** One contiguous piece of a stream: its frames, sound and texts. */
export interface Clip {
  readonly kind: "clip";
  readonly stream: string;
  /** Place on the grid: `floor(startSeconds / clipSeconds)`. */
  readonly index: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** What a policy looks at: about one a second, within 448×252. Empty where there is no picture. */
  readonly frames: readonly Frame[];
  /** The same moments larger, for reading text. Empty where there is no picture or nobody reads. */
  readonly largeFrames: readonly Frame[];
  readonly audio: Audio | null;
  /** Cues that start inside the clip (a cue belongs to the clip it starts in), in time order. */
  readonly cues: readonly Cue[];
  /** Moments at which the picture changed to another shot. */
  readonly shots: readonly number[];
}

/** A span the stream has no picture or text of. Kept, so that an answer can say "I was not watching then". */
export interface Gap {
  readonly kind: "gap";
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly reason: "between-files" | "source-down" | "unreadable" | "behind" | "not-watched";
  /** One sentence for people. */
  readonly detail: string;
}

/** From where, and by which clock, a source is read. */
export interface OpenOptions {
  /** Start here instead of at the beginning; a multiple of the clip length. */
  readonly fromSeconds?: number;
  /** For live sources: the stream's clock as an earlier run set it. @default the source's own */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** One ordered input, opened as often as needed. */
export interface Source {
  /** Default stream id: readable, stable for the same source. */
  readonly id: string;
  /** What the user named, for messages. */
  readonly description: string;
  readonly live: boolean;
  readonly clock: Clock;
  /** Clip length in seconds. */
  readonly clipSeconds: number;
  /** End of the timeline in seconds, or `null` when only the end will tell. */
  readonly endSeconds: number | null;
  /** Hash of what identifies the content, to notice that a file was replaced between runs; `null` for live sources. */
  readonly fingerprint: string | null;
  /** What was skipped while opening, one sentence each. */
  readonly problems: readonly string[];
  /** Clips and gaps in time order. Back-pressure: the next is made when it is asked for. */
  open(options?: OpenOptions): AsyncIterable<Clip | Gap>;
}

/** Number of the clip that holds a moment. */
export function clipIndexAt(seconds: number, clipSeconds: number): number {
  return Math.floor(seconds / clipSeconds + 1e-9);
}
