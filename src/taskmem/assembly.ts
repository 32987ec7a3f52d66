/** From a configuration to the parts it names: memory, perceptors, model, policy, reader, judge, trainer. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterTarget } from "../adapter/adapter-file.ts";
import { modelReader } from "../answer/model-reader.ts";
import type { Reader } from "../answer/reader.ts";
import {
  type Config,
  configuredPreset,
  localName,
  namesFolder,
  type PolicyName,
  policyName,
  simultaneousCalls,
  withModel,
} from "../config.ts";
import type { Embedder, EngineCache, Model, OnProgress, Sampling } from "../engine.ts";
import { cachedModel } from "../engines/cached-model.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../engines/local/index.ts";
import type { NanoModel } from "../engines/nano/nano-model.ts";
import { shippedWeights } from "../engines/nano/shipped.ts";
import { openaiModel, openaiTranscriber, type Prices } from "../engines/openai/index.ts";
import type { TorchModel } from "../engines/torch/torch-model.ts";
import { ConfigError, StoreError } from "../errors.ts";
import type { Memory, StreamRecord } from "../memory/memory.ts";
import { hasMemory, indexOf, openPlace, shownPlace } from "../memory/place.ts";
import type { StoredMemory } from "../memory/stored-memory.ts";
import { assertStreams } from "../memory/strict.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { createPerceptors } from "../perception/perceive.ts";
import { bestOfNPolicy, defaultSamples } from "../policies/best-of-n/best-of-n.ts";
import { bestOfNFamily } from "../policies/best-of-n/best-of-n-phase-two.ts";
import { type ChoiceOptions, choicePolicy } from "../policies/choice/choice.ts";
import { configuredBudget } from "../policies/choice/choice-budget.ts";
import { choiceFamily } from "../policies/choice/choice-training.ts";
import { readChoiceWeights } from "../policies/choice/choice-weights-trainer.ts";
import { modelPolicy } from "../policies/model/model-policy.ts";
import { recipeOf } from "../policies/model/recipe-options.ts";
import type { ModelPhaseTwoRecipe } from "../policies/model/recipes.ts";
import { type WordAdapterTrainerOptions, wordAdapterTrainer } from "../policies/word-adapter-trainer.ts";
import { type ContextLimits, contextDefaults } from "../policy/context.ts";
import type { PictureLimits } from "../policy/pictures.ts";
import type { Policy } from "../policy/policy.ts";
import { type PromptTemplate, parsePromptTemplate } from "../policy/prompt-template.ts";
import { builtInTemplate } from "../policy/prompts.ts";
import { pictureTokens, thinkingFields } from "../presets/presets.ts";
import { encoderJudge } from "../reward/encoder-judge.ts";
import type { Judge } from "../reward/judge.ts";
import { localJudge } from "../reward/local-judge.ts";
import { modelJudge } from "../reward/model-judge.ts";
import type { Source } from "../stream/clip.ts";
import { openSource, openSources, type SourceOptions } from "../stream/open-source.ts";
import type { OnTraining } from "../training/progress.ts";
import type { AdapterTrainer } from "../training/train-adapter.ts";
import { filledIn } from "../util/objects.ts";
import { keepSecretsOf } from "../util/secrets.ts";
import { told } from "../util/telemetry.ts";
import {
  asksForMeaning,
  type ConfiguredEncoder,
  configuredEncoder,
  embedderOver,
  lacksForMeaning,
  lostEncoder,
} from "./encoder.ts";
import { isSmallLocal, openLocalModel } from "./local-model.ts";
import type { Material } from "./material.ts";
import { lacksForText, pulledTextReader } from "./picture-text.ts";
import { configuredLocalTranscriber, lacksForSpeech } from "./speech-models.ts";
import { configuredSpeakerFinder, lacksForVoice, pulledVoiceFinder } from "./voices.ts";

const apiKeyVariable = "TASKMEM_API_KEY";

export interface OpenChoice {
  /** Whether a missing memory is an error. */
  readonly mustExist: boolean;
  readonly readOnly?: boolean | "if-needed";
  /** Used instead of the configured embedder. */
  readonly embedder?: Embedder | undefined;
  /** Told why a question, or all of them, are compared by spelling where meaning is configured. */
  readonly onSpelling?: ((why: string) => void) | undefined;
  /** Whether it is opened to be indexed again, whatever it was indexed with. @default false */
  readonly reindexes?: boolean;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Opens the memory directory. @throws ConfigError `memory-missing` if it must exist and does not */
