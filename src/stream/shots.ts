/**
 * Shot changes, from small grey pictures of every source frame.
 *
 * The score is that of ffmpeg's `scdet`: mean absolute difference to the frame before, in per cent of full range, or
 * its change since the last pair if that is smaller, so that steady fast motion does not count as a cut.
 */

/** Size of the grey pictures, in pixels. */
export const lumaSize = { width: 64, height: 36 };

/** `scdet`'s own default: scores from 10 up are cuts. */
const cutScore = 10;

/**
 * Returns a function that says of each picture in turn (shape [height × width], 0–255) whether it starts a new shot.
 */
export function shotDetector(): (luma: Uint8Array) => boolean {
  let previous: Uint8Array | null = null;
  let previousDifference = 0;
  return (luma) => {
    if (previous === null) {
      previous = Uint8Array.from(luma);
      return false;
    }
    let sum = 0;
    for (let i = 0; i < luma.length; i++) sum += Math.abs(luma[i]! - previous[i]!);
    const difference = (sum / luma.length / 255) * 100;
    const score = Math.min(difference, Math.abs(difference - previousDifference));
    previousDifference = difference;
    previous.set(luma);
    return score >= cutScore;
  };
}
