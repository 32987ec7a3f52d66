/** Where files start on a timeline: by the clocks in their names, otherwise by the dates in their containers. */
import { basename } from "node:path";
import type { Clock } from "../../util/time.ts";
import type { LeftOut } from "../clip.ts";
import type { MediaInfo } from "../ffmpeg.ts";
import type { NameClock } from "./clock-names.ts";
import type { FoundFile } from "./found-files.ts";

/** Where the files of a source start. */
export interface Placing {
  /** The timeline of a stream that is watched for the first time: it begins with the earliest file. */
  readonly clock: Clock;
  /** Where a file starts on the timeline of a stream; `null` for a file that has no place on it. */
  startOf(file: FoundFile, clock: Clock): number | null;
  /** Files among others with clocks whose place is a guess. */
  readonly leftOut: readonly LeftOut[];
}

interface Clocked extends FoundFile {
  readonly clock: NameClock | null;
}

/** @param infos what containers hold, of files without a clock in their names */
export function placing(
  files: readonly Clocked[],
  infos: ReadonlyMap<FoundFile, Pick<MediaInfo, "recordedAtMs" | "isOfCamera">> = new Map(),
): Placing {
  const kind = kindOf(files);
  const dates = kind === "day" ? new Map<FoundFile, number>() : datesOf(files, infos, kind === "wall");
  const moments = new Map<FoundFile, number>(dates);
  for (const file of files)
    if (file.clock?.kind === kind && kind !== null) moments.set(file, file.clock.seconds);
  const isWall = kind === "wall" || (kind === null && moments.size > 0);
  const origin = [...moments.values()].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const clock: Clock =
    kind === "day"
      ? { kind }
      : isWall
        ? { kind: "wall", originMs: Math.round(origin * 1000) }
        : { kind: "media" };
  return {
    clock,
    startOf: (file, on) => {
      const moment = moments.get(file);
      if (moment === undefined || on.kind !== clock.kind) return null;
      return on.kind === "wall" ? moment - on.originMs / 1000 : moment;
    },
    leftOut:
      clock.kind === "media"
        ? []
        : files.filter((file) => file.clock?.kind !== kind).map((file) => guessed(file, dates.has(file))),
  };
}

function guessed({ name }: FoundFile, isDated: boolean): LeftOut {
  const place = isDated ? "placed by the date in its container" : "placed after all others";
  return { kind: "file", name, reason: `There is no clock in the name of ${name}, so it is ${place}.` };
}

/** The kind of most clocks. */
function kindOf(files: readonly Clocked[]): NameClock["kind"] | null {
  const days = files.filter(({ clock }) => clock?.kind === "day").length;
  const dates = files.filter(({ clock }) => clock?.kind === "wall").length;
  return days + dates === 0 ? null : days >= dates ? "day" : "wall";
}

/** How cameras and phones name their films. */
const cameraName =
  /^(?:img|mvi|vid|mov|video|movi|trim|dsc[nf]?|sam|cimg|hpim|gopr|g[hxpls]\d\d|gp\d\d|dji|insta|pxl|m2u|mah|wp|p\d|c\d|clip|reel|\d{3})[-_ ]?\d{3,}/i;

/**
 * Dates of recording in containers, in seconds from 1970, of files without a clock in their names: of films that a camera
 * made, and of any file among others with clocks. A date that several files share is that of a copy or a conversion.
 */
function datesOf(
  files: readonly Clocked[],
  infos: ReadonlyMap<FoundFile, Pick<MediaInfo, "recordedAtMs" | "isOfCamera">>,
  isAmongClocks: boolean,
): Map<FoundFile, number> {
  const dated = files.flatMap((file) => {
    const info = infos.get(file);
    if (file.clock !== null || !info || info.recordedAtMs === null) return [];
    const counts = isAmongClocks || info.isOfCamera || cameraName.test(basename(file.name));
    return counts ? [[file, info.recordedAtMs / 1000] as const] : [];
  });
  const times = new Map<number, number>();
  for (const [, seconds] of dated) times.set(seconds, (times.get(seconds) ?? 0) + 1);
  return new Map(dated.filter(([, seconds]) => times.get(seconds) === 1));
}
