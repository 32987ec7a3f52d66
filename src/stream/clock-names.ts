/**
 * Clocks in file names, which say where on a timeline a recording starts.
 *
 * It reads EgoLife's names, `DAY1_A1_JAKE_11094208.mp4` and `A1_JAKE_DAY1_11000000.srt` (hours, minutes, seconds and a
 * frame of 20 a second; frames past 19 occur and are clamped), and dates with times as cameras and phones write them:
 * `2026-11-23_08-39-38`, `20261123_083938`, `VID_20261123_083938`. A date without a zone is read as UTC, so that times
 * print as in the name.
 */
import { basename, extname } from "node:path";
import type { Clock } from "../util/time.ts";

export interface NameClock {
  /** `day`: seconds from 00:00:00 of day 1. `wall`: seconds from 1970. */
  readonly kind: "day" | "wall";
  readonly seconds: number;
}

const framesPerSecond = 20;
const dayPattern = /(?:^|[^a-z0-9])day[ _-]?(\d{1,3})(?=[_\-. ]|$)/i;
const dayTimePattern = /(?:^|[_\-. ])(\d{2})(\d{2})(\d{2})(\d{2})?(?=[_\-. ]|$)/;
const datePattern =
  /(?:^|\D)((?:19|20)\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?:[T _-]|[-_ ]at[-_ ])?(\d{2})[-_.:h]?(\d{2})[-_.:m]?(\d{2})(?:[.,_](\d{3})(?=\D|$))?(?!\d)/i;

/** The clock in a file's name, or `null`. */
export function clockOfName(path: string): NameClock | null {
  const name = basename(path, extname(path));
  const day = dayPattern.exec(name);
  if (day) {
    const time = dayTimePattern.exec(name.replace(day[0], "_"));
    const ofDay = time && secondsOfDay(time[1]!, time[2]!, time[3]!);
    if (ofDay === null) return null;
    const frame = Math.min(framesPerSecond - 1, Number(time![4] ?? 0));
    return { kind: "day", seconds: (Number(day[1]) - 1) * 86_400 + ofDay + frame / framesPerSecond };
  }
  const date = datePattern.exec(name);
  if (!date) return null;
  const [, year, month, dayOfMonth, hours, minutes, seconds, milliseconds] = date;
  const ofDay = secondsOfDay(hours!, minutes!, seconds!);
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(dayOfMonth));
  const isDate = new Date(midnight).getUTCDate() === Number(dayOfMonth) && Number(month) <= 12;
  if (ofDay === null || !isDate) return null;
  return { kind: "wall", seconds: midnight / 1000 + ofDay + Number(milliseconds ?? 0) / 1000 };
}

function secondsOfDay(hours: string, minutes: string, seconds: string): number | null {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  return h > 23 || m > 59 || s > 59 ? null : h * 3600 + m * 60 + s;
}

/**
 * Files in order on the timeline their names give; `null` unless all names carry a clock of one kind. Days count from
 * day 1; dates count from the first file's start.
 */
export function placeByNames(
  paths: readonly string[],
): { clock: Clock; placed: { path: string; startSeconds: number }[] } | null {
  const clocks = paths.map((path) => ({ path, clock: clockOfName(path) }));
  const [first] = clocks;
  const kind = first?.clock?.kind;
  const placed = clocks.flatMap(({ path, clock }) =>
    clock?.kind === kind && clock ? [{ path, at: clock.seconds }] : [],
  );
  if (kind === undefined || placed.length < paths.length) return null;
  placed.sort((a, b) => a.at - b.at || a.path.localeCompare(b.path));
  const origin = kind === "day" ? 0 : placed[0]!.at;
  return {
    clock: kind === "day" ? { kind } : { kind, originMs: Math.round(origin * 1000) },
    placed: placed.map(({ path, at }) => ({ path, startSeconds: at - origin })),
  };
}
