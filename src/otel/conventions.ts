/**
 * Names of spans, attributes and metrics. The memory operations are those of the GenAI semantic conventions
 * (open-telemetry/semantic-conventions-genai, status Development, as of November 2026), for which the npm package of the
 * conventions has no constants yet; what they do not have is under `taskmem.`.
 */
import type { Attributes } from "@opentelemetry/api";
import type { TaskMem } from "../taskmem.ts";
import type { Facts, ToldCount, ToldOperation } from "../util/telemetry.ts";

/** Keys of the conventions. */
export const conventions = {
  operation: "gen_ai.operation.name",
  store: "gen_ai.memory.store.id",
  record: "gen_ai.memory.record.id",
  records: "gen_ai.memory.record.count",
  query: "gen_ai.memory.query.text",
  found: "gen_ai.memory.records",
  model: "gen_ai.request.model",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  tokenType: "gen_ai.token.type",
  errorType: "error.type",
  metrics: { duration: "gen_ai.client.operation.duration", tokens: "gen_ai.client.token.usage" },
} as const;

/** The operation each of ours is, and the kind of its span. */
const operations: Readonly<
  Record<ToldOperation, { readonly name: string; readonly kind: "INTERNAL" | "CLIENT" }>
> = {
  "open-store": { name: "create_memory_store", kind: "INTERNAL" },
  "delete-store": { name: "delete_memory_store", kind: "INTERNAL" },
  commit: { name: "create_memory", kind: "INTERNAL" },
  "close-entry": { name: "update_memory", kind: "INTERNAL" },
  recall: { name: "search_memory", kind: "INTERNAL" },
  forget: { name: "delete_memory", kind: "INTERNAL" },
  ask: { name: "taskmem.ask", kind: "INTERNAL" },
  perceive: { name: "taskmem.perceive", kind: "INTERNAL" },
  decide: { name: "taskmem.decide", kind: "INTERNAL" },
  adapt: { name: "taskmem.adapt", kind: "INTERNAL" },
  generate: { name: "chat", kind: "CLIENT" },
};

const keys: Readonly<Record<string, string>> = {
  ...{ store: conventions.store, record: conventions.record, records: conventions.records },
  ...{ model: conventions.model, inputTokens: conventions.inputTokens },
  ...{ outputTokens: conventions.outputTokens },
};
/** What is told only where content may be. */
const contentKeys: Readonly<Record<string, string>> = {
  ...{ query: conventions.query, found: conventions.found },
  ...{ question: "taskmem.question", answer: "taskmem.answer" },
};

/** Name, kind and first attributes of a span. */
export function spanOf(operation: ToldOperation, facts: Facts, captureContent: boolean) {
  const { name, kind } = operations[operation];
  // A call of a model is named with the model, as others name it.
  const full = operation === "generate" && facts.model !== undefined ? `${name} ${facts.model}` : name;
  return { name: full, kind, attributes: attributesOf(operation, facts, captureContent) };
}

/** The facts of an operation as attributes; content only where it may be told. */
export function attributesOf(operation: ToldOperation, facts: Facts, captureContent: boolean): Attributes {
  const { name } = operations[operation];
  const isOurs = name.startsWith("taskmem.");
  const told = Object.entries(facts).flatMap(([fact, value]) => {
    if (value === undefined || (fact in contentKeys && !captureContent)) return [];
    return [[keys[fact] ?? contentKeys[fact] ?? `taskmem.${fact}`, value] as const];
  });
  return { ...(!isOurs && { [conventions.operation]: name }), ...Object.fromEntries(told) };
}

/** Counters, by what is counted. */
export const counters = {
  clips: { name: "taskmem.clips", unit: "{clip}", description: "Clips that were decided, by state" },
  "tokens-kept": { name: "taskmem.tokens.kept", unit: "{token}", description: "Tokens of memories written" },
  "cost-usd": { name: "taskmem.cost.usd", unit: "USD", description: "Cost of what policies decided" },
} as const satisfies Record<
  ToldCount,
  { readonly name: string; readonly unit: string; readonly description: string }
>;

/** A metric of a memory that is read when it is asked for. */
export interface ObservedMetric {
  readonly unit: string;
  readonly description: string;
  readonly read: (
    memory: TaskMem,
    nowMs: number,
  ) => Promise<readonly { readonly value: number; readonly attributes: Attributes }[]>;
}

/** What is read of a memory, by name. */
export const observed: Readonly<Record<string, ObservedMetric>> = {
  "taskmem.stream.lag": {
    ...{
      unit: "s",
      description:
        "How long ago the first clip of a live stream began that is not decided yet; 0 if none waits",
    },
    async read(memory, nowMs) {
      const stats = new Map((await memory.store.streamStats()).map((one) => [one.stream, one]));
      return (await memory.streams()).flatMap(({ id, clock, fingerprint }) => {
        const from = stats.get(id)?.waitingFromSeconds;
        if (clock.kind !== "wall" || fingerprint !== null || from === undefined) return [];
        const value = from === null ? 0 : Math.max(0, (nowMs - clock.originMs) / 1000 - from);
        return [{ value, attributes: { "taskmem.stream": id } }];
      });
    },
  },
  "taskmem.bytes": {
    ...{ unit: "By", description: "Bytes on disk, by kind" },
    async read(memory) {
      const { databaseBytes, blobBytes } = await memory.store.stats();
      return [
        { value: databaseBytes, attributes: { "taskmem.kind": "database" } },
        { value: blobBytes, attributes: { "taskmem.kind": "pictures" } },
      ];
    },
  },
};