export async function openConfiguredMemory(
  config: Config,
  how: OpenChoice,
): Promise<{ readonly memory: StoredMemory; readonly embedder: Embedder }> {
  const { now = Date.now, readOnly = false } = how;
  const isNew = !(await hasMemory(config.memory));
  if (how.mustExist && isNew) {
    throw new ConfigError(
      "memory-missing",
      `There is no memory in ${shownPlace(config.memory)}. Run \`taskmem watch <source>\` first, or name another directory with --memory.`,
    );
  }
  const embedder = how.embedder ?? (await memoryEmbedder(config, how));
  const forgetProgram = new URL("./forget-thread", import.meta.url);
  const open = () => openPlace(config.memory, { words: wordSpace, embedder, now, readOnly, forgetProgram });
  const memory = await (isNew
    ? told("open-store", { store: basename(shownPlace(config.memory)) }, open)
    : open());
  return { memory, embedder };
}

/** The key of the model's endpoint; `null` without. */
export function endpointKey(): string | null {
  keepSecretsOf(process.env);
  return (process.env[apiKeyVariable] ?? process.env.OPENAI_API_KEY) || null;
}

function apiKey(): { apiKey?: string } {
  const key = endpointKey();
  return key === null ? {} : { apiKey: key };
}

/** The encoder that is configured or was pulled; `null` for spelling. */
export function openConfiguredEncoder(
  config: Config,
  how: Pick<OpenChoice, "reindexes"> = {},
): Promise<ConfiguredEncoder | null> {
  const { embedder } = config;
  const prices = embedder.model === undefined ? {} : pricesOf(config, embedder.model);
  return configuredEncoder(config, { ...limitsOf(embedder), ...prices, ...apiKey() }, how);
}

/**
 * What compares the texts of a memory. One that was written by spelling before meaning could be compared stays so until it
 * is indexed again, unless the configuration asks for meaning.
 */
async function memoryEmbedder(config: Config, how: OpenChoice): Promise<Embedder> {
  const { onSpelling = () => {}, reindexes = false } = how;
  const lost = reindexes ? null : await lostEncoder(config);
  if (lost !== null) return embedderOver(lost.encoder, onSpelling);
  const isSpelled = !reindexes && (await indexOf(config.memory))?.embedder === localEmbedder.id;
  if (isSpelled && !asksForMeaning(config)) {
    if (lacksForMeaning(config) === null)
      onSpelling("this memory was written before meaning could be compared: taskmem reindex");
    return localEmbedder;
  }
  const configured = await openConfiguredEncoder(config, how);
  return configured === null ? localEmbedder : embedderOver(configured, onSpelling);
}

/** The prices of a model: its row of the table, otherwise those of its role. */
function pricesOf({ prices: table }: Config, model: string, ofRole?: Prices): { prices?: Prices } {
  const prices = table[model] ?? ofRole;
  return prices ? { prices } : {};
}

/** The limits a minute of a role. */
function limitsOf({ requestsPerMinute, tokensPerMinute }: Config["transcriber"]) {
  return {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
  };
}

/**
 * The model at the configured endpoint or in this machine's llama.cpp, or another one there; `null` without either.
 * @throws ConfigError for a local model that is not there
 */
export function configuredModel(config: Config, other?: string, onProgress?: OnProgress): Model | null {
  const named = other === undefined ? config : withModel(config, other);
  if (localName(named.model) !== null) return openLocalModel(named, onProgress);
  const { model } = named;
  if (model.baseUrl === undefined || model.model === undefined) return null;
  return openaiModel({
    baseURL: model.baseUrl,
    model: model.model,
    ...apiKey(),
    timeoutMs: model.timeoutSeconds * 1000,
    maxRetries: model.maxRetries,
    concurrency: model.concurrency,
    video: configuredPreset({ model })?.video === false ? "frames" : model.video,
    extraBody: extraBodyOf(model, [model.baseUrl].flat()[0]!),
    ...{ steering: model.steering, controlVector: model.controlVector },
    ...limitsOf(model),
    ...pricesOf(config, model.model, model.prices),
    ...(model.budget && { budget: model.budget }),
    ...(onProgress && { onProgress }),
  });
}

/** What every request says besides our own fields: whether to think, as the model is told, and the user's own. */
function extraBodyOf(model: Config["model"], baseUrl: string): Record<string, unknown> {
  const { thinking, extraBody = {} } = model;
  if (thinking === undefined) return extraBody;
  return filledIn(extraBody, thinkingFields(configuredPreset({ model }), baseUrl, thinking) ?? {});
}

