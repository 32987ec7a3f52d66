/**
 * Configuration: one typed object, filled from `taskmem.config.ts`, then the environment, then flags; what they leave
 * out is filled from the preset of the model, if there is one. It is validated once, and all issues are reported
 * together. Secrets come from the environment only.
 */
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { steeringWays } from "./engines/openai/steering.ts";
import { ConfigError } from "./errors.ts";
import { isPostgresUrl } from "./memory/place.ts";
import { recipeOptions } from "./policies/model/recipe-options.ts";
import { type Preset, presetNamed, presetNames, presetOfModel } from "./presets/presets.ts";
import type { Environment } from "./util/environment.ts";
import { filledIn, isRecord, leavesOf } from "./util/objects.ts";

const positive = z.coerce.number().positive();

/** One URL, or several: as a list, or with commas between them, as a flag or the environment has them. */
const baseUrls = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((text) => text.split(/\s*,\s*(?=https?:)/)))
  .pipe(z.array(z.url()).min(1))
  .transform((urls) => (urls.length === 1 ? urls[0]! : urls));

const price = z.number().min(0).optional();

/** US dollars, for the cost report and the budget. The server's own figure is used instead where an answer has one. */
const pricesSchema = z
  .strictObject({
    /** Per million tokens that a model reads. */
    promptPerMillion: price,
    /** Per million of them that the server had computed before. Default: as the others. */
    cachedPromptPerMillion: price,
    /** Per million tokens that it writes. */
    completionPerMillion: price,
    /** Per minute of sound, for speech to text that is not paid by tokens. */
    soundPerMinute: price,
  })
  .refine((prices) => Object.keys(prices).length > 0, "expected at least one price");

const endpointSchema = z.strictObject({
  /**
   * Root of an OpenAI-compatible API, such as `http://localhost:8000/v1`, or of several that serve the same model with the
   * same key: each call goes to the one with the fewest in flight, and one that fails rests while the others serve.
   */
  baseUrl: baseUrls.optional(),
  /** Model name as the endpoint knows it. */
  model: z.string().min(1).optional(),
  /** Calls begun in any minute, at all base URLs together. Default: no limit. */
  requestsPerMinute: positive.optional(),
  /** Tokens of calls begun in any minute, at all base URLs together. Default: no limit. */
  tokensPerMinute: positive.optional(),
});

export const policyNames = ["choice", "nano", "model", "best-of-n"] as const;

const onOrOff = z.enum(["on", "off"]).transform((text) => text === "on");
/** An object as JSON, as a flag has it. */
const jsonObject = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue("expected a JSON object");
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.unknown()));

/** How the next token is drawn. */
const sampling = z
  .strictObject({
    temperature: z.coerce.number().min(0).max(2).optional(),
    topP: z.coerce.number().gt(0).max(1).optional(),
    topK: z.coerce.number().int().min(0).optional(),
    minP: z.coerce.number().min(0).max(1).optional(),
    /** 1 is none. */
    repetitionPenalty: z.coerce.number().gt(0).max(2).optional(),
    presencePenalty: z.coerce.number().min(-2).max(2).optional(),
    frequencyPenalty: z.coerce.number().min(-2).max(2).optional(),
    /** Most tokens of an answer, its reasoning included. */
    maxTokens: z.coerce.number().int().min(1).optional(),
    /** Random seed of what is not drawn for training, which has seeds of its own. */
    seed: z.coerce.number().int().min(0).optional(),
  })
  .optional();

