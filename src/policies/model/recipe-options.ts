/** A recipe of Phase Two as a configuration says it: one by name, and what is changed of it. */
import { z } from "zod";
import { ConfigError } from "../../errors.ts";
import {
  type ModelPhaseTwoRecipe,
  modelPhaseTwoRecipeNamed,
  modelPhaseTwoRecipes,
  phaseTwoKinds,
  recipeOfKind,
} from "./recipes.ts";

const count = z.coerce.number().int().min(1);
const share = z.coerce.number().gt(0);
const weight = z.coerce.number().min(0);

/** Options as `ModelPhaseTwoRecipe` has them, all of which may be left out. */
export const recipeOptions = z.strictObject({
  /** The recipe that the others change. Default: `default`. */
  name: z.enum(Object.keys(modelPhaseTwoRecipes) as [keyof typeof modelPhaseTwoRecipes]).optional(),
  kind: z.enum(phaseTwoKinds).optional(),
  ...{ contexts: count.optional(), heldOut: count.optional(), samples: count.min(2).optional() },
  lines: z.coerce.number().int().min(0).optional(),
  pairs: z.enum(["one", "all"]).optional(),
  judge: z.enum(["plain", "contrast"]).optional(),
  at: z.enum(["all", "answer"]).optional(),
  block: z.union([z.literal("agree"), z.int().min(0), z.strictObject({ share: share.lt(1) })]).optional(),
  dpo: z
    .strictObject({
      ...{ steps: count.optional(), beta: share.optional(), preference: weight.optional() },
      ...{ kl: weight.optional(), likelihood: weight.optional(), maxGradientNorm: share.optional() },
      ...{ pairsPerStep: count.optional(), pairsPerContext: count.optional() },
      decay: z.enum(["none", "root"]).optional(),
    })
    .optional(),
  tokenMargin: count.optional(),
  rate: z.union([z.strictObject({ learningRate: share }), z.strictObject({ share })]).optional(),
  length: z.union([z.strictObject({ scale: share }), z.strictObject({ share }), z.null()]).optional(),
  strengths: z.array(share).optional(),
  tried: z.coerce.number().int().min(0).optional(),
  margins: z
    .strictObject({
      ...{ gradedShare: weight.optional(), fidelityFall: weight.optional() },
      ...{ redundancyRise: weight.optional(), tokenRatio: share.optional() },
    })
    .optional(),
});

/** Options of a recipe. */
export type RecipeOptions = z.output<typeof recipeOptions>;

/** The recipe of some options. @throws ConfigError for a LoRA at the answer's tokens only */
export function recipeOf({ name = "default", kind, ...options }: RecipeOptions = {}): ModelPhaseTwoRecipe {
  const named = modelPhaseTwoRecipeNamed(name);
  const recipe = kind === undefined ? named : recipeOfKind(named, kind);
  const { dpo, margins, ...rest } = options;
  if (recipe.kind !== "vector" && rest.at === "answer")
    throw new ConfigError(
      "flags-invalid",
      `A LoRA stands at all tokens, got adapt.recipe.at: answer for ${recipe.kind}: leave one of them out`,
    );
  // Of an option that is left out nothing is said.
  return {
    ...(Object.assign({}, recipe, given(rest)) as ModelPhaseTwoRecipe),
    dpo: Object.assign({}, recipe.dpo, given(dpo ?? {})),
    margins: Object.assign({}, recipe.margins, given(margins ?? {})),
  };
}

const given = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
