/** Who spoke when, as a file of NIST's RTTM tells it: `SPEAKER file channel start length <NA> <NA> name <NA> <NA>`. */

/** A stretch of time, in seconds. */
export interface Stretch {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A stretch in which somebody speaks. */
export interface Turn extends Stretch {
  readonly speaker: string;
}

/** The turns of a file. @throws RangeError for a line that is none */
export function readRttm(text: string): Turn[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("SPEAKER"))
    .map((line) => {
      const [, , , start, length, , , speaker] = line.trim().split(/\s+/);
      const [startSeconds, seconds] = [Number(start), Number(length)];
      if (!(seconds > 0) || !speaker) throw new RangeError(`Expected a turn of RTTM, got ${line}`);
      return { startSeconds, endSeconds: startSeconds + seconds, speaker };
    });
}
