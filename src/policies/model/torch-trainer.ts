/**
 * Trains what a torch engine holds: a vector of its residual stream, low-rank matrices, or all weights. The gradient is
 * that of the engine; losses stay with the caller.
 */
import type { Adapter, RemoteAdapter, VectorAdapter } from "../../adapter/adapter.ts";
import { createAdapter } from "../../adapter/arithmetic.ts";
import {
  type TorchEngine,
  type TorchSample,
  torchAdapterSpace,
  torchWeightsSpace,
} from "../../engines/torch/index.ts";
import type { Checkpoint, OptimizerOptions, StepReport, Trainer } from "../../training/trainer.ts";

/** Adam on what an engine trains; the learning rate applies to each of its numbers. */
export abstract class TorchTrainer<Snapshot extends Adapter | Checkpoint>
  implements Trainer<TorchSample, Snapshot>
{
  readonly engine: TorchEngine;

  constructor(engine: TorchEngine) {
    this.engine = engine;
  }

  logprobs(samples: readonly TorchSample[]): Promise<Float32Array[]> {
    return this.engine.logprobs(samples);
  }

  accumulate(samples: readonly TorchSample[], weights: readonly Float32Array[]): Promise<void> {
    return this.engine.accumulate(samples, weights);
  }

  step(options: OptimizerOptions): Promise<StepReport> {
    return this.engine.step(options);
  }

  async save(path: string): Promise<void> {
    await this.engine.save(path);
  }

  load(path: string): Promise<void> {
    return this.engine.load(path);
  }

  abstract snapshot(): Promise<Snapshot>;
}

/** Trains the vector of an engine opened for one. */
export class TorchVectorTrainer extends TorchTrainer<VectorAdapter> {
  async snapshot(): Promise<VectorAdapter> {
    const values = await this.engine.snapshot();
    const space = torchAdapterSpace(this.engine);
    return createAdapter(
      space,
      values.length,
      Array.from(values, (value, d) => [d, value] as const),
    );
  }

  /** Scales the vector to a Euclidean norm. */
  async rescale(norm: number): Promise<void> {
    const values = await this.engine.snapshot();
    const length = Math.hypot(...values);
    if (length > 0) await this.engine.set(values.map((value) => (value * norm) / length));
  }
}

/**
 * Trains the low-rank matrices of an engine opened for them, or the vector of one opened for `rank-one`, which is such
 * matrices too. A snapshot is a folder of PEFT, which is gone with the engine unless it is told to keep it.
 */
export class TorchLoraTrainer extends TorchTrainer<RemoteAdapter> {
  snapshot(): Promise<RemoteAdapter> {
    return trainedLora(this.engine);
  }

  /** Scales what is added to a Euclidean norm. */
  async rescale(norm: number): Promise<void> {
    const now = (await this.snapshot()).norm!;
    if (now > 0) await this.engine.scale(norm / now);
  }
}

/** The low-rank matrices that an engine trains, times a factor, as an adapter. */
export async function trainedLora(engine: TorchEngine, scale = 1): Promise<RemoteAdapter> {
  const { revision, norm } = await engine.snapshotLora({ scale });
  return { kind: "remote", revision, space: torchWeightsSpace(engine), uri: revision, format: "lora", norm };
}

/** Low-rank matrices in a folder of PEFT, kept by an engine, as an adapter. @throws EngineError as `importLora` */
export async function importedLora(engine: TorchEngine, folder: string): Promise<RemoteAdapter> {
  const { revision, norm } = await engine.importLora(folder);
  return { kind: "remote", revision, space: torchWeightsSpace(engine), uri: revision, format: "lora", norm };
}

/**
 * Trains all weights of an engine opened for them, or low-rank matrices beside them; a snapshot is a folder of all
 * weights that transformers reads.
 */
export class TorchWeightsTrainer extends TorchTrainer<Checkpoint> {
  readonly #folder: string;

  /** @param folder where snapshots are written, one over the other */
  constructor(engine: TorchEngine, folder: string) {
    super(engine);
    this.#folder = folder;
  }

  async snapshot(): Promise<Checkpoint> {
    const { path, revision } = await this.engine.export(this.#folder, { merged: true });
    return { kind: "checkpoint", revision, path };
  }
}