export function configuredPerceptors(config: Config): Perceptors {
  const { transcriber, screenText, languages } = config;
  const local = configuredLocalTranscriber(config);
  return createPerceptors({
    ...(local && { transcriber: local }),
    ...{ screenText, languages, screenReader: screenText ? pulledTextReader(languages) : null },
    ...{
      voice: pulledVoiceFinder(),
      speakers: configuredSpeakerFinder(config),
      lacksForVoice: lacksForVoice(),
      lacksForSpeech: lacksForSpeech(config),
      lacksForText: lacksForText(languages),
    },
    ...(transcriber.baseUrl !== undefined &&
      transcriber.model !== undefined && {
        transcriber: openaiTranscriber({
          baseURL: transcriber.baseUrl,
          model: transcriber.model,
          ...limitsOf(transcriber),
          ...pricesOf(config, transcriber.model),
          ...apiKey(),
        }),
      }),
  });
}

/** How one source is opened, beside what the configuration says. */
type OwnSourceOptions = Pick<SourceOptions, "id" | "subtitles" | "textKind" | "signal" | "onStatus">;

const configuredSource = ({ stream, languages, screenText }: Config) => ({
  ...{ ...stream, languages, largeFrames: screenText },
});

/** Opens a path, URL or device as a source. @throws DataError, ConfigError as `openSource` */
export function openConfiguredSource(
  config: Config,
  spec: string | readonly string[],
  options: OwnSourceOptions = {},
): Promise<Source> {
  return openSource(spec, { ...configuredSource(config), ...options });
}

/** Opens what is named as sources, several for a folder of several cameras. @throws as `openSources` */
export function openConfiguredSources(
  config: Config,
  spec: string | readonly string[],
  options: OwnSourceOptions = {},
): Promise<Source[]> {
  return openSources(spec, { ...configuredSource(config), ...options });
}

/**
 * The stream of a memory that a source belongs to: the one that knows one of its files, otherwise the first of its ids
 * that is free or was watched under the same description.
 */
export async function streamOf(
  memory: Pick<Memory, "streams" | "sourceFiles">,
  source: Source,
): Promise<string> {
  const ids = [source.id, ...(source.otherIds ?? [])];
  if (ids.length === 1) return source.id;
  const streams = new Map((await memory.streams()).map((stream) => [stream.id, stream]));
  for (const id of ids) if (streams.has(id) && source.holds?.(await memory.sourceFiles(id))) return id;
  const isOpen = (id: string) => {
    const known = streams.get(id);
    const isSame = known && known.fingerprint !== null && known.fingerprint === source.fingerprint;
    return !known || isSame || known.description === source.description;
  };
  return ids.find(isOpen) ?? source.id;
}

/** The model a policy writes with: nano in this process, or the one at the configured endpoint; `null` for none. */
export async function openConfiguredModel(config: Config, onProgress?: OnProgress): Promise<Model | null> {
  if (policyName(config) !== "nano") {
    if (!namesFolder(config)) return configuredModel(config, undefined, onProgress);
    const { openFolderModel } = await import("./folder-model.ts");
    return openFolderModel(config);
  }
  const { openNano } = await import("../policies/nano/index.ts");
  return openNano(shippedWeights("nano"));
}

/**
 * @param model as `openConfiguredModel` returns it
 * @param adapter what it writes with
 */
export async function configuredPolicy(
  config: Config,
  model: Model | null,
  adapter: Adapter | null = null,
  choice: Pick<ChoiceOptions, "budget"> = {},
): Promise<Policy> {
  const name = policyName(config);
  if (name === "choice") return choicePolicy({ ...choiceOptions(config), ...choice, adapter });
  if (name === "nano") {
    const { nanoPolicy } = await import("../policies/nano/index.ts");
    return nanoPolicy(model as NanoModel, adapter, wordSpace.countTokens);
  }
  if (!model)
    throw new ConfigError(
      "model-missing",
      `The \`${name}\` policy needs a model. Name one with --base-url and --model.`,
    );
  if (name === "model" && isFolderModel(model) && config.torch.ownLines) {
    const { folderLinePolicy } = await import("./folder-model.ts");
    return folderLinePolicy(config, model, adapter, modelPolicyOptions(config, model));
  }
  if (name === "model") return configuredModelPolicy(config, model, adapter);
  const inner = configuredModelPolicy(config, model);
  // Without an adapter there is nothing to choose by: one sample is enough, and costs as much as the model policy.
  const samples = adapter === null ? 1 : (config.bestOfN.samples ?? defaultSamples);
  return bestOfNPolicy({ inner, words: wordSpace, adapter, samples });
}

