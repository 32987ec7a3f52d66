/** The settings an adapter of the model policy is trained with. */
import { ConfigError } from "../../errors.ts";
import type { DpoOptions } from "../../training/phase-two.ts";
import { type GateMargins, gateMargins } from "../../training/validation.ts";

/** How the model policy's vector is trained. */
export interface ModelPhaseTwoRecipe {
  /** Clips that memories are drawn for, and clips that the adapter is tried on, evenly spaced over what was watched. */
  readonly contexts: number;
  readonly heldOut: number;
  /** Memories drawn for a context. */
  readonly samples: number;
  readonly dpo: Omit<DpoOptions, "learningRate" | "run" | "signal" | "seed" | "onStep"> & {
    readonly steps: number;
  };
  /** Chosen and rejected differ by fewer tokens than this. */
  readonly tokenMargin: number;
  /** The learning rate, or the length the vector may reach in all steps, as a share of the stream's mean length. */
  readonly rate: { readonly learningRate: number } | { readonly share: number };
  /** The factor or the length the trained vector is brought to, the latter as such a share; unchanged where `null`. */
  readonly length: { readonly scale: number } | { readonly share: number } | null;
  readonly margins: GateMargins;
}

/**
 * A likelihood term beside DPO: without it small models' memories become less likely on both sides of a pair, and less
 * often true. Adam moves each number by about the learning rate a step, so the rate follows from a length.
 */
export const modelPhaseTwoRecipe: ModelPhaseTwoRecipe = {
  contexts: 48,
  heldOut: 48,
  samples: 8,
  dpo: { steps: 24, beta: 0.5, likelihood: 1, pairsPerStep: 8 },
  tokenMargin: 20,
  rate: { share: 0.3 },
  length: null,
  margins: { ...gateMargins, fidelityFall: 0.05, redundancyRise: 0.09 },
};

/**
 * The paper's own settings, as its released scripts have them: DPO with a KL penalty, ten steps, the vector scaled by
 * 1.5. The rate is meant for a stream of the paper's model; a small model's stream is longer, and this hardly moves it.
 */
export const paperPhaseTwoRecipe: ModelPhaseTwoRecipe = {
  ...modelPhaseTwoRecipe,
  dpo: { steps: 10, beta: 0.1, kl: 0.1, pairsPerStep: 32 },
  rate: { learningRate: 1e-3 },
  length: { scale: 1.5 },
};

/** The recipes by name. */
export const modelPhaseTwoRecipes: Readonly<Record<string, ModelPhaseTwoRecipe>> = {
  default: modelPhaseTwoRecipe,
  paper: paperPhaseTwoRecipe,
};

/** The recipe of a name. @throws ConfigError `recipe-unknown` */
export function modelPhaseTwoRecipeNamed(name: string): ModelPhaseTwoRecipe {
  const recipe = Object.hasOwn(modelPhaseTwoRecipes, name) ? modelPhaseTwoRecipes[name] : undefined;
  if (recipe) return recipe;
  throw new ConfigError(
    "recipe-unknown",
    `Expected a recipe of ${Object.keys(modelPhaseTwoRecipes).join(", ")}, got ${name}`,
  );
}
