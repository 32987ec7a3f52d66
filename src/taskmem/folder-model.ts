/** The model in a folder on this machine, run and trained by torch, as a configuration names it. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import type { AdapterTarget } from "../adapter/adapter-file.ts";
import type { Config } from "../config.ts";
import {
  openTorchEngine,
  type TorchModel,
  type TorchModelOptions,
  torchModel,
} from "../engines/torch/index.ts";
import { ConfigError } from "../errors.ts";
import { Models, modelsDirectory } from "../models/models.ts";
import { registrySettings } from "../models/registries.ts";
import {
  type TorchAdapterTrainerOptions,
  torchAdapterTrainer,
  torchTarget,
} from "../policies/model/torch-adapter-trainer.ts";
import type { AdapterTrainer } from "../training/train-adapter.ts";

/** Opens the model in a folder. @throws ConfigError `model-missing`, `torch-missing`; EngineError `worker-…` */
export async function openFolderModel(config: Config): Promise<TorchModel> {
  const { block, at, dtype, device, threads } = config.torch;
  const engine = await openTorchEngine({
    model: modelFolder(config.model.model!),
    train: { kind: "vector", at, ...(block !== undefined && { block }) },
    ...{ dtype, device },
    ...(threads !== undefined && { threads }),
  });
  return torchModel(engine, folderPrompting(config));
}

/** How prompts are put to a model in a folder: nothing holds it to a form, so its answer is begun for it. */
export function folderPrompting({ model: { thinking }, torch: { prefix } }: Config): TorchModelOptions {
  if (thinking) return { template: { enable_thinking: true } };
  return { template: { enable_thinking: false }, prefix };
}

/** The folder of a pulled model of that name, or the folder itself. @throws ConfigError `model-missing` */
export function modelFolder(model: string): string {
  const home = homedir();
  const settings = registrySettings(process.env, { home, directory: process.cwd() });
  const pulled = new Models(modelsDirectory(process.env, home), { settings }).list();
  const named = pulled.find(({ name }) => name === model);
  if (named) return named.directory;
  if (existsSync(model)) return model;
  throw new ConfigError(
    "model-missing",
    `There is no folder ${model}, and no model of that name is pulled (\`taskmem models list\`). For a model at an endpoint give --base-url too.`,
  );
}

/** The trainer of the adapter of a model in a folder. */
export function folderTrainer(
  { engine }: TorchModel,
  options: Omit<TorchAdapterTrainerOptions, "engine">,
): AdapterTrainer {
  return torchAdapterTrainer({ ...options, engine });
}

/** What an adapter of a model in a folder must fit. */
export function folderTarget({ engine }: TorchModel): AdapterTarget {
  return torchTarget(engine);
}
