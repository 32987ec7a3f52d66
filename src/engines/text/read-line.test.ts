import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinePicture, readLine } from "./read-line.ts";

const letters = ["a", "b", "c", "中"];

/** Probabilities of a text: `-` is no letter, `_` a space, everything else its letter, each with a probability of `p`. */
function probabilitiesOf(steps: string, p = 0.9): Float32Array {
  const classes = letters.length + 2;
  const values = new Float32Array(steps.length * classes);
  for (const [step, letter] of [...steps].entries()) {
    const at = letter === "-" ? 0 : letter === "_" ? classes - 1 : letters.indexOf(letter) + 1;
    values[step * classes + at] = p;
  }
  return values;
}
/** Ten columns a step, with ink at letters, and at steps without where `ink` has a `#`. */
function pictureOf(steps: string, ink: string): LinePicture {
  const [width, height] = [10 * steps.length, 48];
  const values = new Float32Array(width * height);
  for (let x = 0; x < width; x++) {
    const step = Math.floor(x / 10);
    const hasInk = !"-_".includes(steps[step]!) || ink[step] === "#";
    if (hasInk) for (let y = 12; y < 30; y++) values[y * width + x] = 1;
  }
  return { values, width, height };
}
const read = (steps: string, { p = 0.9, ink = "" } = {}) =>
  readLine(probabilitiesOf(steps, p), [...steps].length, letters, pictureOf(steps, ink));

test("a letter that lasts is one, and comes twice only after a step without", () => {
  assert.equal(read("aabbc").text, "abc");
  assert.equal(read("a-a-b", { ink: " # #" }).text, "aab");
  assert.equal(read("-----").text, "");
});

test("a space that is read is kept, and columns without ink between two letters are one too", () => {
  assert.equal(read("ab_c").text, "ab c");
  assert.equal(read("ab-ca").text, "ab ca");
  // The letters are wide, or there is a picture behind them.
  assert.equal(read("ab-ca", { ink: "  #" }).text, "abca");
  assert.equal(read("中-中--中").text, "中中中");
});

test("how sure a line is, is the mean of its letters", () => {
  assert.ok(Math.abs(read("ab", { p: 0.7 }).confidence - 0.7) < 1e-6);
  assert.equal(read("---").confidence, 0);
});