export const configSchema = z.strictObject({
  /** Directory of the memory, or a URL of Postgres: `postgres://user@host/database?space=kitchen`. */
  memory: z.string().min(1).default(".taskmem"),
  /**
   * What writes memories: `choice` picks among the texts perception found; `model` asks the model; `best-of-n` asks the
   * model for several texts and keeps the one nearest to the questions asked. Default: `model` if a model is
   * configured, or `best-of-n` if `bestOfN.samples` is given too; otherwise `choice`. `engine` is the former name of
   * `model` and still accepted.
   */
  policy: z
    .enum([...policyNames, "engine"])
    .transform((name) => (name === "engine" ? "model" : name))
    .optional(),
  /** What reads memory to answer; `local` needs no model. Default: `model` if one is configured. */
  reader: z.enum(["local", "model"]).optional(),
  /** Languages of subtitles to keep, best first, as BCP 47 tags. Empty keeps all. */
  languages: z.array(z.string().min(2)).default([]),
  /** Whether text in the picture is read (needs tesseract). */
  screenText: z.boolean().default(true),
  /** Whether the speech model that was pulled writes down what is said, where the source does not tell it. */
  transcribe: z.boolean().default(true),
  /** Nets of sherpa-onnx that tell voices apart, `local:FOLDER`. Default: the net that was pulled. */
  speakers: z
    .string()
    .regex(/^local:./s, { error: "expected local:FOLDER" })
    .optional(),
  /**
   * Whether people are told apart by their faces. Then a vector, a small picture and the moments of each face are kept (docs/people.md);
   * you may need the consent of those who are filmed.
   */
  people: z.boolean().default(false),
  /** Whether the model policy also writes semantic entries. */
  semantic: z.boolean().default(false),
  stream: z
    .strictObject({
      /** Length of a clip in seconds. */
      clipSeconds: positive.max(3600).default(10),
      /** Frames per second a policy sees. */
      fps: positive.max(30).default(1),
      /** Box the frames are fitted into, in pixels. */
      width: z.coerce.number().int().min(16).max(4096).default(448),
      height: z.coerce.number().int().min(16).max(4096).default(252),
      /** The sides of frames are multiples of this many pixels, an even number. */
      multiple: z.coerce.number().int().min(2).max(256).multipleOf(2).default(2),
      /** A live source that never connected is given up after this many seconds; 0 waits for ever. */
      connectTimeoutSeconds: z.coerce.number().min(0).default(30),
      /** Clips in the short-term window, the new one included. */
      windowClips: z.coerce.number().int().min(1).max(50).default(5),
    })
    .prefault({}),
  choice: z
    .strictObject({
      /**
       * Share of the candidate tokens of each 30 s that is kept, 0 to 1; the choice policy only. Default: 0.2, but at
       * least `leastTokens`.
       */
      budget: z.coerce.number().gt(0).max(1).optional(),
      /**
       * Tokens of each 30 s that are kept where there are so many; the choice policy only. Default: 80, and 0 beside a
       * `budget`.
       */
      leastTokens: z.coerce.number().int().min(0).optional(),
      /**
       * File of weights from `train phase-one --policy choice`; the choice policy only. Default: the weights it ships
       * with.
       */
      weights: z.string().min(1).optional(),
    })
    .prefault({}),
  bestOfN: z
    .strictObject({
      /** Texts the model is asked for per clip when an adapter is active; otherwise one. @default 8 */
      samples: z.coerce.number().int().min(2).max(64).optional(),
    })
    .prefault({}),
  adapt: z
    .strictObject({
      /** Whether `ask` learns by itself what to remember, after it has answered. */
      auto: z.boolean().default(true),
      /** New questions between two trainings. */
      every: z.coerce.number().int().min(1).default(5),
      /**
       * Whether it learns in a separate process. Default: for nano, whose training takes half a minute, and for a model in
       * a folder, but for one that a process holds on a GPU: that process learns.
       */
      apart: z.boolean().optional(),
      /**
       * The model policy's training: the name of a recipe, or what is changed of one. The flags of a command change it
       * further. Default: that of the preset, otherwise `default` (docs/models.md lists them).
       */
      recipe: z
        .union([recipeOptions.shape.name.unwrap().transform((name) => ({ name })), recipeOptions])
        .optional(),
    })
    .prefault({}),
  model: endpointSchema
    .extend({
      /**
       * Family of the model, whose options fill those that are left out, or `none`. Default: as the model's name says,
       * or `none`.
       */
      preset: z.enum([...presetNames, "none"]).optional(),
      /**
       * Longest silence of a call: before the first token and between tokens of a streamed answer, whose length `max_tokens`
       * limits and not the time. Signs of life without a token prolong it to at most ten times. Where the endpoint does not
       * stream, the whole answer must be there within it.
       */
      timeoutSeconds: positive.max(86_400).default(120),
      maxRetries: z.coerce.number().int().min(0).max(20).default(5),
      /** Simultaneous calls at each base URL. */
      concurrency: z.coerce.number().int().min(1).max(256).default(4),
      /** The same as `sampling.temperature`. */
      temperature: z.coerce.number().min(0).max(2).optional(),
      /**
       * How memories are sampled. Default: as the preset says; otherwise greedy for acting, temperature 0.6 and top-p
       * 0.95 for training, and 4096 tokens.
       */
      sampling,
      /**
       * File with the words of the prompt (`taskmem prompt` prints one to start from). Default: those of the preset, or
       * our own.
       */
      promptTemplate: z.string().min(1).optional(),
      /** How often the model is asked again where nothing it wrote is usable; the last time for a free sentence. */
      attempts: z.coerce.number().int().min(0).max(10).default(2),
      /**
       * Whether a memory that repeats itself or an earlier one is stored: for a model that makes nothing of a
       * correction.
       */
      mayRepeat: z.boolean().default(false),
      /**
       * Whether the model reasons before it answers; its preset knows how it is told, otherwise by `enable_thinking` of
       * its chat template. Default: as the server does.
       */
      thinking: z.union([z.boolean(), onOrOff]).optional(),
      /** Sent unchanged with every request, as options of one server: `{ mm_processor_kwargs: { … } }`. */
      extraBody: z.union([z.record(z.string(), z.unknown()), jsonObject]).optional(),
      /** How the server applies an adapter to a request. */
      steering: z.enum(steeringWays).default("none"),
      /** `llama-control-vector`: revision of the adapter that llama-server was started with. */
      controlVector: z.string().min(1).optional(),
      /** How clips are sent: as video if the server takes it (`auto`), or always as frames. */
      video: z.enum(["auto", "frames", "video"]).default("frames"),
      /**
       * Whether boxes and tags of people whose faces are known (`people`), and what is said, are painted on the frames: for
       * models that were trained so.
       */
      overlay: z.boolean().default(false),
      /** Frames sent per clip of the window, evenly spaced. Default: all, `stream.fps` per second. */
      framesPerClip: z.coerce.number().int().min(1).optional(),
      /**
       * Most tokens of pictures in one request, estimated as the preset says, otherwise at one token per 28 × 28
       * pixels; older clips are thinned first. Default: no limit.
       */
      pictureTokens: z.coerce.number().int().min(1).optional(),
      /** How many of the latest questions that memory was asked stand in the prompt of what writes. */
      taskPrompt: z.coerce.number().int().min(0).max(20).default(0),
      /**
       * Whether the model is told its mistake when it is asked again; a model that knows no prompt but its own draws
       * another answer to that.
       */
      corrections: z.union([z.boolean(), onOrOff]).default(true),
      /** What the model costs, where `prices` does not name it, for the cost report and the budget. */
      prices: pricesSchema.optional(),
      /** US dollars one run may spend: it stops cleanly before spending more. */
      budget: z
        .strictObject({ usd: positive.optional(), tokens: positive.optional(), calls: positive.optional() })
        .optional(),
    })
    .prefault({}),
  answering: z
    .strictObject({
      /** How the model's answers are sampled. Default: greedy, and 2048 tokens. */
      sampling,
    })
    .prefault({}),
  judging: z
    .strictObject({
      /** How the model's verdicts are sampled. Default: greedy, and 2048 tokens. */
      sampling,
    })
    .prefault({}),
  /** What models cost, by the name their endpoint knows them by: the model, judges, speech to text, embeddings. */
  prices: z.record(z.string(), pricesSchema).default({}),
  /** How torch runs the model that `model.model` names as a folder, without `model.baseUrl`. */
  torch: z
    .strictObject({
      dtype: z.enum(["float32", "bfloat16"]).default("float32"),
      device: z.enum(["auto", "cpu", "cuda"]).default("auto"),
      /** Threads on a CPU. Default: torch's own choice. */
      threads: z.coerce.number().int().min(1).optional(),
      /** How each memory begins, for nothing holds the model to the form. Not where it thinks. */
      prefix: z.string().default('{"description": "'),
      /**
       * Whether each memory is one of the clip's own lines, and so true: the one that the adapter or the questions in the prompt
       * make likelier, or the likeliest for the model alone. A clip without lines is written about freely.
       */
      ownLines: z.boolean().default(false),
      /** Most tokens of a memory. */
      maxTokens: z.coerce.number().int().min(16).default(512),
    })
    .prefault({}),
  /** How llama.cpp runs the model that `model.model` names as `local:NAME`, without `model.baseUrl`. */
  local: z
    .strictObject({
      /** Most tokens of a prompt and its answer together. Default: 8192, or what the model was trained with if less. */
      contextTokens: z.coerce.number().int().min(512).optional(),
      /** Threads on a CPU. Default: 1 for a file below 1 GB, otherwise llama.cpp's own choice. */
      threads: z.coerce.number().int().min(1).optional(),
      /** Blocks of the model that a GPU computes. Default: llama.cpp's own choice. */
      gpuLayers: z.coerce.number().int().min(0).optional(),
    })
    .prefault({}),
  /** Speech to text, `POST /audio/transcriptions`; or without `baseUrl` a model here, `local:NAME` or `local:FOLDER`. */
  transcriber: endpointSchema.prefault({}),
  /** Text embeddings, `POST /embeddings`. Default: the encoder that was pulled, otherwise by spelling. */
  embedder: endpointSchema
    .extend({
      /** Length of a vector. Default: asked of the endpoint. */
      dimension: z.coerce.number().int().min(1).optional(),
      /** Put before what is asked and before what is kept. Default: as the model's name says, otherwise nothing. */
      queryPrefix: z.string().optional(),
      passagePrefix: z.string().optional(),
      /** Whether each text is sent with its role, as `input_type`. */
      inputType: z.boolean().default(false),
      /**
       * Whether meanings are compared in this process, by an encoder that `taskmem models pull` gets: `auto` where one was
       * pulled and no endpoint is named. `english` and `multilingual` name it (`meaning`, `meaning-multilingual`).
       */
      meaning: z.enum(["auto", "on", "off", "english", "multilingual"]).default("auto"),
    })
    .prefault({}),
});

