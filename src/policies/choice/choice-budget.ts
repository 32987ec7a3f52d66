/**
 * The token budget of the choice policy: what one window adds to the carry-over budget, and how much that may hold.
 * Tokens that a window leaves unspent are carried over up to that limit.
 */
import type { Candidate } from "./choice-candidates.ts";

/** Stream time of one decision, in seconds; deciding per 10 s lost 4 to 6 points. */
export const windowSeconds = 30;

/** How many tokens a decision may keep. */
export type ChoiceBudget =
  | {
      /** Share of the tokens on offer in each window, above 0 to 1. */
      readonly fraction: number;
      /** Keep at least this many tokens of a window where it has them. @default 0 */
      readonly floorTokens?: number;
      /**
       * Tokens that may be kept at once after a quiet time. With it the floor is per 30 s of stream time since the last
       * decision, however often decisions are made. @default the floor is per decision
       */
      readonly burstTokens?: number;
    }
  | { readonly tokensPerWindow: number };

/**
 * A fifth of the tokens on offer, where a task adapter gains most, but at least 80 tokens per 30 s.
 *
 * One person talking gives about 100 tokens in 30 s. With the floor, a quiet stream (a line now and then, a sign, short
 * clips) is kept whole, ordinary talk loses its least telling fifth, and only dense streams are cut down towards the fifth.
 * Of people's questions about real talk every fifth was about a line that was left out with 40, every sixth with 60, every
 * tenth with 80; with 60 such questions got most of the wrong answers (`perf/README.md`). It is still a small fraction of the 150 to
 * 300 tokens per 10 s that a model writes.
 */
export const defaultBudget = { fraction: 0.2, floorTokens: 80 } as const satisfies ChoiceBudget;

/**
 * The budget of a pushed stream. Decisions come when something is said, so the floor follows stream time, and what comes
 * in a rush after a quiet time is kept whole.
 */
export const liveBudget = { ...defaultBudget, burstTokens: 600 } as const satisfies ChoiceBudget;

/** The budget of a configuration: the one that ships where it says nothing; a share given alone has no floor. */
export function configuredBudget(
  choice: { readonly budget?: number | undefined; readonly leastTokens?: number | undefined },
  live = false,
): ChoiceBudget {
  const shipped = live ? liveBudget : defaultBudget;
  const { budget: fraction, leastTokens: floorTokens } = choice;
  if (fraction !== undefined) return { fraction, ...(floorTokens !== undefined && { floorTokens }) };
  return floorTokens === undefined ? shipped : { ...shipped, floorTokens };
}

/** What one decision may keep beyond the carry-over budget, and how much can be carried over. */
export interface BudgetRules {
  /** Whether `sinceSeconds` counts. The time of the last decision is then part of the policy's state. */
  readonly byTime: boolean;
  /** Tokens that one decision adds. @param sinceSeconds stream time since the last decision. @default 30 */
  allowance(candidates: readonly Candidate[], sinceSeconds?: number): number;
  /** Most tokens that can be carried over. */
  readonly mostCarried: number;
}

/** The rules of a budget. @throws RangeError for a budget out of range */
export function budgetRules(budget: ChoiceBudget): BudgetRules {
  if ("tokensPerWindow" in budget) {
    const { tokensPerWindow } = budget;
    if (!(tokensPerWindow > 0 && tokensPerWindow < Infinity))
      throw new RangeError(`Expected \`tokensPerWindow\` above 0, got ${tokensPerWindow}`);
    // 120·b + 12 where a mean window of 168 tokens gives b·168: 120 / 168 = 5 / 7 of the window's own.
    return { byTime: false, allowance: () => tokensPerWindow, mostCarried: (tokensPerWindow * 5) / 7 + 12 };
  }
  const { fraction, floorTokens = 0, burstTokens } = budget;
  if (!(fraction > 0 && fraction <= 1))
    throw new RangeError(`Expected the budget's \`fraction\` above 0 and up to 1, got ${fraction}`);
  if (!(floorTokens >= 0 && floorTokens < Infinity))
    throw new RangeError(`Expected \`floorTokens\` from 0 up, got ${floorTokens}`);
  if (burstTokens !== undefined && !(burstTokens >= 0 && burstTokens < Infinity))
    throw new RangeError(`Expected \`burstTokens\` from 0 up, got ${burstTokens}`);
  const byTime = burstTokens !== undefined;
  return {
    byTime,
    allowance: (candidates, sinceSeconds = windowSeconds) => {
      const offered = candidates.reduce((sum, { tokens }) => sum + tokens, 0);
      if (byTime) return Math.max(fraction * offered, (floorTokens * sinceSeconds) / windowSeconds);
      return Math.max(fraction * offered, Math.min(floorTokens, offered));
    },
    mostCarried: burstTokens ?? 120 * fraction + 12,
  };
}
