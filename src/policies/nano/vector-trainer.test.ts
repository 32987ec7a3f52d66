import assert from "node:assert/strict";
import { before, test } from "node:test";
import { memoryExample } from "../../../scripts/nano/examples.ts";
import { Decoder } from "../../engines/nano/decode.ts";
import { startDevice } from "../../engines/nano/device.ts";
import { stripsSeen, textSlots } from "../../engines/nano/layout.ts";
import { initialWeights, type NanoConfig, nanoConfig, weightsFrom } from "../../engines/nano/network.ts";
import { createEpisode } from "../../household/world.ts";
import { seededRandom } from "../../util/random.ts";
import type { NanoSample } from "./sample-arrays.ts";
import { NanoVectorTrainer } from "./vector-trainer.ts";

const middle: NanoConfig = { ...nanoConfig, width: 8, blocks: 3, heads: 2, hidden: 12, adapterBlock: 1 };
const small = { ...middle, stripValues: 6, stripHidden: 4 };
const start = Float32Array.of(0.5, -1, 2, 0, 0.25, 1, -0.5, 0.1);

before(startDevice);

/** Two answers sampled with the vector, and their log-probabilities as the decoder has them. */
async function sampled(config: NanoConfig) {
  const weights = weightsFrom(config, initialWeights(config, seededRandom("weights")));
  const random = seededRandom("samples");
  const [first, second] = createEpisode("train-0", 2).clips;
  const texts = textSlots(memoryExample(second!, [first!], random));
  const strips = Float32Array.from({ length: stripsSeen * config.width }, () => 2 * random() - 1);
  const [answers] = await new Decoder(config).decode(
    weights,
    { strips, texts, count: 1 },
    { samples: 2, temperature: 1, random, vectors: Float32Array.from(start) },
  );
  const samples: NanoSample[] = answers!.map(({ tokens }) => ({ strips, texts, tokens }));
  return { weights, samples, answers: answers! };
}

for (const config of [small, { ...small, adapterBlock: 2 }]) {
  const where = `vector after block ${config.adapterBlock} of ${config.blocks}`;

  test(`log-probabilities are those the answers were sampled with, ${where}`, async () => {
    const { weights, samples, answers } = await sampled(config);
    const logprobs = await new NanoVectorTrainer(config, weights, start).logprobs(samples);
    for (const [i, { logprobs: expected }] of answers.entries()) {
      assert.equal(logprobs[i]!.length, expected.length);
      for (const [t, value] of expected.entries()) assert.ok(Math.abs(logprobs[i]![t]! - value) < 1e-4);
    }
  });

  test(`a step goes down the slope that finite differences measure, ${where}`, async () => {
    const { weights, samples } = await sampled(config);
    const weight = [1, -0.5];
    const objective = async (vector: Float32Array) => {
      const logprobs = await new NanoVectorTrainer(config, weights, vector).logprobs(samples);
      return logprobs.reduce((sum, values, i) => sum + weight[i]! * values.reduce((a, b) => a + b), 0);
    };
    const distance = 1e-2;
    const slope: number[] = [];
    for (let d = 0; d < config.width; d++) {
      const moved = (by: number) => start.map((value, i) => (i === d ? value + by : value));
      slope.push(((await objective(moved(distance))) - (await objective(moved(-distance)))) / (2 * distance));
    }
    const trainer = new NanoVectorTrainer(config, weights, start);
    await trainer.accumulate(
      samples,
      samples.map(({ tokens }, i) => new Float32Array(tokens.length).fill(weight[i]!)),
    );
    const { gradientNorm } = await trainer.step({ learningRate: 0.01 });
    assert.ok(Math.abs(gradientNorm - Math.hypot(...slope)) < 0.02 * gradientNorm);
    const { values, indices, space } = await trainer.snapshot();
    assert.equal(space, `residual:nano@${config.adapterBlock}`);
    // Adam's first step is the learning rate against the slope's sign.
    for (const [k, d] of indices.entries())
      if (Math.abs(slope[d]!) > 0.02)
        assert.ok(Math.abs(values[k]! - (start[d]! - 0.01 * Math.sign(slope[d]!))) < 1e-4);
  });
}

test("a step uses up the accumulated gradient", async () => {
  const { weights, samples } = await sampled(small);
  const trainer = new NanoVectorTrainer(small, weights);
  await trainer.accumulate(
    samples,
    samples.map(({ tokens }) => new Float32Array(tokens.length).fill(1)),
  );
  assert.ok((await trainer.step({ learningRate: 0.01 })).gradientNorm > 0);
  assert.equal((await trainer.step({ learningRate: 0 })).gradientNorm, 0);
});
