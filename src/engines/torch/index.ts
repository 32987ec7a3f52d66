/** Models in folders, run and trained by torch in a process of its own. */
export { checkTorchModel, type InvariantRow } from "./check.ts";
export {
  findTorchPython,
  requireTorchPython,
  setUpTorch,
  type TorchBuild,
  type TorchSetupOptions,
  torchBuilds,
  torchDirectory,
} from "./environment.ts";
export type { WorkerProcessOptions } from "./process.ts";
export {
  type BlockAgreement,
  type DrawnAnswer,
  type DrawOptions,
  type LoraFolder,
  type OpenedModel,
  openTorchEngine,
  type Prompt,
  type SteeredTokens,
  type Steering,
  TorchEngine,
  type TorchOptions,
  type TorchSample,
  type Trained,
  workerCommand,
} from "./torch-engine.ts";
export {
  type TorchHandle,
  type TorchModel,
  type TorchModelOptions,
  torchAdapterSpace,
  torchModel,
  torchPrompt,
  torchSteering,
  torchWeightsSpace,
} from "./torch-model.ts";
