import assert from "node:assert/strict";
import { test } from "node:test";
import { isFrontal } from "./find-faces.ts";

type Point = readonly [number, number];
/** 68 points with eyes and nose where they are put. */
function points(left: Point, right: Point, nose: Point): Point[] {
  const all: Point[] = Array.from({ length: 68 }, () => [50, 80]);
  all.fill(left, 36, 42).fill(right, 42, 48)[30] = nose;
  return all;
}

test("a face looks at the camera if the nose is between the eyes, and these are apart", () => {
  const width = 100;
  assert.ok(isFrontal(points([30, 40], [70, 40], [50, 60]), { width }));
  assert.ok(!isFrontal(points([30, 40], [70, 40], [66, 60]), { width }), "turned to the side");
  assert.ok(!isFrontal(points([45, 40], [65, 40], [55, 60]), { width }), "eyes too near to each other");
  assert.ok(isFrontal(points([40, 30], [60, 65], [38, 55]), { width }), "a tilted head");
});
