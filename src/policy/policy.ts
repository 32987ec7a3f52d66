/**
 * The contract of every memorization policy: observation + recent memory → actions.
 *
 * A policy is immutable: a new adapter makes a new policy, so no rollout comes from stale weights. It keeps nothing
 * between calls. What it must remember is the `PolicyState` it is given, and `advance` says how an action changes it.
 */
import type { Cost } from "../engine.ts";
import type { Entry, PolicyState, PolicyStateChange, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Random } from "../util/random.ts";
import type { TaggedPerson } from "./window-people.ts";

/** Short-term memory: what the policy is shown besides the clips to decide about, made by `buildContext`. */
export interface Recent {
  /** Earlier observations of the window, oldest first. */
  readonly observations: readonly Observation[];
  /** Entries of the window's earlier clips, oldest first: the last episodic ones and all semantic ones. */
  readonly entries: readonly ShownEntry[];
}

/** An entry as a policy is shown it. */
export type ShownEntry = Pick<Entry, "clip" | "text" | "kind">;

/** What a policy is shown for one decision. */
export interface Context {
  /** The clips to decide about, oldest first; never empty, at most `clipsPerDecision`. */
  readonly observations: readonly Observation[];
  readonly recent: Recent;
  readonly state: PolicyState;
  /** Who the tags of this window are; its clips and entries call them by these. @default no one is known by face */
  readonly tags?: readonly TaggedPerson[];
  /** Plain-text supplement of the prompt (the task-prompt baseline), filled by the caller. */
  readonly supplement?: string;
}

/** How a policy decides. */
export interface DecideOptions {
  /** Number of actions. @default 1 */
  readonly n?: number;
  /** Source of random draws. @default none: the policy decides greedily */
  readonly random?: Random;
  /** Whether log-probabilities are wanted, which an engine may have to send. @default where `random` is given */
  readonly logprobs?: boolean;
  readonly signal?: AbortSignal;
}

/** What is wrong with what a policy wrote. It is data, not an exception: rewards score it. */
export interface Issue {
  readonly code: string;
  readonly message: string;
}

/** Sampled tokens or choices, and the natural log-probability of each, shape [T]. */
export interface ActionLogprobs {
  readonly tokens: readonly string[];
  readonly values: Float32Array;
  /** Ids of all sampled tokens, as `SampledTokens.ids`. */
  readonly ids?: Int32Array;
}

/** One thing a policy could write for a context. */
export interface Action {
  /** As emitted: a model's raw text, its reasoning in `<think>` tags first, or the chosen lines. */
  readonly text: string;
  /** What it would keep. May be empty: nothing worth remembering. */
  readonly statements: readonly Statement[];
  /** Tokens or choices and their natural log-probabilities, shape [T]; `null` where the engine has none. */
  readonly logprobs: ActionLogprobs | null;
  /** Names the prompt to the engine that wrote it, as `Completion.handle`. */
  readonly handle?: unknown;
  readonly revision: string;
  /** Non-empty when the text breaks the output contract; such an action must not be stored. */
  readonly issues: readonly Issue[];
  /** What of the context its author was not shown, and why, as a sentence. @default nothing was left out */
  readonly leftOut?: string;
}

/** The actions of one decision and what they cost. */
export interface DecideResult {
  readonly actions: readonly Action[];
  readonly cost: Cost;
}

/** A memorization policy. */
export interface Policy {
  readonly id: string;
  /** Policy and active adapter, stamped on every entry. */
  readonly revision: string;
  /** How many clips one decision covers: the choice policy decides per 30 s, the model policy per clip. */
  readonly clipsPerDecision: number;
  /** Whether it looks at pictures. @default true */
  readonly seesPictures?: boolean;
  /**
   * Actions for a context. Nonsense from a model is an action with issues.
   * @throws EngineError when its engine failed permanently
   */
  decide(context: Context, options?: DecideOptions): Promise<DecideResult>;
  /** How taking this action changes the policy's state. */
  advance(context: Context, action: Action): PolicyStateChange | null;
}
