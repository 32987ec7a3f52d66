/**
 * Diarization error rate: speech that is missed, invented, or given to the wrong speaker, as shares of the speech in the
 * reference, in which two who speak at once count twice. Speakers are matched one to one so that least is confused. There
 * is no collar: what is wrong for a tenth of a second is wrong (NIST RT-09, `md-eval`, with collar 0).
 */
import type { Turn } from "./rttm.ts";

/** Shares of the speech in the reference, and their sum. */
export interface DiarizationErrors {
  readonly miss: number;
  readonly falseAlarm: number;
  readonly confusion: number;
  readonly rate: number;
  /** Seconds of speech in the reference, each speaker's own. */
  readonly speechSeconds: number;
}

/** More speakers than this on both sides would take too long to match. */
const mostSpeakers = 8;

/** Compares turns. @throws RangeError without speech in the reference, or with more than 8 speakers on both sides */
export function diarizationErrors(reference: readonly Turn[], found: readonly Turn[]): DiarizationErrors {
  const moments = [
    ...new Set(
      [...reference, ...found].flatMap(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    ),
  ].sort((a, b) => a - b);
  const [names, others] = [speakersOf(reference), speakersOf(found)];
  const overlaps = names.map(() => others.map(() => 0));
  let [speech, miss, falseAlarm, paired] = [0, 0, 0, 0];
  for (const [i, from] of moments.slice(0, -1).entries()) {
    const seconds = moments[i + 1]! - from;
    const [here, there] = [activeAt(reference, from), activeAt(found, from)];
    speech += seconds * here.length;
    miss += seconds * Math.max(0, here.length - there.length);
    falseAlarm += seconds * Math.max(0, there.length - here.length);
    paired += seconds * Math.min(here.length, there.length);
    for (const name of here)
      for (const other of there) overlaps[names.indexOf(name)]![others.indexOf(other)]! += seconds;
  }
  if (speech === 0) throw new RangeError("Expected speech in the reference, got none");
  const confusion = paired - mostMatched(overlaps);
  return {
    ...{ miss: miss / speech, falseAlarm: falseAlarm / speech, confusion: confusion / speech },
    ...{ rate: (miss + falseAlarm + confusion) / speech, speechSeconds: speech },
  };
}

const speakersOf = (turns: readonly Turn[]) => [...new Set(turns.map(({ speaker }) => speaker))];

function activeAt(turns: readonly Turn[], seconds: number): string[] {
  return speakersOf(
    turns.filter(({ startSeconds, endSeconds }) => startSeconds <= seconds && seconds < endSeconds),
  );
}

/** The largest sum of overlaps with each row and each column taken at most once, over all ways to match. */
function mostMatched(overlaps: readonly (readonly number[])[]): number {
  const columns = overlaps[0]?.length ?? 0;
  if (Math.min(overlaps.length, columns) > mostSpeakers)
    throw new RangeError(`Expected at most ${mostSpeakers} speakers, got ${overlaps.length} and ${columns}`);
  const rows = overlaps.length <= columns ? overlaps : turned(overlaps);
  const best = (row: number, taken: ReadonlySet<number>): number => {
    if (row === rows.length) return 0;
    return Math.max(
      best(row + 1, taken),
      ...rows[row]!.flatMap((seconds, column) =>
        taken.has(column) || seconds === 0 ? [] : [seconds + best(row + 1, new Set([...taken, column]))],
      ),
    );
  };
  return best(0, new Set());
}

const turned = (rows: readonly (readonly number[])[]) =>
  (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]!));
