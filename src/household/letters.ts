/**
 * A stroke font for the words in the household's pictures.
 *
 * Without installed fonts a canvas silently draws no text, and with fonts the pixels differ between machines. This font
 * needs none and is the same everywhere. It has small letters and the capitals that names begin with; the displays draw
 * digits.
 */
import type { SKRSContext2D } from "@napi-rs/canvas";
import { Path2D } from "../util/canvas.ts";

/** Width and pen strokes of a letter. Capitals reach from 0 to the baseline at 10; small letters begin at 4. */
type Letter = readonly [width: number, strokes: string];

const bowl = "M0 7a3 3 0 1 1 6 0a3 3 0 1 1-6 0";

const letters: Readonly<Record<string, Letter>> = {
  A: [7.2, "M0 10L3.6 0L7.2 10M1.3 6.6H5.9"],
  B: [6.2, "M0 0V10H3.6a2.6 2.65 0 0 0 0-5.3H0M0 0H3.2a2.35 2.35 0 0 1 0 4.7"],
  C: [7.6, "M7.6 2a4.3 5 0 1 0 0 6"],
  D: [7.6, "M0 0V10H2.6a5 5 0 0 0 0-10H0"],
  E: [5.2, "M5.2 0H0V10H5.2M0 4.8H4.6"],
  F: [5.2, "M5.2 0H0V10M0 4.8H4.6"],
  a: [6, `${bowl}M6 4V10`],
  b: [6, `${bowl}M0 0V10`],
  c: [5.3, "M5.3 5a3 3 0 1 0 0 4"],
  d: [6, `${bowl}M6 0V10`],
  e: [6, "M0 7H6a3 3 0 1 0-0.9 2.1"],
  f: [4, "M4 0.3a2 2 0 0 0-2.7 2V10M0 4.2H3.6"],
  g: [6, `${bowl}M6 4V10.2a3 3 0 0 1-5.4 1.6`],
  h: [6, "M0 0V10M0 7a3 3 0 0 1 6 0V10"],
  i: [0, "M0 4V10M0 1.3V1.4"],
  j: [1.4, "M1.4 4V11a2 2 0 0 1-1.4 1.9M1.4 1.3V1.4"],
  k: [5.2, "M0 0V10M5 4L0 8M2 6.5L5.2 10"],
  l: [0, "M0 0V10"],
  m: [10, "M0 4V10M0 6.5a2.5 2.5 0 0 1 5 0V10M5 6.5a2.5 2.5 0 0 1 5 0V10"],
  n: [6, "M0 4V10M0 7a3 3 0 0 1 6 0V10"],
  o: [6, bowl],
  p: [6, `${bowl}M0 4V13`],
  q: [6, `${bowl}M6 4V13`],
  r: [3.6, "M0 4V10M0 7a3 3 0 0 1 3.6-2.9"],
  s: [4.8, "M4.6 5.1q-0.9-1.1-2.4-1.1q-2 0-2 1.5q0 1.2 2.2 1.6q2.4 0.4 2.4 1.5q0 1.4-2.3 1.4q-1.6 0-2.5-1.1"],
  t: [3.8, "M1.4 1.4V8.3a1.7 1.7 0 0 0 2.4 1.5M0 4.2H3.8"],
  u: [6, "M0 4V7a3 3 0 0 0 6 0M6 4V10"],
  v: [5.6, "M0 4L2.8 10L5.6 4"],
  w: [8.8, "M0 4L2.2 10L4.4 4.4L6.6 10L8.8 4"],
  x: [5, "M0 4L5 10M5 4L0 10"],
  y: [5.8, "M0 4L2.9 10M5.8 4L2.6 11.2q-0.7 1.6-2.2 1.6"],
  z: [5, "M0 4H5L0 10H5"],
  " ": [2, ""],
};

const gap = 2.9;
const penWidth = 1.75;
const unitsPerSize = 13.5;

/**
 * Writes words centred at x with their baseline at y; the size is in pixels.
 * @throws RangeError for a letter the font lacks
 */
export function writeWords(
  context: SKRSContext2D,
  text: string,
  x: number,
  y: number,
  size: number,
  colour: string,
): void {
  const drawn = [...text].map((character): Letter => {
    const letter = letters[character];
    if (!letter)
      throw new RangeError(`Expected letters of the household's words, got "${character}" in "${text}"`);
    return letter;
  });
  const width = drawn.reduce((sum, [letterWidth]) => sum + letterWidth + gap, -gap);
  context.save();
  context.translate(x, y);
  context.scale(size / unitsPerSize, size / unitsPerSize);
  context.translate(-width / 2, -10);
  context.strokeStyle = colour;
  context.lineWidth = penWidth;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [letterWidth, strokes] of drawn) {
    context.stroke(new Path2D(strokes));
    context.translate(letterWidth + gap, 0);
  }
  context.restore();
}
