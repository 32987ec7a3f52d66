/**
 * Log-probabilities and gradients of batches, on several threads, each with an engine and a copy of the weights.
 *
 * The calling thread does its share. Results are added in the order of the batches, so the sum is the same to the last
 * bit on any number of threads.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { defaultDevice, jit, numpy as np, tree } from "../../engines/nano/jax.ts";
import { stripsSeen } from "../../engines/nano/layout.ts";
import { type NanoConfig, type Weights, weightShapes } from "../../engines/nano/network.ts";
import { EngineError } from "../../errors.ts";
import { compileGradient, targetLogprobs } from "./objective.ts";

/** B examples as plain numbers; see `objective.ts` for what they mean. */
export interface PlainBatch {
  readonly count: number;
  /** Strip embeddings, shape [B, 12, D]. */
  readonly strips: Float32Array<ArrayBuffer>;
  /** Text slots, shape [B, L · W]. */
  readonly texts: Int32Array<ArrayBuffer>;
  /** Input and target ids of the answers' positions, each of shape [B, A]. */
  readonly answers: Int32Array<ArrayBuffer>;
  readonly targets: Int32Array<ArrayBuffer>;
  /** How much each token counts, shape [B, A]. */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** What is computed of batches: log-probabilities [B, A], or minus their weighted sum and its gradient. */
export type Wanted = "logprobs" | "gradient";

/** A worker's whole share in one message: between two messages it would wait for a thread that computes. */
export interface Asked {
  readonly wanted: Wanted;
  readonly batches: readonly PlainBatch[];
}

/** Log-probabilities, or the loss followed by the gradient of every weight in the order of `movingShapes`. */
export type Answered = Float32Array<ArrayBuffer>;

/** What a worker starts with. */
export interface WorkerSetup {
  readonly config: NanoConfig;
  readonly weights: SharedArrayBuffer;
}

/** Names and shapes of the trained weights: all except the patch MLP's. */
export function movingShapes(config: NanoConfig): [name: string, shape: number[]][] {
  return Object.entries(weightShapes(config)).filter(([name]) => !name.startsWith("patch."));
}

/** The engine of one thread. */
export class GradientEngine {
  readonly #config: NanoConfig;
  readonly #gradient: ReturnType<typeof compileGradient>;
  readonly #logprobs: (weights: Weights, batch: Parameters<typeof targetLogprobs>[2]) => np.Array;