/** The model policy over a model. The best-of-n policy draws its samples from it too. */
export function configuredModelPolicy(config: Config, model: Model, adapter: Adapter | null = null): Policy {
  return modelPolicy({ ...modelPolicyOptions(config, model), model, adapter });
}

/** Options of the model policy, and so of its prompts. */
export function modelPolicyOptions(config: Config, model: Model) {
  return memoryWriting(config, isFolderModel(model) ? { maxTokens: config.torch.maxTokens } : {});
}

/** As `modelPolicyOptions`. @param bound sampling where the configuration says nothing else */
export function memoryWriting(config: Config, bound: Sampling) {
  const { sampling } = samplingOf(config.model);
  return {
    countTokens: wordSpace.countTokens,
    words: wordSpace,
    semantic: config.semantic,
    readsCorrections: config.model.corrections,
    ...pictureLimits(config),
    sampling: { ...bound, ...sampling },
    template: configuredTemplate(config),
    overlay: config.model.overlay,
    ...{ attempts: config.model.attempts, mayRepeat: config.model.mayRepeat },
  };
}

/** The sampling of a part of the configuration, if it has one. */
function samplingOf({ sampling }: Config["answering"]): { readonly sampling?: Sampling } {
  return sampling === undefined ? {} : { sampling: sampling as Sampling };
}

/**
 * The words of the memory prompt: those of the configured file, of the preset, or our own.
 * @throws ConfigError `prompt-template-invalid` for a file that cannot be read or used
 */
export function configuredTemplate(config: Config): PromptTemplate {
  const { promptTemplate: file, preset } = config.model;
  if (file !== undefined) return parsePromptTemplate(templateFile(config.model, file), file, config.semantic);
  const template = configuredPreset(config)?.options?.template;
  if (template === undefined) return builtInTemplate(config.semantic);
  return parsePromptTemplate(template, `the preset ${preset}`, config.semantic);
}

/** Files of templates, each read once, so that all clips of a run are asked about in the same words. */
const templateFiles = new WeakMap<Config["model"], string>();

function templateFile(model: Config["model"], file: string): string {
  try {
    const text = templateFiles.get(model) ?? readFileSync(file, "utf8");
    templateFiles.set(model, text);
    return text;
  } catch (cause) {
    throw new ConfigError(
      "prompt-template-invalid",
      `Cannot read the prompt template ${file}: ${(cause as Error).message}. \`taskmem prompt > ${file}\` writes one to start from.`,
      { cause },
    );
  }
}

/** How many of the window's pictures the model policy and its judge see. */
function pictureLimits(config: Config): PictureLimits {
  const { framesPerClip, pictureTokens: most } = config.model;
  const preset = most === undefined ? null : configuredPreset(config);
  const tokensPerFrame = (preset && pictureTokens(preset, config.stream)) ?? undefined;
  return { framesPerClip, pictureTokens: most, tokensPerFrame };
}

export function choiceOptions(config: Config): Omit<ChoiceOptions, "adapter"> {
  return {
    words: wordSpace,
    clipSeconds: config.stream.clipSeconds,
    budget: configuredBudget(config.choice),
    ...(config.choice.weights !== undefined && { weights: readChoiceWeights(config.choice.weights) }),
  };
}

/** Whether a model is one in a folder. */
export function isFolderModel(model: Model | null): model is TorchModel {
  return model !== null && "engine" in model;
}

/** What an adapter of a policy must fit. */
export async function adapterTarget(policy: PolicyName, model: Model | null): Promise<AdapterTarget> {
  if (policy === "nano") {
    const { nanoTarget } = await import("../policies/nano/index.ts");
    return nanoTarget(model as NanoModel);
  }
  if (policy === "model" && isFolderModel(model)) {
    const { folderTarget } = await import("./folder-model.ts");
    return folderTarget(model);
  }
  // How wide the model of an endpoint is, and how many blocks it has, its server does not tell: a probe finds out.
  if (policy === "model" && model)
    return { space: `residual:${model.id}@any`, dimension: null, base: model.id };
  return { space: wordSpace.id, dimension: wordSpace.dimension, base: `${policy}@1` };
}

