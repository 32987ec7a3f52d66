/**
 * The contract of a policy in training, as types only: it acts with the current weights and turns its own actions into
 * samples of its trainer.
 *
 * Phase One and Phase Two are written against this; the choice policy, nano and policies over engines implement it.
 */
import type { Adapter } from "../adapter/adapter.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import type { Checkpoint, Trainer } from "./trainer.ts";

/** A policy in training, and the trainer of its weights. */
export interface TrainablePolicy<Sample, Snapshot extends Adapter | Checkpoint = Adapter | Checkpoint> {
  /** Trains the weights that `policy` acts with. */
  readonly trainer: Trainer<Sample, Snapshot>;
  /**
   * The policy with the current weights. After a step there is a new one with a new revision. An engine may have to
   * publish the weights first.
   */
  policy(): Promise<Policy>;
  /**
   * The trainer's sample of an action of `policy()` in a context, with as many tokens as the action has
   * log-probabilities. An action that was kept for a later process has no handle.
   */
  sampleOf(context: Context, action: Action): Promise<Sample>;
  /**
   * Actions that tell these texts, as if the policy without an adapter had drawn them: for memories it did not write
   * itself. Left out by policies that cannot.
   */
  tell?(context: Context, texts: readonly string[]): Promise<Action[]>;
}

/** A policy in Phase One, which trains all its weights. */
export interface PhaseOnePolicy<Sample> extends TrainablePolicy<Sample, Checkpoint> {
  /** A name for the policy and the weights it starts from, for the run's record. */
  readonly id: string;
  /** Log-probabilities under the initial weights, shape [T] per sample; a KL penalty is measured against them. */
  reference?(samples: readonly Sample[]): Promise<Float32Array[]>;
}