/** A configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;
/** A configuration as a person writes it: every option may be left out. */
export type ConfigInput = z.input<typeof configSchema>;

export type PolicyName = NonNullable<Config["policy"]>;

/** The policy a configuration names or implies. */
export function policyName({ policy, model, bestOfN }: Config): PolicyName {
  if (policy !== undefined) return policy;
  if (model.model === undefined) return "choice";
  return bestOfN.samples === undefined ? "model" : "best-of-n";
}

/** Whether the model is one in a folder, for torch: it is named without an endpoint, and is not a local one. */
export function namesFolder({ model }: Config): boolean {
  return model.model !== undefined && model.baseUrl === undefined && localName(model) === null;
}

/** The model that llama.cpp runs here, a name or a path: what follows `local:`; `null` for any other model. */
export function localName({ model, baseUrl }: Pick<Config["model"], "model" | "baseUrl">): string | null {
  return baseUrl === undefined ? (/^local:(.+)$/s.exec(model ?? "")?.[1] ?? null) : null;
}

/** Calls of the model that may run at once, at all its base URLs together. */
export function simultaneousCalls({ model }: Config): number {
  return model.concurrency * Math.max(1, [model.baseUrl ?? []].flat().length);
}

/** Environment variables and the option each one fills. */
const environment: Record<string, string> = {
  TASKMEM_MEMORY: "memory",
  TASKMEM_POLICY: "policy",
  TASKMEM_READER: "reader",
  TASKMEM_BASE_URL: "model.baseUrl",
  TASKMEM_MODEL: "model.model",
  TASKMEM_TRANSCRIBE_BASE_URL: "transcriber.baseUrl",
  TASKMEM_TRANSCRIBE_MODEL: "transcriber.model",
  TASKMEM_EMBED_BASE_URL: "embedder.baseUrl",
  TASKMEM_EMBED_MODEL: "embedder.model",
  TASKMEM_MEANING: "embedder.meaning",
};

