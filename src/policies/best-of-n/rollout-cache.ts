/**
 * A policy that draws the samples of each context once and keeps them: a frozen cache for training and trying adapters.
 *
 * A clip of a hosted model is paid for once for each history it is shown with, however often it is replayed; or, with
 * `oncePerClip`, once in all, so that adapters are compared on the same samples. Contexts are told apart by the inner
 * revision, the clips and frames of the window, the earlier entries shown, the supplement and the inner policy's own
 * value. Word counts are ignored, so the cache fits policies that write without them, such as the model policy.
 *
 * An engine's draws can also be kept beyond this process, so a resumed run asks only for what is missing. A permanent
 * refusal becomes an action that says so: one clip that is too long for a model does not cost the others.
 */
import { type Cost, type EngineCache, noCost } from "../../engine.ts";
import { EngineError, isRefusal } from "../../errors.ts";
import { actionOf, type PlainAction, plainAction } from "../../policy/plain-action.ts";
import type { Action, Context, DecideOptions, Policy } from "../../policy/policy.ts";
import { sha256 } from "../../util/hash.ts";

/** Options of `rolloutCache`. */
export interface RolloutCacheOptions {
  /** Draws at least this many at a context's first call, so that later ones need no call. @default 1 */
  readonly samples?: number;
  /**
   * Whether the samples of a clip serve any history. All adapters then share one call per clip; the price is that all
   * but the first read texts that continue another history. @default false
   */
  readonly oncePerClip?: boolean;
  /** Where usable draws are also kept for a later process. @default nowhere */
  readonly store?: EngineCache;
}

/** Issue of an action that stands for a permanent refusal by the engine. */
export const refusedIssue = "refused";

/**
 * `inner` with its random draws for a context kept for as long as this policy lives. Greedy actions are kept separately.
 * A kept draw costs nothing; a failed call keeps nothing. A refusal of the request (`bad-request`) is kept in
 * this process as actions with the issue `refused`.
 * @throws RangeError for `samples` out of range
 */
export function rolloutCache(inner: Policy, options: RolloutCacheOptions = {}): Policy {
  const { samples = 1, oncePerClip = false, store } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new RangeError(`Expected \`samples\` to be a whole number from 1 up, got ${samples}`);
  }
  const kept = new Map<string, Promise<readonly Action[]>>();
  const stored = async (key: string) => actionsOf((await store?.get(key)) ?? "[]");
  const draw = async (context: Context, wanted: DecideOptions & { readonly n: number }) => {
    try {
      return await inner.decide(context, wanted);
    } catch (error) {
      if (!(error instanceof EngineError && isRefusal(error))) throw error;
      return { actions: refusals(wanted.n, error.message, inner.revision), cost: noCost };
    }
  };
  return {
    ...inner,
    decide: async (context, wanted = {}) => {
      const { n = 1, random } = wanted;
      const key = keyOf(inner, context, { isGreedy: random === undefined, oncePerClip });
      const before = kept.get(key) ?? stored(key);
      let cost: Cost = noCost;
      const after = before.then(async (actions) => {
        if (actions.length >= n) return actions;
        // A caller that seeds by context seeds again each time: skip the seeds of the first samples.
        if (random) for (const _ of actions) random();
        const missing = Math.max(n, samples) - actions.length;
        const drawn = await draw(context, { ...wanted, n: missing });
        cost = drawn.cost;
        const all = [...actions, ...drawn.actions];
        if (drawn.actions.some(({ issues }) => issues.length === 0)) await store?.set(key, textOf(all));
        return all;
      });
      kept.set(
        key,
        after.catch(() => before),
      );
      return { actions: (await after).slice(0, n), cost };
    },
  };
}

function refusals(n: number, message: string, revision: string): Action[] {
  const issues = [{ code: refusedIssue, message }];
  return Array.from({ length: n }, () => ({ text: "", statements: [], logprobs: null, revision, issues }));
}

const textOf = (actions: readonly Action[]): string => JSON.stringify(actions.map(plainAction));
const actionsOf = (text: string): Action[] => (JSON.parse(text) as PlainAction[]).map(actionOf);

function keyOf(
  { revision }: Policy,
  { observations, recent, supplement = "", state }: Context,
  { isGreedy, oncePerClip }: { readonly isGreedy: boolean; readonly oncePerClip: boolean },
): string {
  // Frames by their moments: a clip that was watched again at another rate is shown differently.
  const clips = [...recent.observations, ...observations].map(({ stream, clip, frames }) => [
    ...[stream, clip],
    ...frames.map(({ atSeconds, width, height }) => [atSeconds, width, height]),
  ]);
  const entries = oncePerClip ? [] : recent.entries.map(({ clip, kind, text }) => [clip, kind, text]);
  return sha256(JSON.stringify([revision, clips, entries, supplement, state.value, isGreedy]));
}
