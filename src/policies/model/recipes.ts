/** The settings an adapter of the model policy is trained with: one object, and named ones for ablations. */

import type { SteeredTokens } from "../../engines/torch/index.ts";
import { ConfigError } from "../../errors.ts";
import type { PairOptions } from "../../training/pairs.ts";
import type { DpoOptions } from "../../training/phase-two.ts";
import { type GateMargins, gateMargins } from "../../training/validation.ts";

/**
 * What Phase Two trains of a model: the paper's vector; the same as a LoRA of rank one, for servers that take LoRAs only;
 * or low-rank matrices beside all linear layers of the text blocks.
 */
export const phaseTwoKinds = ["vector", "rank-one", "lora"] as const;
/** One of `phaseTwoKinds`. */
export type PhaseTwoKind = (typeof phaseTwoKinds)[number];

/** How the model policy's adapter is trained. */
export interface ModelPhaseTwoRecipe {
  /** `vector`, or low-rank matrices, which stand at all tokens. */
  readonly kind: PhaseTwoKind;
  /** Clips that memories are drawn for, and clips that the adapter is tried on, evenly spaced over what was watched. */
  readonly contexts: number;
  readonly heldOut: number;
  /** Memories drawn for a context. */
  readonly samples: number;
  /** Memories besides them that are a line or two of the clip. */
  readonly lines: number;
  /** Whether a context gives one pair, or all whose sides are both true. */
  readonly pairs: NonNullable<PairOptions["take"]>;
  /** What is preferred: what helps the questions, or what helps them more than `generalQuestions`. */
  readonly judge: "plain" | "contrast";
  /** Where the vector is added: at all tokens, or at the answer's only, which costs less than half. */
  readonly at: SteeredTokens;
  /** The block behind which a vector is added: where halves of the pairs agree most, one by number, or one by depth. */
  readonly block: "agree" | number | { readonly share: number };
  readonly dpo: Omit<DpoOptions, "learningRate" | "run" | "signal" | "seed" | "onStep"> & {
    readonly steps: number;
  };
  /** Chosen and rejected differ by fewer tokens than this. */
  readonly tokenMargin: number;
  /** The learning rate, or the length a vector may reach in all steps, as a share of the stream's mean length. */
  readonly rate: { readonly learningRate: number } | { readonly share: number };
  /** The factor or the length the trained vector is brought to, the latter as such a share; unchanged where `null`. */
  readonly length: { readonly scale: number } | { readonly share: number } | null;
  /**
   * Factors on the trained vector, of which the one is taken whose memories are most often relevant and true on `tried`
   * clips of their own; where none gains, there is no adapter. Empty: as it was trained.
   */
  readonly strengths: readonly number[];
  readonly tried: number;
  readonly margins: GateMargins;
}

/**
 * For small pretrained models; docs/real-text.md measures a shorter lesson of it. A likelihood term stands beside DPO, or
 * memories become less likely on both sides of a pair, and less often true. A clip's own lines are candidates, because few
 * of a small model's memories are both true and different. A contrast keeps a lesson from learning what helps with any
 * question. A vector at the answer's tokens is trained without running a prompt again. Adam moves each number by about the
 * learning rate a step, so the rate follows from a length.
 */
export const modelPhaseTwoRecipe: ModelPhaseTwoRecipe = {
  kind: "vector",
  contexts: 48,
  heldOut: 48,
  samples: 8,
  lines: 4,
  pairs: "all",
  judge: "contrast",
  at: "answer",
  block: "agree",
  dpo: { steps: 40, beta: 0.5, likelihood: 1, pairsPerStep: 8, pairsPerContext: 6, decay: "root" },
  tokenMargin: 20,
  rate: { share: 0.5 },
  length: null,
  strengths: [1, 0.5],
  tried: 24,
  margins: { ...gateMargins, fidelityFall: 0.05, redundancyRise: 0.09 },
};

/**
 * The paper's own settings, as its released scripts have them: DPO with a KL penalty, ten steps, the vector scaled by
 * 1.5. The rate is meant for a stream of the paper's model; a small model's stream is longer, and this hardly moves it.
 */
