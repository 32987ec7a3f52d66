/**
 * Trains the adapter of nano: one vector of the residual stream over frozen weights.
 *
 * Everything below the vector is computed once per sample and kept, so a step runs only the blocks above it.
 */
import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import { adapterNorm, createAdapter } from "../../adapter/arithmetic.ts";
import { jit, nn, numpy as np, tree, valueAndGrad } from "../../engines/nano/jax.ts";
import { memoryLength, stripsSeen, textLength } from "../../engines/nano/layout.ts";
import { type NanoModel, vectorOf } from "../../engines/nano/nano-model.ts";
import {
  adapterSpaceOf,
  logitsAbove,
  type NanoConfig,
  streamBelow,
  type Weights,
} from "../../engines/nano/network.ts";
import type { OptimizerOptions, StepReport, Trainer } from "../../training/trainer.ts";
import { loadTrainerState, saveTrainerState } from "../trainer-state.ts";
import { type NanoSample, sampleArrays } from "./sample-arrays.ts";

/** Samples in one pass through the network, M; a last batch is filled up with its first sample at weight 0. */
const samplesAtOnce = 32;
const beta1 = 0.9;
const beta2 = 0.999;

type Below = (weights: Weights, strips: np.Array, texts: np.Array, answers: np.Array) => np.Array;
type Above = (weights: Weights, vector: np.Array, below: np.Array, targets: np.Array) => np.Array;
type Slope = (
  weights: Weights,
  vector: np.Array,
  below: np.Array,
  targets: np.Array,
  tokenWeights: np.Array,
) => np.Array;

/** Adam on the vector; the learning rate applies to each of its numbers. */
export class NanoVectorTrainer implements Trainer<NanoSample, VectorAdapter> {
  readonly #config: NanoConfig;
  readonly #weights: Weights;
  /** The weights that logits above the vector depend on. */
  readonly #above: Weights;
  readonly #vector: Float32Array<ArrayBuffer>;
  readonly #gradient: Float32Array;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  #steps = 0;
  /** The residual stream below the vector, shape [T, D]. */
  readonly #below = new WeakMap<NanoSample, Float32Array>();
  readonly #computeBelow: Below;
  readonly #logprobs: Above;
  readonly #slope: Slope;

