/**
 * Cuts one timeline into clips. A decoder adds material, says up to where it is complete, and takes the ready clips.
 *
 * Pure: it holds the material that was added and is not yet cut. A clip starts and ends where the grid or the material
 * does; two spans that meet in one grid cell give one clip. A hole in the material becomes a gap.
 */

import {
  type Audio,
  type Clip,
  type Cue,
  clipIndexAt,
  type Frame,
  type Gap,
  type Recording,
} from "./clip.ts";
import type { PictureLook } from "./picture-look.ts";
import { holesIn, type Span } from "./spans.ts";

/** Sampling rate of all audio, in Hz. */
export const sampleRate = 16_000;
/** Rounding of lengths by containers: sound that ends this shortly after a clip makes no clip of its own. Seconds. */
const leastTailSeconds = 0.05;
/**
 * Audio that continues within this many seconds of its expected time is one piece, because times are in milliseconds.
 */
const audioJitterSeconds = 0.02;

interface Cell {
  frames: Frame[];
  largeFrames: Frame[];
  audio: Audio[];
  cues: Cue[];
  shots: number[];
  looks: PictureLook[];
}

/** Cuts one timeline into clips and gaps. */
export class ClipCutter {
  readonly #stream: string;
  readonly #clipSeconds: number;
  readonly #firstIndex: number;
  readonly #watched: readonly Span[];
  readonly #cells = new Map<number, Cell>();
  /** The clip being filled: its grid cell, and where material starts in it. */
  #open: { index: number; startSeconds: number } | null = null;
  #coveredTo: number | null = null;
  #audioEnd: number | null = null;
  /** Gaps that start inside the open clip; they follow it. */
  #gaps: Gap[] = [];
  #ready: (Clip | Gap)[] = [];
  #recording: (Recording & { startSeconds: number }) | null = null;
  /** End of what the cues of earlier clips say. */
  #saidUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param fromSeconds clips before it are not requested
   * @param watched what earlier runs watched: no part of a gap
   */
  constructor(
    stream: string,
    clipSeconds: number,
    fromSeconds = Number.NEGATIVE_INFINITY,
    watched: readonly Span[] = [],
  ) {
    this.#stream = stream;
    this.#clipSeconds = clipSeconds;
    this.#firstIndex = clipIndexAt(fromSeconds, clipSeconds);
    this.#watched = watched;
  }

  /** End of the material so far; `null` before the first. */
  get coveredTo(): number | null {
    return this.#coveredTo;
  }

