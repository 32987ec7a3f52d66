/**
 * Phase Two of the model policy over a torch engine: a vector of the residual stream, or low-rank matrices, trained by
 * preferences between memories that the model itself writes about what was watched.
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
import { ConfigError } from "../../errors.ts";
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
import { actingPolicy, trainableLines } from "./line-policy.ts";
import { type ModelPhaseTwoRecipe, modelPhaseTwoRecipe } from "./recipes.ts";
import { agreeingBlock, blockAt, type ChosenBlock } from "./steered-place.ts";
import { type TorchPolicyOptions, torchPolicy, trainableTorch } from "./torch-policy.ts";
import { trainedLora } from "./torch-trainer.ts";

/** Options of `torchAdapterTrainer`. */
export interface TorchAdapterTrainerOptions {
  /** Trains what the recipe says, whatever it was opened for but all weights. */
  readonly engine: TorchEngine;
  /** How it writes. With `ownLines` an adapter is taught and tried by the lines that it chooses, and nothing is drawn. */
  readonly policy: TorchPolicyOptions & { readonly ownLines?: boolean };
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
export const measured = 16;
/** Contexts that a LoRA of rank one is fitted on, or tried. */
const fitted = 24;
/** Lines of a clip that are compared at least, where memories are lines. */
const fewestLines = 8;

/** What an adapter of the model of an engine must fit: any block and either kind of tokens. */
export function torchTarget({ about: { model, width } }: TorchEngine): AdapterTarget {
  return { space: `residual:torch:${model}@any`, dimension: width, base: `torch:${model}` };
}

/**
 * Trains and tries adapters of the model of an engine.
 * @throws RangeError for a recipe of matrices at the answer's tokens only
 */
export function torchAdapterTrainer(options: TorchAdapterTrainerOptions): AdapterTrainer {
  const { engine, judge, recipe = modelPhaseTwoRecipe, seed = "model" } = options;
  const { ownLines, ...policy } = options.policy;
  if (recipe.kind !== "vector" && recipe.at === "answer")
    throw new RangeError(`Expected \`at\` to be "all" where ${recipe.kind} is trained, got "answer"`);
  const { limits = contextDefaults, concurrency = 4, watched: store, onProgress } = options;
  const { countTokens } = policy;
  const base = torchPolicy(engine, null, policy);
  const acting = (adapter: Adapter | null) =>
    actingPolicy(engine, adapter, { ...policy, ...(ownLines && { ownLines }) });
  const watching = rolloutCache(acting(null), store ? { store } : {});
  const counting = (stage: TrainingStage) => (done: number, total: number) =>
    onProgress?.({ stage, done, total });
  const score: ScoreOptions = {
    countTokens,
    form: ownLines ? "statements" : policy.semantic ? "description-and-knowledge" : "description",
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
    const { strengths: scales } = recipe;
    if (problem !== null || scales.length === 0 || between.length === 0)
      return { ...learned, strength: null };
    const scaled = new Map<number, Adapter>([[1, adapter]]);
    const at = async (scale: number) => {
      const known = scaled.get(scale) ?? (await scaledBy(adapter, scale));
      scaled.set(scale, known);
      return known;
    };
    let scale = run?.choice<StrengthChoice>("strength")?.scale;
    if (scale === undefined) {
      for (const one of scales) await at(one);
      const chosen = await tryStrengths(
        acting(null),
        (tried) => acting(scaled.get(tried)!),
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
    return { ...learned, adapter: await at(scale), strength: scale };
  }

  /** The trained adapter at a strength. */
  async function scaledBy(adapter: Adapter, scale: number): Promise<Adapter> {
    if (adapter.kind === "remote") return trainedLora(engine, scale);
    return rescaleAdapter(adapter, scale * adapterNorm(adapter)!);
  }

  /** Has the engine train what the recipe says, from its start, and the vector where the recipe begins with it. */
  async function begin(): Promise<void> {
    const { kind, at } = recipe;
    const block = blockAt(recipe.block, engine);
    if (kind === "lora") await engine.trainOther({ kind });
    else if (engine.trains === kind) await engine.steerAt(block, at);
    else await engine.trainOther({ kind, block, at });
  }

  /** Puts the vector behind its block, and tells how long the stream is there; nothing for matrices beside every block. */
  async function place(
    preferred: PreferredPairs<TorchSample>,
    shown: readonly string[],
    run: PhaseTwoRun | undefined,
  ): Promise<{ readonly chosen: ChosenBlock; readonly stream: number } | null> {
    if (recipe.kind === "lora") return null;
    const chosen = await placeFor(preferred, run);
    await engine.steerAt(chosen.block, recipe.at);
    const prompts = [...new Set(preferred.pairs.map(({ chosen }) => chosen.sample.prompt))];
    if (prompts.length === 0) return { chosen, stream: 0 };
    if (recipe.kind === "rank-one") await fit(shown);
    return { chosen, stream: (await engine.streamNorm(evenlySpaced(prompts, measured))).mean };
  }

  /** Fits the function that sets the vector's length. @throws ConfigError `adapter-unsupported` for a single context */
  async function fit(prompts: readonly string[]): Promise<void> {
    if (prompts.length > 1) await engine.calibrate(evenlySpaced(prompts, fitted));
    else
      throw new ConfigError(
        "adapter-unsupported",
        "A LoRA of rank one is fitted on two clips or more, and one alone could be written about: watch more, or train the vector",
      );
  }

  return {
    policy: base.id,
    base: base.revision,
    fitsBase: torchTarget(engine).base,
    ...{ method: "dpo", triedOn: "clips", margins: recipe.margins },
    async train(tasks, streams, { run: directory, signal }: TrainOptions = {}) {
      const { earlier, between, refusedClips } = await watched(streams, signal);
      const questions = tasks.map(({ question }) => question);
      const { samples, lines, pairs: take, judge: judging, at } = recipe;
      const shown = sha256(JSON.stringify(earlier.map(({ id, context }) => [id, textsOf(context)])));
      const config = { base: base.revision, judge: judge.id, questions, shown, recipe, limits, seed };
      const run =
        directory === undefined ? undefined : openPhaseTwoRun(directory, config, { otherRun: "replace" });
      await begin();
      const trainable = ownLines ? trainableLines(engine, policy) : trainableTorch(engine, policy);
      const candidates = ownLines ? { samples: 0, lines: Math.max(lines, fewestLines) } : { samples, lines };
      const cache = await rollOut(trainable, earlier, {
        ...{ ...candidates, seed, countTokens, run, concurrency, signal },
        onDone: counting("drawing"),
        quality: { judge, score: { ...score, questions } },
      });
      const preferred = await preferredPairs(cache, tasks, {
        ...{ judge, seed, tokenMargin: recipe.tokenMargin, take, run, concurrency, signal, onProgress },
        others: judging === "contrast" ? generalQuestions : [],
      });
      const prompts = cache.flatMap(({ candidates: [one] }) => (one ? [one.sample.prompt] : []));
      const placed = await place(preferred, prompts, run);
      const stream = placed?.stream ?? 0;
      const { dpo, length, kind } = recipe;
      const rate = learningRate(recipe, stream, engine.about.width);
      const learned = await learnPairs(trainable.trainer, preferred, {
        ...{ seed, run, signal, onProgress },
        dpo: { ...dpo, learningRate: rate },
        ...(length && { length: "share" in length ? { norm: length.share * stream } : length }),
      });
      const result = await atItsStrength(learned, between, tasks, run, signal);
      if (result.adapter.kind === "remote" && result.problem === null)
        await engine.keepLora(result.adapter.uri);
      const found = {
        ...{ kind, numbers: engine.about.trained, rate },
        ...(placed && { block: placed.chosen.block, tokens: at }),
        ...(placed && placed.chosen.agreement !== null && { agreement: placed.chosen.agreement }),
        ...(result.strength !== null && { strength: result.strength }),
        ...(stream > 0 && { streamShare: (adapterNorm(result.adapter) ?? 0) / stream }),
      };
      const { strength: _, ...rest } = result;
      return { ...rest, found, refusedClips };
    },
    async validate(tasks, streams, adapter: Adapter, signal) {
      const { later, refusedClips } = await watched(streams, signal);
      const contexts = later.map(({ context }) => context);
      const validation = await judgedValidation(acting(null), acting(adapter), contexts, tasks, {
        ...{ judge, score: { ...score, questions: tasks.map(({ question }) => question) } },
        ...{ seed, concurrency, signal, onDone: counting("trying") },
      });
      return { ...validation, refusedClips };
    },
    adapterWords: () => [],
  };
}

/**
 * The learning rate of a recipe. Adam moves each of the numbers by about the rate a step, so a length and a count of steps
 * give a rate.
 * @param streamNorm mean length of the stream where the vector is added
 */
export function learningRate({ rate, dpo }: ModelPhaseTwoRecipe, streamNorm: number, width: number): number {
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
