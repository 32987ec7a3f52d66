/**
 * From the chance of speech in each window to stretches of speech: one begins where the chance is high, ends where it
 * stays low for a while, and is dropped if it is a click. After the `VADIterator` of Silero's own package.
 */

/** Samples of a window at 16 kHz: 32 ms. */
export const windowSamples = 512;
/** Samples before a window that the net is shown with it. Without them it answers too, and wrongly. */
export const contextSamples = 64;

/** Where a stretch begins and ends, in seconds. */
export interface Stretch {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** What counts as a stretch of speech. */
export interface SegmentRules {
  /** A stretch begins at this chance of speech, 0 to 1. @default 0.5 */
  readonly on: number;
  /** It ends below this one. @default 0.35 */
  readonly off: number;
  /** Shorter silence stays part of it, in seconds. @default 0.1 */
  readonly leastSilence: number;
  /** Shorter stretches are dropped, in seconds. @default 0.25 */
  readonly leastSpeech: number;
  /** Added on both sides, in seconds. @default 0.03 */
  readonly padding: number;
}

export const segmentDefaults: SegmentRules = {
  ...{ on: 0.5, off: 0.35, leastSilence: 0.1, leastSpeech: 0.25, padding: 0.03 },
};

const windowSeconds = windowSamples / 16_000;

/**
 * The stretches of speech of a sound, in order, apart from each other.
 * @param chances of speech, one a window
 * @param seconds length of the sound
 */
export function speechStretches(
  chances: ArrayLike<number>,
  seconds: number,
  rules: Partial<SegmentRules> = {},
): Stretch[] {
  const { on, off, leastSilence, leastSpeech, padding } = { ...segmentDefaults, ...rules };
  const found: { startSeconds: number; endSeconds: number }[] = [];
  let start: number | null = null;
  /** Where the silence began that may end the stretch. */
  let silence: number | null = null;
  const close = (end: number) => {
    if (start !== null && end - start >= leastSpeech) found.push({ startSeconds: start, endSeconds: end });
    start = null;
    silence = null;
  };
  for (let window = 0; window < chances.length; window++) {
    const at = window * windowSeconds;
    const chance = chances[window]!;
    if (chance >= on) {
      start ??= at;
      silence = null;
    } else if (start !== null && chance < off) {
      silence ??= at;
      if (at + windowSeconds - silence >= leastSilence) close(silence);
    }
  }
  close(silence ?? seconds);
  return padded(found, padding, seconds);
}

/** Stretches with padding, which meet in the middle where there is not room for both. */
function padded(stretches: readonly Stretch[], padding: number, seconds: number): Stretch[] {
  return stretches.map(({ startSeconds, endSeconds }, i) => {
    const before = i === 0 ? 0 : (stretches[i - 1]!.endSeconds + startSeconds) / 2;
    const after = i === stretches.length - 1 ? seconds : (endSeconds + stretches[i + 1]!.startSeconds) / 2;
    return {
      startSeconds: Math.max(before, startSeconds - padding),
      endSeconds: Math.min(after, seconds, endSeconds + padding),
    };
  });
}
