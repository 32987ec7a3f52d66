/** A policy's state, carried along by its caller: empty at first, then changed by each decision. */
import type { PolicyState, PolicyStateChange } from "../memory/memory.ts";

/** The state before the first decision. */
export const freshState = (): PolicyState => ({ value: null, documents: 0, words: new Map() });

/**
 * The state after a change. It counts words in place, in the map of the state it came from, which must not be used again:
 * copying all words of a long stream would cost more than deciding. To keep a state, keep a copy.
 */
export function stateAfter(state: PolicyState, change: PolicyStateChange | null): PolicyState {
  if (change === null) return state;
  const words = state.words as Map<string, number>;
  for (const [stem, times] of change.words) words.set(stem, (words.get(stem) ?? 0) + times);
  return { value: change.value, documents: state.documents + change.documents, words };
}
