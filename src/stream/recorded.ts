/**
 * Recorded media on one timeline: files are decoded in turn and cut on the grid, with holes kept as gaps.
 *
 * An unreadable part of a file is a gap too, and the next file follows. If two files overlap, the earlier one is used,
 * and the later one from its end on.
 */
import { DataError } from "../errors.ts";
import type { Clip, Cue, Gap } from "./clip.ts";
import { ClipCutter } from "./clip-cutter.ts";
import { decodeMedia, type FrameOptions, type MediaInfo, type MediaInput, type TextTrack } from "./ffmpeg.ts";
import type { CueReader } from "./subtitles/cue-reader.ts";

/** The texts of a medium, in its own time. */
export interface MediaTexts {
  readonly cues: readonly Cue[];
  readonly tracks: readonly TextTrack[];
  /** Makes cues of a track's texts, in time order. */
  readonly readerOf: (track: TextTrack) => CueReader;
}

/** A file with its place on the timeline. */
export interface TimedMedia {
  readonly input: MediaInput;
  readonly startSeconds: number;
  /** Where the next file starts, if known before the file is opened: a later start then skips the file unread. */
  readonly untilSeconds: number | null;
  /** Opens the file when its turn comes. @throws DataError if it cannot be read */
  readonly load: (signal?: AbortSignal) => Promise<{ info: MediaInfo; texts: MediaTexts }>;
}

/** How recorded files are cut. */
export interface RecordedOptions {
  readonly stream: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  readonly fromSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** A track that lags behind another by more counts as ended. Seconds of media. */
const mostLagSeconds = 60;
/**
 * Decoding starts this many seconds before the first wanted clip, so that key frames, filters and shot scores are
 * ready, and sentences that began earlier are known.
 */
const runUpSeconds = { indexed: 5, other: 15, texts: 40 };

/** Clips and gaps of files, in the order of their starts. @throws DataError if none of them can be read */
export async function* cutRecorded(
  files: readonly TimedMedia[],
  options: RecordedOptions,
): AsyncGenerator<Clip | Gap> {
  const { fromSeconds, signal } = options;
  const cutter = new ClipCutter(options.stream, options.clipSeconds, fromSeconds);
  let failure: unknown;
  let read = 0;
  let hole: { reason: Gap["reason"]; detail: string } | undefined;
  for (const file of files) {
    const startSeconds = Math.max(file.startSeconds, cutter.coveredTo ?? file.startSeconds);
    if (file.untilSeconds !== null && file.untilSeconds <= fromSeconds) continue;
    try {
      const { info, texts } = await file.load(signal);
      cutter.begin(startSeconds, hole?.reason, hole?.detail);
      hole = undefined;
      yield* cutter.take();
      yield* cutFile(file, info, texts, cutter, options);
      read += 1;
    } catch (error) {
      if (!(error instanceof DataError) || files.length === 1) throw error;
      failure = error;
      hole = { reason: "unreadable", detail: error.message };
      if (cutter.coveredTo === null) {
        cutter.begin(startSeconds);
        cutter.finish(startSeconds);
      }
      if (file.untilSeconds === null) {
        // Its length is unknown, so it counts as one clip.
        const endSeconds = startSeconds + options.clipSeconds;
        cutter.begin(endSeconds, hole.reason, hole.detail);
        cutter.finish(endSeconds);
        hole = undefined;
      }
    }
  }
  if (read === 0 && failure !== undefined) throw failure;
  cutter.close();
  yield* cutter.take();
}

async function* cutFile(
  file: TimedMedia,
  info: MediaInfo,
  texts: MediaTexts,
  cutter: ClipCutter,
  options: RecordedOptions,
): AsyncGenerator<Clip | Gap> {
  const offset = file.startSeconds;
  const declaredEnd = info.durationSeconds;
  /** Earlier material was already cut, or is not requested. */
  const firstSecond = Math.max(options.fromSeconds, cutter.coveredTo ?? offset) - offset;
  if (declaredEnd !== null && declaredEnd <= firstSecond) {
    cutter.finish(Math.max(offset + declaredEnd, cutter.coveredTo ?? 0));
    return;
  }
  const { width = null, height = null } = info.video ?? {};
  cutter.setRecording({ width, height, recordedAtMs: info.recordedAtMs }, offset);
  for (const cue of texts.cues) {
    if (cue.startSeconds >= firstSecond) cutter.addCue(shifted(cue, offset));
  }
  const indexed = /mov|matroska/.test(info.format);
  const pictures = indexed ? runUpSeconds.indexed : runUpSeconds.other;
  const runUp = texts.tracks.length > 0 ? runUpSeconds.texts : pictures;
  let startSeconds = Math.max(0, Math.floor(firstSecond - runUp));
  let reached: Reached;
  do {
    reached = { picture: null, sound: null, frameSeconds: 1 / (info.video?.frameRate ?? 1), isLate: false };
    const packets = decodeMedia({
      input: file.input,
      info,
      texts: texts.tracks,
      frames: options.frames,
      startSeconds,
      signal: options.signal,
    });
    let end: { failed: boolean; problem: string | null } | undefined;
    const readers = texts.tracks.map(texts.readerOf);
    const addCues = () => {
      for (const cue of readers.flatMap((reader) => reader.take()))
        if (cue.startSeconds >= firstSecond) cutter.addCue(shifted(cue, offset));
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
        yield* cutter.take();
      }
    }
    if (!reached.isLate) {
      for (const reader of readers) reader.finish();
      addCues();
      finishFile(file, info, texts, cutter, reached, end!);
    }
    startSeconds = 0;
  } while (reached.isLate);
  yield* cutter.take();
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

/** Ends the file where its material ends. If the container promises more, the rest is an unreadable gap. */
function finishFile(
  { input, startSeconds: offset }: TimedMedia,
  info: MediaInfo,
  texts: MediaTexts,
  cutter: ClipCutter,
  { picture, sound, frameSeconds }: Reached,
  { failed, problem }: { failed: boolean; problem: string | null },
): void {
  if (picture === null && sound === null && (failed || problem !== null || cutter.coveredTo === offset)) {
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
    cutter.finish(offset + declared);
    return;
  }
  cutter.finish(offset + Math.max(observed, (cutter.coveredTo ?? offset) - offset));
  cutter.begin(
    offset + declared,
    "unreadable",
    `${input.name} breaks off: ${problem ?? "the rest is missing"}`,
  );
  cutter.finish(offset + declared);
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
