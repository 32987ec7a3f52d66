/**
 * Writes the memory of one stream. It takes observations clip by clip, asks the policy, and commits each decision or
 * journals the clip as failed with the reason.
 *
 * Between decisions it holds the policy and its state, the short-term window, and the clips that wait to be decided
 * together. Its caller reads and perceives the source (`agent.ts`).
 */
import { addCost, type Cost, noCost } from "./engine.ts";
import { EngineError, isRefusal } from "./errors.ts";
import { wholeFloor } from "./memory/floor.ts";
import type { Entries, Entry, Journal, LeftOut, PolicyState } from "./memory/memory.ts";
import type { Observation } from "./perception/observation.ts";
import type { Perceptors } from "./perception/perceive.ts";
import { unsensed } from "./perception/unsensed.ts";
import { buildContext, type ContextLimits } from "./policy/context.ts";
import type { Action, Context, Policy } from "./policy/policy.ts";
import { stateAfter } from "./policy/state.ts";
import { FailuresInARow, mostInARow } from "./util/failures-in-a-row.ts";

/** What happened to a clip: it was stored, or it failed. */
export type ClipEvent =
  | {
      readonly event: "clip-end";
      readonly stream: string;
      readonly clip: number;
      readonly startSeconds: number;
      readonly endSeconds: number;
      readonly entries: readonly Entry[];
      readonly problems: readonly string[];
      readonly policy: string;
      readonly revision: string;
      readonly ms: number;
    }
  | ({
      readonly event: "clip-failed";
      readonly stream: string;
      readonly clip: number;
      readonly startSeconds: number;
      readonly endSeconds: number;
    } & Failure);

/** Why a clip has no memory, and whether another try may succeed. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The parts of a stream writer. */
export interface StreamWriterOptions {
  readonly memory: Pick<Journal, "commit" | "failClip" | "floor" | "giveUpClips"> & Pick<Entries, "entries">;
  readonly stream: string;
  readonly policy: Policy;
  /** Called before each decision; returns the policy with the adapter that is active now. */
  readonly currentPolicy?: ((policy: Policy) => Promise<Policy>) | undefined;
  /** How much the policy is shown. */
  readonly limits: ContextLimits;
  /** Whether the source is live: a lasting failure then does not stop the run. */
  readonly live: boolean;
  /** Clips that an earlier run failed at: failing again, they say nothing of the endpoint. @default none */
  readonly triedBefore?: ReadonlySet<number> | undefined;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** What has been written so far. */
export interface Written {
  /** Clips stored. */
  readonly clips: number;
  /** Entries stored. */
  readonly entries: number;
  /** Clips journaled as failed. */
  readonly failed: number;
  /** Seconds of stream that all these clips cover. */
  readonly seconds: number;
  readonly cost: Cost;
}

/** Writes the memory of one stream, decision by decision. */
export class StreamWriter {
  readonly #options: StreamWriterOptions;
  readonly #written = { clips: 0, entries: 0, failed: 0, seconds: 0, cost: noCost };
  /** Clips that wait to be decided together. */
  readonly #waiting: Observation[] = [];
  #policy: Policy;
  #state: PolicyState;
  /** Observations of the short-term window, oldest first. */
  #recent: readonly Observation[];
  readonly #failures = new FailuresInARow();
  #failedInARow = 0;
  /** Clips that were refused since the engine last answered. */
  #refused: number[] = [];

  /**
   * @param state of the policy in this stream; the writer changes it
   * @param recent the last observations that were stored, oldest first
   */
  constructor(options: StreamWriterOptions, state: PolicyState, recent: readonly Observation[]) {
    this.#options = options;
    this.#policy = options.policy;
    this.#state = state;
    this.#recent = recent.map(withPictures);
  }

  /** Whether the engine failed at the last three decisions, so that trying what waits is no use now. */
  get isFailing(): boolean {
    return this.#failedInARow >= mostInARow;
  }

  get written(): Written {
    return this.#written;
  }

