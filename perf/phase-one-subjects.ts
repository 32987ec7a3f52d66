/** The models whose Phase One `perf/phase-one-ablations.ts` takes apart. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HouseholdFilm } from "../src/benchmarks/datasets/household/films.ts";
import { type Written, writtenOf } from "../src/benchmarks/datasets/household/memories.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import type { HouseholdVideosOptions } from "../src/household/training-videos.ts";
import { modelPhaseOneRecipes } from "../src/policies/model/phase-one-recipe.ts";
import { torchPolicy } from "../src/policies/model/torch-policy.ts";
import { nanoPhaseOnePolicy, nanoPhaseOneRecipe, nanoPolicy, openNano } from "../src/policies/nano/index.ts";
import { modelFolder } from "../src/taskmem/folder-model.ts";
import { openFolderPhaseOne } from "../src/taskmem/folder-phase-one.ts";
import type { PhaseOneConfig, RecordedStep } from "../src/training/phase-one.ts";
import type { PhaseOnePolicy } from "../src/training/trainable-policy.ts";
import { mapConcurrently } from "../src/util/async.ts";
import { concurrency, householdVlConfig, openHouseholdVl, trainedPhaseOne } from "./household-vl-model.ts";

/** Weights, with the steps that trained them where these were recorded. */
export interface Row {
  readonly name: string;
  /** A file or a folder. */
  readonly weights: string;
  readonly metrics: readonly RecordedStep[] | null;
}

/** A model whose Phase One is trained with something left out. */
export interface Subject {
  /** How it is trained, with nothing left out. */
  readonly recipe: { readonly config: PhaseOneConfig; readonly richness: number };
  readonly videos: HouseholdVideosOptions;
  /** Instances drawn and judged at once. */
  readonly concurrency: number;
  /** The base, under the first seed only, and Phase One with nothing left out, where there is one of this seed. */
  untouched(seed: number, steps: number): readonly Row[];
  /** What is trained from the base. @param directory of the run, where the weights are written */
  begin(directory: string): Promise<{ trainable: PhaseOnePolicy<unknown>; close: () => void }>;
  /** What weights write of films, shape [films]. */
  write(weights: string, films: readonly HouseholdFilm[]): Promise<Written[]>;
}

const { countTokens } = wordSpace;

/** Nano, whose Phase One ships. */
const nano: Subject = {
  ...{ recipe: nanoPhaseOneRecipe, videos: nanoPhaseOneRecipe.videos, concurrency: 1 },
  untouched: (seed) =>
    seed > 0
      ? []
      : [
          { name: "base", weights: shippedWeights("nano-base"), metrics: null },
          { name: "Phase One, as shipped", weights: shippedWeights("nano"), metrics: null },
        ],
  begin: async (directory) => ({
    trainable: await nanoPhaseOnePolicy(
      ...([shippedWeights("nano-base"), join(directory, "nano.safetensors"), countTokens] as const),
    ),
    close: () => {},
  }),
  async write(weights, films) {
    const policy = nanoPolicy(await openNano(weights), null, countTokens);
    return mapConcurrently(films, {}, (film) => writtenOf(policy, film, undefined));
  },
};

const { learningRate, ...vl } = modelPhaseOneRecipes["household-vl"];

/** household-VL, all weights, by its pictures. @param run of `perf/household-vl.ts`, whose Phase One it is next to */
const householdVl = (run: string): Subject => ({
  recipe: { ...vl, config: { ...vl.config, learningRate: learningRate.all } },
  videos: { ...nanoPhaseOneRecipe.videos, captions: false },
  concurrency: vl.config.batch,
  untouched(seed, steps) {
    const { directory, weights } = trainedPhaseOne(run, seed, steps);
    const base = { name: "base", weights: modelFolder("household-vl"), metrics: null };
    const asItIs = { name: "Phase One, as it is", weights, metrics: recordedIn(directory) };
    return seed > 0 ? [asItIs] : [base, asItIs];
  },
  async begin(directory) {
    const folder = join(directory, "model");
    return openFolderPhaseOne(householdVlConfig, { kind: "all", folder });
  },
  async write(weights, films) {
    const { engine, policy } = await openHouseholdVl(weights);
    try {
      const plain = torchPolicy(engine, null, policy);
      return await mapConcurrently(films, { concurrency }, (film) => writtenOf(plain, film, undefined));
    } finally {
      engine.close();
    }
  },
});

/** The steps that a run recorded. */
function recordedIn(directory: string): RecordedStep[] {
  const lines = readFileSync(join(directory, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RecordedStep);
}

/** By the name of `--model`. */
export const subjects: Readonly<Record<string, (run: string) => Subject>> = {
  nano: () => nano,
  "household-vl": householdVl,
};
