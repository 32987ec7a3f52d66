/** The model in a folder on this machine, run and trained by torch, as a configuration names it. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterTarget } from "../adapter/adapter-file.ts";
import type { LoraFunctional } from "../adapter/exchange/lora.ts";
import type { Config } from "../config.ts";
import {
  openTorchEngine,
  type TorchModel,
  type TorchModelOptions,
  torchModel,
  torchPrompt,
} from "../engines/torch/index.ts";
import { ConfigError } from "../errors.ts";
import { Models, modelsDirectory } from "../models/models.ts";
import { registrySettings } from "../models/registries.ts";
import { shippedModels } from "../models/shipped.ts";
import type { Observation } from "../perception/observation.ts";
import { linePolicy } from "../policies/model/line-policy.ts";
import {
  type TorchAdapterTrainerOptions,
  torchAdapterTrainer,
  torchTarget,
} from "../policies/model/torch-adapter-trainer.ts";
import type { TorchPolicyOptions } from "../policies/model/torch-policy.ts";
import { buildContext } from "../policy/context.ts";
import { evenlySpaced } from "../policy/pictures.ts";
import type { Policy } from "../policy/policy.ts";
import { memoryInstructions, type PromptOptions, showsPictures, windowPrompt } from "../policy/prompts.ts";
import { freshState } from "../policy/state.ts";

export { modelPhaseTwoRecipeNamed } from "../policies/model/recipes.ts";

import { folderOf } from "../memory/folder.ts";
import type { AdapterTrainer } from "../training/train-adapter.ts";

/** Opens the model in a folder. @throws ConfigError `model-missing`, `torch-missing`; EngineError `worker-…` */
export async function openFolderModel(config: Config): Promise<TorchModel> {
  const { dtype, device, threads } = config.torch;
  const engine = await openTorchEngine({
    model: modelFolder(config.model.model!),
    train: { kind: "vector" },
    ...{ dtype, device, adapters: join(folderOf(config.memory), "adapters") },
    ...(threads !== undefined && { threads }),
  });
  return torchModel(engine, folderPrompting(config));
}

/** How prompts are put to a model in a folder: nothing holds it to a form, so its answer is begun for it. */
export function folderPrompting({ model: { thinking }, torch: { prefix } }: Config): TorchModelOptions {
  if (thinking) return { template: { enable_thinking: true } };
  return { template: { enable_thinking: false }, prefix };
}

/** The folder of a model of that name, pulled or shipped, or the folder itself. @throws ConfigError `model-missing` */
export function modelFolder(model: string): string {
  const home = homedir();
  const settings = registrySettings(process.env, { home, directory: process.cwd() });
  const pulled = new Models(modelsDirectory(process.env, home), { settings }).list();
  const named = [...pulled, ...shippedModels].find(({ name }) => name === model);
  if (named) return named.directory;
  if (existsSync(model)) return model;
  throw new ConfigError(
    "model-missing",
    `There is no folder ${model}, and no model of that name is pulled (\`taskmem models list\`). For a model at an endpoint give --base-url too.`,
  );
}

/** Clips that a function is fitted on; as many as half of them again measure it. */
const fittedClips = 24;

/**
 * Fits the function that makes a vector of a block a LoRA, on what the policy is shown of watched clips, each by itself.
 * @throws ConfigError `adapter-unsupported` where too little was watched
 */
export async function fitFunctional(
  config: Config,
  block: number,
  watched: readonly Observation[],
  options: PromptOptions,
): Promise<LoraFunctional> {
  const told = watched.filter(
    ({ speech, captions, screen }) => speech.length + captions.length + screen.length > 0,
  );
  if (told.length < 2)
    throw new ConfigError(
      "adapter-unsupported",
      `Expected two clips or more with texts, to fit a LoRA on, got ${told.length}: watch a stream first`,
    );
  const { dtype, device, threads } = config.torch;
  const engine = await openTorchEngine({
    model: modelFolder(config.model.model!),
    train: { kind: "rank-one", block },
    ...{ dtype, device },
    ...(threads !== undefined && { threads }),
  });
  try {
    const prompts = evenlySpaced(told, fittedClips).map(async (observation) => {
      const history = { observations: [], entries: [], state: freshState() };
      const context = buildContext([observation], history);
      const system = memoryInstructions(showsPictures(context), options);
      const { parts } = await windowPrompt(context, options);
      return engine.name(torchPrompt({ system, parts }, folderPrompting(config)));
    });
    const { values } = await engine.calibrate(await Promise.all(prompts));
    return { values, architecture: engine.about.architecture };
  } finally {
    engine.close();
  }
}

/** The trainer of the adapter of a model in a folder. */
export function folderTrainer(
  { engine }: TorchModel,
  options: Omit<TorchAdapterTrainerOptions, "engine">,
): AdapterTrainer {
  return torchAdapterTrainer({ ...options, engine });
}

/** The policy whose memories are lines of the clips, chosen by a model in a folder. */
export function folderLinePolicy(
  config: Config,
  { engine }: TorchModel,
  adapter: Adapter | null,
  options: Omit<TorchPolicyOptions, "prompting">,
): Policy {
  return linePolicy(engine, adapter, { ...options, prompting: folderPrompting(config) });
}

/** What an adapter of a model in a folder must fit. */
export function folderTarget({ engine }: TorchModel): AdapterTarget {
  return torchTarget(engine);
}
