/** `taskmem train check`: whether a model can be trained here, invariant by invariant. */
import { requireTorchPython } from "../../engines/torch/environment.ts";
import { checkTorchModel, workerCommand } from "../../engines/torch/index.ts";
import { ConfigError } from "../../errors.ts";
import { modelFolder } from "../../taskmem/folder-model.ts";
import type { Invocation } from "../invocation.ts";
import { exitCodes } from "../output.ts";

interface CheckFlags {
  readonly model?: string;
  readonly block?: number;
  readonly at?: string;
  readonly device?: "auto" | "cpu" | "cuda";
  readonly threads?: number;
}

export async function run({ output, options, signal }: Invocation): Promise<number> {
  const { model, block, at = "all", device, threads } = options as CheckFlags;
  if (model === undefined)
    throw new ConfigError("model-missing", "Name a folder of weights, or a pulled model, with --model.");
  if (at !== "all" && at !== "answer")
    throw new ConfigError("flags-invalid", `Expected --at to be all or answer, got ${at}`);
  const folder = modelFolder(model);
  const command = workerCommand(requireTorchPython());
  let broken = 0;
  const rows = checkTorchModel({
    ...{ model: folder, command },
    train: { kind: "vector", at, ...(block !== undefined && { block }) },
    ...(device && { device }),
    ...(threads !== undefined && { threads }),
    onLog: (line) => output.progress(line),
  });
  for await (const { invariant, ok, deviation } of rows) {
    signal.throwIfAborted();
    if (!ok) broken += 1;
    output.progress("");
    output.object({ invariant, ok, deviation });
    const measured = deviation === null ? "" : `  ${deviation.toExponential(1)}`;
    output.text(`${ok ? "ok    " : "BROKEN"}  ${invariant}${measured}`);
  }
  return broken === 0 ? exitCodes.done : exitCodes.engine;
}
