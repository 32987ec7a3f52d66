import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { wordSpace as words } from "../../engines/local/index.ts";
import { DataError } from "../../errors.ts";
import { householdVideos } from "../../household/index.ts";
import type { Action, Context } from "../../policy/policy.ts";
import { seededRandom } from "../../util/random.ts";
import { type ChoiceWeights, choiceFeatures } from "./choice-features.ts";
import { choicePhaseOnePolicy } from "./choice-training.ts";
import { ChoiceWeightsTrainer, readChoiceWeights, type WeighedDraw } from "./choice-weights-trainer.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-choice-weights-"));
const budget = { fraction: 0.2 };
const video = householdVideos({ split: "train", from: 940_000, clips: 6, captions: true }).video(0);
const trainable = () => choicePhaseOnePolicy({ words, budget, snapshotPath: join(folder, "snapshot.json") });

/** A decision about a household, with something written before it. */
async function someContext(): Promise<Context> {
  const observations = await Promise.all([3, 4, 5].map((clip) => video.observe(clip)));
  const text = await video.written(2);
  return {
    observations,
    recent: { observations: [await video.observe(2)], entries: [{ clip: 2, text, kind: "episodic" }] },
    state: { value: null, documents: 0, words: new Map() },
  };
}

async function draws(of: ReturnType<typeof trainable>, n: number) {
  const context = await someContext();
  const { actions } = await (await of.policy()).decide(context, { n, random: seededRandom("draws") });
  const samples = await Promise.all(actions.map((action: Action) => of.sampleOf(context, action)));
  return { actions, samples };
}

const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
const whole = (values: Float32Array, weight: number) => new Float32Array(values.length).fill(weight);

describe("the trainer of the choice policy's weights", () => {
  test("gives draws the log-probabilities they were drawn with, to the last bit, before and after a step", async () => {
    const one = trainable();
    for (let round = 0; round < 3; round++) {
      const { actions, samples } = await draws(one, 6);
      const now = await one.trainer.logprobs(samples);
      for (const [i, { logprobs }] of actions.entries()) assert.deepEqual(now[i], logprobs!.values);
      await one.trainer.accumulate(samples.slice(0, 1), [whole(now[0]!, -1)]);
      const { gradientNorm, updateNorm } = await one.trainer.step({ learningRate: 0.5 });
      assert.ok(gradientNorm > 0 && Math.abs(updateNorm - 0.5 * gradientNorm) < 1e-12);
    }
  });

  test("moves each weight, and the logarithm of the sharpness, against the slope of the loss", async () => {
    const { samples } = await draws(trainable(), 3);
    const start: ChoiceWeights = {
      features: Float64Array.from(choiceFeatures, (_, f) => 0.3 * Math.sin(f + 1)),
      sharpness: 1.7,
    };
    const lossWeights = [1, -0.5, 0.25];
    const snapshotPath = join(mkdtempSync(join(folder, "slope-")), "weights.json");
    const trainerOf = (weights: ChoiceWeights) => new ChoiceWeightsTrainer(weights, snapshotPath);
    const lossOf = async (weights: ChoiceWeights) => {
      const logprobs = await trainerOf(weights).logprobs(samples as WeighedDraw[]);
      return logprobs.reduce((total, own, i) => total + lossWeights[i]! * sum(own), 0);
    };
    const trainer = trainerOf(start);
    const logprobs = await trainer.logprobs(samples as WeighedDraw[]);
    await trainer.accumulate(
      samples as WeighedDraw[],
      logprobs.map((own, i) => whole(own, lossWeights[i]!)),
    );
    await trainer.step({ learningRate: 1e-3 });
    const { features, sharpness } = trainer.weights;
    const moved = [...start.features].map((weight, f) => (weight - features[f]!) / 1e-3);
    const h = 0.01;
    for (const [f, slope] of moved.entries()) {
      const at = (by: number) =>
        lossOf({ ...start, features: start.features.map((weight, k) => weight + (k === f ? by : 0)) });
      const expected = ((await at(h)) - (await at(-h))) / (2 * h);
      assert.ok(Math.abs(slope - expected) < 2e-3, `${choiceFeatures[f]}: ${slope}, not ${expected}`);
    }
    const sharper = (by: number) => lossOf({ ...start, sharpness: start.sharpness * Math.exp(by) });
    const expected = ((await sharper(h)) - (await sharper(-h))) / (2 * h);
    const slope = -Math.log(sharpness / start.sharpness) / 1e-3;
    assert.ok(Math.abs(expected) > 0.01, "a draw depends on it");
    assert.ok(Math.abs(slope - expected) < 2e-3, `sharpness: ${slope}, not ${expected}`);
    const { path } = await trainer.snapshot();
    assert.deepEqual(readChoiceWeights(path), trainer.weights);
  });

  test("raises the probability of what the loss rewards, and its policy acts with the new weights under another revision", async () => {
    const one = trainable();
    const { samples } = await draws(one, 2);
    const revision = (await one.policy()).revision;
    const [wanted, unwanted] = await one.trainer.logprobs(samples);
    for (let step = 0; step < 5; step++) {
      await one.trainer.accumulate(samples, [whole(wanted!, -1), whole(unwanted!, 1)]);
      await one.trainer.step({ learningRate: 0.1 });
    }
    const [likelier, unlikelier] = await one.trainer.logprobs(samples);
    assert.ok(sum(likelier!) - sum(unlikelier!) > sum(wanted!) - sum(unwanted!) + 0.1);
    assert.notEqual((await one.policy()).revision, revision);
  });

  test("clips a gradient above the norm, and changes nothing without one", async () => {
    const one = trainable();
    const { samples } = await draws(one, 1);
    const [logprobs] = await one.trainer.logprobs(samples);
    await one.trainer.accumulate(samples, [whole(logprobs!, -100)]);
    const { gradientNorm, updateNorm } = await one.trainer.step({ learningRate: 0.1, maxGradientNorm: 2 });
    assert.ok(gradientNorm > 2);
    assert.ok(Math.abs(updateNorm - 0.2) < 1e-12);
    assert.deepEqual(await one.trainer.step({ learningRate: 0.1 }), { gradientNorm: 0, updateNorm: 0 });
  });

  test("resumes from a file to the same weights as without an interruption", async () => {
    const [calm, first, second] = [trainable(), trainable(), trainable()];
    const step = async (of: typeof calm) => {
      const { samples } = await draws(of, 2);
      const [a, b] = await of.trainer.logprobs(samples);
      await of.trainer.accumulate(samples, [whole(a!, -1), whole(b!, 0.5)]);
      await of.trainer.step({ learningRate: 0.3 });
    };
    await step(calm);
    await step(calm);
    await step(first);
    const path = join(folder, "step-1.weights");
    await first.trainer.save(path);
    await second.trainer.load(path);
    await step(second);
    assert.equal((await second.trainer.snapshot()).revision, (await calm.trainer.snapshot()).revision);
  });

  test("refuses a file that is missing or broken, and a draw without features", async () => {
    const one = trainable();
    const path = join(folder, "broken.weights");
    await one.trainer.save(path);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
    const refusedAs = (code: string) => (error: Error) => error instanceof DataError && error.code === code;
    await assert.rejects(one.trainer.load(path), refusedAs("weights-broken"));
    assert.throws(() => readChoiceWeights(join(folder, "none")), refusedAs("weights-missing"));
    const { samples } = await draws(one, 1);
    const { features: _, ...input } = samples[0]!.input;
    await assert.rejects(one.trainer.logprobs([{ ...samples[0]!, input }]), RangeError);
  });
});
