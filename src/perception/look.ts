/**
 * The look of a clip: what its container and a cheap look tell of it, whatever else is perceived. It is the least that
 * is known of anything that was watched.
 */
import type { Clip } from "../stream/clip.ts";
import type { Heard } from "./observation.ts";
import { levelOf, listenTo, type SoundLook, samplesPerSecond } from "./speech-like.ts";

/** What a cheap look tells of a stretch of pictures and sound. */
export interface Look {
  /** When it was recorded, in wall time, as the container says; `null` if it does not. */
  readonly recordedAtMs: number | null;
  /** Pictures; `null` if there are none. */
  readonly picture: {
    /** Size as it is shown, in pixels; `null` if it is not known. */
    readonly width: number | null;
    readonly height: number | null;
    /** Mean luminance, 0 to 1; `null` if no one looked. */
    readonly brightness: number | null;
    /** Mean share of the picture that differs from a second before, 0 to 1; `null` if no one looked. */
    readonly changed: number | null;
    /** How often the picture changes to another shot. */
    readonly cuts: number;
  } | null;
  /** Sound; `null` if there is none. */
  readonly sound: SoundLook | null;
  /** How many lines perception found: said, shown as captions, and read in the picture. */
  readonly lines: { readonly said: number; readonly captions: number; readonly read: number };
  /** Senses that failed, one sentence each. */
  readonly problems: readonly string[];
  /** One of at most this many pictures was looked at, as the senses were late, and for how long. @default every one was */
  readonly late?: { readonly every: number; readonly seconds: number };
}

/**
 * The look of a clip and what perception found and failed at in it; `null` of a clip without picture and sound.
 * @param heard what a net that finds voices told of the sound, where one listened
 */
export function lookAt(
  { startSeconds, endSeconds, frames, looks = [], shots, audio, recording }: Clip,
  { lines, problems, every = 1 }: Pick<Look, "lines" | "problems"> & { readonly every?: number },
  heard: readonly Heard[] | null = null,
): Look | null {
  // A film of few pictures has clips in which the last one stays.
  const hasPicture = frames.length > 0 || looks.length > 0 || (recording?.width ?? null) !== null;
  const hasSound = audio !== null && audio.samples.length > 0;
  if (!hasPicture && !hasSound) return null;
  const changes = looks.flatMap(({ changed }) => changed ?? []);
  return {
    recordedAtMs: recording?.recordedAtMs ?? null,
    picture: hasPicture
      ? {
          width: recording?.width ?? null,
          height: recording?.height ?? null,
          brightness: meanOf(looks.map(({ brightness }) => brightness)),
          changed: meanOf(changes),
          cuts: shots.length,
        }
      : null,
    sound: hasSound ? rounded(soundLook(audio.samples, heard)) : null,
    lines,
    problems: problems.map((problem) => problem.slice(0, longestProblem)),
    ...(every > 1 && { late: { every, seconds: endSeconds - startSeconds } }),
  };
}

function soundLook(samples: Int16Array, heard: readonly Heard[] | null): SoundLook {
  if (heard === null) return listenTo(samples);
  const talk = heard.filter(({ kind }) => kind === "speech");
  const speechSeconds = talk.reduce(
    (sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds,
    0,
  );
  return {
    ...{ seconds: samples.length / samplesPerSecond, levelDb: levelOf(samples, 0, samples.length) },
    ...{ speechSeconds, byVoice: true },
  };
}

/** Longest sentence about a failed sense, in characters. */
const longestProblem = 300;

const round = (value: number) => Math.round(value * 1000) / 1000;

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : round(values.reduce((sum, value) => sum + value, 0) / values.length);

const rounded = ({ seconds, levelDb, speechSeconds, byVoice }: SoundLook): SoundLook => ({
  seconds: round(seconds),
  levelDb: Math.round(levelDb * 10) / 10,
  speechSeconds: round(speechSeconds),
  ...(byVoice && { byVoice }),
});