export const paperPhaseTwoRecipe: ModelPhaseTwoRecipe = {
  ...modelPhaseTwoRecipe,
  ...{
    lines: 0,
    pairs: "one",
    judge: "plain",
    at: "all",
    block: { share: 22 / 48 },
    strengths: [],
    tried: 0,
  },
  dpo: { steps: 10, beta: 0.1, kl: 0.1, pairsPerStep: 32 },
  rate: { learningRate: 1e-3 },
  length: { scale: 1.5 },
};

/**
 * For household-VL, a small model that looks at pictures (docs/models.md). Its own memories are true and different, and the
 * lines of a clip are not in its language; its questions have no general ones beside them. Pairs are equally long, or it
 * learns to tell more instead of the right thing. At the answer's tokens the pictures are read as they were.
 */
const householdVlRecipe: ModelPhaseTwoRecipe = {
  ...modelPhaseTwoRecipe,
  ...{ lines: 0, judge: "plain", block: 2, tokenMargin: 5 },
};

/**
 * Where each memory is one of the clip's lines (`linePolicy`): candidates are lines alone, each read by itself, so a lesson
 * draws nothing, and a step costs a few hundred tokens. A line's reward moves by tens of nats, so beta is the paper's.
 */
const linesRecipe: ModelPhaseTwoRecipe = {
  ...modelPhaseTwoRecipe,
  ...{ contexts: 48, samples: 0, lines: 8, block: { share: 0.57 }, rate: { share: 2 } },
  dpo: { steps: 16, beta: 0.1, pairsPerStep: 8, pairsPerContext: 3, decay: "root" },
};

/**
 * A recipe for another kind of adapter. Matrices stand at all tokens; those of `lora` are beside every block, and have a
 * rate that does not follow from a length. It was tried on tiny models only.
 */
export function recipeOfKind(recipe: ModelPhaseTwoRecipe, kind: PhaseTwoKind): ModelPhaseTwoRecipe {
  if (kind === "vector") return recipe;
  const length = recipe.length !== null && "scale" in recipe.length ? recipe.length : null;
  const lora = kind === "lora" && { rate: { learningRate: loraRate }, length };
  return { ...recipe, kind, at: "all", ...lora };
}

/** Adam's, of numbers that start near zero and take some tens of steps. */
const loraRate = 1e-3;

const { dpo } = modelPhaseTwoRecipe;

/** Recipes by name: our own, the paper's, and ours with one choice taken back, a row of an ablation each. */
export const modelPhaseTwoRecipes = {
  default: modelPhaseTwoRecipe,
  paper: paperPhaseTwoRecipe,
  "household-vl": householdVlRecipe,
  lines: linesRecipe,
  "own-rollouts": { ...modelPhaseTwoRecipe, lines: 0 },
  "one-pair": { ...modelPhaseTwoRecipe, pairs: "one" },
  "plain-judge": { ...modelPhaseTwoRecipe, judge: "plain" },
  "no-likelihood": { ...modelPhaseTwoRecipe, dpo: { ...dpo, likelihood: 0 } },
  "all-tokens": { ...modelPhaseTwoRecipe, at: "all" },
  "fixed-block": { ...modelPhaseTwoRecipe, block: paperPhaseTwoRecipe.block },
  "full-strength": { ...modelPhaseTwoRecipe, strengths: [], tried: 0 },
  "rank-one": recipeOfKind(modelPhaseTwoRecipe, "rank-one"),
  lora: recipeOfKind(modelPhaseTwoRecipe, "lora"),
  "likelihood-alone": { ...modelPhaseTwoRecipe, dpo: { ...dpo, preference: 0 } },
} as const satisfies Readonly<Record<string, ModelPhaseTwoRecipe>>;

/** A recipe by its name. @throws ConfigError `recipe-unknown` */
export function modelPhaseTwoRecipeNamed(name: string): ModelPhaseTwoRecipe {
  if (Object.hasOwn(modelPhaseTwoRecipes, name))
    return modelPhaseTwoRecipes[name as keyof typeof modelPhaseTwoRecipes];
  const names = Object.keys(modelPhaseTwoRecipes).join(", ");
  throw new ConfigError("recipe-unknown", `Expected the name of a recipe (${names}), got ${name}`);
}
