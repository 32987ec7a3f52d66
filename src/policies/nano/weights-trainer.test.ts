import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { tree } from "@jax-js/jax";
import { memoryExample } from "../../../scripts/nano/examples.ts";
import { Decoder } from "../../engines/nano/decode.ts";
import { startDevice } from "../../engines/nano/device.ts";
import { stripsSeen, textSlots } from "../../engines/nano/layout.ts";
import {
  initialWeights,
  type NanoConfig,
  nanoConfig,
  type Weights,
  weightsFrom,
} from "../../engines/nano/network.ts";
import { readWeights } from "../../engines/nano/weights-file.ts";
import { createEpisode } from "../../household/world.ts";
import { seededRandom } from "../../util/random.ts";
import { tensorsOf } from "./checkpoint.ts";
import type { NanoSample } from "./sample-arrays.ts";
import { NanoWeightsTrainer } from "./weights-trainer.ts";

const config: NanoConfig = {
  ...nanoConfig,
  ...{ width: 8, blocks: 2, heads: 2, hidden: 12, adapterBlock: 0, stripValues: 6, stripHidden: 4 },
};
const folder = mkdtempSync(join(tmpdir(), "nano-trainer-"));
const values = initialWeights(config, seededRandom("weights"));

before(startDevice);

const trainerOf = (changed: Partial<typeof values> = {}) =>
  new NanoWeightsTrainer(
    config,
    weightsFrom(config, { ...values, ...changed } as typeof values),
    join(folder, "nano.safetensors"),
  );

/** Two answers, sampled, and their log-probabilities as the decoder has them. */
async function sampled() {
  const random = seededRandom("samples");
  const [first, second] = createEpisode("train-0", 2).clips;
  const texts = textSlots(memoryExample(second!, [first!], random));
  const strips = Float32Array.from({ length: stripsSeen * config.width }, () => 2 * random() - 1);
  const weights: Weights = weightsFrom(config, values);
  const [answers] = await new Decoder(config).decode(
    weights,
    { strips, texts, count: 1 },
    { samples: 2, temperature: 1, random },
  );
  tree.dispose(weights as never);
  const samples: NanoSample[] = answers!.map(({ tokens }) => ({ strips, texts, tokens }));
  return { samples, answers: answers! };
}

const weightsPer = (samples: readonly NanoSample[], each: readonly number[]) =>
  samples.map(({ tokens }, i) => new Float32Array(tokens.length).fill(each[i]!));

test("log-probabilities are those the answers were sampled with", async () => {
  const { samples, answers } = await sampled();
  const logprobs = await trainerOf().logprobs(samples);
  for (const [i, { logprobs: expected }] of answers.entries())
    for (const [t, value] of expected.entries()) assert.ok(Math.abs(logprobs[i]![t]! - value) < 1e-4);
});

test("the gradient is the one that finite differences measure, and a step goes down it", async () => {
  const { samples } = await sampled();
  const each = [1, -0.5];
  const objective = async (trainer: NanoWeightsTrainer) =>
    (await trainer.logprobs(samples)).reduce(
      (sum, own, i) => sum + each[i]! * own.reduce((a, b) => a + b),
      0,
    );
  const name = "block.1.mlpIn";
  const distance = 1e-2;
  const slopeAt = async (place: number) => {
    const moved = (by: number) =>
      trainerOf({ [name]: values[name]!.map((value, i) => (i === place ? value + by : value)) });
    return ((await objective(moved(distance))) - (await objective(moved(-distance)))) / (2 * distance);
  };

  const trainer = trainerOf();
  const before = await tensorsOf(trainer.weights);
  await trainer.accumulate(samples, weightsPer(samples, each));
  const { gradientNorm, updateNorm } = await trainer.step({ learningRate: 1e-3 });
  const after = await tensorsOf(trainer.weights);
  assert.ok(gradientNorm > 0 && updateNorm > 0);
  // Adam's first step is the learning rate against the slope's sign: along it the objective falls.
  assert.ok((await objective(trainer)) < (await objective(trainerOf())));
  assert.deepEqual(after["patch.in"], before["patch.in"], "the patch MLP is frozen");

  let compared = 0;
  for (let place = 0; place < 48; place += 4) {
    const slope = await slopeAt(place);
    if (Math.abs(slope) < 0.02) continue;
    const change = after[name]!.values[place]! - before[name]!.values[place]!;
    assert.equal(Math.sign(change), -Math.sign(slope), `at ${place}: slope ${slope}, moved ${change}`);
    compared += 1;
  }
  assert.ok(compared >= 4, `${compared} slopes are clear enough to compare`);
});

test("a gradient above the norm is clipped; an empty one changes nothing", async () => {
  const { samples } = await sampled();
  const trainer = trainerOf();
  assert.deepEqual(await trainer.step({ learningRate: 1 }), { gradientNorm: 0, updateNorm: 0 });
  await trainer.accumulate(samples, weightsPer(samples, [0, 0]));
  assert.deepEqual(await trainer.step({ learningRate: 1 }), { gradientNorm: 0, updateNorm: 0 });
  await trainer.accumulate(samples, weightsPer(samples, [1, 1]));
  await trainer.accumulate(samples, weightsPer(samples, [-1, -1]));
  assert.ok((await trainer.step({ learningRate: 0 })).gradientNorm < 1e-4, "opposite gradients cancel out");
});

