/** Writes pairs of the model policy as a job for a trainer elsewhere. */
import { dirname, join, resolve } from "node:path";
import { configuredPreset } from "../config.ts";
import type { Model } from "../engine.ts";
import { torchPrompt } from "../engines/torch/index.ts";
import { ConfigError } from "../errors.ts";
import { rolloutCache } from "../policies/best-of-n/rollout-cache.ts";
import type { JobKind, JobTrainer } from "../policies/model/jobs/job.ts";
import { checkJob, jobFiles } from "../policies/model/jobs/job-files.ts";
import { jobPairs } from "../policies/model/jobs/job-pairs.ts";
import { modelShape } from "../policies/model/jobs/job-result.ts";
import { actionOf } from "../policies/model/model-action.ts";
import { modelPolicy } from "../policies/model/model-policy.ts";
import { type ModelPhaseTwoRecipe, modelPhaseTwoRecipeNamed } from "../policies/model/recipes.ts";
import { answerAfter } from "../policies/model/torch-policy.ts";
import { shownWithin, withoutFrames } from "../policy/fitting.ts";
import type { Context, Policy } from "../policy/policy.ts";
import { memoryInstructions, type PromptOptions, showsPictures, windowPrompt } from "../policy/prompts.ts";
import { recentLessons, recentObservations } from "../training/train-adapter.ts";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import {
  concurrencyOf,
  configuredJudge,
  configuredModelPolicy,
  isFolderModel,
  modelPolicyOptions,
  type TrainingChoice,
} from "./assembly.ts";
import { folderPrompting, modelFolder } from "./folder-model.ts";
import type { Parts } from "./parts.ts";

