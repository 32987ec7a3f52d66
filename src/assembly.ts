/** From a configuration to the pieces it names: which memory, perceptors, policy and reader are at work. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Adapter } from "./adapter/adapter.ts";
import { type AdapterTarget, parseAdapter } from "./adapter/adapter-file.ts";
import { modelReader } from "./answer/model-reader.ts";
import type { Reader } from "./answer/reader.ts";
import { type Config, type PolicyName, policyName } from "./config.ts";
import type { Embedder, EngineCache, Model } from "./engine.ts";
import { lexicalReader, localEmbedder, wordSpace } from "./engines/local/index.ts";
import type { NanoModel } from "./engines/nano/nano-model.ts";
import { shippedWeights } from "./engines/nano/shipped.ts";
import { openaiModel, openaiTranscriber, openOpenaiEmbedder } from "./engines/openai/index.ts";
import { ConfigError, DataError } from "./errors.ts";
import type { Memory, StreamRecord } from "./memory/memory.ts";
import { openSqliteMemory } from "./memory/sqlite.ts";
import type { Perceptors } from "./perception/perceive.ts";
import { createPerceptors } from "./perception/perceive.ts";
import { bestOfNPolicy, defaultSamples } from "./policies/best-of-n/best-of-n.ts";
import { bestOfNFamily } from "./policies/best-of-n/best-of-n-phase-two.ts";
import { type ChoiceOptions, choicePolicy } from "./policies/choice/choice.ts";
import { choiceFamily } from "./policies/choice/choice-training.ts";
import { readChoiceWeights } from "./policies/choice/choice-weights-trainer.ts";
import { modelPolicy } from "./policies/model/model-policy.ts";
import { type WordAdapterTrainerOptions, wordAdapterTrainer } from "./policies/word-adapter-trainer.ts";
import { type ContextLimits, contextDefaults } from "./policy/context.ts";
import type { Policy } from "./policy/policy.ts";
import type { Judge } from "./reward/judge.ts";
import { localJudge } from "./reward/local-judge.ts";
import { modelJudge } from "./reward/model-judge.ts";
import { type AdapterResult, type AdapterTrainer, trainAdapter } from "./training/train-adapter.ts";

const apiKeyVariable = "TASKMEM_API_KEY";

/** Opens the memory directory; commands that only read refuse one that does not exist. */
export async function openConfiguredMemory(config: Config, how: { mustExist: boolean }): Promise<Memory> {
  if (how.mustExist && !existsSync(join(config.memory, "memory.db"))) {
    throw new ConfigError(
      "memory-missing",
      `Expected a memory in ${config.memory}, found none: run \`taskmem watch <source>\` first or name another with --memory`,
    );
  }
  return openSqliteMemory(config.memory, {
    words: wordSpace,
    embedder: await configuredEmbedder(config),
    now: Date.now,
  });
}

function apiKey(): { apiKey?: string } {
  const key = process.env[apiKeyVariable] ?? process.env.OPENAI_API_KEY;
  return key ? { apiKey: key } : {};
}

async function configuredEmbedder({ embedder }: Config): Promise<Embedder> {
  if (embedder.baseUrl === undefined || embedder.model === undefined) return localEmbedder;
  const { baseUrl: baseURL, model, dimension } = embedder;
  return openOpenaiEmbedder({ baseURL, model, ...(dimension !== undefined && { dimension }), ...apiKey() });
}

/** The model at the configured endpoint, or `null`. */
export function configuredModel({ model }: Config): Model | null {
  if (model.baseUrl === undefined || model.model === undefined) return null;
  return openaiModel({
    baseURL: model.baseUrl,
    model: model.model,
    ...apiKey(),
    timeoutMs: model.timeoutSeconds * 1000,
    maxRetries: model.maxRetries,
    concurrency: model.concurrency,
    video: model.video,
    ...(model.requestsPerMinute !== undefined && { requestsPerMinute: model.requestsPerMinute }),
    ...(model.prices && { prices: model.prices }),
    ...(model.budget && { budget: model.budget }),
  });
}

