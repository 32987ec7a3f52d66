import assert from "node:assert/strict";
import { test } from "node:test";
import { speechStretches } from "./segments.ts";

/** Windows last 32 ms. */
const window = 0.032;
const chances = (...parts: readonly (readonly [windows: number, chance: number])[]) =>
  parts.flatMap(([windows, chance]) => Array.from({ length: windows }, () => chance));
const found = (given: readonly number[], rules = {}) =>
  speechStretches(given, given.length * window, { padding: 0, ...rules }).map(
    ({ startSeconds, endSeconds }) =>
      [Math.round(startSeconds / window), Math.round(endSeconds / window)] as const,
  );

test("a stretch begins at a high chance and ends where a low one lasts", () => {
  assert.deepEqual(found(chances([10, 0.1], [10, 0.9], [10, 0.1])), [[10, 20]]);
  // Between the two thresholds what is going on continues, and nothing begins.
  assert.deepEqual(found(chances([10, 0.4], [10, 0.9], [5, 0.4], [10, 0.1])), [[10, 25]]);
});

test("silence of less than a tenth of a second ends nothing", () => {
  assert.deepEqual(found(chances([10, 0.9], [3, 0.1], [10, 0.9])), [[0, 23]]);
  assert.deepEqual(found(chances([10, 0.9], [4, 0.1], [10, 0.9])), [
    [0, 10],
    [14, 24],
  ]);
});

test("a click is no speech", () => {
  assert.deepEqual(found(chances([10, 0.1], [7, 0.9], [10, 0.1])), []);
  assert.deepEqual(found(chances([10, 0.1], [8, 0.9], [10, 0.1])), [[10, 18]]);
});

test("speech lasts to the end of the sound where nothing ends it", () => {
  assert.deepEqual(found(chances([5, 0.1], [10, 0.9])), [[5, 15]]);
  assert.deepEqual(found(chances([5, 0.1], [10, 0.9], [1, 0.1])), [[5, 15]]);
});

test("padding keeps within the sound and does not overlap", () => {
  const given = chances([10, 0.9], [4, 0.1], [10, 0.9]);
  const [first, second] = speechStretches(given, given.length * window, { padding: 0.1 });
  assert.equal(first!.startSeconds, 0);
  assert.equal(first!.endSeconds, 12 * window);
  assert.equal(second!.startSeconds, 12 * window);
  assert.equal(second!.endSeconds, 24 * window);
});
