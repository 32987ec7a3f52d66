/**
 * Trains all weights of nano's transformer by automatic differentiation; the patch MLP is frozen.
 *
 * The policy in training acts with the very weights held here: a model made by `model()` is valid until the next step.
 */
import { jit, numpy as np, tree } from "../../engines/nano/jax.ts";
import { memoryLength } from "../../engines/nano/layout.ts";
import { type NanoConfig, type Weights, weightShapes } from "../../engines/nano/network.ts";
import { readWeights, writeWeights } from "../../engines/nano/weights-file.ts";
import { DataError } from "../../errors.ts";
import type { Checkpoint, OptimizerOptions, StepReport, Trainer } from "../../training/trainer.ts";
import { Adam, adamDefaults } from "./adam.ts";
import { readCheckpoint, tensorsOf, writeCheckpoint } from "./checkpoint.ts";
import { Gradients, type PlainBatch } from "./gradients.ts";
import { type NanoSample, sampleArrays } from "./sample-arrays.ts";

/** Samples in one pass through the network, B; a last batch is filled up with weight 0. */
const samplesAtOnce = 16;
/** Adam's own limit on the gradient is off: `step` clips the gradient to the norm it is given. */
const adamOptions = { ...adamDefaults, mostNorm: Number.MAX_VALUE };

/** Trains all weights of nano's transformer, Phase One's trainer. */
export class NanoWeightsTrainer implements Trainer<NanoSample, Checkpoint> {
  readonly #config: NanoConfig;
  /** The patch MLP. */
  readonly #still: Weights;
  /** The transformer as it was at the start. */
  readonly #first: Weights;
  #adam: Adam;
  #gradient: Weights | null = null;
  readonly #snapshotPath: string;
  readonly #gradients: Gradients;
  readonly #add: (a: Weights, b: Weights) => Weights;
  readonly #measure: (a: Weights) => np.Array;
  readonly #shrink: (a: Weights, factor: np.Array) => Weights;

