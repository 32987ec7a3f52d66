import assert from "node:assert/strict";
import { before, test } from "node:test";
import { tree } from "@jax-js/jax";
import { startDevice } from "../../engines/nano/device.ts";
import { memoryLength, stripsSeen, textLength } from "../../engines/nano/layout.ts";
import { initialWeights, type NanoConfig, nanoConfig, weightsFrom } from "../../engines/nano/network.ts";
import { seededRandom } from "../../util/random.ts";
import { tensorsOf } from "./checkpoint.ts";
import { Gradients, mostThreads, type PlainBatch } from "./gradients.ts";

const config: NanoConfig = {
  ...nanoConfig,
  ...{ width: 8, blocks: 2, heads: 2, hidden: 12, adapterBlock: 0, stripValues: 6, stripHidden: 4 },
};
const random = seededRandom("gradients");
const weights = () => weightsFrom(config, initialWeights(config, seededRandom("weights")));
const numbers = (length: number, next: () => number) => Array.from({ length }, next);
const token = () => Math.floor(random() * config.vocabulary);

const batches: PlainBatch[] = Array.from({ length: 3 }, () => ({
  count: 2,
  strips: Float32Array.from(numbers(2 * stripsSeen * config.width, () => 2 * random() - 1)),
  texts: Int32Array.from(numbers(2 * textLength, token)),
  answers: Int32Array.from(numbers(2 * memoryLength, token)),
  targets: Int32Array.from(numbers(2 * memoryLength, token)),
  weights: Float32Array.from(numbers(2 * memoryLength, random)),
}));

before(startDevice);

test("one thread and three give the same loss, gradient and log-probabilities to the last bit", async () => {
  const given = weights();
  const results = [];
  for (const threads of [1, 3]) {
    const gradients = new Gradients(config, threads);
    const { loss, slope } = await gradients.gradient(given, batches);
    const logprobs = await gradients.logprobs(given, batches);
    results.push({ loss, slope: await tensorsOf(slope), logprobs });
    tree.dispose(slope as never);
  }
  assert.deepEqual(results[0], results[1]);
  const [{ loss, logprobs }] = results as [(typeof results)[0]];
  const weighted = batches.flatMap((batch, b) => [...batch.weights].map((w, i) => w * logprobs[b]![i]!));
  assert.ok(Math.abs(loss + weighted.reduce((a, b) => a + b)) < 1e-3 * loss);
  tree.dispose(given as never);
});

test("threads see the weights of each call, and a failed one reports its failure and is replaced", async () => {
  const [first, second] = [weights(), weightsFrom(config, initialWeights(config, random))];
  const threaded = new Gradients(config, 2);
  const alone = new Gradients(config, 1);
  for (const given of [first, second])
    assert.deepEqual(await threaded.logprobs(given, batches), await alone.logprobs(given, batches));

  const broken = { ...batches[1]!, texts: null as never };
  await assert.rejects(threaded.logprobs(first, [batches[0]!, broken]), { code: "worker-failed" });
  assert.deepEqual(await threaded.logprobs(first, batches), await alone.logprobs(first, batches));
});

test("as many threads as processors, up to four for their memory; a GPU is fed by one", () => {
  assert.deepEqual(
    [1, 2, 4, 32].map((processors) => mostThreads("wasm", processors)),
    [1, 2, 4, 4],
  );
  assert.equal(mostThreads("webgpu", 32), 1);
});
