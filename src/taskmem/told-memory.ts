/** A memory, a policy and a model that tell of what they do, to whoever measures (`util/telemetry.ts`). */
import { basename } from "node:path";
import type { Memory } from "../memory/memory.ts";
import type { Policy } from "../policy/policy.ts";
import { countTokens } from "../util/count-tokens.ts";
import { counts, told } from "../util/telemetry.ts";

/** The memory, whose searches and changes are told. Everything else is its own. */
export function toldMemory(memory: Memory): Memory {
  const store = basename(memory.directory);
  const own: Partial<Memory> = {
    recall: (query) =>
      told("recall", { store, query: query.text }, async (tell) => {
        const found = await memory.recall(query);
        tell({ records: found.length, found: JSON.stringify(found.map(recordOf)) });
        return found;
      }),
    commit: (decision) => {
      const { stream, policy, revision, clips } = decision;
      return told("commit", { store, stream, policy, revision, clips: clips.length }, async (tell) => {
        const receipt = await memory.commit(decision);
        const { stored } = receipt;
        tell({ records: stored.length, ...(stored.length === 1 && { record: stored[0]!.id }) });
        counts("clips", clips.length, { state: "stored", stream });
        const tokens = stored.reduce((sum, { text }) => sum + countTokens(text), 0);
        counts("tokens-kept", tokens, { stream, policy });
        return receipt;
      });
    },
    failClip: async (stream, clip, failure) => {
      await memory.failClip(stream, clip, failure);
      counts("clips", 1, { state: "failed", stream });
    },
    closeEntry: (id, reason, supersededBy) =>
      told("close-entry", { store, record: id }, () => memory.closeEntry(id, reason, supersededBy)),
    forget: (request, how) =>
      how?.dryRun
        ? memory.forget(request, how)
        : told("forget", { store }, async (tell) => {
            const report = await memory.forget(request, how);
            tell({ records: report.entries });
            return report;
          }),
  };
  // Not over the memory itself, which may be frozen.
  return new Proxy({} as Memory, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof Memory];
      const value: unknown = Reflect.get(memory, name, memory);
      return typeof value === "function" ? value.bind(memory) : value;
    },
    has: (_, name) => name in memory,
  });
}

const recordOf = ({ entry, score }: Awaited<ReturnType<Memory["recall"]>>[number]) => ({
  ...{ id: entry.id, content: entry.text, score: score.total },
});

/** The policy, whose decisions are told. */
export function toldPolicy(policy: Policy): Policy {
  return {
    ...policy,
    decide: (context, options) => {
      const [first] = context.observations;
      const facts = {
        stream: first?.stream,
        clip: first?.clip,
        policy: policy.id,
        revision: policy.revision,
      };
      return told("decide", facts, async (tell) => {
        const result = await policy.decide(context, options);
        tell({ statements: result.actions[0]?.statements.length ?? 0 });
        if (result.cost.usd > 0) counts("cost-usd", result.cost.usd, { policy: policy.id });
        return result;
      });
    },
  };
}