export function configuredPerceptors(config: Config): Perceptors {
  const { transcriber } = config;
  return createPerceptors({
    screenText: config.screenText,
    ...(config.languages[0] !== undefined && { language: config.languages[0] }),
    ...(transcriber.baseUrl !== undefined &&
      transcriber.model !== undefined && {
        transcriber: openaiTranscriber({
          baseURL: transcriber.baseUrl,
          model: transcriber.model,
          ...apiKey(),
        }),
      }),
  });
}

/** The model a policy writes with: nano in this process, or what is at the configured endpoint; `null` for none. */
export async function openConfiguredModel(config: Config): Promise<Model | null> {
  if (policyName(config) !== "nano") return configuredModel(config);
  const { openNano } = await import("./policies/nano/index.ts");
  return openNano(shippedWeights("nano"));
}

/**
 * @param model as `openConfiguredModel` gives it
 * @param adapter what it writes with; the engine policy takes none
 */
export async function configuredPolicy(
  config: Config,
  model: Model | null,
  adapter: Adapter | null = null,
): Promise<Policy> {
  const name = policyName(config);
  if (name === "choice") return choicePolicy({ ...choiceOptions(config), adapter });
  if (name === "nano") {
    const { nanoPolicy } = await import("./policies/nano/index.ts");
    return nanoPolicy(model as NanoModel, adapter, wordSpace.countTokens);
  }
  if (!model)
    throw new ConfigError(
      "model-missing",
      `Expected a model for the \`${name}\` policy: give --base-url and --model`,
    );
  const inner = configuredEngine(config, model);
  if (name === "model") return inner;
  // Without an adapter any sample is as good as another: one is enough, and costs no more than the engine policy.
  const samples = adapter === null ? 1 : (config.bestOfN.samples ?? defaultSamples);
  return bestOfNPolicy({ inner, words: wordSpace, adapter, samples });
}

/** The engine policy over a model: also what the best-of-n policy draws its samples from. */
export function configuredEngine(config: Config, model: Model): Policy {
  return modelPolicy({
    model,
    countTokens: wordSpace.countTokens,
    semantic: config.semantic,
    ...(config.model.temperature !== undefined && { sampling: { temperature: config.model.temperature } }),
  });
}

export function choiceOptions(config: Config): Omit<ChoiceOptions, "adapter"> {
  return {
    words: wordSpace,
    clipSeconds: config.stream.clipSeconds,
    ...(config.choice.budget !== undefined && { budget: { fraction: config.choice.budget } }),
    ...(config.choice.weights !== undefined && { weights: readChoiceWeights(config.choice.weights) }),
  };
}

/** The adapter in force for the configured policy of a memory, or `null`. @throws ConfigError, DataError */
export async function activeAdapter(
  memory: Memory,
  config: Config,
  model: Model | null,
): Promise<Adapter | null> {
  const policy = policyName(config);
  const [active] = await memory.adapters({ policy, state: "active" });
  if (!active) return null;
  return parseAdapter(active.file, active.id, await adapterTarget(policy, model)).adapter;
}

/** What an adapter of a policy has to fit. */
export async function adapterTarget(policy: PolicyName, model: Model | null): Promise<AdapterTarget> {
  if (policy === "nano") {
    const { nanoTarget } = await import("./policies/nano/index.ts");
    return nanoTarget(model as NanoModel, wordSpace.countTokens);
  }
  return { space: wordSpace.id, dimension: wordSpace.dimension, base: `${policy}@1` };
}

export interface AdaptChoice extends JudgeChoice {
  readonly method?: WordAdapterTrainerOptions["method"];
  /** Directory in which a run that takes steps is kept and from which it is resumed. @default nowhere */
  readonly run?: string;
  readonly signal?: AbortSignal;
}

/** Learns from the questions asked: what `adapt run` does, and `ask` after enough new ones. */
export async function adaptConfigured(
  config: Config,
  memory: Memory,
  model: Model | null,
  { signal, run, ...flags }: AdaptChoice = {},
): Promise<AdapterResult> {
  const trainer = await configuredTrainer(config, memory, model, flags);
  return trainAdapter({ memory, trainer, now: Date.now, run, signal });
}

