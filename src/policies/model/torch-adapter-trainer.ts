/**
 * Phase Two of the model policy over a torch engine: a vector of the residual stream, trained by preferences between
 * memories that the model itself writes about what was watched.
 *
 * What was watched is shown again, so that each clip has the history that the policy without an adapter gives it. The
 * earlier clips train, the later ones try the adapter: it is tried on a time that did not train it. Between them a few
 * clips choose its strength.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import type { AdapterTarget } from "../../adapter/adapter-file.ts";
import { adapterNorm, rescaleAdapter } from "../../adapter/arithmetic.ts";
import type { EngineCache } from "../../engine.ts";
import type { TorchEngine, TorchSample } from "../../engines/torch/index.ts";
import type { Observation } from "../../perception/observation.ts";
import { type ContextLimits, contextDefaults } from "../../policy/context.ts";
import { evenlySpaced } from "../../policy/pictures.ts";
import type { Context } from "../../policy/policy.ts";
import { generalQuestions } from "../../reward/general-questions.ts";
import type { Judge } from "../../reward/judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import type { Task } from "../../tasks/task.ts";
import {
  learnPairs,
  type PhaseTwoResult,
  type PreferredPairs,
  preferredPairs,
  rollOut,
  wholeSteps,
} from "../../training/phase-two.ts";
import { openPhaseTwoRun, type PhaseTwoRun } from "../../training/phase-two-run.ts";
import type { OnTraining, TrainingStage } from "../../training/progress.ts";
import { type StrengthTrial, tryStrengths } from "../../training/strength.ts";
import type { AdapterTrainer, TrainOptions } from "../../training/train-adapter.ts";
import { judgedValidation } from "../../training/validation.ts";
import { sha256 } from "../../util/hash.ts";
import { rolloutCache } from "../best-of-n/rollout-cache.ts";
import { lessonContexts, type NamedContext } from "./lesson-contexts.ts";
import { type ModelPhaseTwoRecipe, modelPhaseTwoRecipe } from "./recipes.ts";
import { agreeingBlock, blockAt, type ChosenBlock } from "./steered-place.ts";
import { type TorchPolicyOptions, torchPolicy, trainableTorch } from "./torch-policy.ts";

/** Options of `torchAdapterTrainer`. */
export interface TorchAdapterTrainerOptions {
  /** Opened to train a vector. */
  readonly engine: TorchEngine;
  readonly policy: TorchPolicyOptions;
  /** Compares memories, and says whether they are true. */
  readonly judge: Judge;
  /** @default modelPhaseTwoRecipe */
  readonly recipe?: ModelPhaseTwoRecipe;
  readonly seed?: string;
  /** How much the policy is shown when it acts. @default contextDefaults */
  readonly limits?: ContextLimits;
  /** Contexts drawn for, and comparisons made, at once; results are the same at any value. @default 4 */
  readonly concurrency?: number;
  /** Keeps what the policy wrote about what was watched, so that a later training need not ask again. @default nowhere */
  readonly watched?: EngineCache;
  readonly onProgress?: OnTraining | undefined;
}

/** A strength as a run keeps it, with its trials. */
interface StrengthChoice {
  readonly scale: number;
  readonly trials: readonly StrengthTrial[];
}

/** Contexts that the stream's length is measured on. */
const measured = 16;

/** What an adapter of the model of an engine must fit: any block and either kind of tokens. */
export function torchTarget({ about: { model, width } }: TorchEngine): AdapterTarget {
  return { space: `residual:torch:${model}@any`, dimension: width, base: `torch:${model}` };
}

