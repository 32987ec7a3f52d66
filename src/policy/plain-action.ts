/** Actions as JSON and back, to keep a policy's draws for a later process. */
import type { Action } from "./policy.ts";

/** An action as plain JSON, without its handle: an engine knows that only as long as it lives. */
export type PlainAction = Omit<Action, "logprobs" | "handle"> & {
  readonly logprobs: {
    readonly tokens: readonly string[];
    readonly values: readonly number[];
    readonly ids?: readonly number[];
  } | null;
};

/** The plain form of an action. */
export function plainAction({ handle: _, logprobs, ...action }: Action): PlainAction {
  if (logprobs === null) return { ...action, logprobs };
  const { tokens, values, ids } = logprobs;
  return { ...action, logprobs: { tokens, values: [...values], ...(ids && { ids: [...ids] }) } };
}

/** The action of a plain form, without a handle. */
export function actionOf({ logprobs, ...action }: PlainAction): Action {
  if (logprobs === null) return { ...action, logprobs };
  const { tokens, values, ids } = logprobs;
  return {
    ...action,
    logprobs: { tokens, values: Float32Array.from(values), ...(ids && { ids: Int32Array.from(ids) }) },
  };
}
