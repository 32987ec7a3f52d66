/** Watching observations again: what a policy would meet and keep, without a store. */
import type { PolicyState, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";

/**
 * The decisions a policy makes about one stream it sees for the first time, taking its greedy action at each.
 * @param observations of one stream, in order
 */
export async function* decisionsOf(
  policy: Policy,
  observations: readonly Observation[],
  signal?: AbortSignal,
): AsyncGenerator<{ readonly context: Context; readonly action: Action }> {
  const words = new Map<string, number>();
  let state: PolicyState = { value: null, documents: 0, words };
  const groups = Map.groupBy(observations, ({ clip }) => Math.floor(clip / policy.clipsPerDecision));
  for (const group of groups.values()) {
    signal?.throwIfAborted();
    const context: Context = { observations: group, recent: { observations: [], entries: [] }, state };
    const { actions } = await policy.decide(context, signal ? { signal } : {});
    const action = actions.find(({ issues }) => issues.length === 0);
    if (!action) continue;
    const change = policy.advance(context, action);
    yield { context, action };
    if (!change) continue;
    for (const [stem, times] of change.words) words.set(stem, (words.get(stem) ?? 0) + times);
    state = { value: change.value, documents: state.documents + change.documents, words };
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
