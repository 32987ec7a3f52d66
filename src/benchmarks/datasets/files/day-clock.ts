/**
 * EgoLife's wall clocks: `DAY3` with `HHMMSSFF`, as seconds from 00:00:00 of day 1.
 *
 * FF is a frame of 20 a second; about one query time in twenty carries a larger one, which is clamped. Days are written
 * `DAY1` or `Day1`. A target time takes four forms: one time, a list in any order, one string with further times
 * glued on by their days, and the same over several days.
 */

const framesPerSecond = 20;
const secondsPerDay = 86_400;

/** Seconds of a day and time, or `null` where either is none. */
export function momentOf(date: string, time: string): number | null {
  const day = /^day(\d+)$/i.exec(date.trim());
  const clock = /^(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(time.trim());
  if (!day || !clock || Number(day[1]) < 1) return null;
  const [hours, minutes, seconds, frame] = clock.slice(1).map(Number) as [number, number, number, number];
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const fraction = Math.min(frame, framesPerSecond - 1) / framesPerSecond;
  return (Number(day[1]) - 1) * secondsPerDay + hours * 3600 + minutes * 60 + seconds + fraction;
}

/** What a row's `target_time` holds. */
export interface TargetTime {
  readonly date: string;
  /** One time, or several glued: `08000000DAY1_09301500`. */
  readonly time?: string | undefined;
  readonly time_list?: readonly string[] | undefined;
}

/** All moments of a target in order of time, or `null` where one of them cannot be read or there is none. */
export function targetMoments({ date, time, time_list: list }: TargetTime): number[] | null {
  const moments = list
    ? list.map((one) => momentOf(date, one))
    : (time ?? "").split(/(?=day\d+_)/i).map((piece) => {
        const glued = /^(day\d+)_(.*)$/i.exec(piece);
        return glued ? momentOf(glued[1]!, glued[2]!) : momentOf(date, piece);
      });
  if (moments.length === 0 || moments.includes(null)) return null;
  return (moments as number[]).sort((a, b) => a - b);
}

/** `DAY3` of a moment, counted from 1. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / secondsPerDay) + 1;
}

/** Hours since the start of day 1: questions of one hour belong together in a bootstrap. */
export function hourOf(seconds: number): number {
  return Math.floor(seconds / 3600);
}
