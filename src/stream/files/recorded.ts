/**
 * Recorded media on one timeline: files are decoded in turn and cut on the grid, with holes kept as gaps.
 *
 * An unreadable part of a file is a gap too, and the next file follows. Where a file begins shortly before the one before
 * it ends, that time is watched once; a file that lies over others is watched after them, into the same clips.
 */
import { DataError } from "../../errors.ts";
import type { Clip, Cue, Gap, LeftOut, SourceFile } from "../clip.ts";
import { ClipCutter } from "../clip-cutter.ts";
import {
  decodeMedia,
  type FrameOptions,
  type MediaInfo,
  type MediaInput,
  scanDuration,
  type TextTrack,
} from "../ffmpeg.ts";
import type { Span } from "../spans.ts";
import { textMark } from "../texts/late-texts.ts";
import type { UsedText } from "../texts/media-texts.ts";
import type { CueReader } from "../texts/subtitles/cue-reader.ts";
import type { FileMarks } from "./file-marks.ts";

/** The texts of a medium, in its own time. */
export interface MediaTexts {
  readonly cues: readonly Cue[];
  readonly tracks: readonly TextTrack[];
  /** Makes cues of a track's texts, in time order. */
  readonly readerOf: (track: TextTrack) => CueReader;
}

/** A medium that was opened. */
export interface OpenedMedia {
  readonly info: MediaInfo;
  readonly texts: MediaTexts;
  /** What of its tracks and texts is left out. */
  readonly leftOut: readonly LeftOut[];
  /** The texts it is watched with. */
  readonly used: readonly UsedText[];
}

/** A file with its place on the timeline, and up to where it was watched. */
export interface TimedMedia {
  readonly input: MediaInput;
  /** Where it starts on the timeline; `null` for a file without a clock, which follows all others. */
  readonly startSeconds: number | null;
  readonly mark: Omit<SourceFile, "startSeconds">;
  /** Opens the file when its turn comes. @throws DataError if it cannot be read */
  readonly load: (signal?: AbortSignal) => Promise<OpenedMedia>;
}

/** How recorded files are cut. */
export interface RecordedOptions {
  readonly stream: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  /** A run that kept no marks watched everything before this. Seconds. @default nothing */
  readonly fromSeconds?: number | undefined;
  /** What earlier runs watched. */
  readonly watched: readonly Span[];
  /** Notes up to where the files are read. @default it is not noted */
  readonly marks?: FileMarks | undefined;
  /** Takes what cannot be read, and what is watched once though two files hold it. */
  readonly leaveOut: (...items: LeftOut[]) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A track that lags behind another by more counts as ended. Seconds of media. */
const mostLagSeconds = 60;
/**
 * Decoding starts this many seconds before the first wanted clip, so that key frames, filters and shot scores are
 * ready, and sentences that began earlier are known.
 */
const runUpSeconds = { indexed: 5, other: 15, texts: 40 };
/** Recorders start a file before the one before it ends, by less than this; more is another recording. Seconds. */
const seamSeconds = 5;

/**
 * Clips and gaps of files in time order, then those of files that lie over others.
 * @throws DataError if none of them can be read
 */
export async function* cutRecorded(
  files: readonly TimedMedia[],
  options: RecordedOptions,
): AsyncGenerator<Clip | Gap> {
  const { stream, clipSeconds, watched } = options;
  const isResumed = watched.length > 0;
  const walk = new Walk(new ClipCutter(stream, clipSeconds, undefined, watched), options);
  const inOrder = files.toSorted((a, b) => compareStarts(pieceStart(a), pieceStart(b)));
  for (const file of inOrder) yield* walk.take(file, files.length > 1 || isResumed);
  if (!isResumed && walk.read === 0 && walk.over.length === 0 && walk.failure !== undefined)
    throw walk.failure;
  yield* walk.close();
  for (let { over } = walk; over.length > 0; ) {
    // Their time was watched, so nothing between them is a gap.
    const again = new Walk(new ClipCutter(stream, clipSeconds, undefined, [always]), {
      ...options,
      watched: [],
    });
    for (const file of over) yield* again.take(file, true);
    yield* again.close();
    over = again.over;
  }
}

const always: Span = { startSeconds: Number.NEGATIVE_INFINITY, endSeconds: Number.POSITIVE_INFINITY };
const pieceStart = ({ startSeconds, mark }: TimedMedia) =>
  startSeconds === null ? Number.POSITIVE_INFINITY : startSeconds + mark.watchedSeconds;
const compareStarts = (a: number, b: number) => (a === b ? 0 : a - b);

/** A shorter overlap is rounding. Seconds. */
const leastOverlapSeconds = 0.5;

const overlapOf = (name: string, seconds: number): LeftOut => ({
  kind: "overlap",
  name,
  reason: `${name} starts ${seconds.toFixed(1)} s before the file before it ends; that time was watched once.`,
});

const olderThanWatched = (name: string): LeftOut => ({
  kind: "file",
  name,
  reason: `${name} is older than where an earlier version began to watch, so it is not watched.`,
});

/** One way along the timeline. */
class Walk {
  /** Files that lie over others, for a way of their own. */
  readonly over: TimedMedia[] = [];
  /** How many files could be read. */
  read = 0;
  /** Why a file could not be read. */
  failure: DataError | undefined;
  readonly #cutter: ClipCutter;
  readonly #options: RecordedOptions;
  /** Why the time since the last file is not watched, and where that time begins if a clock tells. */
  #hole: { reason: Gap["reason"]; detail: string; startSeconds: number | null } | null = null;
  #endOfAll: number;

