/**
 * The floor: what is known of every stretch that was watched, whatever was kept of it. It follows from the looks of the
 * clips (`perception/look.ts`), so it is computed when it is read, for both stores alike.
 *
 * A row covers a minute, or, where nothing is heard and nothing moves, up to an hour. A row is no entry: no policy wrote
 * it, no recall ranks it, and nothing is learned from it.
 */
import type { Look } from "../perception/look.ts";
import { isSilent, lookText, stillChange } from "../perception/look-text.ts";
import { sha256 } from "../util/hash.ts";
import type { Journal } from "./memory.ts";
import type { ClipRecord, FloorRow, ForgetRequest } from "./records.ts";

/** A clip with its look. */
export type LookedClip = Pick<ClipRecord, "stream" | "startSeconds" | "endSeconds"> & { readonly look: Look };

/** Longest row, and longest row of a quiet stretch, in seconds. */
const rowSeconds = { lively: 60, quiet: 3600 };
/** Most sentences about failed senses of a row. */
const mostProblems = 3;
/** Shorter holes between clips are rounding. Seconds. */
const leastHoleSeconds = 1;

/** Rows of clips that are given by stream, then start. */
export function floorRows(clips: readonly LookedClip[]): FloorRow[] {
  const groups: { readonly clips: LookedClip[]; isQuiet: boolean }[] = [];
  for (const clip of clips) {
    const group = groups.at(-1);
    const staysQuiet = isQuiet(clip) && (group?.isQuiet ?? true);
    if (group && continues(group.clips, clip, staysQuiet ? rowSeconds.quiet : rowSeconds.lively)) {
      group.clips.push(clip);
      group.isQuiet = staysQuiet;
    } else groups.push({ clips: [clip], isQuiet: isQuiet(clip) });
  }
  return groups.map(({ clips }) => toRow(clips));
}

/** All rows of a stream as one. `rows` holds at least one. */
export function wholeFloor(rows: readonly FloorRow[]): FloorRow {
  return toRow(rows);
}

/** What a row is made of: clips, or rows. */
type Looked = LookedClip & Partial<Pick<FloorRow, "watchedSeconds">>;

/** Whether a row of at most `most` seconds continues with a clip. */
function continues(row: readonly LookedClip[], clip: LookedClip, most: number): boolean {
  const [first, last] = [row[0]!, row.at(-1)!];
  if (clip.stream !== last.stream || clip.startSeconds - last.endSeconds >= leastHoleSeconds) return false;
  return clip.endSeconds - first.startSeconds <= most + leastHoleSeconds;
}

function isQuiet({ look: { picture, sound } }: LookedClip): boolean {
  const isStill = picture === null || (picture.changed ?? 0) < stillChange;
  return isStill && (picture?.cuts ?? 0) === 0 && (sound === null || isSilent(sound));
}

function toRow(clips: readonly Looked[]): FloorRow {
  const { stream, startSeconds } = clips[0]!;
  const { endSeconds } = clips.at(-1)!;
  const look = joinLooks(clips);
  const seconds = clips.reduce((sum, clip) => sum + (clip.watchedSeconds ?? lengthOf(clip)), 0);
  const id = floorId(stream, startSeconds, endSeconds);
  const watched = { watchedSeconds: toThousandth(seconds), text: lookText(look, seconds), look };
  return { id, kind: "floor", stream, startSeconds, endSeconds, ...watched };
}

const lengthOf = ({ startSeconds, endSeconds }: Pick<LookedClip, "startSeconds" | "endSeconds">) =>
  endSeconds - startSeconds;