test("steps are Adam's, of a gradient that is clipped to its norm; the reference stays", async () => {
  const { samples } = await sampled();
  const name = "block.1.mlpIn";
  const steps = async (...all: readonly (readonly [factor: number, rate: number, most?: number])[]) => {
    const trainer = trainerOf();
    const reports = [];
    for (const [factor, learningRate, maxGradientNorm] of all) {
      await trainer.accumulate(samples, weightsPer(samples, [factor, factor]));
      reports.push(
        await trainer.step({ learningRate, ...(maxGradientNorm !== undefined && { maxGradientNorm }) }),
      );
    }
    const after = (await tensorsOf(trainer.weights))[name]!.values;
    return { trainer, reports, moved: [...after].map((value, i) => value - values[name]![i]!) };
  };
  const once = await steps([1, 0.01]);
  const norm = once.reports[0]!.gradientNorm;
  // At a rate of 0 the slope stays; the second, of −3 times it, is clipped to −1: Adam moves −0.01 / 0.19 of a first step.
  const clipped = await steps([1, 0], [-3, 0.01, norm]);
  assert.ok(Math.abs(clipped.reports[1]!.gradientNorm / norm - 3) < 1e-3);
  const clear = once.moved.flatMap((change, i) => (Math.abs(change) > 0.0099 ? [i] : []));
  assert.ok(clear.length > 20, `${clear.length} of ${once.moved.length} moved by the rate`);
  for (const i of clear) assert.ok(Math.abs(clipped.moved[i]! / once.moved[i]! + 0.05263) < 2e-3);
  assert.ok(Math.abs(clipped.reports[1]!.updateNorm / once.reports[0]!.updateNorm - 0.05263) < 2e-3);
  assert.deepEqual([once.trainer.steps, clipped.trainer.steps], [1, 2]);
  const untrained = await trainerOf().logprobs(samples);
  assert.deepEqual(await clipped.trainer.reference(samples), untrained);
  assert.notDeepEqual(await clipped.trainer.logprobs(samples), untrained);
});

test("more samples than one pass holds are each counted once, and those of no weight not at all", async () => {
  const { samples } = await sampled();
  const many = Array.from({ length: 19 }, (_, i) => samples[i % 2]!);
  const trainer = trainerOf();
  const two = await trainer.logprobs(samples);
  for (const [i, own] of (await trainer.logprobs(many)).entries())
    for (const [t, value] of own.entries()) assert.ok(Math.abs(value - two[i % 2]![t]!) < 1e-4);
  const gradientOf = async (some: readonly NanoSample[], each: readonly number[]) => {
    await trainer.accumulate(some, weightsPer(some, each));
    return (await trainer.step({ learningRate: 0 })).gradientNorm;
  };
  const weighed = many.map((_, i) => (i < 2 ? 0 : i % 2 === 0 ? 1 : -0.5));
  // Without the first two, the first answer stands there nine times and the second eight.
  const [whole, expected] = [await gradientOf(many, weighed), await gradientOf(samples, [9, -4])];
  assert.ok(Math.abs(whole / expected - 1) < 1e-3, `${whole}, not ${expected}`);
});

test("a checkpoint of another network is refused, and a snapshot is what it says", async () => {
  const path = join(folder, "other");
  const other = { ...config, hidden: 16 };
  const weights = weightsFrom(other, initialWeights(other, seededRandom("weights")));
  await new NanoWeightsTrainer(other, weights, join(folder, "other.safetensors")).save(path);
  const trainer = trainerOf();
  await assert.rejects(trainer.load(path), { code: "weights-broken", message: /of another network/ });
  const { kind, revision, path: written } = await trainer.snapshot();
  assert.deepEqual([kind, written], ["checkpoint", join(folder, "nano.safetensors")]);
  const { checksum, tensors } = readWeights(written);
  assert.equal(revision, checksum);
  // 16 bits hold three digits.
  for (const [name, { values: kept }] of Object.entries(tensors))
    for (const [i, value] of kept.entries()) assert.ok(Math.abs(value - values[name]![i]!) < 1e-3, name);
});

test("a trainer that loads what another saved ends with the same weights", async () => {
  const { samples } = await sampled();
  const path = join(mkdtempSync(join(folder, "saved-")), "state");
  const train = async (trainer: NanoWeightsTrainer) => {
    await trainer.accumulate(samples, weightsPer(samples, [1, -1]));
    await trainer.step({ learningRate: 1e-2, maxGradientNorm: 1 });
  };
  const trainer = trainerOf();
  await train(trainer);
  await trainer.save(path);
  const again = trainerOf();
  await again.load(path);
  assert.equal(again.steps, 1);
  await train(trainer);
  await train(again);
  assert.deepEqual(await tensorsOf(again.weights), await tensorsOf(trainer.weights));
  assert.equal((await again.snapshot()).revision, (await trainer.snapshot()).revision);
  await assert.rejects(again.load(join(folder, "nothing")), /not a checkpoint\. Start the run again/);
});
