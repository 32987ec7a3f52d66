/**
 * Clocks in file names and folders, which say when a recording starts.
 *
 * It reads:
 * 1. EgoLife's names, `DAY1_A1_JAKE_11094208.mp4` and `A1_JAKE_DAY1_11000000.srt` (hours, minutes, seconds and a frame of
 *    20 a second; frames past 19 occur and are clamped);
 * 2. dates with times as cameras, phones and screen recorders write them: `2026-11-23_08-39-38`, `VID_20261123_083938`,
 *    `PXL_20240305_130203123`, `20240305T130203+0100`, `Screen Recording 2024-03-05 at 1.02.03 PM`, in other languages too;
 * 3. seconds or milliseconds since 1970: `front-1709643723.mp4`;
 * 4. dates in folders with the time below them: `2023-10-29/01/front/59.50.mp4`, `2024/03/05/13-02-03.mp4`.
 *
 * A time without a zone is read as UTC, so that times print as in the name. Left out: dates whose year comes last, which
 * may be meant in two ways.
 */
import { basename, extname } from "node:path";
import type { Clock } from "../../util/time.ts";

/** When a name says that a recording starts, and the rest of the name. */
export interface NameClock {
  /** `day`: seconds from 00:00:00 of day 1. `wall`: seconds from 1970. */
  readonly kind: "day" | "wall";
  readonly seconds: number;
  /** The path without its extension, with a blank for each part that the clock was read from. */
  readonly rest: string;
}

/** The clock in a path, or `null`. Folders are read where the file's name holds no date. */
export function clockOfName(path: string): NameClock | null {
  const whole = path.replaceAll("\\", "/");
  const stem = basename(whole, extname(whole));
  const folders = whole.slice(0, whole.length - basename(whole).length);
  const of = (found: Found): NameClock | null =>
    found && { kind: found.kind, seconds: found.seconds, rest: folders + cut(stem, found.parts) };
  if (dayPattern.test(stem)) return of(dayClock(stem));
  const inName = dateClock(stem) ?? epochClock(stem);
  return inName ? of(inName) : folderClock(folders, stem);
}

type Found = {
  readonly kind: NameClock["kind"];
  readonly seconds: number;
  readonly parts: readonly string[];
} | null;

/** A text with a blank in place of each part. */
const cut = (text: string, parts: readonly string[]) =>
  parts.reduce((rest, part) => (part === "" ? rest : rest.replace(part, " ")), text);

const framesPerSecond = 20;
const dayPattern = /(?:^|[^a-z0-9])day[ _-]?(\d{1,3})(?=[_\-. ]|$)/i;
const dayTimePattern = /(?:^|[_\-. ])(\d{2})(\d{2})(\d{2})(\d{2})?(?=[_\-. ]|$)/;

function dayClock(stem: string): Found {
  const day = dayPattern.exec(stem)!;
  const time = dayTimePattern.exec(stem.replace(day[0], "_"));
  const ofDay = time && secondsOfDay(time[1]!, time[2]!, time[3]!);
  if (ofDay === null) return null;
  const frame = Math.min(framesPerSecond - 1, Number(time![4] ?? 0));
  const seconds = (Number(day[1]) - 1) * 86_400 + ofDay + frame / framesPerSecond;
  return { kind: "day", seconds, parts: [day[0], time![0].replace(/^[_\-. ]/, "")] };
}

const date = String.raw`(?<!\d)(?<date>(?<year>(?:19|20)\d{2})[-_.:]?(?<month>\d{2})[-_.:]?(?<day>\d{2}))`;
const zone = String.raw`(?<zone>Z(?![a-z])|\s?(?:UTC|GMT)(?![a-z])|[+]\d{2}:?\d{2}(?!\d)|(?<=T[\d:.-]{6,12})-\d{2}:?\d{2}(?!\d))?`;
const milliseconds = String.raw`(?:[.,_]?(?<ms>\d{3})(?!\d))?`;
/** `130203` or `13-02-03`, straight after the date. */
const closeTime = new RegExp(
  String.raw`${date}(?:T|[ _.-]{1,3}|[-_ ]at[-_ ])?(?<time>(?<hour>\d{2})[-_.:h]?(?<minute>\d{2})[-_.:m]?(?<second>\d{2})s?${milliseconds}(?!\d)${zone}(?<half>\s?[ap]\.?\s?m\b\.?)?)`,
  "iu",
);
/** `13.02.03` or `1.02.03 PM`, with words of any language between. */
const apartTime = new RegExp(
  String.raw`${date}(?<between>[^\d/]{0,24}?)(?<!\d)(?<time>(?<hour>\d{1,2})(?<mark>[-_.:h])(?<minute>\d{2})[-_.:m](?<second>\d{2})s?${milliseconds}(?!\d)${zone}(?<half>\s?[ap]\.?\s?m\b\.?)?)`,
  "iu",
);

