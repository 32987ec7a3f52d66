import assert from "node:assert/strict";
import { test } from "node:test";
import { momentsOf, turnsOf, unit, voicesOf, windowsOf } from "./turns.ts";

const [a, b] = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)];
const mixed = unit(Float32Array.of(1, 1, 0));
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const second = (i: number) => ({ startSeconds: i, endSeconds: i + 1 });

test("windows overlap within their stretch, and a short stretch is one", () => {
  const spans = windowsOf(
    [
      { startSeconds: 1, endSeconds: 3 },
      { startSeconds: 5, endSeconds: 5.5 },
    ],
    {
      ...{ length: 1.5, step: 0.25 },
    },
  );
  assert.deepEqual(
    spans.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    [
      [1, 2.5],
      [1.25, 2.75],
      [1.5, 3],
      [5, 5.5],
    ],
  );
});

test("moments cover a stretch without overlap, each with a window inside it", () => {
  const moments = momentsOf([{ startSeconds: 0, endSeconds: 1.25 }], { length: 1, step: 0.5 });
  assert.deepEqual(
    moments.map(({ moment, around }) => [moment.startSeconds, moment.endSeconds, around.startSeconds]),
    [
      [0, 0.5, 0],
      [0.5, 1, 0.25],
      [1, 1.25, 0.25],
    ],
  );
});

test("voices are told apart, and windows of two at once make no third", () => {
  // Windows begin every 0.4 s: five of a voice are its two seconds.
  assert.deepEqual(voicesOf([...times(5, a), ...times(5, b), mixed]).length, 2);
  assert.deepEqual(voicesOf([...times(5, a), ...times(4, b)]), [a]);
  assert.deepEqual(voicesOf([a]), [a]);
  assert.deepEqual(voicesOf([]), []);
});

test("a voice lasts unless another is clearly likelier, and voices are numbered as they are heard", () => {
  const moments = Array.from({ length: 6 }, (_, i) => second(i));
  // What leans by less than it costs to change and back, 0.3, is of the voice around it.
  const doubtful = unit(Float32Array.of(0.6, 0.8, 0));
  assert.deepEqual(turnsOf(moments, [b, b, a, doubtful, a, a], [a, b]), [
    { startSeconds: 0, endSeconds: 2, voice: 0 },
    { startSeconds: 2, endSeconds: 6, voice: 1 },
  ]);
  assert.deepEqual(
    turnsOf([second(0), second(1), second(7)], [a, a, a], [a, b]).map(({ startSeconds }) => startSeconds),
    [0, 7],
  );
});
