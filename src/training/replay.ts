/** Watches observations again: what a policy would be shown and keep, without a store. */
import { StoreError } from "../errors.ts";
import type { Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { buildContext, type ContextLimits, contextDefaults } from "../policy/context.ts";
import type { Action, Context, Policy, ShownEntry } from "../policy/policy.ts";
import { freshState, stateAfter } from "../policy/state.ts";
import { turn } from "../util/async.ts";

/** One decision of a replay. */
export interface ReplayedDecision {
  /** Its word counts keep growing with the stream: to keep a context, copy them. */
  readonly context: Context;
  readonly action: Action;
}

/** Options of `replay` and `decisionsOf`. */
export interface ReplayOptions {
  /** How much the policy is shown when it acts. @default contextDefaults */
  readonly limits?: ContextLimits;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The decisions a policy makes about one stream it sees for the first time, as it makes them when it acts.
 * @param observations of one stream, in order
 */
export async function* decisionsOf(
  policy: Policy,
  observations: readonly Observation[],
  options: ReplayOptions = {},
): AsyncGenerator<ReplayedDecision> {
  for await (const { context, action } of attemptsOf(policy, observations, options))
    if (action.issues.length === 0) yield { context, action };
}

/** As `decisionsOf`, including failed decisions: the context then comes with the action that has issues. */
export async function* attemptsOf(
  policy: Policy,
  observations: readonly Observation[],
  { signal, limits = contextDefaults }: ReplayOptions = {},
): AsyncGenerator<ReplayedDecision> {
  let state = freshState();
  let seen: Observation[] = [];
  let entries: ShownEntry[] = [];
  const groups = Map.groupBy(observations, ({ clip }) => Math.floor(clip / policy.clipsPerDecision));
  for (const group of groups.values()) {
    await turn(signal);
    const context = buildContext(group, { observations: seen, entries, state }, limits);
    const { actions } = await policy.decide(context, signal ? { signal } : {});
    seen = [...seen, ...group].slice(-limits.windowClips);
    const inWindow = new Set(seen.map(({ clip }) => clip));
    const action = actions.find(({ issues }) => issues.length === 0) ?? actions[0];
    if (!action) continue;
    if (action.issues.length > 0) {
      yield { context, action };
      continue;
    }
    entries = [...entries, ...action.statements].filter(({ clip }) => inWindow.has(clip));
    const change = policy.advance(context, action);
    yield { context, action };
    state = stateAfter(state, change);
  }
}

/** The statements a policy keeps of one stream it sees for the first time. */
export async function replay(
  policy: Policy,
  observations: readonly Observation[],
  options: ReplayOptions = {},
): Promise<Statement[]> {
  const kept: Statement[] = [];
  for await (const { action } of decisionsOf(policy, observations, options)) kept.push(...action.statements);
  return kept;
}

/**
 * The observations that a policy that looks can be tried on: those that still have their pictures, or all of a stream
 * that never had any. Pictures are read at once, because a running watch deletes the oldest meanwhile.
 */
export function withPictures(observations: readonly Observation[]): readonly Observation[] {
  const seen = observations.filter(({ frames }) => frames.length > 0);
  return seen.length === 0 ? observations : seen.flatMap((observation) => read(observation) ?? []);
}

/** The observation with its pictures loaded, or `null` where they were deleted since it was listed. */
function read(observation: Observation): Observation | null {
  try {
    return { ...observation, frames: observation.frames.map((frame) => ({ ...frame })) };
  } catch (error) {
    if (error instanceof StoreError && error.code === "blob-missing") return null;
    throw error;
  }
}
