/** The shipped weights and the figures in docs/ are of these settings: one that changes is measured again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { trainingEpisodes } from "../../household/splits.ts";
import { phaseOneDefaults } from "../../training/phase-one.ts";
import { choicePhaseOneRecipe, choicePhaseTwoRecipe } from "./recipes.ts";

test("Phase One has the paper's reward, and steps of its own for a dozen weights", () => {
  const { config, richness, videos } = choicePhaseOneRecipe;
  assert.deepEqual(config, {
    ...phaseOneDefaults,
    ...{ offPolicySteps: 30, batch: 16, parts: 2, learningRate: 1, seed: "choice phase one" },
  });
  assert.equal(richness, 0.05);
  // 660 s; captions, because the policy sees no pictures.
  assert.deepEqual(videos, { ...trainingEpisodes.choice.phaseOne, clips: 66, captions: true });
});

test("Phase Two draws as often and steps as many times as the paper", () => {
  assert.deepEqual(choicePhaseTwoRecipe, { samples: 8, dpo: { learningRate: 1, steps: 10, beta: 0.1 } });
});
