/** What an engine is told to train, and where, for each kind of adapter. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { smallTorchEngine } from "../../../test/support/small-torch-engine.ts";
import { adapterNorm } from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/index.ts";
import type { Judge } from "../../reward/judge.ts";
import type { Task } from "../../tasks/task.ts";
import { type ModelPhaseTwoRecipe, modelPhaseTwoRecipe, recipeOfKind } from "./recipes.ts";
import { torchAdapterTrainer } from "./torch-adapter-trainer.ts";

/** Prefers the memory that names the soup; all are true. */
const judge: Judge = {
  id: "soup",
  quality: async () => ({ ok: true, value: { correct: true, clean: true, rationale: "" } }),
  richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
  async relevance({ first, second }) {
    const [a, b] = [first.includes("soup"), second.includes("soup")];
    return { ok: true, value: a === b ? "tie" : a ? "first" : "second" };
  },
};
const watched = (clips: number) =>
  Array.from({ length: clips }, (_, clip) => {
    const speech = {
      startSeconds: 10 * clip,
      endSeconds: 10 * clip + 1,
      text: `Line ${clip}.`,
      speaker: "Ann",
    };
    return observationOf("kitchen", clip, { speech: [speech] });
  });
const tasks = [{ id: "1", question: { text: "What is in the pot?", options: [] } }] as unknown as Task[];
const recipe: ModelPhaseTwoRecipe = {
  ...modelPhaseTwoRecipe,
  ...{ samples: 2, lines: 0, judge: "plain", strengths: [], tried: 0, rate: { learningRate: 0.1 } },
};
const policy = { countTokens: wordSpace.countTokens, mayRepeat: true };

async function trained(
  changed: Partial<ModelPhaseTwoRecipe>,
  clips = 6,
  opened: "vector" | "lora" = "vector",
) {
  const { engine, told } = smallTorchEngine([3, 4], opened);
  const trainer = torchAdapterTrainer({ engine, judge, policy, recipe: { ...recipe, ...changed } });
  return { told, ...(await trainer.train(tasks, [watched(clips)])) };
}

test("a vector is put where halves agree, from nothing, and its stream is measured on the clips it learns from", async () => {
  const { told, adapter, found, problem } = await trained({});
  // Six clips, of which two thirds are learned from.
  assert.deepEqual(told, [
    ["steer", 3, "answer"],
    ["steer", 1, "answer"],
    ["stream", 4],
  ]);
  assert.deepEqual([problem, adapter.kind, adapter.space], [null, "vector", "residual:torch:small@1:answer"]);
  assert.deepEqual([found!.kind, found!.block, found!.agreement], ["vector", 1, 0.6]);
  assert.ok(Math.abs((found!.streamShare as number) - adapterNorm(adapter)! / 10) < 1e-9);
});

test("a vector has the length that a recipe says, as a share of the stream's", async () => {
  const { adapter } = await trained({ length: { share: 0.3 } });
  assert.ok(Math.abs(adapterNorm(adapter)! - 3) < 1e-5);
});

test("a rate that follows from a length is that length over the steps and the root of the numbers", async () => {
  const { found } = await trained({ rate: { share: 0.5 }, dpo: { steps: 5, decay: "none" } });
  assert.ok(Math.abs((found!.rate as number) - 5 / (5 * Math.SQRT2)) < 1e-9, String(found!.rate));
});

test("low-rank matrices are beside all blocks, have no stream, and are kept once they are trained", async () => {
  const { told, adapter, found, problem } = await trained(recipeOfKind(recipe, "lora"));
  assert.deepEqual(told, [
    ["train", { kind: "lora" }],
    ["keep", "r1"],
  ]);
  assert.deepEqual(
    [problem, adapter.kind, "block" in found!, "streamShare" in found!],
    [null, "remote", false, false],
  );
});

test("those of rank one stand where a vector would, fitted on the clips that are learned from", async () => {
  const { told, adapter } = await trained(recipeOfKind(recipe, "rank-one"));
  assert.deepEqual(told, [
    ["train", { kind: "rank-one", block: 3, at: "all" }],
    ["steer", 1, "all"],
    ["calibrate", 4],
    ["stream", 4],
    ["keep", "r1"],
  ]);
  assert.equal(adapter.kind, "remote");
});

test("those of rank one need two clips to be fitted on", async () => {
  await assert.rejects(trained(recipeOfKind(recipe, "rank-one"), 1), { code: "adapter-unsupported" });
  assert.ok((await trained(recipeOfKind(recipe, "rank-one"), 2)).told.some(([what]) => what === "calibrate"));
});

test("an engine that was opened for matrices trains a vector where the recipe says so", async () => {
  const { told, adapter } = await trained({}, 6, "lora");
  assert.deepEqual(told[0], ["train", { kind: "vector", block: 3, at: "answer" }]);
  assert.equal(adapter.kind, "vector");
});

test("where nothing is preferred the stream is not measured, and nothing is kept", async () => {
  const tie: Judge = { ...judge, relevance: async () => ({ ok: true, value: "tie" }) };
  for (const kind of ["vector", "rank-one"] as const) {
    const { engine, told } = smallTorchEngine();
    const changed = recipeOfKind(recipe, kind);
    const { problem, found } = await torchAdapterTrainer({
      engine,
      judge: tie,
      policy,
      recipe: changed,
    }).train(...([tasks, [watched(6)]] as const));
    assert.equal(problem, "no-pairs");
    assert.ok(
      told.every(([what]) => what === "train" || what === "steer"),
      JSON.stringify(told),
    );
    assert.equal("streamShare" in found!, false);
  }
});
