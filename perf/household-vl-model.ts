/** What measurements of household-VL share: films by their pictures alone, what lessons watch, Phase One's weights, and the open model. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import {
  type FilmOptions,
  filmHousehold,
  type HouseholdFilm,
} from "../src/benchmarks/datasets/household/films.ts";
import { parseConfig } from "../src/config.ts";
import { requireTorchPython } from "../src/engines/torch/environment.ts";
import {
  openTorchEngine,
  type TorchEngine,
  type Trained,
  torchModel,
  workerCommand,
} from "../src/engines/torch/index.ts";
import { type HouseholdVideos, householdVideos } from "../src/household/index.ts";
import { trainingEpisodes } from "../src/household/splits.ts";
import type { Observation } from "../src/perception/observation.ts";
import { modelPhaseOneRecipes } from "../src/policies/model/phase-one-recipe.ts";
import type { TorchPolicyOptions } from "../src/policies/model/torch-policy.ts";
import { modelPolicyOptions } from "../src/taskmem/assembly.ts";
import { folderPrompting } from "../src/taskmem/folder-model.ts";

/** Where `perf/household-vl.ts` keeps Phase One's weights, memories and adapters. */
export const householdVlRun = join("runs", "household-vl-two-by-two");

/** Memories asked for at once: those that wait are drawn together. */
export const concurrency = 32;

/** As a user configures it, on one thread. */
export const householdVlConfig = parseConfig({
  policy: "model",
  model: { model: "household-vl" },
  torch: { threads: 1 },
});

/** Films without the captions beside them: the model looks at pictures, and has never read captions. */
export async function silentFilms(options: FilmOptions): Promise<HouseholdFilm[]> {
  const films = await filmHousehold(options);
  return films.map((film) => ({
    ...film,
    observations: film.observations.map((observation) => ({ ...observation, captions: [] })),
  }));
}

/** What lessons watch, and the truth about it. */
export async function lessonStreams(): Promise<{
  truthOf: HouseholdVideos["truthOf"];
  streams: Observation[][];
}> {
  const { episodes } = trainingEpisodes.householdVl.phaseTwo;
  const pool = householdVideos({ ...trainingEpisodes.householdVl.phaseTwo, clips: 8 });
  const streams = await Promise.all(
    Array.from({ length: episodes }, async (_, n) => {
      const video = pool.video(n);
      return Promise.all(Array.from({ length: video.clips }, (_, clip) => video.observe(clip)));
    }),
  );
  return { truthOf: pool.truthOf, streams };
}

const { config: phaseOne } = modelPhaseOneRecipes["household-vl"];

/** The seed of a run by its number: the first is the recipe's own. */
export const seedNamed = (own: string, n: number): string =>
  n === 0 ? own : `${own} ${String.fromCharCode(97 + n)}`;

/**
 * Trains household-VL by Phase One, or the rest of it, unless it was.
 * @param run of `perf/household-vl.ts`
 * @param seed its number
 * @returns the folder of the run, and that of the weights
 */
export function trainedPhaseOne(
  run: string,
  seed = 0,
  steps = phaseOne.steps,
): { directory: string; weights: string } {
  const directory = join(run, `phase-one-${seed}${steps === phaseOne.steps ? "" : `-steps-${steps}`}`);
  execFileSync(
    process.execPath,
    [
      ...[join(import.meta.dirname, "../src/cli/main.ts"), "train", "phase-one", "--policy", "model"],
      ...["--model", "household-vl", "--kind", "all", "--threads", "1", "--run", directory],
      ...(seed === 0 ? [] : ["--seed", seedNamed(phaseOne.seed, seed)]),
      ...(steps === phaseOne.steps ? [] : ["--steps", String(steps)]),
    ],
    { stdio: ["ignore", process.stderr, "inherit"] },
  );
  return { directory, weights: join(directory, "model") };
}

/** Opens the weights in a folder; close the engine. */
export async function openHouseholdVl(
  folder: string,
  train: Trained = { kind: "vector" },
): Promise<{ engine: TorchEngine; policy: TorchPolicyOptions }> {
  const command = workerCommand(requireTorchPython());
  const engine = await openTorchEngine({ model: folder, command, threads: 1, train });
  const prompting = folderPrompting(householdVlConfig);
  const model = torchModel(engine, prompting);
  return { engine, policy: { ...modelPolicyOptions(householdVlConfig, model), prompting } };
}
