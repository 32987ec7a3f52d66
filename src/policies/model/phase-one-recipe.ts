/** The settings that Phase One trains a model in a folder with. */
import { paperConstants } from "../../reward/rules.ts";
import { type PhaseOneConfig, phaseOneDefaults } from "../../training/phase-one.ts";

/** What of a model Phase One trains. */
export type PhaseOneKind = "all" | "lora";

/**
 * The paper's sizes and reward. The rate of all weights is the paper's; that of low-rank matrices, which start at zero, is
 * the usual hundredfold.
 */
export const modelPhaseOneRecipe = {
  config: { ...phaseOneDefaults, seed: "model phase one" } satisfies PhaseOneConfig,
  learningRate: { all: phaseOneDefaults.learningRate, lora: 1e-4 } satisfies Record<PhaseOneKind, number>,
  /** Added for the richest memory of a group. */
  richness: paperConstants.mostRichness,
};
