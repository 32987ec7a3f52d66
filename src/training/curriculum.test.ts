import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../util/random.ts";
import { nextPlace, type Place, startIn } from "./curriculum.ts";

const place = (steps: number, at = steps): Place => ({ video: 3, at, steps });

test("an instance is extended below the least steps and leaves above the most, for any draw", () => {
  for (const drawn of [0, 0.5, 0.999]) {
    for (let steps = 0; steps < 10; steps++)
      assert.deepEqual(
        nextPlace(place(steps), 100, () => drawn),
        place(steps + 1),
      );
    assert.equal(
      nextPlace(place(22), 100, () => drawn),
      null,
    );
  }
  assert.equal(
    nextPlace(place(12), 100, () => 0.129),
    null,
  );
  assert.deepEqual(
    nextPlace(place(12), 100, () => 0.131),
    place(13),
  );
});

test("an instance at the end of its video leaves it", () => {
  assert.equal(
    nextPlace(place(1, 4), 5, () => 0.9),
    null,
  );
});

test("an instance spends 16 steps a video on average, and between 11 and 23", () => {
  const random = seededRandom("curriculum");
  const spent = Array.from({ length: 4000 }, () => {
    let at: Place | null = startIn(0, 1000, random);
    let steps = 0;
    while (at !== null) {
      at = nextPlace(at, 1000, random);
      steps++;
    }
    return steps;
  });
  assert.deepEqual([Math.min(...spent), Math.max(...spent)], [11, 23]);
  // 11 + Σ_{k=1..12} 0.87^k = 11 + 0.87 · (1 − 0.87^12) / 0.13 = 16.4
  const mean = spent.reduce((a, b) => a + b) / spent.length;
  assert.ok(Math.abs(mean - 16.4) < 0.3, `${mean}`);
});

test("a start leaves room for the least steps where the video has them", () => {
  const random = seededRandom("starts");
  const starts = Array.from({ length: 500 }, () => startIn(7, 15, random).at);
  assert.deepEqual([Math.min(...starts), Math.max(...starts)], [0, 4]);
  assert.deepEqual(startIn(7, 3, random), { video: 7, at: 0, steps: 0 });
});