/** Trains and tries vectors of the model of an engine. */
export function torchAdapterTrainer(options: TorchAdapterTrainerOptions): AdapterTrainer {
  const { engine, policy, judge, recipe = modelPhaseTwoRecipe, seed = "model" } = options;
  const { limits = contextDefaults, concurrency = 4, watched: store, onProgress } = options;
  const { countTokens } = policy;
  const base = torchPolicy(engine, null, policy);
  const watching = rolloutCache(base, store ? { store } : {});
  const counting = (stage: TrainingStage) => (done: number, total: number) =>
    onProgress?.({ stage, done, total });
  const score: ScoreOptions = {
    countTokens,
    form: policy.semantic ? "description-and-knowledge" : "description",
  };

  const watched = (streams: readonly (readonly Observation[])[], signal: AbortSignal | undefined) =>
    lessonContexts(watching, streams, {
      ...recipe,
      ...{ limits, concurrency, signal, onDone: counting("watching") },
    });

  /** Where the vector goes. It is found out once in a run, so that a resumed one trains the same. */
  async function placeFor(
    { pairs }: PreferredPairs<TorchSample>,
    run: PhaseTwoRun | undefined,
  ): Promise<ChosenBlock> {
    const { block, at } = recipe;
    if (block !== "agree") return { block: blockAt(block, engine), agreement: null };
    const known = run?.choice<ChosenBlock>("block");
    if (known) return known;
    const samples = pairs.map(({ context, chosen, rejected }) => ({
      ...{ context, chosen: chosen.sample, rejected: rejected.sample },
    }));
    const place = await agreeingBlock(engine, samples, at);
    await run?.keepChoice("block", place);
    return place;
  }

  /** The trained adapter at the strength that gains most; at none it is a problem. */
  async function atItsStrength(
    learned: PhaseTwoResult,
    between: readonly NamedContext[],
    tasks: readonly Task[],
    run: PhaseTwoRun | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PhaseTwoResult & { readonly strength: number | null }> {
    const { adapter, problem } = learned;
    const norm = adapterNorm(adapter);
    const { strengths: scales } = recipe;
    if (problem !== null || norm === null || scales.length === 0 || between.length === 0)
      return { ...learned, strength: null };
    const at = (scale: number) => (scale === 1 ? adapter : rescaleAdapter(adapter, scale * norm));
    let scale = run?.choice<StrengthChoice>("strength")?.scale;
    if (scale === undefined) {
      const chosen = await tryStrengths(
        base,
        (tried) => torchPolicy(engine, at(tried), policy),
        between.map(({ context }) => context),
        tasks,
        {
          ...{ judge, score: { ...score, questions: tasks.map(({ question }) => question) } },
          ...{ seed, concurrency, signal, scales, tokenRatio: recipe.margins.tokenRatio },
        },
      );
      scale = chosen.scale;
      await run?.keepChoice("strength", chosen);
    }
    if (scale === 0) return { ...learned, problem: "no-strength", strength: 0 };
    return { ...learned, adapter: at(scale), strength: scale };
  }

  return {
    policy: base.id,
    base: base.revision,
    fitsBase: torchTarget(engine).base,
    ...{ method: "dpo", triedOn: "clips", margins: recipe.margins },
    async train(tasks, streams, { run: directory, signal }: TrainOptions = {}) {
      const { earlier, between, refusedClips } = await watched(streams, signal);
      const questions = tasks.map(({ question }) => question);
      const { lines, pairs: take, judge: judging, at } = recipe;
      const shown = sha256(JSON.stringify(earlier.map(({ id, context }) => [id, textsOf(context)])));
      const config = { base: base.revision, judge: judge.id, questions, shown, recipe, limits, seed };
      const run =
        directory === undefined ? undefined : openPhaseTwoRun(directory, config, { otherRun: "replace" });
      const trainable = trainableTorch(engine, policy);
      await engine.steerAt(blockAt(recipe.block, engine), at);
      const cache = await rollOut(trainable, earlier, {
        ...{ samples: recipe.samples, lines, seed, countTokens, run, concurrency, signal },
        onDone: counting("drawing"),
        quality: { judge, score: { ...score, questions } },
      });
      const preferred = await preferredPairs(cache, tasks, {
        ...{ judge, seed, tokenMargin: recipe.tokenMargin, take, run, concurrency, signal, onProgress },
        others: judging === "contrast" ? generalQuestions : [],
      });
      const place = await placeFor(preferred, run);
      await engine.steerAt(place.block, at);
      const prompts = [...new Set(preferred.pairs.map(({ chosen }) => chosen.sample.prompt))];
      const stream =
        prompts.length === 0 ? 0 : (await engine.streamNorm(evenlySpaced(prompts, measured))).mean;
      const { dpo, length } = recipe;
      const learned = await learnPairs(trainable.trainer, preferred, {
        ...{ seed, run, signal, onProgress },
        dpo: { ...dpo, learningRate: learningRate(recipe, stream, engine.about.width) },
        ...(length && { length: "share" in length ? { norm: length.share * stream } : length }),
      });
      const result = await atItsStrength(learned, between, tasks, run, signal);
      const found = {
        ...{ block: place.block, tokens: at },
        ...(place.agreement !== null && { agreement: place.agreement }),
        ...(result.strength !== null && { strength: result.strength }),
        ...(stream > 0 && { streamShare: (adapterNorm(result.adapter) ?? 0) / stream }),
      };
      const { strength: _, ...rest } = result;
      return { ...rest, found, refusedClips };
    },
    async validate(tasks, streams, adapter: Adapter, signal) {
      const { later, refusedClips } = await watched(streams, signal);
      const adapted = torchPolicy(engine, adapter, policy);
      const contexts = later.map(({ context }) => context);
      const validation = await judgedValidation(base, adapted, contexts, tasks, {
        ...{ judge, score: { ...score, questions: tasks.map(({ question }) => question) } },
        ...{ seed, concurrency, signal, onDone: counting("trying") },
      });
      return { ...validation, refusedClips };
    },
    adapterWords: () => [],
  };
}

/** Adam moves each of the numbers by about the rate a step, so a length and a count of steps give a rate. */
function learningRate({ rate, dpo }: ModelPhaseTwoRecipe, streamNorm: number, width: number): number {
  if ("learningRate" in rate) return rate.learningRate;
  return (rate.share * streamNorm) / (wholeSteps(dpo.steps, dpo.decay) * Math.sqrt(width));
}

/** What a context shows, without its pictures. */
function textsOf({ observations, recent, state: _, ...rest }: Context): object {
  const texts = (some: readonly Observation[]) => some.map(({ frames: _, ...observation }) => observation);
  return {
    ...rest,
    observations: texts(observations),
    recent: { ...recent, observations: texts(recent.observations) },
  };
}
