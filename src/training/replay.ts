/** Watching observations again: what a policy would meet and keep, without a store. */
import { StoreError } from "../errors.ts";
import type { Entry, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import { freshState, stateAfter } from "../policy/state.ts";

/** Clips of the short-term window, and episodic entries shown of it: what an agent shows a policy. */
const windowClips = 5;
export const mostEntries = 4;

export interface ReplayedDecision {
  /** Its word counts go on growing with the stream: who keeps a context keeps a copy of them. */
  readonly context: Context;
  readonly action: Action;
}

/**
 * The decisions a policy makes about one stream it sees for the first time, as it makes them when it acts.
 * @param observations of one stream, in order
 */
export async function* decisionsOf(
  policy: Policy,
  observations: readonly Observation[],
  signal?: AbortSignal,
): AsyncGenerator<ReplayedDecision> {
  for await (const { context, action } of attemptsOf(policy, observations, signal))
    if (action.issues.length === 0) yield { context, action };
}

/** As `decisionsOf`, with what came to nothing too: the action that has the issues of its context. */
export async function* attemptsOf(
  policy: Policy,
  observations: readonly Observation[],
  signal?: AbortSignal,
): AsyncGenerator<ReplayedDecision> {
  let state = freshState();
  let seen: Observation[] = [];
  let entries: Pick<Entry, "clip" | "text" | "kind">[] = [];
  const groups = Map.groupBy(observations, ({ clip }) => Math.floor(clip / policy.clipsPerDecision));
  for (const group of groups.values()) {
    signal?.throwIfAborted();
    const earlier = seen.slice(-Math.max(1, windowClips - group.length));
    const shown = entries.filter(({ clip }) => earlier.some((observation) => observation.clip === clip));
    const recent = { observations: earlier, entries: shown.slice(-mostEntries) };
    const context: Context = { observations: group, recent, state };
    const { actions } = await policy.decide(context, signal ? { signal } : {});
    seen = [...seen, ...group].slice(-windowClips);
    const action = actions.find(({ issues }) => issues.length === 0) ?? actions[0];
    if (!action) continue;
    if (action.issues.length > 0) {
      yield { context, action };
      continue;
    }
    entries = [...entries, ...action.statements].slice(-windowClips * mostEntries);
    const change = policy.advance(context, action);
    yield { context, action };
    state = stateAfter(state, change);
  }
}

/** What a policy keeps of one stream it sees for the first time. */
export async function replay(
  policy: Policy,
  observations: readonly Observation[],
  signal?: AbortSignal,
): Promise<Statement[]> {
  const kept: Statement[] = [];
  for await (const { action } of decisionsOf(policy, observations, signal)) kept.push(...action.statements);
  return kept;
}

/**
 * What a policy that looks can be tried on of one stream: observations that still have their pictures, or all of a stream
 * that never had any. The pictures are read at once, for a running watch lets the oldest go meanwhile.
 */
export function withPictures(observations: readonly Observation[]): readonly Observation[] {
  const seen = observations.filter(({ frames }) => frames.length > 0);
  return seen.length === 0 ? observations : seen.flatMap((observation) => read(observation) ?? []);
}

/** The observation with its pictures in hand, or `null` where they went since it was listed. */
function read(observation: Observation): Observation | null {
  try {
    return { ...observation, frames: observation.frames.map((frame) => ({ ...frame })) };
  } catch (error) {
    if (error instanceof StoreError && error.code === "blob-missing") return null;
    throw error;
  }
}