  /**
   * Takes over the weights.
   * @param snapshotPath where `snapshot` writes them, in 16 bits
   * @param threads most threads. @default see `Gradients`
   */
  constructor(config: NanoConfig, weights: Weights, snapshotPath: string, threads?: number) {
    this.#config = config;
    this.#snapshotPath = snapshotPath;
    const part = (patch: boolean) =>
      Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith("patch.") === patch));
    this.#still = part(true);
    this.#first = part(false);
    this.#adam = new Adam(tree.ref(this.#first as never) as Weights, adamOptions);
    this.#gradients = new Gradients(config, threads);
    this.#add = jit(((a: Weights, b: Weights) =>
      Object.fromEntries(Object.keys(a).map((name) => [name, a[name]!.add(b[name]!)]))) as never) as never;
    this.#measure = jit(((a: Weights) => {
      let square = np.array(0);
      for (const g of Object.values(a)) square = square.add(np.sum(np.square(g)));
      return np.sqrt(square);
    }) as never) as never;
    this.#shrink = jit(((a: Weights, factor: np.Array) => {
      const shrunk = Object.fromEntries(Object.keys(a).map((name) => [name, a[name]!.mul(factor.ref)]));
      factor.dispose();
      return shrunk;
    }) as never) as never;
  }

  /** All current weights, to be used by reference until the next step. */
  get weights(): Weights {
    return { ...this.#still, ...this.#adam.weights };
  }

  /** Steps since random weights or since a stage began, as Adam counts them. */
  get steps(): number {
    return this.#adam.state.steps;
  }

  logprobs(samples: readonly NanoSample[]): Promise<Float32Array[]> {
    return this.#logprobsUnder(this.#adam.weights, samples);
  }

  /** Log-probabilities under the weights at the start. */
  reference(samples: readonly NanoSample[]): Promise<Float32Array[]> {
    return this.#logprobsUnder(this.#first, samples);
  }

  async #logprobsUnder(weights: Weights, samples: readonly NanoSample[]): Promise<Float32Array[]> {
    const values = await this.#gradients.logprobs(weights, this.#batches(samples));
    return samples.map(({ tokens }, i) => {
      const from = (i % samplesAtOnce) * memoryLength;
      return values[Math.floor(i / samplesAtOnce)]!.slice(from, from + tokens.length);
    });
  }

  async accumulate(samples: readonly NanoSample[], weights: readonly Float32Array[]): Promise<void> {
    const counting = samples
      .map((sample, i) => ({ sample, weight: weights[i]! }))
      .filter(({ weight }) => weight.some((value) => value !== 0));
    if (counting.length === 0) return;
    const batches = this.#batches(counting.map(({ sample }) => sample));
    for (const [i, { weight }] of counting.entries()) {
      const own = batches[Math.floor(i / samplesAtOnce)]!.weights;
      // The objective is minus the weighted sum.
      for (const [t, value] of weight.entries()) own[(i % samplesAtOnce) * memoryLength + t] = -value;
    }
    const { slope } = await this.#gradients.gradient(this.#adam.weights, batches);
    this.#gradient = this.#gradient === null ? slope : this.#add(this.#gradient, slope);
  }

  async step({ learningRate, maxGradientNorm = Infinity }: OptimizerOptions): Promise<StepReport> {
    const gradient = this.#gradient;
    if (gradient === null) return { gradientNorm: 0, updateNorm: 0 };
    this.#gradient = null;
    const gradientNorm = await this.#normOf(tree.ref(gradient) as Weights);
    const factor = Math.min(1, maxGradientNorm / Math.max(gradientNorm, Number.MIN_VALUE));
    const before = tree.ref(this.#adam.weights) as Weights;
    this.#adam.step(this.#shrink(gradient, np.array(factor)), learningRate);
    const moved = this.#add(tree.ref(this.#adam.weights) as Weights, this.#shrink(before, np.array(-1)));
    return { gradientNorm, updateNorm: await this.#normOf(moved) };
  }

  /** Writes the weights in 16 bits, as `openNano` reads them. */
  async snapshot(): Promise<Checkpoint> {
    writeWeights(this.#snapshotPath, await tensorsOf(this.weights), { bits: 16 });
    const { checksum } = readWeights(this.#snapshotPath);
    return { kind: "checkpoint", revision: checksum, path: this.#snapshotPath };
  }

  /** Weights and Adam's moments in 32 bits. */
  async save(path: string): Promise<void> {
    await writeCheckpoint(path, { stage: "phase-one", step: 0 }, this.#still, this.#adam);
  }

  /** @throws DataError when the file is missing, broken or of another network */
  async load(path: string): Promise<void> {
    const found = readCheckpoint(path);
    const shapes = Object.entries(weightShapes(this.#config));
    if (
      found === null ||
      shapes.some(([name, shape]) => String(found.weights[name]?.shape) !== String(shape))
    )
      throw new DataError(
        "weights-broken",
        `${path} is ${found ? "a checkpoint of another network" : "not a checkpoint"}. Start the run again in another directory`,
      );
    const moving = Object.fromEntries(
      Object.entries(found.weights).filter(([name]) => !name.startsWith("patch.")),
    );
    tree.dispose(this.#adam.release());
    this.#adam = new Adam(moving, adamOptions, found.adam);
  }

  async #normOf(weights: Weights): Promise<number> {
    return (await this.#measure(weights).data())[0]!;
  }

  /** Samples in batches of one size, every token at weight 0. */
  #batches(samples: readonly NanoSample[]): PlainBatch[] {
    return Array.from({ length: Math.ceil(samples.length / samplesAtOnce) }, (_, b) => ({
      ...sampleArrays(
        samples.slice(b * samplesAtOnce, (b + 1) * samplesAtOnce),
        samplesAtOnce,
        this.#config.width,
      ),
      count: samplesAtOnce,
      weights: new Float32Array(samplesAtOnce * memoryLength),
    }));
  }
}
