/** The settings the choice policy is trained with in both phases. */
import { trainingEpisodes } from "../../household/splits.ts";
import type { HouseholdVideosOptions } from "../../household/training-videos.ts";
import { paperConstants } from "../../reward/rules.ts";
import { type PhaseOneConfig, phaseOneDefaults } from "../../training/phase-one.ts";
import type { DpoOptions } from "../../training/phase-two.ts";

/** Phase One in seconds: a dozen weights, plain gradient descent, the paper's reward. */
export const choicePhaseOneRecipe = {
  config: {
    ...phaseOneDefaults,
    offPolicySteps: 30,
    batch: 16,
    parts: 2,
    learningRate: 1,
    seed: "choice phase one",
  } satisfies PhaseOneConfig,
  /** Added for the richest memory of a group. */
  richness: paperConstants.mostRichness,
  /** Episodes that no other training of this policy uses. */
  videos: {
    ...trainingEpisodes.choice.phaseOne,
    clips: 66,
    captions: true,
  } as HouseholdVideosOptions,
};

/** Phase Two in word space by preferences, for the choice policy and best-of-n: the paper's settings except the rate. */
export const choicePhaseTwoRecipe = {
  /** Memories drawn for a context. */
  samples: 8,
  dpo: { learningRate: 1, steps: 10, beta: 0.1 } satisfies DpoOptions,
};
