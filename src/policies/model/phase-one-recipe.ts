/** The settings that Phase One trains a model in a folder with. */
import { paperConstants } from "../../reward/rules.ts";
import { type PhaseOneConfig, phaseOneDefaults } from "../../training/phase-one.ts";

/** What of a model Phase One trains. */
export type PhaseOneKind = "all" | "lora";

/** How Phase One trains a model in a folder. */
export interface ModelPhaseOneRecipe {
  readonly config: PhaseOneConfig;
  readonly learningRate: Readonly<Record<PhaseOneKind, number>>;
  /** Added for the richest memory of a group. */
  readonly richness: number;
}

/**
 * The paper's sizes and reward. The rate of all weights is the paper's; that of low-rank matrices, which start at zero, is
 * the usual hundredfold.
 */
export const modelPhaseOneRecipe: ModelPhaseOneRecipe = {
  config: { ...phaseOneDefaults, seed: "model phase one" },
  learningRate: { all: phaseOneDefaults.learningRate, lora: 1e-4 },
  richness: paperConstants.mostRichness,
};

/**
 * For household-VL, whose history is its own from the first step. Of the rates 3e-5 and 2e-4, more of its draws passed at
 * the end of the latter; matrices were not tried.
 */
const householdVlPhaseOneRecipe: ModelPhaseOneRecipe = {
  ...modelPhaseOneRecipe,
  config: { ...modelPhaseOneRecipe.config, steps: 60, offPolicySteps: 0, batch: 16 },
  learningRate: { ...modelPhaseOneRecipe.learningRate, all: 2e-4 },
};

/** Recipes by name, those of Phase Two that have one of their own. */
export const modelPhaseOneRecipes = {
  default: modelPhaseOneRecipe,
  "household-vl": householdVlPhaseOneRecipe,
} as const;
