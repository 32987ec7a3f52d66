/**
 * A cheap look at the picture, from small grey pictures of every source frame: how bright it is, and how much of it
 * changes from one second to the next. It is far from recognising anything, and costs nearly nothing.
 */

/** One look. */
export interface PictureLook {
  readonly atSeconds: number;
  /** Mean luminance, 0 to 1. */
  readonly brightness: number;
  /** Share of the picture that differs from the look before, 0 to 1; `null` for the first. */
  readonly changed: number | null;
}

/** Looks are at least this far apart, in seconds. */
const leastSeconds = 1;
/** A cell counts as changed if its luminance differs by more, of 255: less is noise and compression. */
const sameCell = 14;

/**
 * Returns a function that looks at each picture in turn (shape [height × width], 0–255) and tells what it sees about
 * once a second, otherwise `null`.
 */
export function pictureLooker(): (luma: Uint8Array, atSeconds: number) => PictureLook | null {
  let last: { luma: Uint8Array; atSeconds: number } | null = null;
  return (luma, atSeconds) => {
    if (last !== null && atSeconds - last.atSeconds < leastSeconds - 1e-3 && atSeconds >= last.atSeconds)
      return null;
    let sum = 0;
    let changed = 0;
    for (let i = 0; i < luma.length; i++) {
      sum += luma[i]!;
      if (last !== null && Math.abs(luma[i]! - last.luma[i]!) > sameCell) changed += 1;
    }
    const look = {
      atSeconds,
      brightness: sum / luma.length / 255,
      changed: last === null ? null : changed / luma.length,
    };
    last = { luma: Uint8Array.from(luma), atSeconds };
    return look;
  };
}