/** How a policy learns. */
export interface TrainingChoice extends JudgeChoice {
  /** `closed-form` counts words of questions; `preferences` compares memories. @default "closed-form" */
  readonly method?: WordAdapterTrainerOptions["method"];
  /** What to learn on. @default what the memory watched last */
  readonly material?: Material | undefined;
  /** The model policy's settings, by name or whole. @default those of the configuration's `adapt.recipe` */
  readonly recipe?: string | ModelPhaseTwoRecipe | undefined;
  /** Random seed of the model policy's training. */
  readonly seed?: string | undefined;
  /** Called as the model policy's training goes forward. */
  readonly onTraining?: OnTraining | undefined;
}

/** The judges that a configuration can make. */
export type JudgeName = "local" | "encoder" | "model";

/** Which judge is asked when a policy learns. */
export interface JudgeChoice {
  /**
   * `local` compares words and asks no model; `encoder` compares by a sentence encoder, at the endpoint or pulled, and grades
   * by words; `model` asks the endpoint; or a judge of your own.
   * @default `model` for best-of-n; `encoder` for `torch.ownLines` where one can be had; otherwise `local`
   */
  readonly judge?: JudgeName | Judge | undefined;
  /** The endpoint's model that judges. @default the one that writes */
  readonly judgeModel?: string | undefined;
}

/**
 * The judge that grades and compares memories. @default by words
 * @param cache keeps a model's verdicts
 * @throws ConfigError for a model without an endpoint
 */
export async function configuredJudge(
  config: Config,
  { judge = "local", judgeModel }: JudgeChoice,
  cache: () => EngineCache = () => new Map(),
  onProgress?: OnProgress,
): Promise<Judge> {
  if (typeof judge === "object") return judge;
  const byWords = localJudge({ words: wordSpace });
  if (judge === "local") return byWords;
  if (judge === "encoder") {
    const configured = await openConfiguredEncoder(config);
    if (configured !== null) return encoderJudge({ embedder: configured.encoder, judge: byWords });
    throw new ConfigError(
      "model-missing",
      "`--judge encoder` needs text embeddings: name them with embedder.baseUrl and embedder.model (TASKMEM_EMBED_BASE_URL, TASKMEM_EMBED_MODEL), or get an encoder with `taskmem models pull meaning`. The local embedder knows spellings, not meanings.",
    );
  }
  const model = configuredModel(config, judgeModel, onProgress);
  if (model === null)
    throw new ConfigError(
      "model-missing",
      "`--judge model` needs a model. Name one with --base-url and --model.",
    );
  return modelJudge({
    model,
    concurrency: config.model.concurrency,
    cache: cache(),
    ...pictureLimits(config),
    ...samplingOf(config.judging),
  });
}

/** Concurrent calls in training: as many as the endpoint may get, if training asks it; otherwise 1. */
export function concurrencyOf(config: Config, asksEndpoint: boolean): number {
  return asksEndpoint ? simultaneousCalls(config) : 1;
}

