/**
 * Cuts one timeline into clips: whoever decodes says what there is and how far it is complete, and takes what is ready.
 *
 * Pure and in memory: it holds what has been added and not yet been cut. A clip starts and ends where the grid or the
 * material does; two spans that meet in one grid cell give one clip. A hole in the material becomes a gap.
 */
import { type Audio, type Clip, type Cue, clipIndexAt, type Frame, type Gap } from "./clip.ts";

/** Sampling rate of all audio, in Hz. */
export const sampleRate = 16_000;
/** Holes shorter than this are how recorders and containers round, not something missed. Seconds. */
const leastGapSeconds = 1;
/** What containers round a length by: sound that ends so shortly after a clip makes no clip of its own. Seconds. */
const leastTailSeconds = 0.05;
/** Audio that continues within this many seconds of where it should is one piece: times come in milliseconds. */
const audioJitterSeconds = 0.02;

interface Cell {
  frames: Frame[];
  largeFrames: Frame[];
  audio: Audio[];
  cues: Cue[];
  shots: number[];
}

export class ClipCutter {
  readonly #stream: string;
  readonly #clipSeconds: number;
  readonly #firstIndex: number;
  readonly #cells = new Map<number, Cell>();
  /** The clip being filled: its grid cell, and where material starts in it. */
  #open: { index: number; startSeconds: number } | null = null;
  #coveredTo: number | null = null;
  #audioEnd: number | null = null;
  /** Gaps that start inside the open clip; they follow it. */
  #gaps: Gap[] = [];
  #ready: (Clip | Gap)[] = [];

  constructor(stream: string, clipSeconds: number, fromSeconds = 0) {
    this.#stream = stream;
    this.#clipSeconds = clipSeconds;
    this.#firstIndex = clipIndexAt(fromSeconds, clipSeconds);
  }

  /** End of the material so far; `null` before any. */
  get coveredTo(): number | null {
    return this.#coveredTo;
  }

  /** Material starts at this moment, not before the end of what there was; what lies between is a gap for this reason. */
  begin(
    startSeconds: number,
    reason: Gap["reason"] = "between-files",
    detail = "nothing was recorded",
  ): void {
    const index = clipIndexAt(startSeconds, this.#clipSeconds);
    const end = this.#coveredTo;
    const isHole = end !== null && startSeconds - end >= leastGapSeconds;
    if (isHole) {
      const span = { startSeconds: toMicroseconds(end), endSeconds: toMicroseconds(startSeconds) };
      this.#gaps.push({ kind: "gap", stream: this.#stream, ...span, reason, detail });
    }
    if (this.#open?.index !== index) this.#cutOpen(end ?? startSeconds);
    this.#open ??= { index, startSeconds };
    this.#audioEnd = null;
    this.#coveredTo = startSeconds;
  }

  addFrame(frame: Frame, size: "policy" | "large"): void {
    const cell = this.#cellAt(frame.atSeconds);
    (size === "policy" ? cell?.frames : cell?.largeFrames)?.push(frame);
  }

  addShot(atSeconds: number): void {
    this.#cellAt(atSeconds)?.shots.push(atSeconds);
  }

  addCue(cue: Cue): void {
    this.#cellAt(cue.startSeconds)?.cues.push(cue);
  }

  /** Audio is split where the grid cuts it. */
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

  /** Everything before this moment has been added. */
  advance(toSeconds: number): void {
    if (this.#open === null) return;
    while ((this.#open.index + 1) * this.#clipSeconds <= toSeconds + 1e-9) {
      const next: number = this.#open.index + 1;
      this.#cutOpen(next * this.#clipSeconds);
      this.#open = { index: next, startSeconds: next * this.#clipSeconds };
    }
    this.#coveredTo = Math.max(this.#coveredTo ?? toSeconds, toSeconds);
  }

  /** The material ends here for now; what was added for later is dropped. */
  finish(endSeconds: number): void {
    this.advance(endSeconds);
    this.#coveredTo = endSeconds;
    const last = clipIndexAt(endSeconds, this.#clipSeconds);
    for (const index of this.#cells.keys()) if (index > last) this.#cells.delete(index);
    const cell = this.#cells.get(last);
    if (cell) cell.cues = cell.cues.filter(({ startSeconds }) => startSeconds < endSeconds);
  }

  /** No more is coming: the last clip is cut where the material ends. A sliver without picture or text is none. */
  close(): void {
    const end = this.#coveredTo ?? 0;
    const cell = this.#open && this.#cells.get(this.#open.index);
    const isBare = (cell?.frames.length ?? 0) + (cell?.cues.length ?? 0) === 0;
    const isSliver = this.#open !== null && isBare && end - this.#open.startSeconds < leastTailSeconds;
    this.#cutOpen(isSliver ? this.#open!.startSeconds : end);
  }

  /** What is complete, in time order. */
  take(): (Clip | Gap)[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #cellAt(seconds: number): Cell | undefined {
    const index = clipIndexAt(seconds, this.#clipSeconds);
    if (index < Math.max(this.#firstIndex, this.#open?.index ?? index)) return undefined; // too late, or not asked for
    let cell = this.#cells.get(index);
    if (!cell) {
      cell = { frames: [], largeFrames: [], audio: [], cues: [], shots: [] };
      this.#cells.set(index, cell);
    }
    return cell;
  }

  #cutOpen(endSeconds: number): void {
    const open = this.#open;
    this.#open = null;
    if (open && open.index >= this.#firstIndex && endSeconds > open.startSeconds) {
      const { frames, largeFrames, audio, cues, shots } = this.#cells.get(open.index) ?? emptyCell;
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
      });
    }
    if (open) this.#cells.delete(open.index);
    const firstSecond = this.#firstIndex * this.#clipSeconds;
    this.#ready.push(...this.#gaps.filter((gap) => gap.endSeconds > firstSecond));
    this.#gaps = [];
  }
}

const emptyCell: Cell = { frames: [], largeFrames: [], audio: [], cues: [], shots: [] };

/** Sums of seconds without the dust of adding them. */
const toMicroseconds = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

/** Pieces in time order as one block, silence where there is none between them. */
export function joinAudio(pieces: readonly Audio[]): Audio | null {
  const first = pieces[0];
  if (first === undefined) return null;
  const offset = ({ startSeconds }: Audio) => Math.round((startSeconds - first.startSeconds) * sampleRate);
  const length = Math.max(...pieces.map((piece) => offset(piece) + piece.samples.length));
  const samples = new Int16Array(length);
  for (const piece of pieces) samples.set(piece.samples, offset(piece));
  return { startSeconds: toMicroseconds(first.startSeconds), samples };
}
