/** The state of a pretraining run in one safetensors file: weights, Adam's moments, stage and step. */
import { existsSync } from "node:fs";
import { numpy as np } from "../../engines/nano/jax.ts";
import type { Weights } from "../../engines/nano/network.ts";
import { readWeights, type Tensor, writeWeights } from "../../engines/nano/weights-file.ts";
import type { Adam, AdamState } from "./adam.ts";

/** The state of a pretraining run. */
export interface Checkpoint {
  readonly stage: string;
  /** Completed steps of the stage. */
  readonly step: number;
  /** All weights of the network, frozen ones included. */
  readonly weights: Weights;
  /** `null` at the start of a stage. */
  readonly adam: AdamState | null;
}

/** Writes a run's state: the weights Adam holds replace those of `still`. All are used by reference. */
export async function writeCheckpoint(
  path: string,
  { stage, step }: { stage: string; step: number },
  still: Weights,
  adam: Adam | null,
): Promise<void> {
  const parts = {
    "weights/": { ...still, ...adam?.weights },
    "first/": adam?.state.first ?? {},
    "second/": adam?.state.second ?? {},
  };
  const tensors: Record<string, Tensor> = {};
  for (const [prefix, weights] of Object.entries(parts))
    for (const [name, tensor] of Object.entries(await tensorsOf(weights))) tensors[prefix + name] = tensor;
  writeWeights(path, tensors, {
    notes: { stage, step: String(step), adamSteps: String(adam?.state.steps ?? 0) },
  });
}

/** The checkpoint in a file, or `null` when there is none. @throws DataError when it is broken */
export function readCheckpoint(path: string): Checkpoint | null {
  if (!existsSync(path)) return null;
  const { tensors, notes } = readWeights(path);
  const part = (prefix: string): Weights =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { shape, values }]) => [
          name.slice(prefix.length),
          np.array(values, { shape: [...shape] }),
        ]),
    );
  const [first, second] = [part("first/"), part("second/")];
  const adamSteps = Number(notes.adamSteps);
  return {
    stage: notes.stage!,
    step: Number(notes.step),
    weights: part("weights/"),
    adam: adamSteps > 0 ? { steps: adamSteps, first, second } : null,
  };
}

/** Weights as plain tensors; used by reference. */
export async function tensorsOf(weights: Weights): Promise<Record<string, Tensor>> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, array] of Object.entries(weights))
    tensors[name] = {
      shape: array.shape,
      values: Float32Array.from((await array.ref.data()) as Float32Array),
    };
  return tensors;
}
