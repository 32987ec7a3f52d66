/**
 * Trains what a torch engine holds: a vector of its residual stream, low-rank matrices, or all weights. The gradient is
 * that of the engine; losses stay with the caller.
 */
import type { Adapter, RemoteAdapter, VectorAdapter } from "../../adapter/adapter.ts";
import { createAdapter } from "../../adapter/arithmetic.ts";
import { type TorchEngine, type TorchSample, torchAdapterSpace } from "../../engines/torch/index.ts";
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

/** Trains the low-rank matrices of an engine opened for them; a snapshot is a folder that PEFT reads. */
export class TorchLoraTrainer extends TorchTrainer<RemoteAdapter> {
  readonly #folder: string;

  /** @param folder where snapshots are written, one over the other */
  constructor(engine: TorchEngine, folder: string) {
    super(engine);
    this.#folder = folder;
  }

  async snapshot(): Promise<RemoteAdapter> {
    const { path, revision } = await this.engine.export(this.#folder);
    const space = `weights:torch:${this.engine.about.model}`;
    return { kind: "remote", revision, space, uri: path, format: "lora", norm: null };
  }
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
