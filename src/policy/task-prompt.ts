/** A policy that is shown past questions in its prompt: the paper's baseline, which trains nothing. */
import { sha256 } from "../util/hash.ts";
import type { Policy } from "./policy.ts";
import { taskSupplement } from "./prompts.ts";

/** The policy, shown questions of the kind its memories are for; its revision names them. */
export function withTaskPrompt(policy: Policy, questions: readonly string[]): Policy {
  const supplement = taskSupplement(questions);
  const revision = `${policy.revision}+prompt-${sha256(supplement).slice(0, 12)}`;
  return {
    ...policy,
    revision,
    decide: async (context, options) => {
      const { actions, cost } = await policy.decide({ ...context, supplement }, options);
      return { actions: actions.map((action) => ({ ...action, revision })), cost };
    },
    advance: (context, action) => policy.advance({ ...context, supplement }, action),
  };
}
