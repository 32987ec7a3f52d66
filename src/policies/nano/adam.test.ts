import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDevice } from "../../engines/nano/device.ts";
import { numpy as np } from "../../engines/nano/jax.ts";
import type { Weights } from "../../engines/nano/network.ts";
import { Adam } from "./adam.ts";
import { readCheckpoint, tensorsOf, writeCheckpoint } from "./checkpoint.ts";

before(startDevice);
const folder = mkdtempSync(join(tmpdir(), "taskmem-adam-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const gradients = [
  [0.3, -0.4, 0],
  // Of norm 13: brought to norm 1.
  [3, 4, 12],
  [-0.1, 0.2, 0.5],
];
const weightsOf = (...values: number[]): Weights => ({
  a: np.array(values.slice(0, 2)),
  b: np.array(values.slice(2)),
});
const valuesOf = async (weights: Weights) =>
  Object.values(await tensorsOf(weights)).flatMap(({ values }) => [...values]);
const near = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${actual}, not ${expected}`);
};

/** Kingma and Ba 2015, algorithm 1, on a gradient of norm at most 1. */
function byHand(weights: number[], steps: number, rate: number): number[] {
  const [first, second] = [weights.map(() => 0), weights.map(() => 0)];
  let now = weights;
  for (const [i, gradient] of gradients.slice(0, steps).entries()) {
    const shrink = Math.min(1, 1 / Math.hypot(...gradient));
    now = now.map((weight, k) => {
      const g = gradient[k]! * shrink;
      first[k] = 0.9 * first[k]! + 0.1 * g;
      second[k] = 0.98 * second[k]! + 0.02 * g * g;
      const [m, v] = [first[k]! / (1 - 0.9 ** (i + 1)), second[k]! / (1 - 0.98 ** (i + 1))];
      return weight - (rate * m) / (Math.sqrt(v) + 1e-8);
    });
  }
  return now;
}

test("Adam's steps are those of its paper, with the gradient's norm limited to 1", async () => {
  const adam = new Adam(weightsOf(1, -2, 0.5));
  for (const [i, gradient] of gradients.entries()) {
    adam.step(weightsOf(...gradient), 0.01);
    near(await valuesOf(adam.weights), byHand([1, -2, 0.5], i + 1, 0.01));
  }
  assert.equal(adam.state.steps, 3);
});

test("a run resumes from its checkpoint as if it had not stopped", async () => {
  const path = join(mkdtempSync(join(folder, "run-")), "run.safetensors");
  assert.equal(readCheckpoint(path), null);
  const adam = new Adam(weightsOf(1, -2, 0.5));
  adam.step(weightsOf(...gradients[0]!), 0.01);
  adam.step(weightsOf(...gradients[1]!), 0.01);
  await writeCheckpoint(path, { stage: "captions", step: 2 }, { still: np.array([7]) }, adam);

  const kept = readCheckpoint(path)!;
  assert.deepEqual([kept.stage, kept.step, kept.adam!.steps], ["captions", 2, 2]);
  const { still, ...weights } = kept.weights;
  near(await valuesOf({ still: still! }), [7]);
  const resumed = new Adam(weights, undefined, kept.adam);
  resumed.step(weightsOf(...gradients[2]!), 0.01);
  near(await valuesOf(resumed.weights), byHand([1, -2, 0.5], 3, 0.01));
  near(await valuesOf(resumed.release()), byHand([1, -2, 0.5], 3, 0.01));
});

test("a stage that begins has no moments", async () => {
  const path = join(folder, "begin.safetensors");
  await writeCheckpoint(path, { stage: "memories", step: 0 }, weightsOf(1, 2, 3), null);
  const kept = readCheckpoint(path)!;
  assert.equal(kept.adam, null);
  near(await valuesOf(kept.weights), [1, 2, 3]);
});