/** What a job is for, and how it trains. */
export interface JobExportOptions
  extends Pick<TrainingChoice, "judge" | "judgeModel" | "recipe" | "seed" | "onTraining"> {
  readonly for: JobTrainer;
  /** Directory of the job, made if it is missing. The same call again resumes one that was stopped. */
  readonly out: string;
  /** @default "vector" */
  readonly kind?: JobKind | undefined;
  /** Block that the vector is added after. @default at 0.47 of the depth */
  readonly block?: number | undefined;
  /** The weights, as transformers finds them. @default the model's folder or name */
  readonly weights?: string | undefined;
  /** @default a vector: as the recipe says; low-rank matrices: 1e-5; all weights: 1e-6 */
  readonly learningRate?: number | undefined;
  /** @default as the recipe says */
  readonly steps?: number | undefined;
  /** Pairs that the trainer has in memory at once. @default 1 */
  readonly pairsAtOnce?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A job that was written. */
export interface JobExport {
  readonly directory: string;
  readonly pairs: number;
  /** Contexts that memories were drawn for. */
  readonly contexts: number;
  /** Comparisons that the judge failed to make. */
  readonly failedVerdicts: number;
  /** Clips left out because an engine refused to write about them. */
  readonly refusedClips: number;
  readonly kind: JobKind;
  readonly block: number | null;
}

/** Rates that the documentation of TRL's DPO starts from. */
const defaultRates = { lora: 1e-5, all: 1e-6 } as const;
/** As the worker trains them. */
const lora = { rank: 8, alpha: 8 };
const leastQuestions = 5;

/**
 * Draws memories of what was watched, has a judge compare them by recent questions, and writes the pairs as a job.
 * @throws ConfigError `policy-untrainable`, `job-impossible`, or `job-empty` where there is nothing to learn from
 */
export async function exportJob(parts: Parts, options: JobExportOptions): Promise<JobExport> {
  const { for: trainer, out, kind = "vector", seed = "model", signal, onTraining } = options;
  const { memory, config, limits } = parts;
  const model = await modelOf(parts);
  const recipe = recipeOf(parts, options);
  const { model: name } = config.model;
  const weights = options.weights ?? (isFolderModel(model) ? resolve(modelFolder(name!)) : name!);
  const block = kind === "vector" ? blockOf(options.block, weights, model) : null;
  const chosenRate = options.learningRate ?? (kind === "vector" ? null : defaultRates[kind]);
  const { dpo } = recipe;
  const job = {
    ...{ for: trainer, kind, model: weights, block },
    space: kind === "vector" ? `residual:${model.id}@${block}` : `weights:${model.id}`,
    settings: {
      ...{ steps: options.steps ?? dpo.steps, pairsPerStep: dpo.pairsPerStep ?? 1 },
      ...{ pairsAtOnce: options.pairsAtOnce ?? 1, beta: dpo.beta ?? 0.1 },
      ...{ preference: dpo.preference ?? 1, likelihood: dpo.likelihood ?? 0, kl: dpo.kl ?? 0 },
      ...{ decay: dpo.decay ?? ("none" as const), seed, lora },
      scale: recipe.length !== null && "scale" in recipe.length ? recipe.length.scale : 1,
      rate: chosenRate === null ? recipe.rate : { learningRate: chosenRate },
    },
  };
  checkJob(job);
  const [tasks, streams] = [await recentLessons(memory), await recentObservations(memory)];
  if (tasks.length < leastQuestions || streams.length === 0)
    throw new ConfigError(
      "job-empty",
      `There is nothing to learn from yet: ${tasks.length} of ${leastQuestions} distinct questions were asked, and ${streams.length} streams watched.`,
    );
  const {
    pairs,
    report: _,
    ...found
  } = await jobPairs(tasks, streams, {
    ...(await judgingOf(parts, options, model)),
    ...{ recipe, limits, seed, signal, onTraining, run: join(out, "run") },
    base: baseOf(parts, model),
    drawing: drawingOf(parts, model),
    ...(await promptingOf(parts, model)),
  });
  if (pairs.length === 0)
    throw new ConfigError(
      "job-empty",
      `The judge preferred no memory of ${found.contexts} clips consistently (it failed at ${found.failedVerdicts} comparisons; ${join(out, "run")} holds them): ask other questions, watch more, or name another judge.`,
    );
  const { settings } = job;
  const pairsPerStep = Math.min(dpo.pairsPerStep ?? pairs.length, pairs.length);
  const files = jobFiles({ ...job, settings: { ...settings, pairsPerStep }, pairs });
  for (const [path, content] of Object.entries(files)) {
    makeDirectory(dirname(join(out, path)));
    replaceFile(join(out, path), content);
  }
  return { directory: out, kind, block, pairs: pairs.length, ...found };
}

/** The settings a job is named for; the paper's for its own fork. */
function recipeOf({ config }: Parts, { for: trainer, recipe }: JobExportOptions): ModelPhaseTwoRecipe {
  const found =
    typeof recipe === "object"
      ? recipe
      : modelPhaseTwoRecipeNamed(recipe ?? (trainer === "verl" ? "paper" : "default"));
  // A line of the clip has no thinking before it, and would teach to leave it out.
  const thinks = config.model.thinking ?? configuredPreset(config)?.thinks ?? false;
  return thinks ? { ...found, lines: 0 } : found;
}

/** The model of the model policy. @throws ConfigError `policy-untrainable`, `model-missing` */
export async function modelOf(parts: Parts): Promise<Model> {
  if (parts.policyId !== "model")
    throw new ConfigError(
      "policy-untrainable",
      `Expected the policy \`model\`, got \`${parts.policyId}\`: only a model is trained elsewhere. Name it with --policy model and --model.`,
    );
  const model = await parts.model();
  if (model) return model;
  throw new ConfigError("model-missing", "Name the model with --model: a folder, or a name with --base-url.");
}

/** The judge, and what a memory must be to pass it. */
export async function judgingOf(
  { config, memory }: Parts,
  { judge, judgeModel }: Pick<TrainingChoice, "judge" | "judgeModel">,
  model: Model,
) {
  const { countTokens, semantic } = modelPolicyOptions(config, model);
  const form = semantic ? ("description-and-knowledge" as const) : ("description" as const);
  return {
    judge: await configuredJudge(config, { judge, judgeModel }, () => memory.engineCache("verdicts")),
    score: { countTokens, form },
    concurrency: isFolderModel(model) ? 4 : concurrencyOf(config, true),
  };
}

/** The policy without an adapter; what it wrote about what was watched is kept, so that it is asked once. */
export function baseOf({ config, memory }: Parts, model: Model): Policy {
  const { sampling } = modelPolicyOptions(config, model);
  const settings = ["watched for a job", config.model.baseUrl ?? null, sampling, config.torch.dtype];
  const store = memory.engineCache(JSON.stringify(settings));
  return rolloutCache(configuredModelPolicy(config, model), { store });
}

/** Memories are drawn once each, without repairs: a repaired one answers another prompt. */
function drawingOf({ config }: Parts, model: Model) {
  const options = modelPolicyOptions(config, model);
  // In a folder they are drawn as they are likely, as the worker's own trainer needs them.
  const plain = isFolderModel(model) ? { temperature: 1, topP: 1 } : {};
  return modelPolicy({ ...options, model, sampling: { ...options.sampling, ...plain }, attempts: 0 });
}

/** What the policy asks about a context, in the words and with the pictures that the model is sent, and how it is answered. */
async function promptingOf({ config }: Parts, model: Model) {
  const { sampling: _, ...options } = modelPolicyOptions(config, model);
  const { images, video, contextTokens } = await model.capabilities();
  const { thinking } = config.model;
  const template = thinking === undefined ? {} : { template: { enable_thinking: thinking } };
  const prompting = isFolderModel(model) ? folderPrompting(config) : template;
  const prefix = ("prefix" in prompting && prompting.prefix) || "";
  const asked = { memories: [], wording: "", mayRepeat: true, mayBeEmpty: false };
  return {
    async promptOf(context: Context) {
      const full: { context: Context; options: PromptOptions } = { context, options };
      const shown = shownWithin(images || video ? full : withoutFrames(full), contextTokens);
      const system = memoryInstructions(showsPictures(shown.context), shown.options);
      const { parts } = await windowPrompt(shown.context, shown.options);
      return torchPrompt({ system, parts }, prompting);
    },
    tell: (context: Context, texts: readonly string[]) =>
      texts.map((told) => {
        const text = prefix + answerAfter(prefix, told, options.semantic);
        const completion = { text, thinking: null, finish: "stop" as const, tokens: null };
        return actionOf(completion, context, { ...options, asked, revision: "told" });
      }),
  };
}

/** @throws ConfigError `flags-invalid`, `job-impossible` */
function blockOf(given: number | undefined, weights: string, model: Model): number {
  const shape = modelShape(weights);
  if (shape?.hasExperts)
    throw new ConfigError(
      "job-impossible",
      `The blocks of ${weights} end in several experts: the trainers have no vector there. Use --kind lora, or train it here (\`taskmem train phase-two\`).`,
    );
  const block =
    given ?? (isFolderModel(model) ? model.engine.about.block : shape && Math.trunc(0.47 * shape.blocks));
  if (block !== null && (shape === null || block < shape.blocks)) return block;
  throw new ConfigError(
    "flags-invalid",
    shape === null
      ? `Expected --block, because ${weights} is no folder that tells how many blocks the model has, got none`
      : `Expected --block from 0 to ${shape.blocks - 1}, got ${block}`,
  );
}
