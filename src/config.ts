/**
 * Configuration: one typed object, filled from `taskmem.config.ts`, then the environment, then flags. It is validated
 * once, and all issues are reported together. Secrets come from the environment only.
 */
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { ConfigError } from "./errors.ts";
import type { Environment } from "./util/environment.ts";

const positive = z.coerce.number().positive();

/** One URL, or several: as a list, or with commas between them, as a flag or the environment has them. */
const baseUrls = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((text) => text.split(/\s*,\s*(?=https?:)/)))
  .pipe(z.array(z.url()).min(1))
  .transform((urls) => (urls.length === 1 ? urls[0]! : urls));

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

export const configSchema = z.strictObject({
  /** Directory of the memory. */
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
       * least 40 tokens.
       */
      budget: z.coerce.number().gt(0).max(1).optional(),
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
      /** Whether it learns in a separate process. Default: only for nano, whose training takes half a minute. */
      apart: z.boolean().optional(),
    })
    .prefault({}),
  model: endpointSchema
    .extend({
      timeoutSeconds: positive.default(120),
      maxRetries: z.coerce.number().int().min(0).max(20).default(5),
      /** Simultaneous calls at each base URL. */
      concurrency: z.coerce.number().int().min(1).max(256).default(4),
      temperature: z.coerce.number().min(0).max(2).optional(),
      /**
       * Whether the model reasons before it answers, where its chat template can be told (`enable_thinking`). Default:
       * as the server does.
       */
      thinking: z.union([z.boolean(), onOrOff]).optional(),
      /** Sent unchanged with every request, as options of one server: `{ mm_processor_kwargs: { … } }`. */
      extraBody: z.union([z.record(z.string(), z.unknown()), jsonObject]).optional(),
      /** How clips are sent: as video if the server takes it (`auto`), or always as frames. */
      video: z.enum(["auto", "frames", "video"]).default("frames"),
      /** Frames sent per clip of the window, evenly spaced. Default: all, `stream.fps` per second. */
      framesPerClip: z.coerce.number().int().min(1).optional(),
      /**
       * Most tokens of pictures in one request, estimated at one token per 28 × 28 pixels; older clips are thinned
       * first. Default: no limit.
       */
      pictureTokens: z.coerce.number().int().min(1).optional(),
      /** US dollars per million tokens, for the cost report and the budget. */
      prices: z
        .strictObject({ promptPerMillion: z.number().min(0), completionPerMillion: z.number().min(0) })
        .optional(),
      /** US dollars one run may spend: it stops cleanly before spending more. */
      budget: z
        .strictObject({ usd: positive.optional(), tokens: positive.optional(), calls: positive.optional() })
        .optional(),
    })
    .prefault({}),
  /** Speech to text, `POST /audio/transcriptions`. */
  transcriber: endpointSchema.prefault({}),
  /** Text embeddings, `POST /embeddings`. Default: the local spelling embedder. */
  embedder: endpointSchema
    .extend({
      /** Length of a vector. Default: asked of the endpoint. */
      dimension: z.coerce.number().int().min(1).optional(),
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
  if (model.baseUrl === undefined || model.model === undefined) return "choice";
  return bestOfN.samples === undefined ? "model" : "best-of-n";
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
};

export const configFiles = [
  "taskmem.config.ts",
  "taskmem.config.mjs",
  "taskmem.config.js",
  "taskmem.config.json",
];

/** A flag's value and the option it fills, as `path.to.option`. */
export type FlagValues = Readonly<Record<string, unknown>>;

/**
 * The configuration of a config file, the environment and flags.
 * @throws ConfigError `config-invalid` that names every wrong option, or `config-unreadable`
 */
export async function loadConfig(
  flags: FlagValues,
  options: { file?: string | undefined; cwd?: string; env?: Environment } = {},
): Promise<Config> {
  const { cwd = process.cwd(), env = process.env } = options;
  const merged = await readConfigFile(options.file, cwd);
  for (const [name, path] of Object.entries(environment)) {
    if (env[name]) setPath(merged, path, env[name]);
  }
  for (const [path, value] of Object.entries(flags)) {
    if (value !== undefined) setPath(merged, path, value);
  }
  return parseConfig(merged, cwd);
}

/** A configuration with every default filled in. @throws ConfigError `config-invalid` that names every wrong option */
export function parseConfig(given: unknown, cwd: string = process.cwd()): Config {
  const parsed = configSchema.safeParse(given);
  const issues = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(whole)"}: ${message}`);
  if (parsed.success) issues.push(...conflicts(parsed.data));
  if (!parsed.success || issues.length > 0) {
    throw new ConfigError(
      "config-invalid",
      `Expected a valid configuration, got ${issues.length} wrong:\n${issues.join("\n")}`,
    );
  }
  return {
    ...parsed.data,
    memory: isAbsolute(parsed.data.memory) ? parsed.data.memory : resolve(cwd, parsed.data.memory),
  };
}

/** Issues between options: those that need or exclude each other. */
function conflicts(config: Config): string[] {
  const issues: string[] = [];
  const complete = config.model.baseUrl !== undefined && config.model.model !== undefined;
  const missing =
    "needs model.baseUrl (--base-url, TASKMEM_BASE_URL) and model.model (--model, TASKMEM_MODEL)";
  if ((config.policy === "model" || config.policy === "best-of-n") && !complete)
    issues.push(`  policy: \`${config.policy}\` ${missing}`);
  if (policyName(config) === "best-of-n" && config.model.temperature === 0)
    issues.push(
      "  model.temperature: expected above 0 for `best-of-n`, got 0: all its samples would be the same",
    );
  for (const option of ["budget", "weights"] as const)
    if (config.choice[option] !== undefined && policyName(config) !== "choice")
      issues.push(
        `  choice.${option}: only the \`choice\` policy uses it, got it for \`${policyName(config)}\`: set policy (--policy) to choice, or leave it out`,
      );
  if (config.reader === "model" && !complete) issues.push(`  reader: \`model\` ${missing}`);
  for (const name of ["model", "transcriber", "embedder"] as const) {
    const { baseUrl, model } = config[name];
    if ((baseUrl === undefined) !== (model === undefined)) {
      issues.push(
        `  ${name}: give both baseUrl and model, got only ${baseUrl === undefined ? "model" : "baseUrl"}`,
      );
    }
  }
  return issues;
}

async function readConfigFile(file: string | undefined, cwd: string): Promise<Record<string, unknown>> {
  const path = file
    ? resolve(cwd, file)
    : configFiles.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) return {};
  if (!existsSync(path))
    throw new ConfigError(
      "config-unreadable",
      `There is no configuration file at ${path}. Name another with --config, or leave it out.`,
    );
  try {
    const module = path.endsWith(".json")
      ? await import(pathToFileURL(path).href, { with: { type: "json" } })
      : await import(pathToFileURL(path).href);
    const value: unknown = module.default;
    if (typeof value !== "object" || value === null)
      throw new TypeError("expected `export default defineConfig({ … })`");
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
