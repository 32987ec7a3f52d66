/**
 * A policy that draws each context's samples once and keeps them, a frozen cache for training and trying adapters out.
 *
 * A clip of a hosted model is paid for once for each memory it is shown with, however often it is replayed; or just once,
 * and then adapters are compared on the very same samples. Contexts are told apart by the inner revision, the clips and
 * frames of the window, the earlier entries shown, the supplement and the inner policy's own value; word counts are not
 * looked at, so it is for policies that write without them, as the model policy does.
 *
 * An engine's draws can be kept beyond this process too, so that a run which was killed asks only for what is missing. What
 * it refuses for good is an action that says so: one clip too long for a model should not cost the others.
 */
import { type Cost, type EngineCache, noCost } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { actionOf, type PlainAction, plainAction } from "../../policy/plain-action.ts";
import type { Action, Context, DecideOptions, Policy } from "../../policy/policy.ts";
import { sha256 } from "../../util/hash.ts";

export interface RolloutCacheOptions {
  /** Draws at least so many at a context's first call, so that later ones need no call. @default 1 */
  readonly samples?: number;
  /**
   * Whether the samples of a clip serve any history: one call a clip for all adapters, at the price
   * that each but the first reads texts which go on from another's memory. @default false
   */
  readonly oncePerClip?: boolean;
  /** Where draws of which any can be used are kept too, for a later process. @default nowhere */
  readonly store?: EngineCache;
}

/** Issue of an action that stands for what the engine refuses to write. */
export const refusedIssue = "refused";

/**
 * `inner`, whose random draws for a context are kept for as long as this policy lives. Greedy actions are kept apart
 * from draws. What was kept costs nothing; a failed call keeps nothing. A refusal of the request (`bad-request`) is kept in
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
      if (!(error instanceof EngineError && error.code === "bad-request")) throw error;
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
        // A caller that seeds by context seeds again each time: the seeds that gave the first samples are passed over.
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
  // Frames by their moments: a clip that was watched again at another rate is shown otherwise.
  const clips = [...recent.observations, ...observations].map(({ stream, clip, frames }) => [
    ...[stream, clip],
    ...frames.map(({ atSeconds, width, height }) => [atSeconds, width, height]),
  ]);
  const entries = oncePerClip ? [] : recent.entries.map(({ clip, kind, text }) => [clip, kind, text]);
  return sha256(JSON.stringify([revision, clips, entries, supplement, state.value, isGreedy]));
}
