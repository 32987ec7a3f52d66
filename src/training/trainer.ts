/**
 * The contract of a trainer, as types only: what turns a weight per log-probability into a step.
 *
 * A loss is a pure function from log-probabilities to (loss, d loss / d log-probability); a trainer never knows which
 * one it serves. Phase One and Phase Two are written once against this, for every kind of policy.
 */
import type { Adapter } from "../adapter/adapter.ts";

export interface OptimizerOptions {
  /** Above 0. What it multiplies, the gradient itself or Adam's direction, is the trainer's own. */
  readonly learningRate: number;
  /** A gradient of a larger Euclidean norm is shortened to this one. @default no limit */
  readonly maxGradientNorm?: number;
}

export interface StepReport {
  /** Euclidean norm of the gradient before it was shortened. */
  readonly gradientNorm: number;
  /** Euclidean norm of the change of the trained weights; 0 where a step changed nothing. */
  readonly updateNorm: number;
  /** Euclidean norm of the adapter after the step; left out where all weights are trained, or none is known. */
  readonly adapterNorm?: number;
}

/** All weights of a policy, too many for an adapter: a file an engine holds. */
export interface Checkpoint {
  readonly kind: "checkpoint";
  /** Hash of the weights, the revision that rollouts carry. */
  readonly revision: string;
  readonly path: string;
}

/**
 * Trains one set of weights, starting from the ones it was made with.
 *
 * `Sample` is one context with what was written for it: what a log-probability is of. T counts the tokens or choices.
 */
export interface Trainer<Sample, Snapshot extends Adapter | Checkpoint = Adapter | Checkpoint> {
  /** Natural log-probabilities under the weights as they stand, shape [T] per sample. */
  logprobs(samples: readonly Sample[]): Promise<Float32Array[]>;
  /**
   * Adds the gradient of Σ weight · logprob, over the samples and their tokens, to what has accumulated since the last
   * step. With d loss / d logprob as weights it is the gradient of the loss.
   * @param weights shape [T] per sample
   */
  accumulate(samples: readonly Sample[], weights: readonly Float32Array[]): Promise<void>;
  /** One step down what has accumulated, which is then empty. */
  step(options: OptimizerOptions): Promise<StepReport>;
  /** The trained weights as they stand. */
  snapshot(): Promise<Snapshot>;
  /** Brings the adapter to a Euclidean norm, its direction kept: for one whose numbers are not at hand. */
  rescale?(norm: number): Promise<void>;
  /** Writes weights and optimiser, all or nothing. What has accumulated is not part of it. */
  save(path: string): Promise<void>;
  /** Resumes from what `save` wrote. @throws DataError when it is broken or of other weights */
  load(path: string): Promise<void>;
}
