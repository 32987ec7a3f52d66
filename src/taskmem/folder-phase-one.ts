/** Phase One of the model in a folder that a configuration names. */
import type { Config } from "../config.ts";
import { wordSpace } from "../engines/local/index.ts";
import { openTorchEngine, type TorchSample } from "../engines/torch/index.ts";
import type { PhaseOneKind } from "../policies/model/phase-one-recipe.ts";
import { torchPhaseOnePolicy } from "../policies/model/torch-policy.ts";
import type { PhaseOnePolicy } from "../training/trainable-policy.ts";
import { memoryWriting } from "./assembly.ts";
import { folderPrompting, modelFolder } from "./folder-model.ts";

/** Options of `openFolderPhaseOne`. */
export interface FolderPhaseOneOptions {
  /** What is trained. */
  readonly kind: PhaseOneKind;
  /** Where the trained weights are written, as a folder that `--model` takes. */
  readonly folder: string;
  readonly onLog?: (line: string) => void;
}

/** Opens a model in a folder to train all its weights, or low-rank matrices. @throws as `openFolderModel` */
export async function openFolderPhaseOne(
  config: Config,
  { kind, folder, onLog }: FolderPhaseOneOptions,
): Promise<{
  readonly trainable: PhaseOnePolicy<TorchSample>;
  /** Whether the model looks at pictures. */
  readonly sees: boolean;
  readonly close: () => void;
}> {
  const { dtype, device, threads } = config.torch;
  const engine = await openTorchEngine({
    ...{ model: modelFolder(config.model.model!), train: { kind }, dtype, device },
    ...(threads !== undefined && { threads }),
    ...(onLog && { onLog }),
  });
  const trainable = torchPhaseOnePolicy(engine, folder, {
    ...memoryWriting(config, { maxTokens: config.torch.maxTokens }),
    ...{ prompting: folderPrompting(config), kind, countTokens: wordSpace.countTokens },
  });
  return { trainable, sees: engine.about.can.images, close: () => engine.close() };
}
