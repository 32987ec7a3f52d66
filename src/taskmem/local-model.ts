/** The model in this machine's llama.cpp, as a configuration names it: `local:NAME`. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Config, localName } from "../config.ts";
import type { OnProgress } from "../engine.ts";
import { type GgufFiles, ggufFiles } from "../engines/llama/files.ts";
import { type LlamaModel, llamaModel } from "../engines/llama/index.ts";
import { ConfigError } from "../errors.ts";
import { llamaFile, llamaName, llamaRuntime } from "../models/llama-runtime.ts";
import { Models, modelsDirectory } from "../models/models.ts";
import { registrySettings } from "../models/registries.ts";

/** Models that are open, by all that makes them: whoever writes, answers and judges with one shares its process. */
const open = new Map<string, LlamaModel>();

/**
 * Opens the local model of a configuration, or the one that is open already. Its files are not read before it is asked.
 * @throws ConfigError `model-missing` for a model that is not there; `runtime-missing` without llama.cpp
 */
export function openLocalModel(config: Config, onProgress?: OnProgress): LlamaModel {
  const name = localName(config.model)!;
  const models = pulledModels();
  const files = ggufFiles(placeOf(name, models));
  // llama.cpp's threads wait for each other without giving up the processor: one that has to wait for it stops them all.
  const oneThread = isSmall(files) ? { threads: 1 } : {};
  const options = {
    ...{ binding: llamaBinding(models), name, ...files, ...oneThread },
    ...{ ...config.local, thinking: config.model.thinking },
  };
  const key = JSON.stringify(options);
  const model = open.get(key) ?? llamaModel({ ...options, ...(onProgress && { onProgress }) });
  open.set(key, model);
  return model;
}

/** Bytes of a file whose model is small: one that may not fill in forms, and is as fast on one thread. */
const smallBytes = 1e9;

/** Whether the model of a configuration is a small one that runs here. @throws ConfigError `model-missing` */
export function isSmallLocal(config: Config): boolean {
  const name = localName(config.model);
  return name !== null && isSmall(ggufFiles(placeOf(name, pulledModels())));
}

const isSmall = ({ model }: GgufFiles): boolean => statSync(model).size < smallBytes;

/** Ends the processes of all local models; one that is asked again starts another. */
export function closeLocalModels(): void {
  for (const model of open.values()) model.close();
}

function pulledModels(): Models {
  const home = homedir();
  const settings = registrySettings(process.env, { home, directory: process.cwd() });
  return new Models(modelsDirectory(process.env, home), { settings });
}

function placeOf(name: string, models: Models): string {
  const pulled = models.list().find((one) => one.name === name);
  if (pulled) return pulled.directory;
  if (existsSync(name)) return name;
  throw new ConfigError(
    "model-missing",
    `Expected a pulled model, a GGUF file or a folder with one, got local:${name}. \`taskmem models pull hf:owner/repository:model.gguf,mmproj.gguf\` pulls one.`,
  );
}

/** The native module, its hash compared: what is pulled is code. */
function llamaBinding(models: Models): string {
  const pinned = llamaRuntime();
  if (!pinned)
    throw new ConfigError(
      "runtime-missing",
      `There is no build of llama.cpp for ${process.platform}-${process.arch}: run a server and give --base-url.`,
    );
  const file = join(models.directory, llamaName, llamaFile);
  if (!existsSync(file))
    throw new ConfigError(
      "runtime-missing",
      `A local model needs llama.cpp (${Math.round(pinned.files[0]!.bytes / 1e6)} MB): \`taskmem models pull ${llamaName}\`.`,
    );
  if (createHash("sha256").update(readFileSync(file)).digest("hex") === pinned.files[0]!.sha256) return file;
  throw new ConfigError(
    "runtime-missing",
    `${file} is not the pinned release: \`taskmem models remove ${llamaName}\`, then pull it again.`,
  );
}
