/** A recipe in a configuration: what it may say, and what comes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recipeOf, recipeOptions } from "./recipe-options.ts";
import { modelPhaseTwoRecipe, modelPhaseTwoRecipeNamed, paperPhaseTwoRecipe } from "./recipes.ts";

const accepts = (options: object) => recipeOptions.safeParse(options).success;

test("what is left out is as in the recipe that is named, or in the default one", () => {
  assert.deepEqual(recipeOf(), modelPhaseTwoRecipe);
  assert.deepEqual(recipeOf({ name: "paper" }), paperPhaseTwoRecipe);
  const changed = recipeOf({ samples: 3, lines: undefined, dpo: { beta: 0.2 }, margins: { tokenRatio: 2 } });
  assert.deepEqual(changed, {
    ...modelPhaseTwoRecipe,
    samples: 3,
    dpo: { ...modelPhaseTwoRecipe.dpo, beta: 0.2 },
    margins: { ...modelPhaseTwoRecipe.margins, tokenRatio: 2 },
  });
  assert.equal(recipeOf({ length: null, name: "paper" }).length, null, "null is said, not left out");
});

test("a kind changes the named recipe first, and matrices stand at all tokens", () => {
  assert.deepEqual(recipeOf({ kind: "lora" }), modelPhaseTwoRecipeNamed("lora"));
  assert.deepEqual(recipeOf({ kind: "rank-one" }), modelPhaseTwoRecipeNamed("rank-one"));
  assert.equal(recipeOf({ kind: "lora", rate: { learningRate: 0.5 } }).kind, "lora");
  assert.deepEqual(recipeOf({ kind: "lora", rate: { learningRate: 0.5 } }).rate, { learningRate: 0.5 });
  assert.throws(() => recipeOf({ kind: "lora", at: "answer" }), {
    code: "flags-invalid",
    message: /answer for lora/,
  });
  assert.equal(recipeOf({ kind: "vector", at: "answer" }).at, "answer");
});

test("counts begin at one, samples at two, blocks at nought; shares are above nought", () => {
  for (const name of ["contexts", "heldOut", "tokenMargin"])
    assert.deepEqual(
      [0, 1, 1.5, "2"].map((value) => accepts({ [name]: value })),
      [false, true, false, true],
      name,
    );
  for (const name of ["steps", "pairsPerStep", "pairsPerContext"])
    assert.deepEqual(
      [0, 1].map((value) => accepts({ dpo: { [name]: value } })),
      [false, true],
      name,
    );
  assert.deepEqual(
    [1, 2].map((samples) => accepts({ samples })),
    [false, true],
  );
  for (const name of ["lines", "tried"])
    assert.deepEqual(
      [-1, 0, 7].map((value) => accepts({ [name]: value })),
      [false, true, true],
      name,
    );
  for (const name of ["beta", "maxGradientNorm"])
    assert.deepEqual(
      [0, 0.1].map((value) => accepts({ dpo: { [name]: value } })),
      [false, true],
      name,
    );
  for (const name of ["preference", "kl", "likelihood"])
    assert.deepEqual(
      [-0.1, 0].map((value) => accepts({ dpo: { [name]: value } })),
      [false, true],
      name,
    );
  assert.deepEqual(
    [-1, 0, 3, "agree", { share: 0.5 }, { share: 1 }, { share: 0 }].map((block) => accepts({ block })),
    [false, true, true, true, true, false, false],
  );
  assert.deepEqual(
    [[], [0.5, 2], [0]].map((strengths) => accepts({ strengths })),
    [true, true, false],
  );
  assert.deepEqual(
    [{ gradedShare: 0 }, { tokenRatio: 0 }, { tokenRatio: 1.2 }].map((margins) => accepts({ margins })),
    [true, false, true],
  );
});

test("a name that no option has is refused", () => {
  assert.deepEqual([{ name: "ours" }, { step: 3 }, { dpo: { step: 3 } }, { rate: {} }].map(accepts), [
    ...Array(4).fill(false),
  ]);
  assert.ok(accepts({ name: "paper", kind: "rank-one", at: "all", pairs: "one", judge: "plain" }));
});
