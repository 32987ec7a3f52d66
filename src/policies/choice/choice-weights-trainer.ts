/**
 * The trainer of the choice policy in Phase One: the weights of its features and the sharpness of its draw, by plain
 * gradient descent. The gradient is exact and in closed form (`drawWeightsGradient`).
 *
 * The sharpness is trained as its logarithm, so it stays above 0. It has to be trained: when it was fixed, the features'
 * weights grew to do its work and drowned out an adapter's words, which it multiplies (perf/README.md). The power of the
 * length is fixed: training it earned no more and changed nothing. Only the weights are kept between steps, so they are
 * the whole checkpoint.
 */
import { readFileSync } from "node:fs";
import { DataError } from "../../errors.ts";
import type { Checkpoint, OptimizerOptions, StepReport, Trainer } from "../../training/trainer.ts";
import { replaceFile } from "../../util/replace-file.ts";
import { type DrawInput, drawLogprobs, drawWeightsGradient } from "./choice-draw.ts";
import {
  type ChoiceWeights,
  choiceFeatures,
  choiceWeightsRevision,
  formatChoiceWeights,
  parseChoiceWeights,
} from "./choice-features.ts";

/** A draw of the choice policy without an adapter. The weights in training replace its own weights and parameters. */
export interface WeighedDraw {
  readonly input: Omit<DrawInput, "task">;
  /** Items in the order they were picked. */
  readonly picks: readonly number[];
}

/** Trains the weights of the choice policy's features and the sharpness of its draw. */
export class ChoiceWeightsTrainer implements Trainer<WeighedDraw, Checkpoint> {
  #weights: ChoiceWeights;
  #gradient = freshGradient();
  readonly #snapshotPath: string;

  /** @param snapshotPath where `snapshot` writes the weights */
  constructor(weights: ChoiceWeights, snapshotPath: string) {
    this.#weights = weights;
    this.#snapshotPath = snapshotPath;
  }

  /** The current weights; a step makes new ones. */
  get weights(): ChoiceWeights {
    return this.#weights;
  }

  async logprobs(samples: readonly WeighedDraw[]): Promise<Float32Array[]> {
    return samples.map((sample) => Float32Array.from(drawLogprobs(this.#drawOf(sample), sample.picks)));
  }

  async accumulate(samples: readonly WeighedDraw[], weights: readonly Float32Array[]): Promise<void> {
    for (const [i, sample] of samples.entries()) {
      const slopes = drawWeightsGradient(this.#drawOf(sample), sample.picks, weights[i]!);
      for (const [k, slope] of slopes.entries()) this.#gradient[k]! += slope;
    }
  }

  async step({ learningRate, maxGradientNorm = Infinity }: OptimizerOptions): Promise<StepReport> {
    const gradient = this.#gradient;
    this.#gradient = freshGradient();
    const gradientNorm = Math.hypot(...gradient);
    const rate = learningRate * Math.min(1, maxGradientNorm / Math.max(gradientNorm, Number.MIN_VALUE));
    const { features, sharpness } = this.#weights;
    this.#weights = {
      features: features.map((weight, f) => weight - rate * gradient[f]!),
      sharpness: sharpness * Math.exp(-rate * gradient.at(-1)!),
    };
    return { gradientNorm, updateNorm: rate * gradientNorm };
  }

  /** Writes the current weights, as `watch --weights` reads them. */
  async snapshot(): Promise<Checkpoint> {
    await this.save(this.#snapshotPath);
    return {
      kind: "checkpoint",
      revision: choiceWeightsRevision(this.#weights),
      path: this.#snapshotPath,
    };
  }

  async save(path: string): Promise<void> {
    replaceFile(path, formatChoiceWeights(this.#weights));
  }

  /** @throws DataError when the file is missing or broken */
  async load(path: string): Promise<void> {
    this.#weights = readChoiceWeights(path);
    this.#gradient = freshGradient();
  }

  #drawOf({ input }: WeighedDraw): DrawInput {
    const { features, sharpness } = this.#weights;
    if (!input.features)
      throw new RangeError("Expected a draw with features, got one without: give the policy weights");
    return {
      ...input,
      task: new Float64Array(input.idf.length),
      features: { ...input.features, weights: features },
      parameters: { ...input.parameters, sharpness },
    };
  }
}

/** Zeros for the features' weights and ln κ. */
const freshGradient = () => new Float64Array(choiceFeatures.length + 1);

/** The weights in a file. @throws DataError `weights-missing` or `weights-broken` */
export function readChoiceWeights(path: string): ChoiceWeights {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DataError(
      "weights-missing",
      `Cannot read weights of the choice policy from ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  return parseChoiceWeights(text, path);
}