export const configFiles = [
  "taskmem.config.ts",
  "taskmem.config.mjs",
  "taskmem.config.js",
  "taskmem.config.json",
];

/** Where a configuration is looked for. */
export interface LoadOptions {
  /** Configuration file. @default the first of `configFiles` in the working directory, if there is one */
  readonly file?: string | undefined;
  /** @default process.cwd() */
  readonly cwd?: string;
  /** @default process.env */
  readonly env?: Environment;
}

/** A flag's value and the option it fills, as `path.to.option`. */
export type FlagValues = Readonly<Record<string, unknown>>;

/**
 * The configuration of a config file, the environment and flags.
 * @throws ConfigError `config-invalid` that names every wrong option, or `config-unreadable`
 */
export async function loadConfig(flags: FlagValues, options: LoadOptions = {}): Promise<Config> {
  const { cwd = process.cwd(), env = process.env } = options;
  const given = await readConfigFile(options.file, cwd);
  for (const [path, value] of Object.entries(environmentValues(env))) setPath(given, path, value);
  for (const [path, value] of leavesOf(flags)) if (value !== undefined) setPath(given, path, value);
  // A flag names the file of the table.
  if (typeof given.prices === "string") given.prices = await readObject(resolve(cwd, given.prices));
  return parseConfig(given, cwd);
}

