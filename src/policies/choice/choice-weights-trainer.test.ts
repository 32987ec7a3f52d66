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
import { choicePhaseOnePolicy } from "./choice-training.ts";
import { readChoiceWeights } from "./choice-weights-trainer.ts";

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
