import assert from "node:assert/strict";
import { test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { jpegSize } from "./jpeg.ts";

test("reads the size of a picture a codec made", () => {
  const jpeg = createCanvas(448, 252).toBuffer("image/jpeg");
  assert.deepEqual(jpegSize(jpeg), { width: 448, height: 252 });
});

test("reads over an application segment before the frame", () => {
  // SOI, APP1 of 4 bytes (length 4: itself and two more), SOF0 of 1 row and 2 columns.
  const bytes = [0xff, 0xd8, 0xff, 0xe1, 0, 4, 1, 1, 0xff, 0xc0, 0, 11, 8, 0, 1, 0, 2, 1, 1, 0x11, 0];
  assert.deepEqual(jpegSize(Uint8Array.from(bytes)), { width: 2, height: 1 });
});

for (const [what, bytes] of [
  ["nothing", []],
  ["a PNG", [0x89, 0x50, 0x4e, 0x47]],
  ["a header that is cut off", [0xff, 0xd8, 0xff, 0xe0, 0, 16]],
  ["a picture of no height", [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 0, 0, 2, 1, 1, 0x11, 0]],
] as const)
  test(`${what} has no size`, () => assert.equal(jpegSize(Uint8Array.from(bytes)), null));
