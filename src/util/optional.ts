/**
 * Packages that only some uses need. They are optional peers: not installed with TaskMem, loaded when needed, and named
 * with their install line if missing.
 */
import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";

const loaders = {
  "@hono/node-server": () => import("@hono/node-server"),
  "@jax-js/jax": () => import("@jax-js/jax"),
  "@modelcontextprotocol/hono": () => import("@modelcontextprotocol/hono"),
  "@napi-rs/canvas": () => import("@napi-rs/canvas"),
  "@opentelemetry/api": () => import("@opentelemetry/api"),
  ai: () => import("ai"),
  aws4fetch: () => import("aws4fetch"),
  hono: () => import("hono"),
  hyparquet: () => import("hyparquet"),
  pg: () => import("pg"),
  "pg-boss": () => import("pg-boss"),
};

/** A package that may be missing. */
export type OptionalPackage = keyof typeof loaders;

/** A package that may be missing, also one that is not imported by its name. */
export type AnyOptionalPackage = OptionalPackage | keyof typeof byPath;

/** The exports of a package. */
type Exports<Name extends OptionalPackage> = Awaited<ReturnType<(typeof loaders)[Name]>>;

/**
 * Loads an optional package.
 *
 * @param purpose why it is needed, as the end of a sentence: `to draw the household`
 * @throws ConfigError `package-missing`, with the line that installs it
 */
export async function optionalPackage<Name extends OptionalPackage>(
  name: Name,
  purpose: string,
): Promise<Exports<Name>> {
  try {
    return (await loaders[name]()) as Exports<Name>;
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    const install = installLine(name);
    throw new ConfigError(
      "package-missing",
      `${name} is needed ${purpose} and is not installed: ${install}`,
      {
        cause,
        details: { package: name, install },
      },
    );
  }
}

/** Packages that are loaded by their path alone. */
const byPath = {
  "onnxruntime-web": "text in the picture, voices, speech, recall by meaning",
  "sherpa-onnx-node": "speech models of sherpa-onnx",
} as const;

/** What each optional package is for, as `doctor` prints it. */
export const optionalUses: Readonly<Record<AnyOptionalPackage, string>> = {
  "@hono/node-server": "taskmem serve, MCP over HTTP",
  "@jax-js/jax": "nano",
  "@modelcontextprotocol/hono": "taskmem serve, MCP over HTTP",
  "@napi-rs/canvas": "text in the picture, the simulated household, nano",
  "@opentelemetry/api": "telemetry (taskmem/otel)",
  ai: "the AI SDK (taskmem/ai)",
  aws4fetch: "pictures of a Postgres in S3",
  hono: "taskmem serve",
  hyparquet: "Video-MME's annotations",
  pg: "a memory in Postgres",
  "pg-boss": "streams shared among workers (taskmem worker)",
  ...byPath,
};

/** Whether an optional package is installed; it is not loaded. */
export function hasPackage(name: AnyOptionalPackage): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** The command that installs the version TaskMem was tested with. */
export function installLine(name: AnyOptionalPackage): string {
  const { peerDependencies } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  ) as { peerDependencies: Record<AnyOptionalPackage, string> };
  return `npm install ${name}@${peerDependencies[name].replace(/^[\^~]/, "")}`;
}

/** Whether this package itself could not be found, and not one of its own parts. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${name}'`);
}