  constructor(config: NanoConfig) {
    this.#config = config;
    this.#gradient = compileGradient(config);
    this.#logprobs = jit(((weights: Weights, batch: Parameters<typeof targetLogprobs>[2]) => {
      const logprobs = targetLogprobs(config, weights, batch);
      tree.dispose(weights);
      return logprobs;
    }) as never) as never;
  }

  /** Weights are used by reference. */
  async answer(weights: Weights, wanted: Wanted, batch: PlainBatch): Promise<Answered> {
    const { count, weights: tokenWeights } = batch;
    const rows = (values: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>) =>
      np.array(values, { shape: [count, values.length / count] });
    const shown = {
      strips: np.array(batch.strips, { shape: [count, stripsSeen, this.#config.width] }),
      texts: rows(batch.texts),
      answers: rows(batch.answers),
      targets: rows(batch.targets),
      vectors: np.zeros([count, this.#config.width]),
    };
    const taken = tree.ref(weights) as Weights;
    if (wanted === "logprobs")
      return Float32Array.from((await this.#logprobs(taken, shown).data()) as Answered);
    const [loss, slope] = this.#gradient(taken, { ...shown, weights: rows(tokenWeights) });
    const flat = new Float32Array(1 + sizeOf(this.#config));
    flat[0] = (await loss.data())[0]!;
    await flatten(this.#config, slope, flat.subarray(1));
    return flat;
  }

  /** An answer for each batch. Weights are used by reference. */
  async answers(weights: Weights, { wanted, batches }: Asked): Promise<Answered[]> {
    const answers: Answered[] = [];
    for (const batch of batches) answers.push(await this.answer(weights, wanted, batch));
    return answers;
  }
}

/** Most threads that pay: each takes about a gigabyte, and on a GPU a second one would wait for the first. */
export function mostThreads(device: ReturnType<typeof defaultDevice>, processors: number): number {
  return device === "wasm" ? Math.min(4, processors) : 1;
}

/** The threads that train one network. One call at a time. */
export class Gradients {
  readonly #config: NanoConfig;
  readonly #own: GradientEngine;
  readonly #most: number;
  readonly #workers: Worker[] = [];
  readonly #shared: Float32Array<SharedArrayBuffer>;

  /**
   * @param threads most threads, the calling one included. @default see `mostThreads`
   */
  constructor(config: NanoConfig, threads?: number) {
    this.#config = config;
    this.#own = new GradientEngine(config);
    this.#most = threads ?? mostThreads(defaultDevice(), availableParallelism());
    this.#shared = new Float32Array(new SharedArrayBuffer(4 * sizeOf(config)));
  }

  /** Log-probabilities of the batches' targets, shape [B, A] each. Weights are used by reference. */
  logprobs(weights: Weights, batches: readonly PlainBatch[]): Promise<Float32Array[]> {
    return this.#answers("logprobs", weights, batches);
  }

  /** Minus the weighted sum of log-probabilities over all batches, and its gradient. Weights are used by reference. */
  async gradient(
    weights: Weights,
    batches: readonly PlainBatch[],
  ): Promise<{ loss: number; slope: Weights }> {
    const [first, ...others] = await this.#answers("gradient", weights, batches);
    const sum = first!;
    for (const other of others) for (let i = 0; i < sum.length; i++) sum[i]! += other[i]!;
    return { loss: sum[0]!, slope: unflatten(this.#config, sum.subarray(1)) };
  }

  /** The results for each batch; batch i belongs to thread i modulo their number, and thread 0 is this one. */
  async #answers(wanted: Wanted, weights: Weights, batches: readonly PlainBatch[]): Promise<Answered[]> {
    const threads = Math.min(this.#most, batches.length);
    while (this.#workers.length < threads - 1) this.#workers.push(this.#startWorker());
    if (threads > 1) await flatten(this.#config, weights, this.#shared, "keep");
    const shareOf = (thread: number) => batches.filter((_, i) => i % threads === thread);
    const others = this.#workers
      .slice(0, threads - 1)
      .map((worker, w) => this.#ask(worker, { wanted, batches: shareOf(w + 1) }));
    const own = this.#own.answers(weights, { wanted, batches: shareOf(0) });
    const shares = await Promise.all([own, ...others]);
    return batches.map((_, i) => shares[i % threads]![Math.floor(i / threads)]!);
  }

  #startWorker(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./gradient-worker.ts" : "./gradient-worker.js";
    const workerData: WorkerSetup = { config: this.#config, weights: this.#shared.buffer };
    const worker = new Worker(new URL(file, import.meta.url), { workerData });
    worker.unref();
    return worker;
  }

  /** A worker's answers. It keeps the process alive only while they are awaited; a worker that fails is discarded. */
  async #ask(worker: Worker, asked: Asked): Promise<Answered[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Answered[]>();
    const failed = (cause: Error) => {
      this.#workers.splice(this.#workers.indexOf(worker), 1);
      reject(
        new EngineError("worker-failed", `A training thread failed: ${cause.message}`, {
          cause,
        }),
      );
    };
    worker.ref();
    worker.once("message", resolve).once("error", failed);
    try {
      worker.postMessage(asked);
      return await promise;
    } finally {
      worker.off("message", resolve).off("error", failed);
      worker.unref();
    }
  }
}

function sizeOf(config: NanoConfig): number {
  return movingShapes(config).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), 0);
}

/** Writes weights one after another; they are consumed unless kept. */
async function flatten(
  config: NanoConfig,
  weights: Weights,
  flat: Float32Array,
  use: "consume" | "keep" = "consume",
): Promise<void> {
  let offset = 0;
  for (const [name] of movingShapes(config)) {
    const array = weights[name]!;
    const values = (await (use === "keep" ? array.ref : array).data()) as Float32Array;
    flat.set(values, offset);
    offset += values.length;
  }
}

/** Weights on the device from plain numbers one after another. */
export function unflatten(config: NanoConfig, flat: Float32Array): Weights {
  let offset = 0;
  return Object.fromEntries(
    movingShapes(config).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b);
      const values = new Float32Array(flat.subarray(offset, offset + size));
      offset += size;
      return [name, np.array(values, { shape })];
    }),
  );
}
