import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHalf, toHalf } from "./half.ts";

test("known numbers have the bits of the standard", () => {
  // 1 is exponent 15 and no fraction; 65504 the largest; 2^-24 the smallest; 1/3 is 0x3555.
  const values = Float32Array.of(0, 1, -2, 65504, 2 ** -24, 1 / 3, 2 ** -14, 1e6);
  assert.deepEqual([...toHalf(values)], [0, 0x3c00, 0xc000, 0x7bff, 1, 0x3555, 0x0400, 0x7c00]);
});

test("every 16-bit number survives the round trip", () => {
  const bits = Uint16Array.from({ length: 0x7c01 }, (_, i) => i).filter((half) => half !== 0);
  const negative = bits.map((half) => half | 0x8000);
  assert.deepEqual(toHalf(fromHalf(bits)), bits);
  assert.deepEqual(toHalf(fromHalf(negative)), negative);
});

test("a number between two is rounded to the nearer, halfway to the even one", () => {
  // Beside 1 the steps are 2^-10.
  const step = 2 ** -10;
  const values = Float32Array.of(1 + 0.4 * step, 1 + 0.6 * step, 1 + 0.5 * step, 1 + 1.5 * step);
  assert.deepEqual([...fromHalf(toHalf(values))], [1, 1 + step, 1, 1 + 2 * step]);
});
