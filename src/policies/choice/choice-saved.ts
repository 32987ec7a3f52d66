/**
 * Tokens saved for what is asked about.
 *
 * Each window spends what it has, and what an adapter raises comes in bursts: while a meal is cooked, every second line is
 * about food, and most of them do not fit. So where an adapter raises words, part of the tokens of every window that is cut
 * down is saved, and only lines that hold such a word may be bought with them. What exceeds the most that is saved is spent
 * as before. A quiet stream is kept whole, and none is kept at greater length than without an adapter.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { vectorAdapter } from "../../adapter/arithmetic.ts";
import type { Candidate } from "./choice-candidates.ts";
import type { ChoiceParameters, SavedTokens } from "./choice-draw.ts";

/**
 * What is saved of a window's budget with an adapter, and for which of its candidates.
 * @param before tokens that the windows before have saved
 * @param allowed tokens that the window adds
 */
export type Saving = (before: number, allowed: number, candidates: readonly Candidate[]) => SavedTokens;

/**
 * How tokens are saved; `null` without an adapter, or where it raises no word.
 * @param taskWeight the adapter's weight of a stem
 */
export function savingFor(
  adapter: Adapter | null,
  taskWeight: (stem: string) => number,
  { raisedFrom, savedShare, mostSaved }: ChoiceParameters,
): Saving | null {
  if (adapter === null || savedShare === 0) return null;
  const { values, scale } = vectorAdapter(adapter);
  if (values.every((value) => Math.abs(scale * value) < raisedFrom)) return null;
  return (before, allowed, candidates) => {
    const offered = candidates.reduce((sum, { tokens }) => sum + tokens, 0);
    return {
      tokens: Math.min(mostSaved, before + (offered > allowed ? savedShare * allowed : 0)),
      raised: Uint8Array.from(candidates, ({ stems }) =>
        Number(stems.some((stem) => taskWeight(stem) >= raisedFrom)),
      ),
    };
  };
}
