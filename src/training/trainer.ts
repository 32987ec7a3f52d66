/**
 * The contract of a trainer, as types only: it turns a weight per log-probability into a step.
 *
 * A loss is a pure function from log-probabilities to (loss, d loss / d log-probability); a trainer never knows which
 * one it serves. Phase One and Phase Two are written once against this, for every kind of policy.
 */
import type { Adapter } from "../adapter/adapter.ts";

/** Options of one optimiser step. */
export interface OptimizerOptions {
  /** Above 0. Each trainer defines what it multiplies: the gradient itself or Adam's direction. */
  readonly learningRate: number;
  /** A gradient of a larger Euclidean norm is clipped to this one. @default no limit */
  readonly maxGradientNorm?: number;
}

/** The report of one optimiser step. */
export interface StepReport {
  /** Euclidean norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Euclidean norm of the change of the trained weights; 0 where a step changed nothing. */
  readonly updateNorm: number;
  /** Euclidean norm of the adapter after the step; left out where all weights are trained, or none is known. */
  readonly adapterNorm?: number;
}

/** All weights of a policy, too many for an adapter: a file that an engine holds. */
export interface Checkpoint {
  readonly kind: "checkpoint";
  /** Hash of the weights, the revision that rollouts carry. */
  readonly revision: string;
  readonly path: string;
}

/**
 * Trains one set of weights, starting from those it was made with.
 *
 * A `Sample` is one context and the text written for it, which log-probabilities refer to. T counts tokens or choices.
 */
export interface Trainer<Sample, Snapshot extends Adapter | Checkpoint = Adapter | Checkpoint> {
  /** Natural log-probabilities under the current weights, shape [T] per sample. */
  logprobs(samples: readonly Sample[]): Promise<Float32Array[]>;
  /**
   * Adds the gradient of Σ weight · logprob, over the samples and their tokens, to the gradient accumulated since the last
   * step. With d loss / d logprob as weights it is the gradient of the loss.
   * @param weights shape [T] per sample
   */
  accumulate(samples: readonly Sample[], weights: readonly Float32Array[]): Promise<void>;
  /** One step down the accumulated gradient, which is then cleared. */
  step(options: OptimizerOptions): Promise<StepReport>;
  /** The current trained weights. */
  snapshot(): Promise<Snapshot>;
  /** Scales the adapter to a Euclidean norm, for an engine that keeps its numbers to itself. */
  rescale?(norm: number): Promise<void>;
  /** Writes weights and optimiser, all or nothing, without the accumulated gradient. */
  save(path: string): Promise<void>;
  /** Resumes from what `save` wrote. @throws DataError when it is broken or of other weights */
  load(path: string): Promise<void>;
}