  /**
   * Takes the next clip, and decides as soon as enough clips wait for one decision.
   * @throws EngineError when the set-up is wrong, the budget is spent, or the engine fails at three clips in a row
   * (`engine-down`); StoreError
   */
  async *take(observation: Observation): AsyncGenerator<ClipEvent> {
    const decisionOf = ({ clip }: Observation) => Math.floor(clip / this.#policy.clipsPerDecision);
    const [first] = this.#waiting;
    if (first && decisionOf(first) !== decisionOf(observation)) yield* this.flush();
    this.#waiting.push(observation);
    if ((observation.clip + 1) % this.#policy.clipsPerDecision === 0) yield* this.flush();
  }

  /** Decides about the waiting clips without waiting for more. @throws as `take` */
  async *flush(): AsyncGenerator<ClipEvent> {
    const group = this.#waiting.splice(0);
    if (group.length === 0) return;
    const { currentPolicy, now } = this.#options;
    const began = now();
    if (currentPolicy) this.#policy = await currentPolicy(this.#policy);
    const context = await this.#contextOf(group);
    const { action, failure, outage } = await this.#decide(context);
    this.#recent = [...this.#recent, ...group.map(withPictures)].slice(-this.#options.limits.windowClips);
    if (action) yield* this.#commit(context, action, began);
    else yield* this.#fail(group, failure);
    if (outage) throw outage;
  }

  /** What no sense perceived of the stream, in this run and those before. */
  async unsensed(perceptors: Perceptors): Promise<readonly LeftOut[]> {
    const { memory, stream } = this.#options;
    const rows = await memory.floor({ streams: [stream] });
    if (rows.length === 0) return [];
    const seconds = rows.reduce((sum, row) => sum + row.watchedSeconds, 0);
    return unsensed(wholeFloor(rows).look, seconds, perceptors, this.#policy.seesPictures ?? true);
  }

  /** After an answer, a refusal or two before it were about their clips; more may have had another reason. */
  async #answered(): Promise<void> {
    this.#failures.worked();
    this.#failedInARow = 0;
    const refused = this.#refused.splice(0);
    if (refused.length === 0 || refused.length >= mostInARow) return;
    await this.#options.memory.giveUpClips(this.#options.stream, refused);
  }

  async #contextOf(group: readonly Observation[]): Promise<Context> {
    const { memory, stream, limits } = this.#options;
    const observations = this.#recent;
    const clips = observations.map(({ clip }) => clip);
    const entries = clips.length === 0 ? [] : await memory.entries({ streams: [stream], clips });
    return buildContext(group, { observations, entries, state: this.#state }, limits);
  }

  /** The action to take, or why there is none. The caller throws a lasting outage once the failure is journaled. */
  async #decide(context: Context): Promise<Decided> {
    const { signal, live, triedBefore } = this.#options;
    try {
      const { actions, cost } = await this.#policy.decide(context, signal ? { signal } : {});
      this.#written.cost = addCost(this.#written.cost, cost);
      await this.#answered();
      const action = actions.find(({ issues }) => issues.length === 0);
      return action ? { action } : { failure: unusable(actions) };
    } catch (error) {
      if (!(error instanceof EngineError) || !concernsClip(error)) throw error;
      this.#failedInARow += 1;
      const { code, message, isRetryable } = error;
      const clips = context.observations.map(({ clip }) => clip);
      if (!isRetryable) this.#refused.push(...clips);
      const isNews = isRetryable || !clips.every((clip) => triedBefore?.has(clip));
      const lasts = isNews && this.#failures.failed(clips[0]!) && !live;
      return { failure: { code, message, retryable: true }, ...(lasts && { outage: lastingFailure(error) }) };
    }
  }

  async *#commit(context: Context, action: Action, began: number): AsyncGenerator<ClipEvent> {
    const { memory, stream, now } = this.#options;
    const { observations: group } = context;
    const { revision, statements, leftOut } = action;
    const policy = this.#policy.id;
    const stateChange = this.#policy.advance(context, action);
    const clips = group.map(({ clip }) => clip);
    const { stored } = await memory.commit({ stream, clips, policy, revision, statements, stateChange });
    this.#state = stateAfter(this.#state, stateChange);
    const ms = now() - began;
    for (const { clip, startSeconds, endSeconds, problems } of group) {
      const entries = stored.filter((entry) => entry.clip === clip);
      this.#written.clips += 1;
      this.#written.entries += entries.length;
      this.#written.seconds += endSeconds - startSeconds;
      const span = { stream, clip, startSeconds, endSeconds };
      const all = leftOut === undefined ? problems : [...problems, leftOut];
      yield { event: "clip-end", ...span, entries, problems: all, policy, revision, ms };
    }
  }

  async *#fail(group: readonly Observation[], failure: Failure): AsyncGenerator<ClipEvent> {
    const { memory, stream } = this.#options;
    for (const { clip, startSeconds, endSeconds } of group) {
      await memory.failClip(stream, clip, failure);
      this.#written.failed += 1;
      this.#written.seconds += endSeconds - startSeconds;
      yield { event: "clip-failed", stream, clip, startSeconds, endSeconds, ...failure };
    }
  }
}

/**
 * The observation with the bytes of its frames: memory may delete them once the clip is decided, while the window still
 * shows them.
 */
const withPictures = (observation: Observation): Observation => ({
  ...observation,
  frames: observation.frames.map((frame) => ({ ...frame })),
});

/** Why a run stops that can be resumed: its clips wait. */
function lastingFailure(error: EngineError): EngineError {
  if (error.isRetryable) return error;
  const message = `The endpoint refused ${mostInARow} clips in a row, which wait for the next run. ${error.message}`;
  return new EngineError("engine-down", message, { isRetryable: true, status: error.status, cause: error });
}

type Decided =
  | { readonly action: Action; readonly failure?: never; readonly outage?: never }
  | { readonly action?: never; readonly failure: Failure; readonly outage?: EngineError };

function unusable([action]: readonly Action[]): Failure {
  const why = action?.issues.map(({ message }) => message).join("; ");
  return { code: "no-usable-text", message: why || "the policy returned no action", retryable: true };
}

/** Whether an engine's failure concerns this clip or this moment rather than the whole set-up. */
function concernsClip(error: EngineError): boolean {
  return error.isRetryable || error.code === "bad-response" || isRefusal(error);
}