/** The options that environment variables fill, as `path.to.option`. */
export function environmentValues(env: Environment): FlagValues {
  const set = Object.entries(environment).filter(([name]) => env[name]);
  return Object.fromEntries(set.map(([name, path]) => [path, env[name]]));
}

/** A configuration with every default filled in. @throws ConfigError `config-invalid` that names every wrong option */
export function parseConfig(given: unknown, cwd: string = process.cwd()): Config {
  const config = checkConfig(withPreset(given, checkConfig(given)));
  const { memory, model } = config;
  const { temperature = model.sampling?.temperature } = model;
  const preset = presetName(model);
  return {
    ...config,
    model: {
      ...model,
      ...(preset && { preset }),
      ...(temperature !== undefined && { temperature, sampling: { ...model.sampling, temperature } }),
    },
    memory: isPostgresUrl(memory) || isAbsolute(memory) ? memory : resolve(cwd, memory),
  };
}

function withPreset(given: unknown, checked: Config): unknown {
  return isRecord(given) ? filledIn(given, presetOptions(checked)) : given;
}

function checkConfig(given: unknown): Config {
  const parsed = configSchema.safeParse(given);
  const issues = parsed.success
    ? conflicts(parsed.data)
    : parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(whole)"}: ${message}`);
  if (parsed.success && issues.length === 0) return parsed.data;
  throw new ConfigError(
    "config-invalid",
    `Expected a valid configuration, got ${issues.length} wrong:\n${issues.join("\n")}`,
  );
}

/** The name of the preset that is chosen, or that the model's name tells; `undefined` without a model. */
function presetName({ preset, model }: Config["model"]): Config["model"]["preset"] {
  return preset ?? (model === undefined ? undefined : (presetOfModel(model) ?? "none"));
}

/** The same configuration for another model of the endpoint, whose preset is the one its name tells. */
export function withModel(config: Config, model: string): Config {
  return { ...config, model: { ...config.model, model, preset: presetOfModel(model) ?? "none" } };
}

/** The preset of the configured model, or `null`. */
export function configuredPreset({ model }: Pick<Config, "model">): Preset | null {
  return presetNamed(presetName(model));
}

/** The options that the preset fills where the user leaves them out. */
export function presetOptions(config: Config): ConfigInput {
  const preset = configuredPreset(config);
  if (preset === null) return {};
  const { frames, options, thinks } = preset;
  const { thinking = thinks, temperature: own } = config.model;
  const { temperature = own, ...others } = preset.sampling[thinking ? "on" : "off"] ?? {};
  return {
    // Frames are those of the model that writes; another policy looks at its own.
    ...(asksModel(config) && { stream: { ...frames, ...options?.stream } }),
    model: {
      ...options?.model,
      sampling: { ...others, ...(own === undefined && temperature !== undefined && { temperature }) },
    },
    ...(options?.torch && { torch: options.torch }),
    ...(options?.recipe && policyName(config) === "model" && { adapt: { recipe: { name: options.recipe } } }),
  };
}

/** Whether the policy asks the configured model. */
function asksModel(config: Config): boolean {
  return policyName(config) === "model" || policyName(config) === "best-of-n";
}