function dateClock(stem: string): Found {
  const groups = (closeTime.exec(stem) ?? apartTime.exec(stem))?.groups;
  if (!groups) return null;
  const { between = "", half } = groups;
  const isAfternoon = /p/i.test(half ?? "") || /下午|午後|오후/.test(between);
  const isForenoon = /a/i.test(half ?? "") || /上午|午前|오전/.test(between);
  let hour = Number(groups.hour);
  if (hour >= 1 && hour <= 12 && (isAfternoon || isForenoon)) hour = (hour % 12) + (isAfternoon ? 12 : 0);
  const ofDay = secondsOfDay(hour, groups.minute!, groups.second!);
  const midnight = midnightOf(groups.year!, groups.month!, groups.day!);
  if (ofDay === null || midnight === null) return null;
  const seconds = midnight + ofDay - offsetOf(groups.zone ?? "") + Number(groups.ms ?? 0) / 1000;
  return { kind: "wall", seconds, parts: [groups.date!, groups.time!] };
}

/** Seconds that a zone is ahead of UTC. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

/** Seconds or milliseconds since 1970, from 2004 to 2039. */
function epochClock(stem: string): Found {
  const match = /(?<!\d)((?:1[1-9]|2[01])\d{8})(?:(\d{3})|\.(\d{1,6}))?(?!\d)/.exec(stem);
  if (!match) return null;
  const [all, seconds, ms, fraction] = match;
  return {
    kind: "wall",
    seconds: Number(seconds) + Number(ms ?? 0) / 1000 + Number(`0.${fraction ?? 0}`),
    parts: [all],
  };
}

/** A date in the folders, and the time of day in folders below it and in the name. */
function folderClock(folders: string, stem: string): NameClock | null {
  const names = folders.split("/");
  const dated = dateOfFolders(names);
  if (dated === null) return null;
  const rest = [...names];
  for (let i = dated.from; i <= dated.to; i++) rest[i] = rest[i]!.replace(dated.pattern, " ");
  const fields = [...dated.hours];
  for (let i = dated.to + 1; i < names.length; i++) {
    const match = /^(\d{2})(?:h|[-_.:](\d{2}))?$/i.exec(names[i]!);
    if (!match) continue;
    fields.push(...match.slice(1).filter((field) => field !== undefined));
    rest[i] = " ";
  }
  const full =
    /(?<!\d)(\d{2})[-_.:h](\d{2})[-_.:m](\d{2})(?!\d)/i.exec(stem) ??
    /^(\d{2})(\d{2})(\d{2})(?!\d)/.exec(stem);
  const [, first, second] = /^(\d{2})(?:[-_.:hm](\d{2}))?[ms]?(?!\d)/i.exec(stem) ?? [];
  const own = full ? full.slice(1) : [first, second].filter((field) => field !== undefined);
  const [hour, minute, secondOfMinute] = full ? own : [...fields, ...own];
  // Two numbers are hour and minute only where both stand in the name: elsewhere they may count recordings.
  const isTime =
    full !== null || fields.length + own.length === 3 || (fields.length === 0 && own.length === 2);
  const ofDay = isTime && own.length > 0 ? secondsOfDay(hour!, minute!, secondOfMinute ?? "0") : null;
  if (ofDay === null) return null;
  const shown = full ? cut(stem, [full[0]]) : stem.replace(/^[\d\-_.:hms]+/i, " ");
  return { kind: "wall", seconds: dated.midnight + ofDay, rest: rest.join("/") + shown };
}

/** The last date in folders: `2024-03-05`, `2024030513`, `2024/03/05` or `2024-03/05`. */
function dateOfFolders(names: readonly string[]): {
  readonly from: number;
  readonly to: number;
  readonly midnight: number;
  readonly hours: readonly string[];
  readonly pattern: RegExp;
} | null {
  for (let to = names.length - 1; to >= 0; to--) {
    const one = /(?<!\d)((?:19|20)\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?:[-_. T]?(\d{2}))?(?!\d)/.exec(
      names[to]!,
    );
    if (one) {
      const midnight = midnightOf(one[1]!, one[2]!, one[3]!);
      if (midnight === null) continue;
      const pattern = /(?<!\d)(?:19|20)\d{2}[-_.]?\d{2}[-_.]?\d{2}(?:[-_. T]?\d{2})?(?!\d)/;
      return { from: to, to, midnight, hours: one[4] === undefined ? [] : [one[4]], pattern };
    }
    for (const from of [to - 1, to - 2]) {
      const joined = names.slice(Math.max(0, from), to + 1).join("/");
      const several = /^((?:19|20)\d{2})[-_./](\d{1,2})\/(\d{1,2})$/.exec(joined);
      const midnight = several && midnightOf(several[1]!, several[2]!, several[3]!);
      if (midnight !== null) return { from, to, midnight, hours: [], pattern: /.*/ };
    }
  }
  return null;
}

/** Seconds from 1970 to a day's midnight; `null` if there is no such day. */
function midnightOf(year: string, month: string, day: string): number | null {
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const isDay = new Date(ms).getUTCDate() === Number(day) && Number(month) >= 1 && Number(month) <= 12;
  return isDay ? ms / 1000 : null;
}

function secondsOfDay(hours: string | number, minutes: string, seconds: string): number | null {
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
