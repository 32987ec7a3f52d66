/** Trainers of what a torch engine holds, over an engine of two numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { smallTorchEngine } from "../../../test/support/small-torch-engine.ts";
import {
  importedLora,
  TorchLoraTrainer,
  TorchVectorTrainer,
  TorchWeightsTrainer,
  trainedLora,
} from "./torch-trainer.ts";

const samples = [{ prompt: "p", ids: Int32Array.of(1, 2, 3) }];

test("a vector is stepped down its gradient, and its snapshot is an adapter of the engine's place", async () => {
  const trainer = new TorchVectorTrainer(smallTorchEngine([3, 4]).engine);
  assert.deepEqual(await trainer.logprobs(samples), [Float32Array.of(3, 4, 0)]);
  await trainer.accumulate(samples, [Float32Array.of(1, -2, 5)]);
  assert.equal((await trainer.step({ learningRate: 1 })).gradientNorm, Math.hypot(1, 2));
  const { kind, space, dimension, indices, values } = await trainer.snapshot();
  assert.deepEqual([kind, space, dimension], ["vector", "residual:torch:small@3:answer", 2]);
  assert.deepEqual(
    [[...indices], [...values]],
    [
      [0, 1],
      [2, 6],
    ],
  );
});

test("a vector is brought to a length in its own direction; one of no length stays", async () => {
  const { engine } = smallTorchEngine([3, 4]);
  await new TorchVectorTrainer(engine).rescale(10);
  assert.deepEqual(await engine.snapshot(), Float32Array.of(6, 8));
  const short = smallTorchEngine([0.3, 0.4]).engine;
  await new TorchVectorTrainer(short).rescale(10);
  assert.deepEqual([...(await short.snapshot())].map(Math.round), [6, 8]);
  const still = smallTorchEngine().engine;
  await new TorchVectorTrainer(still).rescale(10);
  assert.deepEqual(await still.snapshot(), Float32Array.of(0, 0));
});

test("what was saved is loaded again", async () => {
  const trainer = new TorchVectorTrainer(smallTorchEngine([3, 4]).engine);
  await trainer.save("here");
  await trainer.rescale(1);
  await trainer.load("here");
  assert.deepEqual(await trainer.logprobs(samples), [Float32Array.of(3, 4, 0)]);
});

test("low-rank matrices are remote adapters of the model's weights, with their length", async () => {
  const { engine } = smallTorchEngine([3, 4], "lora");
  const trainer = new TorchLoraTrainer(engine);
  const adapter = { kind: "remote", space: "weights:torch:small", format: "lora" };
  assert.deepEqual(await trainer.snapshot(), { ...adapter, revision: "r1", uri: "r1", norm: 5 });
  assert.deepEqual(await trainedLora(engine, 2), { ...adapter, revision: "r2", uri: "r2", norm: 10 });
  assert.deepEqual(await importedLora(engine, "a folder"), {
    ...{ ...adapter, revision: "imported", uri: "imported", norm: 5 },
  });
  await trainer.rescale(10);
  assert.deepEqual(await engine.snapshot(), Float32Array.of(6, 8));
});

test("low-rank matrices that add nothing stay", async () => {
  const { engine } = smallTorchEngine([0, 0], "lora");
  await new TorchLoraTrainer(engine).rescale(10);
  assert.deepEqual(await engine.snapshot(), Float32Array.of(0, 0));
});

test("a snapshot of all weights is one merged folder", async () => {
  const { engine, exports } = smallTorchEngine([0, 0], "all");
  const snapshot = await new TorchWeightsTrainer(engine, "/weights").snapshot();
  assert.deepEqual(snapshot, { kind: "checkpoint", revision: "all", path: "/weights" });
  assert.deepEqual(exports, [["/weights", { merged: true }]]);
});
