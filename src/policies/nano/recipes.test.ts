/** The shipped weights and the figures in docs/ are of these settings: one that changes is measured again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { choosingEpisodes, trainingEpisodes } from "../../household/splits.ts";
import { phaseOneDefaults } from "../../training/phase-one.ts";
import { gateMargins } from "../../training/validation.ts";
import { nanoPhaseOneRecipe, nanoPhaseTwoRecipe } from "./recipes.ts";

test("Phase One is 60 steps of 16, a tenth of them on true histories", () => {
  const { config, richness, videos } = nanoPhaseOneRecipe;
  assert.deepEqual(config, {
    ...phaseOneDefaults,
    ...{ offPolicySteps: 6, steps: 60, batch: 16, parts: 2, learningRate: 3e-4, kl: 0.1 },
    ...{ checkpointEvery: 5, seed: "nano phase one" },
  });
  // Twice the paper's.
  assert.equal(richness, 0.1);
  assert.deepEqual(videos, { ...trainingEpisodes.nano.phaseOne, clips: 24 });
});

test("Phase Two is the paper's but for the rate, which follows from the vector's length", () => {
  const { samples, dpo, tokenMargin, vectorShare, pool, poolEpisodes, heldOut, heldOutEpisodes, margins } =
    nanoPhaseTwoRecipe;
  assert.deepEqual(dpo, { learningRate: 0.06, steps: 10, beta: 0.1, kl: 0.1, pairsPerStep: 32 });
  assert.deepEqual([samples, tokenMargin, vectorShare], [8, 8, 0.25]);
  assert.deepEqual(pool, { ...trainingEpisodes.nano.phaseTwo, clips: 6 });
  assert.deepEqual(heldOut, { ...choosingEpisodes.nanoGate, clips: 6 });
  assert.deepEqual([poolEpisodes, heldOutEpisodes], [8, 16]);
  assert.deepEqual(margins, { ...gateMargins, fidelityFall: 0.04, redundancyRise: 0.09 });
});
