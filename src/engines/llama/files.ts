/** The GGUF files of a model: the model itself, and its eyes where it has some. */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ConfigError } from "../../errors.ts";

/** Files of one model. */
export interface GgufFiles {
  readonly model: string;
  /** The `mmproj` file beside it; `null` where there is none. */
  readonly projector: string | null;
}

const isProjector = (name: string) => /mmproj/i.test(name);
/** A later part of a model in several files: llama.cpp finds it by the first. */
const isLaterPart = (name: string) => /-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(name);

/**
 * The files of a model, by its GGUF file or the folder that holds it.
 * @throws ConfigError `model-missing` where there is none, or more than one
 */
export function ggufFiles(path: string): GgufFiles {
  const isFile = statSync(path).isFile();
  const folder = isFile ? dirname(path) : path;
  const names = readdirSync(folder).filter((name) => /\.gguf$/i.test(name) && !isLaterPart(name));
  const models = isFile ? [basename(path)] : names.filter((name) => !isProjector(name));
  const projectors = names.filter(isProjector);
  if (models.length !== 1) {
    const got = models.length === 0 ? "none" : models.sort().join(", ");
    throw new ConfigError(
      "model-missing",
      `Expected one GGUF model in ${folder}, got ${got}${models.length > 1 ? `: name its file, local:${join(folder, models[0]!)}` : ""}`,
    );
  }
  const projector = nearestTo(models[0]!, projectors);
  return { model: join(folder, models[0]!), projector: projector && join(folder, projector) };
}

/** Of several, the one that shares the most of a model's name: `mmproj-qwen3-vl-2b-f16` for `qwen3-vl-2b-q8_0`. */
function nearestTo(model: string, projectors: readonly string[]): string | null {
  const words = new Set(wordsOf(model));
  const shared = (name: string) => wordsOf(name).filter((word) => words.has(word)).length;
  return projectors.toSorted((a, b) => shared(b) - shared(a) || (a < b ? -1 : 1))[0] ?? null;
}

const wordsOf = (name: string) => name.toLowerCase().split(/[^a-z0-9]+/);
