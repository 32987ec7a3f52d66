import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelPhaseTwoRecipe } from "../policies/model/recipes.ts";
import type { AdapterResult } from "../training/train-adapter.ts";
import { lessonOf, printResult } from "./learn.ts";
import { createOutput, type Output } from "./output.ts";

const output = createOutput(true);
const { signal } = new AbortController();

/** The recipe of flags, over a configured one. */
function recipeOf(options: object, recipe?: Parameters<typeof lessonOf>[1]["adapt"]["recipe"]) {
  const adapt = { auto: true, every: 5, ...(recipe && { recipe }) };
  return lessonOf({ output, options: { ...options }, signal }, { adapt }).recipe as
    | ModelPhaseTwoRecipe
    | undefined;
}

test("flags change the configured recipe, and without any the configuration decides", () => {
  assert.equal(recipeOf({}), undefined);
  const configured = { name: "own-rollouts", strengths: [1], dpo: { beta: 0.2 } } as const;
  const recipe = recipeOf({ steps: 3, learningRate: "0.01" }, { ...configured, strengths: [1] })!;
  assert.deepEqual(
    [recipe.lines, recipe.strengths, recipe.dpo.beta, recipe.dpo.steps, recipe.dpo.likelihood, recipe.rate],
    [0, [1], 0.2, 3, 1, { learningRate: 0.01 }],
  );
  assert.equal(
    recipeOf({ recipe: "paper" }, { name: "own-rollouts" })!.at,
    "all",
    "a named one stands for itself",
  );
});

test("a LoRA stands at all tokens, and one of every block has no block", () => {
  const rank = recipeOf({ kind: "rank-one" })!;
  assert.deepEqual([rank.kind, rank.at, rank.block], ["rank-one", "all", "agree"]);
  const lora = recipeOf({ kind: "lora", recipe: "paper" })!;
  assert.deepEqual([lora.kind, lora.length, "learningRate" in lora.rate], ["lora", { scale: 1.5 }, true]);
  for (const [flags, message] of [
    [{ kind: "all" }, /--kind to be vector, rank-one, lora, got all: all weights are trained by/],
    [{ kind: "lora", block: "3" }, /stand beside every block, got --block 3/],
    [{ kind: "rank-one", tokens: "answer" }, /got --tokens answer for rank-one/],
    [{ learningRate: "0" }, /above 0, got 0/],
  ] as const)
    assert.throws(() => recipeOf(flags), message);
});

test("what a lesson found is told in two lines", () => {
  const lines: string[] = [];
  const plain = (text: string) => text;
  const told = { text: (...some: string[]) => lines.push(...some), dim: plain, bold: plain };
  const found = { kind: "vector", numbers: 576, rate: 0.0123, block: 17, tokens: "answer", agreement: 0.654 };
  const report = {
    ...{
      words: [],
      adapter: null,
      refusedClips: 0,
      activated: false,
      reason: "refused",
      pairs: 40,
      steps: 12,
    },
    found: { ...found, strength: 0.5, streamShare: 0.122 },
  };
  printResult(told as unknown as Output, report as unknown as AdapterResult);
  assert.deepEqual(lines.slice(0, 2), [
    "trained a vector of 576 numbers behind block 17 (halves of the pairs agree by 0.65), at the answer's tokens",
    "on 40 pairs in 12 steps, rate 0.012; strength 0.5, 12 % as long as the stream",
  ]);
});
