/**
 * Phase Two of nano: its adapter is a vector added to the residual stream, trained on preferences between memories it
 * drew itself.
 *
 * Memories are drawn for households of the train split, and the adapter is tried on households of the validation split.
 * The judge knows the truth of both; what a user watched is not needed. Both sets are made at their first use and kept:
 * the cache is frozen, and every later training starts from it.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import type { AdapterTarget } from "../../adapter/adapter-file.ts";
import type { NanoModel } from "../../engines/nano/nano-model.ts";
import { householdVideos } from "../../household/index.ts";
import { type ContextLimits, contextDefaults } from "../../policy/context.ts";
import type { Context, Policy } from "../../policy/policy.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import type { Judge } from "../../reward/judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import type { Task } from "../../tasks/task.ts";
import { type CachedContext, phaseTwo, rollOut } from "../../training/phase-two.ts";
import { openPhaseTwoRun, type PhaseTwoRun } from "../../training/phase-two-run.ts";
import { decisionsOf, type ReplayOptions } from "../../training/replay.ts";
import type { AdapterTrainer, TrainOptions } from "../../training/train-adapter.ts";
import { judgedValidation, type Validation } from "../../training/validation.ts";
import { nanoPolicy, trainableNano } from "./nano-policy.ts";
import { nanoPhaseTwoRecipe } from "./recipes.ts";
import type { NanoSample } from "./sample-arrays.ts";
import { nanoVectorTrainer } from "./vector-trainer.ts";

/** Options of `nanoAdapterTrainer`. */
export interface NanoAdapterTrainerOptions {
  readonly model: NanoModel;
  readonly countTokens: (text: string) => number;
  /** Says which memory helps more. @default householdJudge */
  readonly judge?: Judge;
  /** Episodes of six clips that memories are drawn for and that the adapter is tried on. @default nanoPhaseTwoRecipe */
  readonly poolEpisodes?: number;
  readonly heldOutEpisodes?: number;
  readonly seed?: string;
  /** How much the policy is shown when it acts. @default contextDefaults */
  readonly limits?: ContextLimits;
}

/** The adapter trainer of nano, with its cache. */
export interface NanoAdapterTrainer extends AdapterTrainer {
  /** Needs only the question of a task, and nothing that was watched. */
  train(
    tasks: readonly Pick<Task, "question">[],
    streams?: unknown,
    options?: TrainOptions,
  ): ReturnType<AdapterTrainer["train"]>;
  /** The frozen cache. */
  cache(options?: Pick<TrainOptions, "signal">): Promise<readonly CachedContext<NanoSample>[]>;
}

/** Trains and tries nano's adapters. Nothing is drawn before the first training. */
export function nanoAdapterTrainer(options: NanoAdapterTrainerOptions): NanoAdapterTrainer {
  const recipe = nanoPhaseTwoRecipe;
  const { model, countTokens, limits = contextDefaults, seed = "nano" } = options;
  const { poolEpisodes = recipe.poolEpisodes, heldOutEpisodes = recipe.heldOutEpisodes } = options;
  const pool = householdVideos(recipe.pool);
  const heldOut = householdVideos(recipe.heldOut);
  const judge =
    options.judge ??
    householdJudge((stream, clip) => pool.truthOf(stream, clip) ?? heldOut.truthOf(stream, clip));
  const score: ScoreOptions = { countTokens, form: "description" };
  const base = nanoPolicy(model, null, countTokens);
  const contextsIn = (videos: typeof pool, episodes: number, signal: AbortSignal | undefined) =>
    contextsOf(base, videos, episodes, { limits, signal });

  const cached = once(async ({ signal, run }: { signal?: AbortSignal | undefined; run?: PhaseTwoRun }) =>
    rollOut(trainableNano(model, countTokens), await contextsIn(pool, poolEpisodes, signal), {
      ...{ samples: recipe.samples, seed, countTokens, run, signal },
      quality: { judge, score },
    }),
  );
  const tried = once((signal: AbortSignal | undefined) => contextsIn(heldOut, heldOutEpisodes, signal));
  const openRun = (directory: string, tasks: readonly Pick<Task, "question">[]) => {
    const questions = tasks.map(({ question }) => question);
    const settings = { ...recipe, poolEpisodes, heldOutEpisodes, limits, seed };
    const config = { base: base.revision, judge: judge.id, questions, ...settings };
    return openPhaseTwoRun(directory, config, { otherRun: "replace" });
  };

  return {
    policy: base.id,
    base: base.revision,
    fitsBase: nanoTarget(model).base,
    ...{ method: "dpo", triedOn: "clips" },
    needsNoStream: true,
    margins: recipe.margins,
    cache: ({ signal } = {}) => cached({ signal }),
    async train(tasks, _, { signal, run: directory } = {}) {
      const run = directory === undefined ? {} : { run: openRun(directory, tasks) };
      const cache = await cached({ signal, ...run });
      const trainer = nanoVectorTrainer(model);
      const samples = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample));
      const norm = recipe.vectorShare * (await trainer.streamNorm(samples.slice(0, 64)));
      const { dpo, tokenMargin } = recipe;
      return phaseTwo(trainer, cache, tasks, {
        ...{ judge, seed, tokenMargin, dpo, length: { norm }, signal },
        ...run,
      });
    },
    async validate(tasks, _, adapter: Adapter, signal): Promise<Validation> {
      const contexts = (await tried(signal)).map(({ context }) => context);
      const adapted = nanoPolicy(model, adapter, countTokens);
      return judgedValidation(base, adapted, contexts, tasks, { judge, score, seed, signal });
    },
    adapterWords: () => [],
  };
}

/** The contexts a policy meets in the first videos of a row, with its own history. */
async function contextsOf(
  policy: Policy,
  videos: ReturnType<typeof householdVideos>,
  episodes: number,
  options: ReplayOptions,
): Promise<{ id: string; context: Context }[]> {
  const contexts: { id: string; context: Context }[] = [];
  for (let n = 0; n < episodes; n++) {
    const video = videos.video(n);
    const observations = await Promise.all(
      Array.from({ length: video.clips }, (_, clip) => video.observe(clip)),
    );
    for await (const { context } of decisionsOf(policy, observations, options))
      contexts.push({ id: `${n}-${context.observations[0]!.clip}`, context });
  }
  return contexts;
}

/** Makes a value at the first call; after a failure the next call makes it again. */
function once<How, T>(make: (how: How) => Promise<T>): (how: How) => Promise<T> {
  let made: Promise<T> | null = null;
  return (how) => {
    made ??= make(how).catch((error) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/**
 * Where nano's adapters are added, and the base they fit: its weights alone, because it does not read the prompt's
 * wording. Files of earlier versions name the wording too.
 */
export function nanoTarget(model: NanoModel): AdapterTarget {
  return {
    ...{ space: model.adapterSpace, dimension: model.width, base: model.id },
    formerBase: new RegExp(`^(engine|model):${model.id}@[0-9a-f]{12}$`),
  };
}