  /** Weights are used by reference. `start` is the vector to begin with, shape [D]. @default zeros */
  constructor(config: NanoConfig, weights: Weights, start?: Float32Array) {
    this.#config = config;
    this.#weights = weights;
    this.#above = Object.fromEntries(
      Object.entries(weights).filter(([name]) => {
        const block = /^block\.(\d+)\./.exec(name);
        return block ? Number(block[1]) > config.adapterBlock : name === "norm" || name === "embedding";
      }),
    );
    this.#vector = Float32Array.from(start ?? new Float32Array(config.width));
    this.#gradient = new Float32Array(config.width);
    this.#first = new Float32Array(config.width);
    this.#second = new Float32Array(config.width);
    this.#computeBelow = jit(((weights, strips, texts, answers) => {
      const below = streamBelow(config, weights, { strips, texts, answers });
      tree.dispose(weights);
      return below;
    }) as Below as never) as never;
    const logprobs: Above = (weights, vector, below, targets) => {
      const examples = below.shape[0]!;
      const vectors = np.broadcastTo(vector.reshape([1, config.width]), [examples, config.width]);
      const logits = logitsAbove(config, weights, below, vectors, memoryLength);
      tree.dispose(weights);
      return np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, config.vocabulary)), -1);
    };
    this.#logprobs = jit(logprobs as never) as never;
    const weighted = (
      { vector, weights }: { vector: np.Array; weights: Weights },
      below: np.Array,
      targets: np.Array,
      tokenWeights: np.Array,
    ) => np.sum(logprobs(weights, vector, below, targets).mul(tokenWeights));
    const slopes = jit(valueAndGrad(weighted as never) as never) as unknown as (
      moving: { vector: np.Array; weights: Weights },
      ...given: [np.Array, np.Array, np.Array]
    ) => [np.Array, { vector: np.Array; weights: Weights }];
    // The weights' slopes are discarded: compiled without them, the vector's takes several times as long.
    this.#slope = (weights, vector, ...given) => {
      const [sum, slope] = slopes({ vector, weights }, ...given);
      sum.dispose();
      tree.dispose(slope.weights);
      return slope.vector;
    };
  }

  async logprobs(samples: readonly NanoSample[]): Promise<Float32Array[]> {
    const all: Float32Array[] = [];
    for (const batch of batches(samples)) {
      const { below, targets } = await this.#arrays(batch);
      const values = await this.#logprobs(
        tree.ref(this.#above) as Weights,
        np.array(this.#vector.slice()),
        below,
        targets,
      ).data();
      for (const [i, { tokens }] of batch.entries())
        all.push(Float32Array.from(values.subarray(i * memoryLength, i * memoryLength + tokens.length)));
    }
    return all;
  }

  async accumulate(samples: readonly NanoSample[], weights: readonly Float32Array[]): Promise<void> {
    let done = 0;
    for (const batch of batches(samples)) {
      const { below, targets } = await this.#arrays(batch);
      const tokenWeights = new Float32Array(samplesAtOnce * memoryLength);
      for (const i of batch.keys()) tokenWeights.set(weights[done + i]!, i * memoryLength);
      const slope = this.#slope(
        tree.ref(this.#above) as Weights,
        np.array(this.#vector.slice()),
        below,
        targets,
        np.array(tokenWeights, { shape: [samplesAtOnce, memoryLength] }),
      );
      for (const [d, value] of (await slope.data()).entries()) this.#gradient[d]! += value;
      done += batch.length;
    }
  }

  async step({ learningRate, maxGradientNorm = Infinity }: OptimizerOptions): Promise<StepReport> {
    const gradientNorm = Math.hypot(...this.#gradient);
    const shrink = Math.min(1, maxGradientNorm / Math.max(gradientNorm, 1e-30));
    this.#steps++;
    let moved = 0;
    for (let d = 0; d < this.#vector.length; d++) {
      const g = shrink * this.#gradient[d]!;
      this.#first[d] = beta1 * this.#first[d]! + (1 - beta1) * g;
      this.#second[d] = beta2 * this.#second[d]! + (1 - beta2) * g * g;
      const first = this.#first[d]! / (1 - beta1 ** this.#steps);
      const second = this.#second[d]! / (1 - beta2 ** this.#steps);
      const change = (learningRate * first) / (Math.sqrt(second) + 1e-8);
      this.#vector[d]! -= change;
      moved += change * change;
    }
    this.#gradient.fill(0);
    const norm = adapterNorm({ values: this.#vector, scale: 1 });
    return { gradientNorm, updateNorm: Math.sqrt(moved), adapterNorm: norm };
  }

  /** Mean length of the residual stream that the vector is added to, over the answers' positions of some samples. */
  async streamNorm(samples: readonly NanoSample[]): Promise<number> {
    const { width } = this.#config;
    let sum = 0;
    let positions = 0;
    for (const batch of batches(samples)) {
      const { below, targets } = await this.#arrays(batch);
      targets.dispose();
      const values = (await below.data()) as Float32Array;
      const length = values.length / samplesAtOnce / width;
      for (const [i, { tokens }] of batch.entries())
        for (let t = 0; t < tokens.length; t++) {
          const from = (i * length + length - memoryLength + t) * width;
          sum += Math.hypot(...values.subarray(from, from + width));
          positions += 1;
        }
    }
    return sum / Math.max(1, positions);
  }

  async save(path: string): Promise<void> {
    saveTrainerState(path, {
      space: adapterSpaceOf(this.#config),
      steps: this.#steps,
      ...{ vector: [...this.#vector], first: [...this.#first], second: [...this.#second] },
    });
  }

  /** @throws DataError `checkpoint-broken` when it is of another space or size */
  async load(path: string): Promise<void> {
    const { steps, vector, first, second } = await loadTrainerState(path, (z) => {
      const numbers = z.array(z.number()).length(this.#config.width);
      return z.strictObject({
        ...{ space: z.literal(adapterSpaceOf(this.#config)), steps: z.int().min(0) },
        ...{ vector: numbers, first: numbers, second: numbers },
      });
    });
    this.#steps = steps;
    this.#vector.set(vector);
    this.#first.set(first);
    this.#second.set(second);
    this.#gradient.fill(0);
  }

  async snapshot(): Promise<VectorAdapter> {
    const weights = Array.from(this.#vector, (value, d) => [d, value] as const);
    return createAdapter(adapterSpaceOf(this.#config), this.#config.width, weights);
  }

  async #arrays(batch: readonly NanoSample[]): Promise<{ below: np.Array; targets: np.Array }> {
    const missing = batch.filter((sample) => !this.#below.has(sample));
    if (missing.length > 0) await this.#keepBelow(missing);
    const { width } = this.#config;
    const size = this.#below.get(batch[0]!)!.length;
    const below = new Float32Array(samplesAtOnce * size);
    const targets = new Int32Array(samplesAtOnce * memoryLength);
    for (let i = 0; i < samplesAtOnce; i++) {
      const sample = batch[i] ?? batch[0]!;
      below.set(this.#below.get(sample)!, i * size);
      targets.set(sample.tokens, i * memoryLength);
    }
    return {
      below: np.array(below, { shape: [samplesAtOnce, size / width, width] }),
      targets: np.array(targets, { shape: [samplesAtOnce, memoryLength] }),
    };
  }

  async #keepBelow(samples: readonly NanoSample[]): Promise<void> {
    const { width } = this.#config;
    const { strips, texts, answers } = sampleArrays(samples, samplesAtOnce, width);
    const below = (await this.#computeBelow(
      tree.ref(this.#weights) as Weights,
      np.array(strips, { shape: [samplesAtOnce, stripsSeen, width] }),
      np.array(texts, { shape: [samplesAtOnce, textLength] }),
      np.array(answers, { shape: [samplesAtOnce, memoryLength] }),
    ).data()) as Float32Array;
    const size = below.length / samplesAtOnce;
    for (const [i, sample] of samples.entries())
      this.#below.set(sample, below.slice(i * size, (i + 1) * size));
  }
}

function* batches(samples: readonly NanoSample[]): Generator<readonly NanoSample[]> {
  for (let i = 0; i < samples.length; i += samplesAtOnce) yield samples.slice(i, i + samplesAtOnce);
}

/** A trainer of a model's adapter, starting from `start`. @throws EngineError `adapter-mismatch` */
export function nanoVectorTrainer(model: NanoModel, start: Adapter | null = null): NanoVectorTrainer {
  const { config, weights } = model.network;
  return new NanoVectorTrainer(config, weights, vectorOf(start, config));
}
