/**
 * What Phase One weighs about a line besides its words: fourteen plain features, each within about [0, 1].
 *
 * They need only what the choice policy is shown. They favour no language, except that `self` knows the words of English
 * and Chinese. The three kinds of text are two features. How often a line was said before is read from its least
 * common word, because a policy's state counts words.
 */
import { DataError } from "../../errors.ts";
import type { Context } from "../../policy/policy.ts";
import { sha256 } from "../../util/hash.ts";
import type { Candidate } from "./choice-candidates.ts";
import { type ChoiceParameters, type DrawFeatures, defaultChoiceParameters } from "./choice-draw.ts";

/** In the order of the weights; the last two change during a draw and are computed there (`DrawFeatures`). */
export const choiceFeatures = [
  /** 1 for an utterance. */
  "speech",
  /** 1 for on-screen text; a caption is neither. */
  "screen",
  /** ln tokens / 4. */
  "length",
  /** Its words' inverse document frequency: mean and largest / 10, and sum / 40 up to 2. */
  "meanRarity",
  "mostRarity",
  "rarity",
  /** Content words per token. */
  "density",
  /** 1 where a capital stands inside a sentence. */
  "name",
  /** 1 where there is a digit. */
  "number",
  /** 1 where speakers talk about themselves. */
  "self",
  /** 1 for a question. */
  "question",
  /** ln(1 + times its least common word was on offer before) / 6, up to 1. */
  "seen",
  /** Share of its rarity in words that neither the memory of the last windows nor this one holds yet. */
  "fresh",
  /** Largest share of its words that one text holds, among the last entries or this memory so far. */
  "told",
] as const;

/** The name of a feature. */
export type ChoiceFeature = (typeof choiceFeatures)[number];

/** The weights that Phase One trains. */
export interface ChoiceWeights {
  /** w, shape [F] in the order of `choiceFeatures`; one point of score is a factor e of likelihood. */
  readonly features: Float64Array;
  /** κ, above 0: what a line's words count relative to its features, and how sharp a draw is. */
  readonly sharpness: ChoiceParameters["sharpness"];
}

/** The weights Phase One starts from: the policy as shipped. */
export const untrainedChoiceWeights: ChoiceWeights = {
  features: new Float64Array(choiceFeatures.length),
  sharpness: defaultChoiceParameters.sharpness,
};

/** What the features of a decision's candidates are computed from. */
export interface FeatureContext {
  readonly state: Pick<Context["state"], "words">;
  /** Inverse document frequency of a stem on offer. */
  readonly rarity: (stem: string) => number;
  /** Stems of the latest entries. */
  readonly written: readonly ReadonlySet<string>[];
}

/** The features of some candidates, each with a stem at least, as a draw takes them. @param weights shape [F] */
export function readChoiceFeatures(
  candidates: readonly Candidate[],
  context: FeatureContext,
  weights: Float64Array,
): DrawFeatures {
  return {
    still: candidates.map((candidate) => stillFeatures(candidate, context)),
    told: Float64Array.from(candidates, ({ stems }) =>
      Math.max(0, ...context.written.map((text) => shareHeld(stems, text))),
    ),
    weights,
  };
}

function stillFeatures(
  { statement, tokens, stems }: Candidate,
  { state, rarity }: FeatureContext,
): Float64Array {
  const { kind, text } = statement.sources[0]!;
  const rarities = stems.map(rarity);
  const sum = rarities.reduce((total, one) => total + one, 0);
  const seen = Math.min(...stems.map((stem) => state.words.get(stem) ?? 0));
  const values: Record<Exclude<ChoiceFeature, "fresh" | "told">, number> = {
    speech: Number(kind === "speech"),
    screen: Number(kind === "screen"),
    length: Math.log(tokens) / 4,
    meanRarity: sum / stems.length / 10,
    mostRarity: Math.max(...rarities) / 10,
    rarity: Math.min(2, sum / 40),
    density: Math.min(1, stems.length / tokens),
    name: Number(/[\p{Ll}\p{N}][,;]? \p{Lu}\p{Ll}/u.test(text)),
    number: Number(/\p{N}/u.test(text)),
    self: Number(/\b(?:i|i'm|me|my|mine|myself)\b|我/iu.test(text)),
    question: Number(/[?？]/.test(text)),
    seen: Math.min(1, Math.log(1 + seen) / 6),
  };
  return Float64Array.from(choiceFeatures.slice(0, -2), (name) => values[name as keyof typeof values]);
}

function shareHeld(stems: readonly string[], text: ReadonlySet<string>): number {
  return stems.filter((stem) => text.has(stem)).length / stems.length;
}

/** A name for weights: the first digits of a hash of all their numbers. */
export function choiceWeightsRevision({ features, sharpness }: ChoiceWeights): string {
  return sha256(JSON.stringify([[...features], sharpness])).slice(0, 12);
}

/** The text of a weights file, readable by people and by `parseChoiceWeights`; every number is restored exactly. */
export function formatChoiceWeights(weights: ChoiceWeights): string {
  const { features, sharpness } = weights;
  const named = Object.fromEntries(choiceFeatures.map((name, f) => [name, features[f]!]));
  const file = { kind: fileKind, revision: choiceWeightsRevision(weights), sharpness, features: named };
  return `${JSON.stringify(file, null, 2)}\n`;
}

const fileKind = "choice-weights@1";

/** The weights in a file's text. @throws DataError `weights-broken` where the text is not such a file or was changed */
export function parseChoiceWeights(text: string, path: string): ChoiceWeights {
  const broken = (got: string, cause?: unknown) =>
    new DataError(
      "weights-broken",
      `${path} does not hold weights of the choice policy (${got}): train them with \`taskmem train phase-one --policy choice\``,
      { cause },
    );
  let file: Partial<Record<string, unknown>> | null;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw broken("it is no JSON", cause);
  }
  if (file?.kind !== fileKind) throw broken(`its kind is ${JSON.stringify(file?.kind)}, not ${fileKind}`);
  const named = (file.features ?? {}) as Partial<Record<string, unknown>>;
  const unknown = Object.keys(named).find((name) => !choiceFeatures.some((known) => known === name));
  if (unknown !== undefined) throw broken(`it weighs ${unknown}, which is no feature`);
  const number = (name: string, value: unknown): number => {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw broken(`its ${name} is ${JSON.stringify(value)} and no number`);
  };
  const weights: ChoiceWeights = {
    features: Float64Array.from(choiceFeatures, (name) => number(name, named[name])),
    sharpness: number("sharpness", file.sharpness),
  };
  if (weights.sharpness <= 0) throw broken(`its sharpness is ${weights.sharpness} and not above 0`);
  if (choiceWeightsRevision(weights) !== file.revision)
    throw broken("its numbers are not those of its revision");
  return weights;
}