/** The looks of several stretches as one. `clips` holds at least one. */
export function joinLooks(clips: readonly Omit<LookedClip, "stream">[]): Look {
  const pictured = clips.filter(({ look }) => look.picture !== null);
  const picture = pictured[0]?.look.picture;
  const mean = (value: (look: NonNullable<Look["picture"]>) => number | null) => {
    const known = pictured.filter(({ look }) => value(look.picture!) !== null);
    const seconds = known.reduce((sum, clip) => sum + lengthOf(clip), 0);
    const total = known.reduce((sum, clip) => sum + lengthOf(clip) * value(clip.look.picture!)!, 0);
    return seconds === 0 ? null : toThousandth(total / seconds);
  };
  const sum = (value: (look: Look) => number) => clips.reduce((total, { look }) => total + value(look), 0);
  const late = clips.flatMap(({ look }) => look.late ?? []);
  return {
    recordedAtMs: clips[0]!.look.recordedAtMs,
    picture: picture
      ? {
          ...{ width: picture.width, height: picture.height },
          ...{ brightness: mean(({ brightness }) => brightness), changed: mean(({ changed }) => changed) },
          cuts: sum(({ picture }) => picture?.cuts ?? 0),
        }
      : null,
    sound: joinSounds(clips.flatMap(({ look }) => look.sound ?? [])),
    lines: {
      said: sum(({ lines }) => lines.said),
      captions: sum(({ lines }) => lines.captions),
      read: sum(({ lines }) => lines.read),
    },
    problems: [...new Set(clips.flatMap(({ look }) => look.problems))].slice(0, mostProblems),
    ...(late.length > 0 && {
      late: {
        every: Math.max(...late.map(({ every }) => every)),
        seconds: toThousandth(late.reduce((total, { seconds }) => total + seconds, 0)),
      },
    }),
  };
}

const toThousandth = (value: number) => Math.round(value * 1000) / 1000;

function joinSounds(sounds: readonly NonNullable<Look["sound"]>[]): Look["sound"] {
  if (sounds.length === 0) return null;
  const seconds = sounds.reduce((sum, sound) => sum + sound.seconds, 0);
  const power = sounds.reduce((sum, sound) => sum + sound.seconds * 10 ** (sound.levelDb / 10), 0);
  return {
    seconds: toThousandth(seconds),
    levelDb: toThousandth(Math.max(-100, 10 * Math.log10(power / Math.max(1e-9, seconds) || 1e-10))),
    speechSeconds: toThousandth(sounds.reduce((sum, sound) => sum + sound.speechSeconds, 0)),
    ...(sounds.every(({ byVoice }) => byVoice) && { byVoice: true as const }),
  };
}

/** Name of a row by its stream and span, of letters and digits, so that an answer can cite it. */
function floorId(stream: string, startSeconds: number, endSeconds: number): string {
  return ["floor", streamKey(stream), ...[Math.floor(startSeconds), Math.ceil(endSeconds)].map(digits)].join(
    "_",
  );
}

/** Seconds before the first file of a stream are written with `m` for the minus. */
const digits = (seconds: number) => (seconds < 0 ? `m${-seconds}` : String(Math.abs(seconds)));
const ofDigits = (text = "") => (text.startsWith("m") ? -Number(text.slice(1)) : Number(text));

const streamKey = (stream: string) => sha256(stream).slice(0, 8);

/** What an id of a row names. */
interface FloorName {
  readonly key: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

function nameOf(id: string): FloorName | null {
  const [, key, start, end] = /^floor_([0-9a-f]{8})_(m?\d+)_(m?\d+)$/.exec(id) ?? [];
  return key === undefined ? null : { key, startSeconds: ofDigits(start), endSeconds: ofDigits(end) };
}

/** Whether a cited id names a row of a span that is forgotten. */
export function isForgottenFloor(id: string, { streams, fromSeconds, toSeconds }: ForgetRequest): boolean {
  const named = nameOf(id);
  if (named === null) return false;
  return (
    (streams?.some((stream) => streamKey(stream) === named.key) ?? true) &&
    (fromSeconds === undefined || named.endSeconds > fromSeconds) &&
    (toSeconds === undefined || named.startSeconds < toSeconds)
  );
}

/** The row that an answer cited, as far as it is still known; `null` for another id and for what was forgotten. */
export async function floorNamed(
  id: string,
  memory: Pick<Journal, "streams" | "floor">,
): Promise<FloorRow | null> {
  const named = nameOf(id);
  const stream = named && (await memory.streams()).find((one) => streamKey(one.id) === named.key);
  if (!stream) return null;
  const { startSeconds: fromSeconds, endSeconds: toSeconds } = named;
  const rows = await memory.floor({ streams: [stream.id], fromSeconds, toSeconds });
  return rows.length === 0 ? null : { ...wholeFloor(rows), id };
}
