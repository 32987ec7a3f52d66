/**
 * The contract of a policy in training, as types only: it acts with the weights as they stand and knows its own actions
 * as samples of its trainer.
 *
 * Phase One and Phase Two are written against this; the choice policy, nano and policies over engines implement it.
 */
import type { Adapter } from "../adapter/adapter.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import type { Checkpoint, Trainer } from "./trainer.ts";

export interface TrainablePolicy<Sample, Snapshot extends Adapter | Checkpoint = Adapter | Checkpoint> {
  /** Trains the weights that `policy` acts with. */
  readonly trainer: Trainer<Sample, Snapshot>;
  /**
   * The policy as its weights stand; after a step there is another one, with another revision. An engine may have to
   * publish the weights first.
   */
  policy(): Promise<Policy>;
  /**
   * What the trainer needs of an action of `policy()` in a context: its sample, with as many tokens as the action has
   * log-probabilities. An action that was kept for a later process has no handle.
   */
  sampleOf(context: Context, action: Action): Promise<Sample>;
}

/** A policy all of whose weights Phase One trains. */
export interface PhaseOnePolicy<Sample> extends TrainablePolicy<Sample, Checkpoint> {
  /** Names the policy and the weights it starts from, for the run's record. */
  readonly id: string;
  /** Log-probabilities under the weights it started from, shape [T] per sample: what a KL penalty is against. */
  reference?(samples: readonly Sample[]): Promise<Float32Array[]>;
}
