import assert from "node:assert/strict";
import { test } from "node:test";
import { findLines } from "./find-lines.ts";

/** A map of zeros with rectangles of a probability. */
function mapOf(
  rectangles: readonly (readonly [left: number, top: number, width: number, height: number, p: number])[],
) {
  const [width, height] = [100, 60];
  const values = new Float32Array(width * height);
  for (const [left, top, w, h, p] of rectangles)
    for (let y = top; y < top + h; y++) values.fill(p, y * width + left, y * width + left + w);
  return { width, height, values };
}

test("a line is its core, grown by the ratio of area to outline", () => {
  const [line] = findLines(mapOf([[20, 10, 40, 8, 0.9]]));
  const grow = (40 * 8 * 1.6) / (2 * 48);
  const expected = [(20 - grow) / 100, (10 - grow) / 60, (60 + grow) / 100, (18 + grow) / 60];
  const { left, top, right, bottom } = line!;
  for (const [i, value] of [left, top, right, bottom].entries())
    assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${value} ${expected[i]}`);
});

test("a line never leaves the picture", () => {
  const [line] = findLines(mapOf([[0, 0, 100, 60, 1]]));
  assert.deepEqual(line, { left: 0, top: 0, right: 1, bottom: 1 });
});

test("specks, hairlines and doubtful regions are no lines", () => {
  assert.deepEqual(findLines(mapOf([[5, 5, 3, 3, 1]])), []);
  assert.deepEqual(findLines(mapOf([[5, 5, 60, 2, 1]])), []);
  assert.deepEqual(findLines(mapOf([[5, 5, 40, 8, 0.4]])), []);
  assert.deepEqual(findLines(mapOf([])), []);
});

test("lines come from top to bottom, and from left to right in a row", () => {
  const lines = findLines(
    mapOf([
      [60, 11, 20, 8, 1],
      [10, 40, 20, 8, 1],
      [10, 10, 20, 8, 1],
    ]),
  );
  assert.deepEqual(
    lines.map(({ left, top }) => [left < 0.3, top < 0.4]),
    [
      [true, true],
      [false, true],
      [true, false],
    ],
  );
});