export interface JudgeChoice {
  /** `local` goes by words and asks nobody; `model` asks the endpoint. */
  readonly judge?: "local" | "model" | undefined;
  /** A model of the endpoint other than the one that writes. */
  readonly judgeModel?: string | undefined;
}

/**
 * Who grades and compares memories; by words where nothing else is asked for.
 * @param cache where a model's verdicts are kept
 * @throws ConfigError for a model without an endpoint
 */
export function configuredJudge(
  config: Config,
  { judge = "local", judgeModel }: JudgeChoice,
  cache: () => EngineCache = () => new Map(),
): Judge {
  if (judge === "local") return localJudge({ words: wordSpace });
  const model = configuredModel({
    ...config,
    model: { ...config.model, ...(judgeModel !== undefined && { model: judgeModel }) },
  });
  if (model === null)
    throw new ConfigError("model-missing", "Expected a model to judge: give --base-url and --model");
  return modelJudge({ model, concurrency: config.model.concurrency, cache: cache() });
}

/** Calls at once in training: as many as the endpoint is allowed, where it is asked. */
export function concurrencyOf({ model }: Config, asksEndpoint: boolean): number {
  return asksEndpoint ? model.concurrency : 1;
}

/** What trains adapters of the configured policy. @throws ConfigError for a policy that has none */
async function configuredTrainer(
  config: Config,
  memory: Memory,
  model: Model | null,
  { method, judge: judgeName, judgeModel }: Omit<AdaptChoice, "signal" | "run">,
): Promise<AdapterTrainer> {
  const reader = lexicalReader({ words: wordSpace });
  const limits: ContextLimits = { ...contextDefaults, windowClips: config.stream.windowClips };
  const verdicts = () => memory.engineCache("verdicts");
  switch (policyName(config)) {
    case "choice": {
      const judge = configuredJudge(config, { judge: judgeName, judgeModel }, verdicts);
      const family = choiceFamily(choiceOptions(config));
      return wordAdapterTrainer({
        ...{ ...family, method, judge, reader, limits },
        concurrency: concurrencyOf(config, judgeName === "model"),
      });
    }
    case "best-of-n": {
      const inner = configuredEngine(config, model!);
      const { samples = defaultSamples } = config.bestOfN;
      // What a model writes is dear: kept in the memory, it serves the next run too, of the same endpoint and settings.
      const { baseUrl, temperature = null, video } = config.model;
      const store = memory.engineCache(JSON.stringify([baseUrl, temperature, video]));
      const family = bestOfNFamily({ inner, words: wordSpace, samples, store });
      const judge = configuredJudge(config, { judge: judgeName ?? "model", judgeModel }, verdicts);
      const concurrency = concurrencyOf(config, true);
      return wordAdapterTrainer({ ...family, method, judge, reader, limits, concurrency });
    }
    case "nano": {
      if (judgeName !== undefined || judgeModel !== undefined)
        throw new ConfigError(
          "flags-invalid",
          "Expected no --judge with nano: its memories are of simulated households, whose truth is known",
        );
      const { nanoAdapterTrainer } = await import("./policies/nano/index.ts");
      return nanoAdapterTrainer({ model: model as NanoModel, countTokens: wordSpace.countTokens, limits });
    }
    case "model":
      throw new ConfigError(
        "policy-untrainable",
        "Expected a policy that learns in this process, got model: its weights are trained where the engine runs. Use --policy best-of-n to tilt what it writes",
      );
  }
}

export function configuredReader(config: Config, model: Model | null): Reader {
  const name = config.reader ?? (model ? "model" : "local");
  return name === "model" && model ? modelReader(model) : lexicalReader({ words: wordSpace });
}

/** The streams a command is about: those named, or all. @throws DataError for a name the memory does not hold */
export async function chosenStreams(
  memory: Memory,
  names: readonly string[] | undefined,
): Promise<StreamRecord[]> {
  const streams = await memory.streams();
  if (names === undefined) return streams;
  return names.map((name) => {
    const found = streams.find(({ id }) => id === name);
    if (found) return found;
    const known = streams.map(({ id }) => id).join(", ") || "none";
    throw new DataError("stream-unknown", `Expected a stream of this memory, got ${name}: it holds ${known}`);
  });
}