/** Issues between options: those that need or exclude each other. */
function conflicts(config: Config): string[] {
  const issues: string[] = [];
  const isEndpoint = config.model.baseUrl !== undefined && config.model.model !== undefined;
  const complete = isEndpoint || localName(config.model) !== null;
  const missing =
    "needs model.baseUrl (--base-url, TASKMEM_BASE_URL) and model.model (--model, TASKMEM_MODEL)";
  if (asksModel(config) && config.model.model === undefined)
    issues.push(`  policy: \`${config.policy}\` ${missing}, or a folder of weights as model.model`);
  const { temperature = config.model.sampling?.temperature } = config.model;
  if (policyName(config) === "best-of-n" && temperature === 0)
    issues.push(
      "  model.temperature: expected above 0 for `best-of-n`, got 0: all its samples would be the same",
    );
  for (const option of ["budget", "weights"] as const)
    if (config.choice[option] !== undefined && policyName(config) !== "choice")
      issues.push(
        `  choice.${option}: only the \`choice\` policy uses it, got it for \`${policyName(config)}\`: set policy (--policy) to choice, or leave it out`,
      );
  if (config.adapt.recipe !== undefined && policyName(config) !== "model")
    issues.push(
      `  adapt.recipe: only the \`model\` policy uses it, got it for \`${policyName(config)}\`: set policy (--policy) to model, or leave it out`,
    );
  issues.push(...modelConflicts(config));
  if (config.reader === "model" && !complete) issues.push(`  reader: \`model\` ${missing}`);
  for (const name of ["model", "transcriber", "embedder"] as const) {
    const { baseUrl, model } = config[name];
    const isFolder =
      baseUrl === undefined &&
      (name === "model" || (name === "transcriber" && localName(config.transcriber) !== null));
    if ((baseUrl === undefined) !== (model === undefined) && !isFolder) {
      issues.push(
        `  ${name}: give both baseUrl and model, got only ${baseUrl === undefined ? "model" : "baseUrl"}`,
      );
    }
  }
  return issues;
}

/** Issues of the model's options with each other, with its preset and with the policy. */
function modelConflicts(config: Config): string[] {
  const { thinking, video, temperature, sampling, promptTemplate } = config.model;
  const preset = configuredPreset(config);
  const name = presetName(config.model);
  const issues: string[] = [];
  if (
    temperature !== undefined &&
    sampling?.temperature !== undefined &&
    sampling.temperature !== temperature
  )
    issues.push(
      `  model.temperature: expected it once, got ${temperature} here and ${sampling.temperature} in model.sampling`,
    );
  if (thinking !== undefined && preset?.thinking[thinking ? "on" : "off"] === null)
    issues.push(
      `  model.thinking: models of the preset ${name} ${thinking ? "do not think" : "always think"}: leave it out, or tell the server in its own way with --extra-body`,
    );
  if (preset?.video === false && video === "video")
    issues.push(`  model.video: models of the preset ${name} take no video: expected frames or auto`);
  if (promptTemplate !== undefined && !asksModel(config))
    issues.push(
      `  model.promptTemplate: only the \`model\` and \`best-of-n\` policies use it, got it for \`${policyName(config)}\``,
    );
  return issues;
}

/** What the configuration file says, or nothing without one. @throws ConfigError `config-unreadable` */
export async function readConfigFile(
  file: string | undefined,
  cwd: string,
): Promise<Record<string, unknown>> {
  const path = file
    ? resolve(cwd, file)
    : configFiles.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) return {};
  if (!existsSync(path))
    throw new ConfigError(
      "config-unreadable",
      `There is no configuration file at ${path}. Name another with --config, or leave it out.`,
    );
  return readObject(path);
}

/** What a JSON file holds, or what a module exports as default. @throws ConfigError `config-unreadable` */
async function readObject(path: string): Promise<Record<string, unknown>> {
  try {
    const module = path.endsWith(".json")
      ? await import(pathToFileURL(path).href, { with: { type: "json" } })
      : await import(pathToFileURL(path).href);
    const value: unknown = module.default;
    if (typeof value !== "object" || value === null)
      throw new TypeError("expected an object as JSON or as `export default { … }`");
    return structuredClone(value) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError("config-unreadable", `Could not read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop()!;
  let place = target;
  for (const key of keys) {
    if (typeof place[key] !== "object" || place[key] === null) place[key] = {};
    place = place[key] as Record<string, unknown>;
  }
  place[last] = value;
}
