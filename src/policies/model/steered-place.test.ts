import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockAgreement, OpenedModel, TorchEngine, TorchSample } from "../../engines/torch/index.ts";
import { agreeingBlock, blockAt } from "./steered-place.ts";

type Asked = Parameters<TorchEngine["agreement"]>;

/** An engine of eight blocks that tells these agreements, and what it was asked. */
function engineOf(found: readonly (BlockAgreement | null)[]) {
  const asked: Asked[] = [];
  const engine = {
    about: { blocks: 8 } as OpenedModel,
    agreement: async (...request: Asked) => {
      asked.push(request);
      return [...found];
    },
  };
  return { engine, asked };
}

const sample = (...ids: number[]): TorchSample => ({ prompt: "p", ids: Int32Array.from(ids) });
const [best, worse, worst, other, beaten] = [sample(1), sample(2, 3), sample(4), sample(5), sample(6)];
const pairs = [
  { context: "a", chosen: best, rejected: worse },
  { context: "a", chosen: best, rejected: worst },
  { context: "b", chosen: other, rejected: beaten },
];
const norms = [1, 1] as const;

test("a share of the depth is a block, and a number is itself", () => {
  const { engine } = engineOf([]);
  assert.deepEqual(
    [blockAt({ share: 0.5 }, engine), blockAt({ share: 1 }, engine), blockAt(6, engine)],
    [4, 7, 6],
  );
  // The paper's block 22 of 48.
  assert.equal(blockAt("agree", engine), 3);
  assert.equal(blockAt("agree", { about: { ...engine.about, blocks: 48 } }), 22);
});

test("the block is the one where halves agree most, of those that have a direction", async () => {
  const empty = { cosine: 0.9, norms: [0, 1] as const };
  const { engine, asked } = engineOf([
    null,
    { cosine: 0.2, norms },
    empty,
    { cosine: 0.4, norms },
    { cosine: -0.9, norms },
  ]);
  assert.deepEqual(await agreeingBlock(engine, pairs, "answer"), { block: 3, agreement: 0.4 });
  const [samples, weights, halves, at] = asked[0]!;
  // Each text once; a context weighs 1 whatever its pairs: its best text stands in both, each other text in one of two.
  assert.deepEqual(samples, [best, worse, worst, other, beaten]);
  assert.deepEqual(
    weights.map((own) => [...own]),
    [[-1], [0.5, 0.5], [0.5], [-1], [1]],
  );
  assert.deepEqual([halves, at], [[0, 0, 0, 1, 1], "answer"]);
});

test("every other context is of a half, the first of two blocks that agree alike is taken", async () => {
  const alike = [0.4, 0.4].map((cosine) => ({ cosine, norms }));
  const { engine, asked } = engineOf(alike);
  // Pairs without a name are contexts of their own.
  const own = [best, other, worse].map((chosen, i) => ({ chosen, rejected: [worst, beaten, sample(7)][i]! }));
  assert.deepEqual(await agreeingBlock(engine, own, "all"), { block: 0, agreement: 0.4 });
  assert.deepEqual(asked[0]![2], [0, 0, 1, 1, 0, 0]);
});

test("six pairs of each of 48 contexts are measured", async () => {
  const { engine, asked } = engineOf([{ cosine: 0.1, norms }]);
  const many = Array.from({ length: 50 }, (_, c) =>
    Array.from({ length: 8 }, (_, p) => ({
      ...{ context: `${c}`, chosen: sample(c, p, 1), rejected: sample(c, p, 2) },
    })),
  ).flat();
  await agreeingBlock(engine, many, "all");
  const [samples, weights] = asked[0]!;
  assert.equal(samples.length, 48 * 6 * 2);
  assert.ok(weights.every((own) => Math.abs(Math.abs(own[0]!) - 1 / 6) < 1e-6));
});

test("one context agrees with nothing: the depth is the paper's, and no pass is made", async () => {
  const { engine, asked } = engineOf([]);
  assert.deepEqual(await agreeingBlock(engine, pairs.slice(0, 2), "all"), { block: 3, agreement: null });
  assert.equal(asked.length, 0);
});
