/**
 * Tokens saved for what is asked about.
 *
 * Each window spends what it has, and what is asked about comes in bursts: while a meal is cooked, every second line is
 * about food, and most of them do not fit. So where an adapter knows words near the questions (`near-words.ts`), part of the
 * tokens of every window that is cut down is saved, and only lines that hold such a word, and say something of it, may be
 * bought with them. What exceeds the most that is saved is spent as before. A quiet stream is kept whole, and none is kept
 * at greater length than without an adapter.
 */
import type { Candidate } from "./choice-candidates.ts";
import type { ChoiceParameters, SavedTokens } from "./choice-draw.ts";
import { fewestAround, nearStem } from "./near-words.ts";

/**
 * What is saved of a window's budget with an adapter, and for which of its candidates.
 * @param before tokens that the windows before have saved
 * @param allowed tokens that the window adds
 */
export type Saving = (before: number, allowed: number, candidates: readonly Candidate[]) => SavedTokens;

/**
 * How tokens are saved; `null` where no near word is known.
 * @param taskWeight the adapter's weight of a stem
 */
export function savingFor(
  taskWeight: (stem: string) => number,
  { raisedFrom, savedShare, mostSaved }: ChoiceParameters,
): Saving | null {
  const isNear = (stem: string) => taskWeight(nearStem(stem)) >= raisedFrom;
  if (savedShare === 0 || !isNear("")) return null;
  return (before, allowed, candidates) => {
    const offered = candidates.reduce((sum, { tokens }) => sum + tokens, 0);
    return {
      tokens: Math.min(mostSaved, before + (offered > allowed ? savedShare * allowed : 0)),
      raised: Uint8Array.from(candidates, ({ stems }) =>
        Number(stems.length >= fewestAround && stems.some(isNear)),
      ),
    };
  };
}
