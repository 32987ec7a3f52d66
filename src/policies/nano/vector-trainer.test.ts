import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { memoryExample } from "../../../scripts/nano/examples.ts";
import { temporaryFolder } from "../../../test/support/memory.ts";
import { Decoder } from "../../engines/nano/decode.ts";
import { startDevice } from "../../engines/nano/device.ts";
import { numpy as np, tree } from "../../engines/nano/jax.ts";
import { answerSlots, memoryLength, stripsSeen, textLength, textSlots } from "../../engines/nano/layout.ts";
import {
  initialWeights,
  type NanoConfig,
  nanoConfig,
  streamBelow,
  weightsFrom,
} from "../../engines/nano/network.ts";
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

const vectorOf = async (trainer: NanoVectorTrainer) => {
  const { indices, values } = await trainer.snapshot();
  const vector = new Float32Array(small.width);
  for (const [k, d] of indices.entries()) vector[d] = values[k]!;
  return vector;
};
const near = (actual: number, expected: number, within = 1e-3) =>
  assert.ok(Math.abs(actual - expected) <= within * Math.abs(expected), `${actual}, not ${expected}`);

test("steps are Adam's, of a gradient that is clipped to its norm", async () => {
  const { weights, samples } = await sampled(small);
  const steps = async (...all: readonly (readonly [factor: number, rate: number, most?: number])[]) => {
    const trainer = new NanoVectorTrainer(small, weights, start);
    const reports = [];
    for (const [factor, learningRate, maxGradientNorm] of all) {
      await trainer.accumulate(
        samples,
        samples.map(({ tokens }) => new Float32Array(tokens.length).fill(factor)),
      );
      reports.push(
        await trainer.step({ learningRate, ...(maxGradientNorm !== undefined && { maxGradientNorm }) }),
      );
    }
    const moved = (await vectorOf(trainer)).map((value, d) => value - start[d]!);
    return { reports, moved };
  };
  const once = await steps([1, 0.01]);
  const norm = once.reports[0]!.gradientNorm;
  // At a rate of 0 the slope g stays: Adam sees 1, −3 and 0.5 times g. Its moments are −0.139 · g / 0.271 and
  // 0.010239 · g² / 0.002997, so each number moves 0.2775 times the rate, the other way than in a single step.
  const thrice = await steps([1, 0], [-3, 0], [0.5, 0.01]);
  near(thrice.reports[1]!.gradientNorm, 3 * norm);
  for (const [d, change] of thrice.moved.entries()) near(change, -0.2775 * once.moved[d]!);
  near(thrice.reports[2]!.updateNorm, 0.002775 * Math.sqrt(small.width));
  near(thrice.reports[2]!.adapterNorm!, Math.hypot(...start.map((value, d) => value + thrice.moved[d]!)));
  // Clipped, the second is −1 times g: −0.01 · g / 0.19 and g².
  const clipped = await steps([1, 0], [-3, 0.01, norm]);
  near(clipped.reports[1]!.gradientNorm, 3 * norm);
  for (const [d, change] of clipped.moved.entries()) near(change, -0.05263 * once.moved[d]!);
});

test("more samples than one pass holds are each counted once", async () => {
  const { weights, samples } = await sampled(small);
  const many = Array.from({ length: 35 }, (_, i) => ({ ...samples[i % 2]! }));
  const trainer = new NanoVectorTrainer(small, weights, start);
  const two = await trainer.logprobs(samples);
  for (const [i, values] of (await trainer.logprobs(many)).entries())
    for (const [t, value] of values.entries()) near(value, two[i % 2]![t]!);
  const gradientOf = async (some: readonly NanoSample[], weightOf: (i: number) => number) => {
    await trainer.accumulate(
      some,
      some.map(({ tokens }, i) => new Float32Array(tokens.length).fill(weightOf(i))),
    );
    return (await trainer.step({ learningRate: 0 })).gradientNorm;
  };
  // The first answer stands there 18 times and the second 17.
  near(
    await gradientOf(many, (i) => (i % 2 === 0 ? 1 : -0.5)),
    await gradientOf(samples, (i) => (i === 0 ? 18 : -8.5)),
  );
});

test("the length of the stream is its mean over the positions of the answers", async () => {
  const { weights, samples } = await sampled(small);
  const trainer = new NanoVectorTrainer(small, weights, start);
  const [first, second] = samples as [NanoSample, NanoSample];
  const below = streamBelow(small, tree.ref(weights as never) as typeof weights, {
    strips: np.array(first.strips, { shape: [1, stripsSeen, small.width] }),
    texts: np.array(first.texts, { shape: [1, textLength] }),
    answers: np.array(Int32Array.from(answerSlots(first.tokens, memoryLength).inputs), {
      shape: [1, memoryLength],
    }),
  });
  const values = (await below.data()) as Float32Array;
  const lengths = first.tokens.map((_, t) => {
    const from = values.length - (memoryLength - t) * small.width;
    return Math.hypot(...values.subarray(from, from + small.width));
  });
  const sum = lengths.reduce((a, b) => a + b);
  near(await trainer.streamNorm([first]), sum / lengths.length, 1e-4);
  const other = (await trainer.streamNorm([second])) * second.tokens.length;
  near(
    await trainer.streamNorm([first, second]),
    (sum + other) / (lengths.length + second.tokens.length),
    1e-4,
  );
  assert.equal(await trainer.streamNorm([]), 0);
});

test("a trainer resumes from a file to the same vector, and refuses that of another place", async () => {
  const { weights, samples } = await sampled(small);
  const path = join(temporaryFolder("vector"), "state.json");
  const step = async (trainer: NanoVectorTrainer) => {
    await trainer.accumulate(
      samples,
      samples.map(({ tokens }, i) => new Float32Array(tokens.length).fill(i === 0 ? 1 : -2)),
    );
    await trainer.step({ learningRate: 0.1 });
  };
  const calm = new NanoVectorTrainer(small, weights, start);
  await step(calm);
  await calm.save(path);
  const again = new NanoVectorTrainer(small, weights);
  await again.accumulate(samples.slice(0, 1), [new Float32Array(samples[0]!.tokens.length).fill(9)]);
  await again.load(path);
  assert.deepEqual(await vectorOf(again), await vectorOf(calm));
  await step(calm);
  await step(again);
  assert.deepEqual(await vectorOf(again), await vectorOf(calm));
  const elsewhere = { ...small, adapterBlock: 2 };
  await assert.rejects(new NanoVectorTrainer(elsewhere, weights).load(path), { code: "checkpoint-broken" });
});