  constructor(cutter: ClipCutter, options: RecordedOptions) {
    this.#cutter = cutter;
    this.#options = options;
    const isCounted = (options.fromSeconds ?? 0) === 0;
    const watched = isCounted ? options.watched : [];
    this.#endOfAll = watched.reduce((end, { endSeconds }) => Math.max(end, endSeconds), 0);
  }

  /** @param goesOn whether the way continues if the file cannot be read */
  async *take(file: TimedMedia, goesOn: boolean): AsyncGenerator<Clip | Gap> {
    const startSeconds = file.startSeconds ?? this.#endOfAll;
    try {
      yield* this.#read(file, startSeconds);
    } catch (error) {
      if (!(error instanceof DataError) || !goesOn) throw error;
      this.failure = error;
      this.#options.leaveOut({ kind: "damaged", name: file.mark.name, reason: error.message });
      if (file.startSeconds === null) return;
      if (this.#coveredTo(startSeconds) === null) {
        this.#cutter.begin(startSeconds);
        this.#cutter.finish(startSeconds);
      }
      this.#hole = { reason: "unreadable", detail: error.message, startSeconds };
    }
  }

  async *#read(file: TimedMedia, startSeconds: number): AsyncGenerator<Clip | Gap> {
    const { fromSeconds = Number.NEGATIVE_INFINITY, marks, leaveOut, signal } = this.#options;
    const { info, texts, leftOut, used } = await file.load(signal);
    const { watchedSeconds, name } = file.mark;
    const mark = Math.max(0, watchedSeconds, fromSeconds - startSeconds);
    const isSeen = mark > 0;
    const length = info.durationSeconds ?? (isSeen ? await scanDuration(file.input, signal) : null);
    const overlap = Math.max(0, (this.#coveredTo(startSeconds + mark) ?? startSeconds) - startSeconds - mark);
    if (overlap > 0 && (overlap > seamSeconds || (length !== null && overlap > (length - mark) / 2))) {
      this.over.push({ ...file, startSeconds });
      return;
    }
    leaveOut(...leftOut, ...(overlap > leastOverlapSeconds ? [overlapOf(name, overlap)] : []));
    const firstSecond = mark + overlap;
    const medium = { ...file.mark, startSeconds };
    marks?.begin(medium);
    marks?.note(...used.map((text) => textMark(medium, text)));
    if (length !== null && length <= firstSecond) {
      if (startSeconds < 0 && watchedSeconds === 0) leaveOut(olderThanWatched(name));
      marks?.finish(file.mark.id, Math.max(length, watchedSeconds), true);
      this.read += 1;
      this.#endOfAll = Math.max(this.#endOfAll, startSeconds + length);
      return;
    }
    this.#cutter.begin(startSeconds + firstSecond, this.#hole?.reason, this.#hole?.detail);
    this.#hole = null;
    yield* this.#ready();
    const piece = { input: file.input, startSeconds, firstSecond, grew: file.mark.whole };
    const { lengthSeconds, damage } = yield* cutPiece(piece, info, texts, this.#cutter, this.#options, () =>
      this.#ready(),
    );
    marks?.finish(file.mark.id, lengthSeconds, damage === null);
    if (damage !== null) leaveOut({ kind: "damaged", name, reason: `${damage}.` });
    this.read += 1;
    this.#endOfAll = Math.max(this.#endOfAll, this.#cutter.coveredTo!);
    yield* this.#ready();
  }

  /** Ends the way: the last clip is cut, and what could not be read is a gap. */
  *close(): Generator<Clip | Gap> {
    if (this.#hole?.startSeconds != null) {
      // The length of what cannot be read is unknown, so it counts as one clip.
      const { reason, detail, startSeconds } = this.#hole;
      const later = this.#options.watched.map((span) => span.startSeconds).filter((at) => at > startSeconds);
      const end = later.length > 0 ? Math.min(...later) : startSeconds + this.#options.clipSeconds;
      this.#cutter.begin(end, reason, detail);
      this.#cutter.finish(end);
    }
    this.#cutter.close();
    yield* this.#ready();
  }

  /** End of what was watched before a moment, by this run or earlier ones. */
  #coveredTo(seconds: number): number | null {
    const earlier = this.#options.watched.filter((span) => span.startSeconds < seconds);
    const ends = [...earlier.map(({ endSeconds }) => endSeconds), this.#cutter.coveredTo ?? []].flat();
    return ends.length === 0 ? null : ends.reduce((a, b) => Math.max(a, b));
  }

  /** The clips that are ready, each with the marks that hold once it is kept. */
  *#ready(): Generator<Clip | Gap> {
    const { marks } = this.#options;
    for (const item of this.#cutter.take())
      yield item.kind === "clip" && marks ? { ...item, files: marks.at(item.endSeconds) } : item;
  }
}

/** What is left to watch of a file. */
interface Piece {
  readonly input: MediaInput;
  /** Where the file starts on the timeline. */
  readonly startSeconds: number;
  /** Where the piece starts in the file. */
  readonly firstSecond: number;
  /** Whether the file had been watched to its end before. */
  readonly grew: boolean;
}

/** How a file ended: up to where it could be read, in its own time, and what is wrong with the rest. */
interface FileEnd {
  readonly lengthSeconds: number;
  readonly damage: string | null;
}

/** @param ready takes the clips that are ready */
async function* cutPiece(
  piece: Piece,
  info: MediaInfo,
  texts: MediaTexts,
  cutter: ClipCutter,
  options: RecordedOptions,
  ready: () => Iterable<Clip | Gap>,
): AsyncGenerator<Clip | Gap, FileEnd> {
  const { input, startSeconds: offset, firstSecond, grew } = piece;
  const addCue = (cue: Cue) => {
    // Of a file that grew, the last cue may have been cut short before.
    const isLonger = grew && cue.startSeconds < firstSecond && cue.endSeconds > firstSecond;
    const startSeconds = isLonger ? firstSecond : cue.startSeconds;
    if (startSeconds >= firstSecond) cutter.addCue(shifted({ ...cue, startSeconds }, offset));
  };
  const { width = null, height = null } = info.video ?? {};
  cutter.setRecording({ width, height, recordedAtMs: info.recordedAtMs }, offset);
  for (const cue of texts.cues) addCue(cue);
  const indexed = /mov|matroska/.test(info.format);
  const pictures = indexed ? runUpSeconds.indexed : runUpSeconds.other;
  const runUp = texts.tracks.length > 0 ? runUpSeconds.texts : pictures;
  let startSeconds = Math.max(0, Math.floor(firstSecond - runUp));
  for (;;) {
    const reached: Reached = {
      picture: null,
      sound: null,
      frameSeconds: 1 / (info.video?.frameRate ?? 1),
      isLate: false,
    };
    const packets = decodeMedia({
      input,
      info,
      texts: texts.tracks,
      frames: options.frames,
      startSeconds,
      signal: options.signal,
    });
    let end: { failed: boolean; problem: string | null } | undefined;
    const readers = texts.tracks.map(texts.readerOf);
    const addCues = () => {
      for (const cue of readers.flatMap((reader) => reader.take())) addCue(cue);
    };
    for await (const packet of packets) {
      if (packet.kind === "end") end = packet;
      else if (packet.kind === "text") {
        const { atSeconds, endSeconds, text, speaker = null } = packet;
        readers[packet.track]!.add({ startSeconds: atSeconds, endSeconds, text, speaker });
      } else {
        if (packet.kind === "picture") {
          const firstOf = (info.video?.startSeconds ?? 0) + 2 * reached.frameSeconds;
          reached.isLate ||=
            reached.picture === null && startSeconds > 0 && packet.atSeconds > Math.max(firstSecond, firstOf);
          reached.picture = packet.atSeconds;
          if (packet.startsShot && packet.atSeconds >= firstSecond) cutter.addShot(offset + packet.atSeconds);
          if (packet.look && packet.atSeconds >= firstSecond)
            cutter.addLook({ ...packet.look, atSeconds: offset + packet.atSeconds });
        } else if (packet.kind === "audio") {
          reached.sound = packet.atSeconds + packet.samples.length / 16_000;
          addAudio(cutter, packet.atSeconds, packet.samples, firstSecond, offset);
        } else if (packet.atSeconds >= firstSecond) {
          const { width, height, jpeg, atSeconds } = packet;
          const frame = { atSeconds: offset + atSeconds, width, height, jpeg };
          cutter.addFrame(frame, packet.kind === "frame" ? "policy" : "large");
        }
        if (reached.isLate) break; // the seek landed after the wanted moment
        const complete = completeTo(reached, info, texts);
        for (const reader of readers) reader.advance(complete);
        addCues();
        const held = readers.map(({ heldFrom }) => heldFrom ?? complete);
        cutter.advance(offset + Math.max(Math.min(complete, ...held), firstSecond));
        yield* ready();
      }
    }
    if (!reached.isLate) {
      for (const reader of readers) reader.finish();
      addCues();
      return finishPiece(piece, info, texts, cutter, reached, end!);
    }
    startSeconds = 0;
  }
}

/** How far a file has been decoded, in its own time. */
interface Reached {
  picture: number | null;
  sound: number | null;
  frameSeconds: number;
  /** Whether the first picture after a seek came too late. */
  isLate: boolean;
}

/** Moment before which every track has been delivered; text may lag slightly behind its track. */
function completeTo({ picture, sound }: Reached, info: MediaInfo, texts: MediaTexts): number {
  const reached = [...(info.video ? [picture ?? 0] : []), ...(info.audio ? [sound ?? 0] : [])];
  const complete = Math.max(Math.min(...reached), Math.max(...reached) - mostLagSeconds);
  return texts.tracks.length > 0 ? complete - 2 : complete;
}

function addAudio(cutter: ClipCutter, at: number, samples: Int16Array, from: number, offset: number): void {
  const skip = Math.min(samples.length, Math.max(0, Math.ceil((from - at) * 16_000)));
  if (skip === samples.length) return;
  cutter.addAudio({ startSeconds: offset + at + skip / 16_000, samples: samples.subarray(skip) });
}

/** Ends a file where its material ends. If the container promises more, the rest is an unreadable gap. */
function finishPiece(
  { input, startSeconds: offset, firstSecond }: Piece,
  info: MediaInfo,
  texts: MediaTexts,
  cutter: ClipCutter,
  { picture, sound, frameSeconds }: Reached,
  { failed, problem }: { failed: boolean; problem: string | null },
): FileEnd {
  if (picture === null && sound === null && (failed || problem !== null || firstSecond === 0)) {
    throw new DataError(
      "media-unreadable",
      `ffmpeg decodes no picture and no sound from ${input.name}: ${problem ?? "it holds none"}.`,
      { details: { path: input.name } },
    );
  }
  const observed = Math.max(picture === null ? 0 : picture + frameSeconds, sound ?? 0);
  const promised = promisedEnd(info, texts, observed);
  const declared = Math.max(info.durationSeconds ?? 0, observed);
  if (promised - observed <= (failed || problem !== null ? 1 : 2)) {
    cutter.finish(offset + Math.max(declared, firstSecond));
    return { lengthSeconds: Math.max(declared, firstSecond), damage: null };
  }
  const lengthSeconds = Math.max(observed, firstSecond);
  const damage = `${input.name} breaks off: ${problem ?? "the rest is missing"}`;
  cutter.finish(offset + Math.max(lengthSeconds, (cutter.coveredTo ?? offset) - offset));
  cutter.begin(offset + declared, "unreadable", damage);
  cutter.finish(offset + declared);
  return { lengthSeconds, damage };
}

/** Where picture and sound should end. The container's own length may be that of its text tracks. */
function promisedEnd(info: MediaInfo, texts: MediaTexts, observed: number): number {
  const tracks = [info.video, info.audio].filter((track) => track !== null);
  const ends = tracks.map(({ startSeconds, durationSeconds }) =>
    durationSeconds === null ? null : startSeconds + durationSeconds,
  );
  if (ends.every((end) => end !== null)) return Math.max(...ends);
  return info.texts.length > 0 || texts.tracks.length > 0 ? observed : (info.durationSeconds ?? observed);
}

function shifted(cue: Cue, offset: number): Cue {
  if (offset === 0) return cue;
  return { ...cue, startSeconds: cue.startSeconds + offset, endSeconds: cue.endSeconds + offset };
}
