/**
 * Takes back what a trainer elsewhere made of a job. It is checked against the model, then tried on what was watched as
 * every adapter is: it becomes active only if it does better.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Adapter } from "../adapter/adapter.ts";
import { adapterText, type Provenance, parseAdapter } from "../adapter/adapter-file.ts";
import { adapterNorm, rescaleAdapter } from "../adapter/arithmetic.ts";
import { residualModel } from "../adapter/exchange/block-vector.ts";
import { importAdapter } from "../adapter/exchange/exchange.ts";
import { remoteAdapter } from "../adapter/exchange/remote.ts";
import { readSafetensors } from "../adapter/exchange/safetensors.ts";
import type { Model } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import type { JobDescription } from "../policies/model/jobs/job.ts";
import {
  checkLora,
  describedAt,
  findResult,
  type JobResult,
  modelShape,
} from "../policies/model/jobs/job-result.ts";
import { lessonContexts } from "../policies/model/lesson-contexts.ts";
import { modelPhaseTwoRecipe } from "../policies/model/recipes.ts";
import { importedLora } from "../policies/model/torch-trainer.ts";
import type { Policy } from "../policy/policy.ts";
import type { Task } from "../tasks/task.ts";
import {
  type AdapterResult,
  type AdapterTrainer,
  recentLessons,
  recentObservations,
  trainAdapter,
} from "../training/train-adapter.ts";
import { judgedValidation, refusalOf, type Validation } from "../training/validation.ts";
import { configuredModelPolicy, isFolderModel, type TrainingChoice } from "./assembly.ts";
import { baseOf, judgingOf, modelOf } from "./export-job.ts";
import { modelFolder, openFolderModel } from "./folder-model.ts";
import type { Parts } from "./parts.ts";

/** How a result is taken back. */
export interface JobImportOptions extends Pick<TrainingChoice, "judge" | "judgeModel" | "onTraining"> {
  /** The block to take of a vector's file with several. @default the job's */
  readonly block?: number | undefined;
  /** The name that the model's server knows low-rank matrices by. */
  readonly servedAs?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whole weights, tried against those of the memory's model. */
export interface TriedWeights extends Validation {
  /** Folder of the weights. They are a model of their own, and stay there. */
  readonly weights: string;
  readonly passes: boolean;
  readonly reason: string;
}

/**
 * Takes back the result in the folder of a job that was run, or a result by itself.
 * @throws ConfigError `job-result-missing`, `adapter-space` for one of another model or block, `adapter-unsupported`,
 * `job-empty` where whole weights cannot be tried; DataError for broken files
 */
export async function importJob(
  parts: Parts,
  path: string,
  options: JobImportOptions,
): Promise<AdapterResult | TriedWeights> {
  const { memory, now } = parts;
  const model = await modelOf(parts);
  const target = await parts.adapterTarget();
  const own = residualModel(target.space)!;
  const about = describedAt(path);
  checkModel(about, own, path);
  const result = findResult(path);
  if (result.kind === "all") return tryWeights(parts, result.path, model, options);
  const adapter =
    result.kind === "lora"
      ? await loraOf(result, about, own, parts, model, options)
      : await vectorOf(result, about, own, options);
  const provenance: Provenance = { method: "import", parents: [], tasks: [], createdAtMs: now(), report: {} };
  parseAdapter(adapterText({ adapter, base: null, provenance }, path), path, target);
  return trainAdapter({
    ...{ memory, trainer: trial(parts, adapter, model, options), now, signal: options.signal },
  });
}

/** @throws ConfigError `adapter-space` for a job of another model */
function checkModel(about: JobDescription | null, own: string, path: string): void {
  const [, of] = about === null ? [] : (/^(?:residual|weights):(.+?)(?:@\d+)?$/.exec(about.space) ?? []);
  if (of === undefined || of === own) return;
  throw new ConfigError(
    "adapter-space",
    `Expected the result of a job of ${own} in ${path}, got one of ${of}: name the model that the job was written for with --model`,
  );
}

/** The vector of a result, brought to the length that the job's recipe gives it. */
async function vectorOf(
  { path }: JobResult,
  about: JobDescription | null,
  own: string,
  { block }: JobImportOptions,
): Promise<Adapter> {
  const vector = await importAdapter(path, own, block ?? about?.block ?? undefined);
  const { scale } = about?.settings ?? { scale: 1 };
  return scale === 1 ? vector : rescaleAdapter(vector, scale * adapterNorm(vector)!);
}

/** Low-rank matrices once they fit the model: kept for one in a folder, otherwise as the model's server knows them. */
async function loraOf(
  { path }: JobResult,
  about: JobDescription | null,
  own: string,
  { config }: Parts,
  model: Model,
  { servedAs }: JobImportOptions,
): Promise<Adapter> {
  const isFolder = isFolderModel(model);
  const shape = modelShape(isFolder ? modelFolder(config.model.model!) : (about?.model ?? ""));
  if (shape) checkLora(path, readSafetensors(readFileSync(join(path, "adapter_model.safetensors"))), shape);
  if (isFolder) return importedLora(model.engine, path);
  if (servedAs !== undefined) return remoteAdapter(`lora:${servedAs}`, own)!;
  throw new ConfigError(
    "adapter-unsupported",
    `Low-rank matrices stay with the model's server: load ${resolve(path)} there, and give its name with --served-as.`,
  );
}

/** A trainer that has trained elsewhere: what is left to it is to try the adapter. */
function trial(parts: Parts, adapter: Adapter, model: Model, options: JobImportOptions): AdapterTrainer {
  const base = configuredModelPolicy(parts.config, model);
  const adapted = configuredModelPolicy(parts.config, model, adapter);
  return {
    ...{ policy: base.id, base: base.revision, fitsBase: null, method: "import", triedOn: "clips" },
    margins: modelPhaseTwoRecipe.margins,
    train: async () => ({ adapter, problem: null, pairs: 0, curve: [], failedVerdicts: 0 }),
    validate: (tasks, streams) => tryAgainst({ base, other: adapted }, tasks, streams, parts, model, options),
    adapterWords: () => [],
  };
}

/** Tries a policy against the memory's own on what was watched, as the model policy's trainer tries its vectors. */
async function tryAgainst(
  { base, other }: { readonly base: Policy; readonly other: Policy },
  tasks: readonly Task[],
  streams: readonly (readonly Observation[])[],
  parts: Parts,
  model: Model,
  options: JobImportOptions,
): Promise<Validation & { readonly refusedClips: number }> {
  const { judge, score, concurrency } = await judgingOf(parts, options, model);
  const during = (stage: "watching" | "trying") => ({
    ...{ concurrency, signal: options.signal },
    onDone: (done: number, total: number) => options.onTraining?.({ stage, done, total }),
  });
  const { later, refusedClips } = await lessonContexts(baseOf(parts, model), streams, {
    ...{ ...modelPhaseTwoRecipe, limits: parts.limits },
    ...during("watching"),
  });
  const contexts = later.map(({ context }) => context);
  const questions = tasks.map(({ question }) => question);
  const validation = await judgedValidation(base, other, contexts, tasks, {
    ...{ judge, score: { ...score, questions }, seed: "model" },
    ...during("trying"),
  });
  return { ...validation, refusedClips };
}

/** Opens whole weights beside the memory's model, and tries them against it. */
async function tryWeights(
  parts: Parts,
  weights: string,
  model: Model,
  options: JobImportOptions,
): Promise<TriedWeights> {
  const { config, memory } = parts;
  if (!isFolderModel(model))
    throw new ConfigError(
      "adapter-unsupported",
      `${weights} holds whole weights: a model of its own. Serve it and name it with --model, or import it where --model is a folder.`,
    );
  const [own, other] = [modelShape(modelFolder(config.model.model!)), modelShape(weights)];
  if (own && other && (own.blocks !== other.blocks || own.width !== other.width))
    throw new ConfigError(
      "adapter-space",
      `Expected weights of ${own.blocks} blocks of width ${own.width} in ${weights}, got ${other.blocks} of ${other.width}: they are of another model`,
    );
  const [tasks, streams] = [await recentLessons(memory), await recentObservations(memory)];
  if (tasks.length === 0 || streams.length === 0)
    throw new ConfigError(
      "job-empty",
      `There is nothing to try ${weights} on: ${tasks.length} questions were asked, and ${streams.length} streams watched.`,
    );
  const trained = await openFolderModel({ ...config, model: { ...config.model, model: weights } });
  try {
    const [base, adapted] = [model, trained].map((one) => configuredModelPolicy(config, one));
    const policies = { base: base!, other: adapted! };
    const validation = await tryAgainst(policies, tasks, streams, parts, model, options);
    const refusal = refusalOf(validation, modelPhaseTwoRecipe.margins);
    const reason = `they are significantly better on held-out clips: name them with --model ${weights}`;
    return { ...validation, weights, passes: refusal === null, reason: refusal ?? reason };
  } finally {
    trained.engine.close();
  }
}
