/** Actions as JSON holds them, and back: what is kept of a policy's draws for a later process. */
import type { Action } from "./policy.ts";

/** An action as plain JSON. Its handle is left out: an engine knows it no longer than it lives. */
export type PlainAction = Omit<Action, "logprobs" | "handle"> & {
  readonly logprobs: {
    readonly tokens: readonly string[];
    readonly values: readonly number[];
    readonly ids?: readonly number[];
  } | null;
};

/** @returns all of an action but its handle */
export function plainAction({ handle: _, logprobs, ...action }: Action): PlainAction {
  if (logprobs === null) return { ...action, logprobs };
  const { tokens, values, ids } = logprobs;
  return { ...action, logprobs: { tokens, values: [...values], ...(ids && { ids: [...ids] }) } };
}

export function actionOf({ logprobs, ...action }: PlainAction): Action {
  if (logprobs === null) return { ...action, logprobs };
  const { tokens, values, ids } = logprobs;
  return {
    ...action,
    logprobs: { tokens, values: Float32Array.from(values), ...(ids && { ids: Int32Array.from(ids) }) },
  };
}
