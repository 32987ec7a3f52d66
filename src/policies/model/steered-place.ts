/** Where a lesson's vector is put: the block behind which two halves of the pairs agree most on a direction. */
import type { BlockAgreement, SteeredTokens, TorchEngine, TorchSample } from "../../engines/torch/index.ts";
import type { SamplePair } from "../../training/phase-two.ts";
import type { ModelPhaseTwoRecipe } from "./recipes.ts";

/** A block, and how far halves of the pairs agree behind it. */
export interface ChosenBlock {
  readonly block: number;
  /** Cosine of the two halves' gradients; `null` where it was not measured. */
  readonly agreement: number | null;
}

/** Depth of a vector where nothing else decides, as a share: the paper's block 22 of 48. */
const paperShare = 22 / 48;
/** Contexts and pairs of each that are measured: what a lesson of the usual size sees in a few steps. */
const mostContexts = 48;
const mostPairs = 6;

/** The block at a share of the depth, or of a number. */
export function blockAt(
  block: ModelPhaseTwoRecipe["block"],
  { about: { blocks } }: Pick<TorchEngine, "about">,
): number {
  const share = typeof block === "object" ? block.share : paperShare;
  return typeof block === "number" ? block : Math.min(blocks - 1, Math.floor(share * blocks));
}

/**
 * The block where halves of the contexts agree most, by one pass of gradients. At a vector of zero the gradient of DPO
 * moves every chosen text up and every rejected one down alike, whatever β.
 * @returns the paper's depth where there are fewer than two contexts to compare
 */
export async function agreeingBlock(
  engine: Pick<TorchEngine, "about" | "agreement">,
  pairs: readonly SamplePair<TorchSample>[],
  at: SteeredTokens,
): Promise<ChosenBlock> {
  const ofContexts = [...Map.groupBy(pairs, (pair) => pair.context ?? pair).values()].slice(0, mostContexts);
  if (ofContexts.length < 2) return { block: blockAt("agree", engine), agreement: null };
  const found = await engine.agreement(...signedSamples(ofContexts), at);
  const known = found.flatMap((one, block) => (one === null ? [] : [{ block, agreement: agreementOf(one) }]));
  return known.reduce((a, b) => (b.agreement > a.agreement ? b : a));
}

/** A block behind which no direction exists agrees on nothing. */
function agreementOf({ cosine, norms }: BlockAgreement): number {
  return Math.min(...norms) > 0 && Number.isFinite(cosine) ? cosine : -1;
}

/** Each text of the pairs once, with its weight in the sum of both halves, and its half: every other context. */
function signedSamples(
  ofContexts: readonly (readonly SamplePair<TorchSample>[])[],
): [samples: TorchSample[], weights: Float32Array[], halves: (0 | 1)[]] {
  const signed = new Map<TorchSample, { weight: number; half: 0 | 1 }>();
  for (const [i, pairs] of ofContexts.entries()) {
    const half = (i % 2) as 0 | 1;
    const some = pairs.slice(0, mostPairs);
    const add = (sample: TorchSample, weight: number) =>
      signed.set(sample, { weight: (signed.get(sample)?.weight ?? 0) + weight / some.length, half });
    for (const { chosen, rejected } of some) {
      add(chosen, -1);
      add(rejected, 1);
    }
  }
  const entries = [...signed];
  return [
    entries.map(([sample]) => sample),
    entries.map(([{ ids }, { weight }]) => new Float32Array(ids.length).fill(weight)),
    entries.map(([, { half }]) => half),
  ];
}
