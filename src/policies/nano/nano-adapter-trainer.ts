/**
 * Phase Two of nano: its adapter is a vector added to the residual stream, learnt from preferences between memories it
 * drew itself.
 *
 * The pool that memories are drawn for, and the clips that the adapter is tried on, are households of the train and the
 * validation split, whose truth the judge knows; what a user watched is not needed. Both are made at their first use and
 * kept: the cache is frozen, and every later adaptation starts from it.
 */

import type { Adapter } from "../../adapter/adapter.ts";
import type { AdapterTarget } from "../../adapter/adapter-file.ts";
import type { NanoModel } from "../../engines/nano/nano-model.ts";
import { householdVideos } from "../../household/index.ts";
import type { Context, Policy } from "../../policy/policy.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import type { Judge } from "../../reward/judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import type { Task } from "../../tasks/task.ts";
import { type CachedContext, type DpoOptions, phaseTwo, rollOut } from "../../training/phase-two.ts";
import { decisionsOf } from "../../training/replay.ts";
import type { AdapterTrainer } from "../../training/train-adapter.ts";
import {
  type GateMargins,
  gateMargins,
  judgedValidation,
  type Validation,
} from "../../training/validation.ts";
import { nanoPolicy, trainableNano } from "./nano-policy.ts";
import type { NanoSample } from "./sample-arrays.ts";
import { nanoVectorTrainer } from "./vector-trainer.ts";

export interface NanoAdapterTrainerOptions {
  readonly model: NanoModel;
  readonly countTokens: (text: string) => number;
  /** Says which memory helps more. @default householdJudge */
  readonly judge?: Judge;
  /** Episodes of six clips that memories are drawn for, and that the adapter is tried on. @default 8 and 16 */
  readonly poolEpisodes?: number;
  readonly heldOutEpisodes?: number;
  readonly seed?: string;
}

/** What worked on validation episodes. */
export const nanoDpo = {
  learningRate: 0.06,
  steps: 10,
  beta: 0.1,
  kl: 0.1,
  pairsPerStep: 32,
} satisfies DpoOptions;
/**
 * Length of the vector as a share of the mean length of what it is added to: of 0.25, 0.3 and 0.35 the one at which the
 * adapter of every kind of question passes the gate.
 */
export const vectorShare = 0.25;

const clipsPerEpisode = 6;
/** Episodes of the train split that neither pretraining nor Phase One uses. */
const firstPoolEpisode = 900_000;
const samplesPerContext = 8;
/** Two sentences of one length each differ by less. */
const tokenMargin = 8;

/**
 * The gate's margins where shares are of memories: one of nearly two statements is false or repeats almost twice as
 * often as a statement is.
 */
const memoryMargins: GateMargins = { ...gateMargins, fidelityFall: 0.04, redundancyRise: 0.09 };

export interface NanoAdapterTrainer extends AdapterTrainer {
  /** Needs of a task its question, and nothing that was watched. */
  learn(
    tasks: readonly Pick<Task, "question">[],
    streams?: unknown,
    signal?: AbortSignal,
  ): ReturnType<AdapterTrainer["learn"]>;
  /** The frozen cache. */
  cache(signal?: AbortSignal): Promise<readonly CachedContext<NanoSample>[]>;
}

export function nanoAdapterTrainer(options: NanoAdapterTrainerOptions): NanoAdapterTrainer {
  const { model, countTokens, poolEpisodes = 8, heldOutEpisodes = 16, seed = "nano" } = options;
  const pool = householdVideos({ split: "train", from: firstPoolEpisode, clips: clipsPerEpisode });
  const heldOut = householdVideos({ split: "validation", from: 0, clips: clipsPerEpisode });
  const judge =
    options.judge ??
    householdJudge((stream, clip) => pool.truthOf(stream, clip) ?? heldOut.truthOf(stream, clip));
  const score: ScoreOptions = { countTokens, form: "description" };
  const base = nanoPolicy(model, null, countTokens);

  const cached = once(async (signal) => {
    const contexts = await contextsOf(base, pool, poolEpisodes, signal);
    return rollOut(trainableNano(model, countTokens), contexts, {
      ...{ samples: samplesPerContext, seed, countTokens, signal },
      quality: { judge, score },
    });
  });
  const tried = once((signal) => contextsOf(base, heldOut, heldOutEpisodes, signal));

  return {
    policy: base.id,
    base: base.revision,
    fitsBase: nanoTarget(model).base,
    ...{ method: "dpo", triedOn: "clips" },
    needsNoStream: true,
    margins: memoryMargins,
    cache: cached,
    async learn(tasks, _, signal) {
      const cache = await cached(signal);
      const trainer = nanoVectorTrainer(model);
      const samples = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample));
      const norm = vectorShare * (await trainer.streamNorm(samples.slice(0, 64)));
      return phaseTwo(trainer, cache, tasks, {
        ...{ judge, seed, tokenMargin, signal },
        dpo: nanoDpo,
        length: { norm },
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
  signal: AbortSignal | undefined,
): Promise<{ id: string; context: Context }[]> {
  const contexts: { id: string; context: Context }[] = [];
  for (let n = 0; n < episodes; n++) {
    const video = videos.video(n);
    const observations = await Promise.all(
      Array.from({ length: video.clips }, (_, clip) => video.observe(clip)),
    );
    for await (const { context } of decisionsOf(policy, observations, { signal }))
      contexts.push({ id: `${n}-${context.observations[0]!.clip}`, context });
  }
  return contexts;
}

/** Makes a value at the first call; one that failed is made again by the next. */
function once<T>(make: (signal?: AbortSignal) => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  let made: Promise<T> | null = null;
  return (signal) => {
    made ??= make(signal).catch((error) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/**
 * Where nano's adapters are added, and the base they fit: its weights alone, for it does not read the prompt's wording.
 * Files of earlier versions name the wording too.
 */
export function nanoTarget(model: NanoModel): AdapterTarget {
  return {
    ...{ space: model.adapterSpace, dimension: model.width, base: model.id },
    formerBase: new RegExp(`^(engine|model):${model.id}@[0-9a-f]{12}$`),
  };
}