/** The trainer of the configured policy. @throws ConfigError for a policy that cannot learn */
export async function configuredTrainer(
  config: Config,
  memory: Pick<Memory, "engineCache">,
  model: Model | null,
  choice: TrainingChoice,
  {
    onProgress,
    embedder,
  }: { readonly onProgress?: OnProgress | undefined; readonly embedder?: Embedder | null } = {},
): Promise<AdapterTrainer> {
  const { method, judge: judgeName, judgeModel, material, recipe, seed, onTraining } = choice;
  if (policyName(config) !== "model" && (recipe !== undefined || seed !== undefined))
    throw new ConfigError(
      "flags-invalid",
      `A recipe and a seed apply to the model policy, got them for ${policyName(config)}: leave out --recipe, --seed and the counts`,
    );
  const reader = lexicalReader({ words: wordSpace });
  const limits: ContextLimits = { ...contextDefaults, windowClips: config.stream.windowClips };
  const verdicts = () => memory.engineCache("verdicts");
  switch (policyName(config)) {
    case "choice": {
      const judge = await configuredJudge(config, { judge: judgeName, judgeModel }, verdicts, onProgress);
      const family = choiceFamily(choiceOptions(config));
      return wordAdapterTrainer({
        ...{ ...family, method, judge, reader, limits, embedder },
        wordCache: memory.engineCache("words"),
        concurrency: concurrencyOf(config, judgeName === "model"),
      });
    }
    case "best-of-n": {
      const inner = configuredModelPolicy(config, model!);
      const { samples = defaultSamples } = config.bestOfN;
      // Model output is expensive, so memory keeps it for later runs with the same endpoint and settings. Of several
      // endpoints the first names it: they serve the same model.
      const { baseUrl, sampling = null, thinking = null, extraBody = null, video } = config.model;
      const settings = [[baseUrl].flat()[0], sampling, thinking, extraBody, video];
      const store = memory.engineCache(JSON.stringify(material ? [...settings, material.id] : settings));
      const family = bestOfNFamily({ inner, words: wordSpace, samples, store });
      const judge = await configuredJudge(
        config,
        { judge: judgeName ?? "model", judgeModel },
        verdicts,
        onProgress,
      );
      const concurrency = concurrencyOf(config, true);
      return wordAdapterTrainer({ ...family, method, judge, reader, limits, concurrency });
    }
    case "nano": {
      if (judgeName !== undefined || judgeModel !== undefined)
        throw new ConfigError(
          "flags-invalid",
          "--judge does not apply to nano: it remembers simulated households, whose truth is known. Leave out --judge.",
        );
      const { nanoAdapterTrainer } = await import("../policies/nano/index.ts");
      return nanoAdapterTrainer({ model: model as NanoModel, countTokens: wordSpace.countTokens, limits });
    }
    case "model": {
      if (!isFolderModel(model))
        throw new ConfigError(
          "policy-untrainable",
          "A model at an endpoint does not learn here: its weights are where its engine runs. Name a folder of weights with --model, or use --policy best-of-n to learn which of its samples to keep.",
        );
      const { folderPrompting, folderTrainer, modelPhaseTwoRecipeNamed } = await import("./folder-model.ts");
      const prompting = folderPrompting(config);
      const { ownLines } = config.torch;
      const policy = { ...modelPolicyOptions(config, model), prompting, ownLines };
      const settings = ["watched", prompting, policy.sampling, config.torch.dtype, material?.id ?? null];
      // A line shares few words with a question in a person's own: by words alone a lesson of lines learns next to nothing.
      const byMeaning = ownLines && (config.embedder.model !== undefined || lacksForMeaning(config) === null);
      const judge = judgeName ?? (byMeaning ? "encoder" : "local");
      return folderTrainer(model, {
        judge: await configuredJudge(config, { judge, judgeModel }, verdicts, onProgress),
        watched: memory.engineCache(JSON.stringify(settings)),
        recipe:
          typeof recipe === "string"
            ? modelPhaseTwoRecipeNamed(recipe)
            : (recipe ?? recipeOf({ ...(ownLines && { name: "lines" }), ...config.adapt.recipe })),
        ...(seed !== undefined && { seed }),
        ...{ policy, limits, onProgress: onTraining },
      });
    }
  }
}

export function configuredReader(config: Config, model: Model | null, memory: Memory): Reader {
  const name = config.reader ?? (model ? "model" : "local");
  const local = lexicalReader({ words: wordSpace });
  if (name !== "model" || !model) return local;
  const reader = modelReader(model, {
    ...{ ...samplingOf(config.answering), words: wordSpace, rules: local },
    // A probe of a small model takes a minute here: the memory keeps what it said.
    ...(isSmallLocal(config) && { isSmall: true, probed: cachedModel(model, keptIn(memory)) }),
  });
  return { ...reader, ...(local.replaced && { replaced: local.replaced }) };
}

/** What engines said, kept with a memory where that can be written. */
function keptIn(memory: Memory): EngineCache {
  let cache: EngineCache | undefined;
  const open = async () => {
    cache ??= memory.engineCache("forms");
    return cache;
  };
  const unlessReadOnly = (error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
    return undefined;
  };
  return {
    get: async (key) =>
      open()
        .then((opened) => opened.get(key))
        .catch(unlessReadOnly),
    set: async (key, said) =>
      open()
        .then((opened) => opened.set(key, said))
        .catch(unlessReadOnly),
  };
}

/** The named streams, or all. @throws DataError `stream-unknown` */
export async function chosenStreams(
  memory: Memory,
  names: readonly string[] | undefined,
): Promise<StreamRecord[]> {
  const streams = await memory.streams();
  assertStreams(
    names,
    streams.map(({ id }) => id),
  );
  return names?.map((name) => streams.find(({ id }) => id === name)!) ?? streams;
}
