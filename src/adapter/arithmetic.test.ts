import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, DataError } from "../errors.ts";
import type { RemoteAdapter, VectorAdapter } from "./adapter.ts";
import {
  adapterNorm,
  blendAdapters,
  createAdapter,
  rescaleAdapter,
  scaleAdapter,
  weightsOf,
  withRevision,
} from "./arithmetic.ts";

const space = "words:test";
const make = (...weights: [number, number][]) => createAdapter(space, 16, weights);
/** ‖(3, −4)‖ = 5. */
const five = make([2, 3], [7, -4]);
const doubled = (adapter: VectorAdapter) =>
  withRevision({ ...adapter, values: adapter.values.map((value) => 2 * value), scale: adapter.scale / 2 });

describe("creating an adapter", () => {
  test("orders weights by index, adds up those of one index and leaves zeros out", () => {
    const adapter = make([9, 1], [2, 0.5], [9, 2], [4, 1], [4, -1]);
    assert.deepEqual([...adapter.indices], [2, 9]);
    assert.deepEqual([...adapter.values], [0.5, 3]);
    assert.equal(adapter.scale, 1);
  });

  test("refuses weights that are not finite and indices outside the space", () => {
    for (const weight of [Number.NaN, Infinity, 1e300]) assert.throws(() => make([1, weight]), DataError);
    for (const place of [16, -1]) assert.throws(() => make([place, 1]), DataError);
    assert.throws(() => createAdapter(space, 0, []), DataError);
  });

  test("refuses given values with unordered indices or a scale that is not finite", () => {
    assert.throws(() => withRevision({ ...five, indices: Int32Array.of(7, 2) }), DataError);
    assert.throws(() => withRevision({ ...five, indices: Int32Array.of(2, 2) }), DataError);
    assert.throws(() => withRevision({ ...five, indices: Int32Array.of(2) }), DataError);
    assert.throws(() => withRevision({ ...five, scale: Number.NaN }), DataError);
  });
});

describe("the revision", () => {
  test("depends only on what is added: 2 × (s, 0.5) equals (s, 1), and all at scale 0 equal the empty one", () => {
    assert.equal(doubled(five).revision, five.revision);
    assert.deepEqual(weightsOf(doubled(five)), weightsOf(five));
    assert.equal(scaleAdapter(five, 0).revision, make().revision);
  });

  test("changes with a value, an index, the scale, the space and the dimension", () => {
    const others = [
      make([2, 3], [7, 4]),
      make([3, 3], [7, -4]),
      scaleAdapter(five, 1.5),
      createAdapter("words:other", 16, [
        [2, 3],
        [7, -4],
      ]),
      createAdapter(space, 32, [
        [2, 3],
        [7, -4],
      ]),
    ];
    assert.equal(new Set([five, ...others].map(({ revision }) => revision)).size, 6);
  });
});

describe("scaling", () => {
  test("multiplies the norm, and scaling back restores the adapter", () => {
    assert.equal(adapterNorm(five), 5);
    assert.equal(adapterNorm(scaleAdapter(five, 1.5)), 7.5);
    assert.deepEqual(scaleAdapter(scaleAdapter(five, 4), 0.25), five);
    assert.throws(() => scaleAdapter(five, Number.NaN), DataError);
  });

  test("to a norm keeps the direction at any scale", () => {
    for (const scale of [1, 0.2, -3]) {
      const rescaled = rescaleAdapter(scaleAdapter(five, scale), 0.3);
      assert.ok(Math.abs(adapterNorm(rescaled) - 0.3) < 1e-12);
      const [[, first], [, second]] = weightsOf(rescaled) as [[number, number], [number, number]];
      assert.ok(Math.abs(first / second + 3 / 4) < 1e-12);
      assert.equal(Math.sign(first), Math.sign(scale));
    }
  });

  test("to a norm is refused without a direction or a norm", () => {
    assert.throws(() => rescaleAdapter(make(), 1), DataError);
    assert.throws(() => rescaleAdapter(scaleAdapter(five, 0), 1), DataError);
    assert.throws(() => rescaleAdapter(five, -1), RangeError);
  });
});

describe("blending", () => {
  const other = scaleAdapter(make([2, 1], [3, 8]), 0.5);

  test("weighs what both add by the second's share", () => {
    // 0.75 · (3, 0, −4) + 0.25 · (0.5, 4, 0) at places 2, 3 and 7
    assert.deepEqual(weightsOf(blendAdapters(five, other, 0.25)), [
      [2, 2.375],
      [3, 1],
      [7, -3],
    ]);
  });

  test("gives the adapters themselves at the ends, and an empty one for opposites in the middle", () => {
    assert.equal(blendAdapters(five, other, 0), five);
    assert.equal(blendAdapters(five, other, 1), other);
    assert.equal(blendAdapters(five, scaleAdapter(five, -1), 0.5).revision, make().revision);
  });

  test("is refused across spaces and dimensions, and for a share out of range", () => {
    assert.throws(() => blendAdapters(five, createAdapter("words:other", 16, []), 0.5), ConfigError);
    assert.throws(() => blendAdapters(five, createAdapter(space, 32, []), 0.5), ConfigError);
    for (const share of [-0.1, 1.1, Number.NaN])
      assert.throws(() => blendAdapters(five, other, share), RangeError);
  });
});

test("a remote adapter has the norm it states, and is refused by all other arithmetic", () => {
  const remote: RemoteAdapter = {
    ...{ kind: "remote", revision: "r1", space: "weights:small", uri: "http://engine/adapters/1" },
    ...{ format: "lora", norm: 2 },
  };
  assert.equal(adapterNorm(remote), 2);
  assert.equal(adapterNorm({ ...remote, norm: null }), null);
  for (const act of [
    () => scaleAdapter(remote, 2),
    () => rescaleAdapter(remote, 1),
    () => blendAdapters(five, remote, 0.5),
    () => blendAdapters(remote, five, 0),
    () => weightsOf(remote),
  ])
    assert.throws(
      act,
      (error) =>
        error instanceof ConfigError &&
        error.code === "adapter-remote" &&
        error.message.includes("http://engine/adapters/1"),
    );
});
