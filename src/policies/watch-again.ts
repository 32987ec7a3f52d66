/** Shows a policy what was watched once more, to learn on it or to try an adapter. */
import { EngineError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import { type ContextLimits, contextDefaults } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import { attemptsOf, type ReplayedDecision } from "../training/replay.ts";
import { type ConcurrencyOptions, mapConcurrently } from "../util/async.ts";
import { refusedIssue } from "./best-of-n/rollout-cache.ts";

/** Options of `watchAgain`; `onDone` counts clips. */
export interface WatchAgainOptions extends ConcurrencyOptions {
  /** How much the policy is shown when it acts. @default contextDefaults */
  readonly limits?: ContextLimits;
}

/** A decision about a stream that was shown again. */
export interface WatchedDecision extends ReplayedDecision {
  /** Place of its stream among those watched. */
  readonly stream: number;
}

/**
 * Shows a policy all streams again, each by itself.
 * @returns its decisions, in the order of the streams, and how many clips its engine refused permanently
 * @throws EngineError `bad-request` when that is more than half of them
 */
export async function watchAgain(
  policy: Policy,
  streams: readonly (readonly Observation[])[],
  options: WatchAgainOptions,
): Promise<{ decisions: WatchedDecision[]; refusedClips: number }> {
  const { limits = contextDefaults, signal, onDone, ...concurrency } = options;
  const clips = streams.reduce((sum, observations) => sum + observations.length, 0);
  let refusedClips = 0;
  let decided = 0;
  const watched = await mapConcurrently(streams, { ...concurrency, signal }, async (observations, stream) => {
    const decisions: WatchedDecision[] = [];
    for await (const { context, action } of attemptsOf(policy, observations, { limits, signal })) {
      decided += context.observations.length;
      onDone?.(decided, clips);
      // Word counts grow with the stream, so each decision keeps a copy.
      const state = { ...context.state, words: new Map(context.state.words) };
      if (action.issues.length === 0) decisions.push({ context: { ...context, state }, action, stream });
      const refusal = action.issues.find(({ code }) => code === refusedIssue);
      if (!refusal) continue;
      refusedClips += context.observations.length;
      if (2 * refusedClips <= clips) continue;
      throw new EngineError(
        "bad-request",
        `The model refused ${refusedClips} of the ${clips} clips to learn on, more than half: choose a model that takes such clips. It said: ${refusal.message}`,
      );
    }
    return decisions;
  });
  return { decisions: watched.flat(), refusedClips };
}
