/**
 * A policy that draws each context's samples once and keeps them, a frozen cache for training and trying adapters out.
 *
 * A clip of a hosted model is paid for once for each memory it is shown with, however often it is replayed; or just once,
 * and then adapters are compared on the very same samples. Contexts are told apart by the inner revision, stream, clips,
 * the earlier entries shown, the supplement and the inner policy's own value; word counts are not looked at, so it is for
 * policies that write without them, as the engine policy does.
 */
import { type Cost, noCost } from "../engine.ts";
import { sha256 } from "../util/hash.ts";
import type { Action, Context, Policy } from "./policy.ts";

export interface RolloutCacheOptions {
  /** Draws at least so many at a context's first call, so that later ones need no call. @default 1 */
  readonly samples?: number;
  /**
   * Whether the samples of a clip serve whatever was written before it: one call a clip for all adapters, at the price
   * that each but the first reads texts which go on from another's memory. @default false
   */
  readonly oncePerClip?: boolean;
}

/**
 * `inner`, whose random draws for a context are kept for as long as this policy lives. Greedy actions are kept apart
 * from draws. What was kept costs nothing; a failed call keeps nothing.
 * @throws RangeError for `samples` out of range
 */
export function rolloutCache(inner: Policy, options: RolloutCacheOptions = {}): Policy {
  const { samples = 1, oncePerClip = false } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new RangeError(`Expected \`samples\` to be a whole number from 1 up, got ${samples}`);
  }
  const kept = new Map<string, Promise<readonly Action[]>>();
  return {
    ...inner,
    decide: async (context, wanted = {}) => {
      const { n = 1, random } = wanted;
      const key = keyOf(inner, context, { isGreedy: random === undefined, oncePerClip });
      const before = kept.get(key) ?? Promise.resolve([]);
      let cost: Cost = noCost;
      const after = before.then(async (actions) => {
        if (actions.length >= n) return actions;
        // Whoever seeds by context seeds anew each time: the seeds that gave the first samples are passed over.
        if (random) for (const _ of actions) random();
        const missing = Math.max(n, samples) - actions.length;
        const drawn = await inner.decide(context, { ...wanted, n: missing });
        cost = drawn.cost;
        return [...actions, ...drawn.actions];
      });
      kept.set(
        key,
        after.catch(() => before),
      );
      return { actions: (await after).slice(0, n), cost };
    },
  };
}

function keyOf(
  { revision }: Policy,
  { observations, recent, supplement = "", state }: Context,
  { isGreedy, oncePerClip }: { readonly isGreedy: boolean; readonly oncePerClip: boolean },
): string {
  const clips = observations.map(({ stream, clip }) => [stream, clip]);
  const entries = oncePerClip ? [] : recent.entries.map(({ clip, kind, text }) => [clip, kind, text]);
  return sha256(JSON.stringify([revision, clips, entries, supplement, state.value, isGreedy]));
}