  /**
   * Material starts at this moment, or at the end of earlier material if that is later. The time between is a gap with
   * this reason.
   */
  begin(
    startSeconds: number,
    reason: Gap["reason"] = "between-files",
    detail = "nothing was recorded",
  ): void {
    const index = clipIndexAt(startSeconds, this.#clipSeconds);
    const end = this.#coveredTo;
    const before = end ?? this.#watchedBefore(startSeconds);
    if (before !== null) this.#addGaps({ startSeconds: before, endSeconds: startSeconds }, reason, detail);
    if (this.#open?.index !== index) this.#cutOpen(end ?? startSeconds);
    this.#open ??= { index, startSeconds };
    this.#audioEnd = null;
    this.#coveredTo = startSeconds;
  }

  addFrame(frame: Frame, size: "policy" | "large"): void {
    const cell = this.#cellAt(frame.atSeconds);
    (size === "policy" ? cell?.frames : cell?.largeFrames)?.push(frame);
  }

  /** What the container says of the material that starts at a moment. */
  setRecording(recording: Recording, startSeconds: number): void {
    this.#recording = { ...recording, startSeconds };
  }

  addLook(look: PictureLook): void {
    this.#cellAt(look.atSeconds)?.looks.push(look);
  }

  addShot(atSeconds: number): void {
    this.#cellAt(atSeconds)?.shots.push(atSeconds);
  }

  addCue(cue: Cue): void {
    const cell = this.#cellAt(cue.startSeconds);
    if (cell) cell.cues.push(cue);
    else this.#said([cue]);
  }

  /** Adds audio, split where the grid cuts it. */
  addAudio({ startSeconds, samples }: Audio): void {
    let at = startSeconds;
    if (this.#audioEnd !== null && Math.abs(at - this.#audioEnd) < audioJitterSeconds) at = this.#audioEnd;
    this.#audioEnd = at + samples.length / sampleRate;
    for (let rest = samples; rest.length > 0; ) {
      const cellEnd = (clipIndexAt(at, this.#clipSeconds) + 1) * this.#clipSeconds;
      const n = Math.min(rest.length, Math.max(1, Math.ceil((cellEnd - at) * sampleRate - 1e-3)));
      this.#cellAt(at)?.audio.push({ startSeconds: at, samples: rest.subarray(0, n) });
      rest = rest.subarray(n);
      at += n / sampleRate;
    }
  }

  /** Says that everything before this moment has been added. */
  advance(toSeconds: number): void {
    if (this.#open === null) return;
    while ((this.#open.index + 1) * this.#clipSeconds <= toSeconds + 1e-9) {
      const next: number = this.#open.index + 1;
      this.#cutOpen(next * this.#clipSeconds);
      this.#open = { index: next, startSeconds: next * this.#clipSeconds };
    }
    this.#coveredTo = Math.max(this.#coveredTo ?? toSeconds, toSeconds);
  }

  /** The material ends here for now; anything added for later times is dropped. */
  finish(endSeconds: number): void {
    this.advance(endSeconds);
    this.#coveredTo = endSeconds;
    const last = clipIndexAt(endSeconds, this.#clipSeconds);
    for (const index of this.#cells.keys()) if (index > last) this.#cells.delete(index);
    const cell = this.#cells.get(last);
    if (cell) cell.cues = cell.cues.filter(({ startSeconds }) => startSeconds < endSeconds);
  }

  /**
   * The material is complete: the last clip is cut where it ends. A rounding error without picture or text makes no
   * clip.
   */
  close(): void {
    const end = this.#coveredTo ?? 0;
    const next = this.#watched.reduce(
      (first, { startSeconds }) => (startSeconds > end ? Math.min(first, startSeconds) : first),
      Number.POSITIVE_INFINITY,
    );
    if (this.#coveredTo !== null && Number.isFinite(next))
      this.#addGaps({ startSeconds: end, endSeconds: next }, "between-files", "nothing was recorded");
    const cell = this.#open && this.#cells.get(this.#open.index);
    const isBare = (cell?.frames.length ?? 0) + (cell?.cues.length ?? 0) === 0;
    const isSliver = this.#open !== null && isBare && end - this.#open.startSeconds < leastTailSeconds;
    this.#cutOpen(isSliver ? this.#open!.startSeconds : end);
  }

  /** The complete clips and gaps, in time order. */
  take(): (Clip | Gap)[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #said(cues: readonly Cue[]): void {
    for (const { kind, endSeconds } of cues)
      if (kind === "speech") this.#saidUntil = Math.max(this.#saidUntil, endSeconds);
  }

  /** End of what was watched before a moment; `null` if nothing was. */
  #watchedBefore(seconds: number): number | null {
    const ends = this.#watched
      .filter(({ startSeconds }) => startSeconds < seconds)
      .map((span) => span.endSeconds);
    return ends.length === 0 ? null : ends.reduce((a, b) => Math.max(a, b));
  }

  /** The gaps in a span without material. Those between what was watched before are known. */
  #addGaps(span: Span, reason: Gap["reason"], detail: string): void {
    const exact = {
      startSeconds: toMicroseconds(span.startSeconds),
      endSeconds: toMicroseconds(span.endSeconds),
    };
    for (const hole of holesIn(exact, this.#watched)) {
      const isKnown = hole.startSeconds !== exact.startSeconds && hole.endSeconds !== exact.endSeconds;
      if (!isKnown) this.#gaps.push({ kind: "gap", stream: this.#stream, ...hole, reason, detail });
    }
  }

  #cellAt(seconds: number): Cell | undefined {
    const index = clipIndexAt(seconds, this.#clipSeconds);
    if (index < Math.max(this.#firstIndex, this.#open?.index ?? index)) return undefined; // too late, or not requested
    let cell = this.#cells.get(index);
    if (!cell) {
      cell = { frames: [], largeFrames: [], audio: [], cues: [], shots: [], looks: [] };
      this.#cells.set(index, cell);
    }
    return cell;
  }

  #recordingAt(seconds: number): { recording?: Recording } {
    if (this.#recording === null) return {};
    const { startSeconds, recordedAtMs, ...size } = this.#recording;
    const sinceMs = Math.round(Math.max(0, seconds - startSeconds) * 1000);
    return {
      recording: { ...size, recordedAtMs: recordedAtMs === null ? null : recordedAtMs + sinceMs },
    };
  }

  #cutOpen(endSeconds: number): void {
    const open = this.#open;
    this.#open = null;
    if (open && open.index >= this.#firstIndex && endSeconds > open.startSeconds) {
      const { frames, largeFrames, audio, cues, shots, looks } = this.#cells.get(open.index) ?? emptyCell;
      this.#ready.push({
        kind: "clip",
        stream: this.#stream,
        index: open.index,
        startSeconds: toMicroseconds(open.startSeconds),
        endSeconds: toMicroseconds(endSeconds),
        frames,
        largeFrames,
        audio: joinAudio(audio),
        cues: [...cues].sort((a, b) => a.startSeconds - b.startSeconds),
        shots,
        looks,
        ...this.#recordingAt(open.startSeconds),
        ...(this.#saidUntil > open.startSeconds && { saidUntilSeconds: this.#saidUntil }),
      });
    }
    if (open) this.#said(this.#cells.get(open.index)?.cues ?? []);
    if (open) this.#cells.delete(open.index);
    const firstSecond = this.#firstIndex * this.#clipSeconds;
    this.#ready.push(...this.#gaps.filter((gap) => gap.endSeconds > firstSecond));
    this.#gaps = [];
  }
}

const emptyCell: Cell = { frames: [], largeFrames: [], audio: [], cues: [], shots: [], looks: [] };

/** Seconds without the rounding error of adding them. */
const toMicroseconds = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

/** Pieces in time order as one block, with silence between them. */
export function joinAudio(pieces: readonly Audio[]): Audio | null {
  const first = pieces[0];
  if (first === undefined) return null;
  const offset = ({ startSeconds }: Audio) => Math.round((startSeconds - first.startSeconds) * sampleRate);
  const length = Math.max(...pieces.map((piece) => offset(piece) + piece.samples.length));
  const samples = new Int16Array(length);
  for (const piece of pieces) samples.set(piece.samples, offset(piece));
  return { startSeconds: toMicroseconds(first.startSeconds), samples };
}
