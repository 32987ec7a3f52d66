/** A policy's state as whoever acts with it carries it along: none at first, then what each decision makes of it. */
import type { PolicyState, PolicyStateChange } from "../memory/memory.ts";

/** Before the first decision. */
export const freshState = (): PolicyState => ({ value: null, documents: 0, words: new Map() });

/**
 * The state after a change. Its words are counted where they are, in the map of the state it came from, which is used up:
 * copying all words a long stream ever had would cost more than deciding. Who keeps a state keeps a copy.
 */
export function stateAfter(state: PolicyState, change: PolicyStateChange | null): PolicyState {
  if (change === null) return state;
  const words = state.words as Map<string, number>;
  for (const [stem, times] of change.words) words.set(stem, (words.get(stem) ?? 0) + times);
  return { value: change.value, documents: state.documents + change.documents, words };
}
