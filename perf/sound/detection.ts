/**
 * How well speech was found: what was missed and what was invented, as shares of the speech that there is (the miss and
 * false alarm of a diarization error rate, without a collar).
 */
import type { Stretch } from "./rttm.ts";

/** Shares of the speech in the reference. */
export interface Detection {
  readonly miss: number;
  readonly falseAlarm: number;
  /** Seconds of speech in the reference. */
  readonly speechSeconds: number;
}

/** Compares stretches of speech, which may overlap. @throws RangeError without speech in the reference */
export function detectionErrors(reference: readonly Stretch[], found: readonly Stretch[]): Detection {
  const [truth, heard] = [union(reference), union(found)];
  const [speech, both] = [secondsOf(truth), overlap(truth, heard)];
  if (speech === 0) throw new RangeError("Expected speech in the reference, got none");
  return {
    miss: (speech - both) / speech,
    falseAlarm: (secondsOf(heard) - both) / speech,
    speechSeconds: speech,
  };
}

/** Stretches as one set of seconds. */
function union(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const one of stretches.toSorted((a, b) => a.startSeconds - b.startSeconds)) {
    const last = joined.at(-1);
    if (last && one.startSeconds <= last.endSeconds)
      joined[joined.length - 1] = { ...last, endSeconds: Math.max(last.endSeconds, one.endSeconds) };
    else joined.push(one);
  }
  return joined;
}

const secondsOf = (stretches: readonly Stretch[]) =>
  stretches.reduce((sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds, 0);

function overlap(a: readonly Stretch[], b: readonly Stretch[]): number {
  let seconds = 0;
  for (const one of a)
    for (const other of b)
      seconds += Math.max(
        0,
        Math.min(one.endSeconds, other.endSeconds) - Math.max(one.startSeconds, other.startSeconds),
      );
  return seconds;
}
