/**
 * A recording at a URL as a source: a file, or a playlist that has ended.
 *
 * A playlist with dates (EXT-X-PROGRAM-DATE-TIME) is on their clock. A stream that was live when it was first watched
 * keeps its clock, so that of its recording only what is new is read.
 */
import { sha256 } from "../../util/hash.ts";
import type { Clock } from "../../util/time.ts";
import type { LeftOut, Source } from "../clip.ts";
import type { MediaInfo, MediaInput } from "../ffmpeg.ts";
import { type MediaSourceOptions, watchedBefore } from "../files/media-source.ts";
import { cutRecorded } from "../files/recorded.ts";
import { textsOf } from "../texts/media-texts.ts";
import type { Hls } from "./hls.ts";
import { shifted } from "./live-texts.ts";

/** A recording at a URL. @param hls its playlists, if it is one. @throws DataError if its subtitles cannot be read */
export async function webSource(
  input: MediaInput,
  info: MediaInfo,
  hls: Hls | null,
  options: MediaSourceOptions,
): Promise<Source> {
  const { id, description, clipSeconds, frames } = options;
  const { texts, leftOut: unread } = await textsOf(null, info, options);
  const found = hls?.hasTexts ? { ...texts, tracks: [], cues: await recordedCues(hls, info) } : texts;
  const originMs = hls?.startMs ?? null;
  const clock: Clock = originMs === null ? { kind: "media" } : { kind: "wall", originMs };
  const leftOut: LeftOut[] = [...unread, ...(hls?.leftOut ?? [])];
  return {
    ...{ id, description, live: false, clock, clipSeconds, leftOut },
    endSeconds: info.durationSeconds,
    // A playlist grows until it ends, and is then the same content.
    mayFollowLive: true,
    fingerprint: hls === null ? sha256(`${input.name} ${info.durationSeconds}`) : null,
    open: ({ fromSeconds = 0, clock: kept = clock, signal } = {}) => {
      const startSeconds = startOn(kept, clock, info.originSeconds);
      const load = () => Promise.resolve({ info, texts: found, leftOut: [], used: [] });
      const mark = { id: "web", name: input.name, watchedSeconds: 0, bytes: 0, whole: false };
      return cutRecorded([{ input, startSeconds, mark, load }], {
        ...{ stream: id, clipSeconds, frames, fromSeconds, signal },
        watched: watchedBefore(fromSeconds),
        leaveOut: (...items) => void leftOut.push(...items),
      });
    },
  };
}

/**
 * Where a recording starts on the clock that its stream has.
 * @param originSeconds the medium's own time at its start, by which the clock of a live one without dates counts
 */
function startOn(kept: Clock, own: Clock, originSeconds: number): number {
  if (kept.kind !== "wall") return 0;
  return own.kind === "wall" ? (own.originMs - kept.originMs) / 1000 : originSeconds;
}

async function recordedCues(hls: Hls, { originSeconds }: MediaInfo) {
  hls.beginAtStart(originSeconds);
  const cues = await hls.cues();
  return cues.map((cue) => shifted(cue, -originSeconds));
}
