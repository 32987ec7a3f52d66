/** The figures in docs/ are of these settings: one that changes is measured again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseOneDefaults } from "../../training/phase-one.ts";
import { gateMargins } from "../../training/validation.ts";
import { modelPhaseOneRecipe, modelPhaseOneRecipes } from "./phase-one-recipe.ts";
import {
  modelPhaseTwoRecipe,
  modelPhaseTwoRecipeNamed,
  modelPhaseTwoRecipes,
  paperPhaseTwoRecipe,
  recipeOfKind,
} from "./recipes.ts";

test("the paper's recipe has the settings of its released scripts", () => {
  const { dpo, rate, length, block, at, samples, lines, pairs, judge, strengths, tried } =
    paperPhaseTwoRecipe;
  assert.deepEqual(dpo, { steps: 10, beta: 0.1, kl: 0.1, pairsPerStep: 32 });
  assert.deepEqual([rate, length], [{ learningRate: 1e-3 }, { scale: 1.5 }]);
  // Block 22 of 48, at all tokens.
  assert.deepEqual([block, at], [{ share: 22 / 48 }, "all"]);
  assert.deepEqual([samples, lines, pairs, judge, strengths, tried], [8, 0, "one", "plain", [], 0]);
});

test("our own has what the page about real text says", () => {
  assert.deepEqual(modelPhaseTwoRecipe, {
    ...{ kind: "vector", contexts: 48, heldOut: 48, samples: 8, lines: 4, pairs: "all", judge: "contrast" },
    ...{ at: "answer", block: "agree" },
    dpo: { steps: 40, beta: 0.5, likelihood: 1, pairsPerStep: 8, pairsPerContext: 6, decay: "root" },
    ...{ tokenMargin: 20, rate: { share: 0.5 }, length: null, strengths: [1, 0.5], tried: 24 },
    margins: { ...gateMargins, fidelityFall: 0.05, redundancyRise: 0.09 },
  });
});

test("each row of an ablation takes back the one choice that it is named for", () => {
  const { dpo } = modelPhaseTwoRecipe;
  const changes = {
    "household-vl": { lines: 0, judge: "plain", block: 2, tokenMargin: 5 },
    lines: {
      ...{ contexts: 48, samples: 0, lines: 8, block: { share: 0.57 }, rate: { share: 2 } },
      dpo: { steps: 16, beta: 0.1, pairsPerStep: 8, pairsPerContext: 3, decay: "root" },
    },
    "own-rollouts": { lines: 0 },
    "one-pair": { pairs: "one" },
    "plain-judge": { judge: "plain" },
    "no-likelihood": { dpo: { ...dpo, likelihood: 0 } },
    "all-tokens": { at: "all" },
    "fixed-block": { block: { share: 22 / 48 } },
    "full-strength": { strengths: [], tried: 0 },
    "likelihood-alone": { dpo: { ...dpo, preference: 0 } },
  };
  for (const [name, change] of Object.entries(changes))
    assert.deepEqual(modelPhaseTwoRecipeNamed(name), { ...modelPhaseTwoRecipe, ...change }, name);
  const others = ["default", "paper", "rank-one", "lora"];
  assert.deepEqual(Object.keys(modelPhaseTwoRecipes).sort(), [...others, ...Object.keys(changes)].sort());
  assert.throws(() => modelPhaseTwoRecipeNamed("toString"), { code: "recipe-unknown" });
});

test("matrices stand at all tokens; a LoRA has a rate of its own, and no length but a factor", () => {
  assert.equal(recipeOfKind(paperPhaseTwoRecipe, "vector"), paperPhaseTwoRecipe);
  const ofLength = { ...modelPhaseTwoRecipe, length: { share: 0.3 } };
  assert.deepEqual(recipeOfKind(ofLength, "rank-one"), { ...ofLength, kind: "rank-one", at: "all" });
  const lora = { kind: "lora", at: "all", rate: { learningRate: 1e-3 } } as const;
  assert.deepEqual(recipeOfKind(ofLength, "lora"), { ...ofLength, ...lora, length: null });
  assert.deepEqual(recipeOfKind(modelPhaseTwoRecipe, "lora"), { ...modelPhaseTwoRecipe, ...lora });
  assert.deepEqual(recipeOfKind(paperPhaseTwoRecipe, "lora").length, { scale: 1.5 });
});

test("Phase One has the paper's reward and rate, and a hundredfold for low-rank matrices", () => {
  const { config, learningRate, richness } = modelPhaseOneRecipe;
  assert.deepEqual(config, { ...phaseOneDefaults, seed: "model phase one" });
  assert.deepEqual([learningRate, richness], [{ all: 1e-6, lora: 1e-4 }, 0.05]);
  assert.equal(modelPhaseOneRecipes.default, modelPhaseOneRecipe);
  assert.deepEqual(modelPhaseOneRecipes["household-vl"], {
    config: { ...config, steps: 60, offPolicySteps: 0, batch: 16 },
    ...{ learningRate: { all: 2e-4, lora: 1e-4 }, richness },
  });
});
