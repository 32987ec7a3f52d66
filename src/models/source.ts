/** Where weights come from: an exact release on a registry, as a user writes it. */
import { ConfigError } from "../errors.ts";

/** One release of a package, or one revision of a repository. */
export type ModelSource =
  | { readonly registry: "npm" | "pypi"; readonly name: string; readonly version: string }
  | {
      readonly registry: "hf";
      /** `owner/repo`. */
      readonly name: string;
      /** Branch, tag or commit. */
      readonly version: string;
      /** Only this file, or these with commas between them; `null` for all weights. */
      readonly file: string | null;
    };

const patterns = {
  npm: /^(?<name>(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)@(?<version>\d[\w.+-]*)$/i,
  pypi: /^(?<name>[a-z0-9](?:[\w.-]*[a-z0-9])?)@(?<version>\d[\w.!+-]*)$/i,
  hf: /^(?<name>[\w.-]+\/[\w.-]+)(?:@(?<version>[\w.-]+))?(?::(?<file>[^:]+))?$/,
};

/**
 * Reads `npm:name@version`, `pypi:name@version` or `hf:owner/repo[@revision][:file[,file]]`.
 * @throws ConfigError `model-source-invalid`
 */
export function parseSource(text: string): ModelSource {
  const [, registry, rest] = /^(npm|pypi|hf):(.*)$/.exec(text) ?? [];
  const groups = registry && patterns[registry as keyof typeof patterns].exec(rest!)?.groups;
  if (!groups) {
    throw new ConfigError(
      "model-source-invalid",
      `Expected a model's name, npm:name@version, pypi:name@version or hf:owner/repo[@revision][:file], got ${text}`,
    );
  }
  const { name, version, file } = groups as { name: string; version?: string; file?: string };
  return registry === "hf"
    ? { registry, name, version: version ?? "main", file: file ?? null }
    : { registry: registry as "npm" | "pypi", name, version: version! };
}

/** The text `parseSource` reads. */
export function formatSource(source: ModelSource): string {
  const { registry, name, version } = source;
  const file = source.registry === "hf" && source.file !== null ? `:${source.file}` : "";
  return `${registry}:${name}@${version}${file}`;
}

/** The name a source is kept under unless another is given: the last part of its own. */
export function nameOf({ name }: ModelSource): string {
  return name.split("/").at(-1)!.toLowerCase();
}
