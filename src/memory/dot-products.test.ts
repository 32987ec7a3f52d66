import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../util/random.ts";
import { DotProducts } from "./dot-products.ts";

const lengthOf = (vector: Float32Array) => Math.hypot(...vector);

for (const dimension of [1, 8, 13, 256, 640]) {
  test(`products of ${dimension} numbers differ from exact ones by at most the slack`, () => {
    const random = seededRandom(`dots ${dimension}`);
    const draw = () => new Float32Array(dimension).map(() => random() - 0.5);
    const products = new DotProducts(dimension);
    // More than one batch, and more than the first page of memory.
    const vectors = Array.from({ length: 1500 }, draw);
    for (const [i, vector] of vectors.entries()) products.set(i, vector, lengthOf(vector));
    const asked = draw();
    const seen: number[] = [];
    products.each(asked, lengthOf(asked), vectors.length, (i, product) => {
      const vector = vectors[i]!;
      const exact = vector.reduce((sum, value, d) => sum + value * asked[d]!, 0);
      const cosine = exact / lengthOf(vector) / lengthOf(asked);
      assert.ok(Math.abs(cosine - product) <= products.slack, `${i}: ${cosine} and ${product}`);
      seen.push(i);
    });
    assert.deepEqual(seen, [...vectors.keys()]);
    assert.ok(products.slack < 0.001);
  });
}

test("the product of a vector with itself and its opposite is 1 and -1, where integers reach their limits", () => {
  const products = new DotProducts(16);
  const axis = new Float32Array(16);
  axis[3] = 2;
  const even = new Float32Array(16).fill(0.25);
  products.set(0, axis, 2);
  products.set(1, even, 1);
  products.set(
    2,
    even.map((value) => -value),
    1,
  );
  const found: number[] = [];
  products.each(axis, 2, 1, (_, product) => found.push(product));
  products.each(even, 1, 3, (_, product) => found.push(product));
  const rounded = found.map((value) => Math.round(value * 1000) / 1000);
  assert.deepEqual(rounded, [1, 0.25, 1, -1]);
});
