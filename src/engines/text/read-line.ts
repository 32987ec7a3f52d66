/** What a recogniser read in a line: its letters, spaces and how sure it is (CTC, greedy). */

/** A line as it was read. */
export interface LineText {
  readonly text: string;
  /** Mean probability of its letters, 0 to 1. */
  readonly confidence: number;
}

/** Columns without ink between two letters from which they stand in two words, as a share of the line's height. */
const leastSpace = 0.16;
/** Such letters are also further apart than most neighbours of the line. */
const leastStep = 1.3;
/** A column with less contrast than this, compared to columns with ink, has none. */
const inkShare = 0.3;
const spaced = /[\p{Script=Latin}\p{N}.,:;!?&'’)(-]/u;

/** A line as the recogniser sees it. */
export interface LinePicture {
  /** One plane of it, row by row, shape [height, width]. */
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the probabilities of a line, shape [steps, classes]: class 0 is no letter, the last one a space, the others the
 * letters in order. The recogniser leaves most spaces out, so columns without ink between two letters that stand apart are one too.
 */
export function readLine(
  probabilities: Float32Array,
  steps: number,
  letters: readonly string[],
  picture: LinePicture,
): LineText {
  const classes = letters.length + 2;
  const read: { letter: string; at: number; probability: number }[] = [];
  let before = 0;
  for (let step = 0; step < steps; step++) {
    let best = 0;
    for (let i = 1; i < classes; i++)
      if (probabilities[step * classes + i]! > probabilities[step * classes + best]!) best = i;
    const probability = probabilities[step * classes + best]!;
    if (best !== 0 && best !== before) read.push({ letter: letters[best - 1] ?? " ", at: step, probability });
    before = best;
  }
  const empty = emptyColumns(picture);
  const apart = read.slice(1).map(({ at }, i) => at - read[i]!.at);
  const usualStep = apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)] ?? 0;
  const column = (step: number) => Math.round(((step + 0.5) * picture.width) / steps);
  const text = read
    .map(({ letter, at }, i) => {
      const last = read[i - 1];
      if (!last || !spaced.test(last.letter) || !spaced.test(letter)) return letter;
      const space = longestRun(empty, column(last.at), column(at));
      const isWord = space >= leastSpace * picture.height && at - last.at >= leastStep * usualStep;
      return isWord ? ` ${letter}` : letter;
    })
    .join("")
    .replace(/\s+/g, " ")
    .trim();
  const sum = read.reduce((total, { probability }) => total + probability, 0);
  return { text, confidence: read.length === 0 ? 0 : sum / read.length };
}

/** Which columns hold no ink: they differ little from top to bottom, compared to the others. */
function emptyColumns({ values, width, height }: LinePicture): boolean[] {
  const contrast = Array.from({ length: width }, (_, x) => {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let y = Math.floor(height / 8); y < height - height / 8; y++) {
      least = Math.min(least, values[y * width + x]!);
      most = Math.max(most, values[y * width + x]!);
    }
    return most - least;
  });
  const usual = contrast.toSorted((a, b) => b - a)[Math.floor(width / 4)] ?? 0;
  return contrast.map((one) => one < inkShare * usual);
}

/** Longest run of true from one place to another. */
function longestRun(some: readonly boolean[], from: number, to: number): number {
  let [longest, run] = [0, 0];
  for (let i = from; i <= to; i++) {
    run = some[i] ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
