/** A language model that answers from memory alone, with the moments as its sources. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4Warning,
} from "@ai-sdk/provider";
import { call, verbs } from "../contract/index.ts";
import { ConfigError } from "../errors.ts";
import type { TaskMem } from "../taskmem.ts";
import { turnOf } from "./turn.ts";

/** Options of `memoryModel`. */
export interface MemoryModelOptions {
  /** Only these streams. @default all */
  readonly streams?: readonly string[];
  /** Whether questions are kept and learned from. @default true */
  readonly record?: boolean;
}

const finishReason: LanguageModelV4FinishReason = { unified: "stop", raw: undefined };
/** What the answer cost is the memory's own account. */
const usage: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** The model of a memory. It answers the user's last message, and never calls a tool. */
export function memoryModel(
  memory: TaskMem,
  { streams, record = true }: MemoryModelOptions = {},
): LanguageModelV4 {
  async function answer(params: LanguageModelV4CallOptions) {
    const turn = turnOf(params.prompt);
    if (!turn) throw new ConfigError("question-empty", "Expected a message of the user, got none.");
    const input = { question: turn.text.slice(0, 4000), record, ...(streams && { streams: [...streams] }) };
    const { output } = await call(memory, verbs.ask, input, { signal: params.abortSignal });
    const { citations, abstained, closest, task } = output;
    const sources = citations.map(
      ({ entry, at, stream }): Extract<LanguageModelV4Content, { type: "source" }> => ({
        ...{ type: "source", sourceType: "url", id: entry },
        ...{ url: `taskmem://entries/${encodeURIComponent(entry)}`, title: `${at} of ${stream}` },
      }),
    );
    const warnings = unused(params);
    const providerMetadata = {
      taskmem: { abstained, ...(task !== undefined && { task }), closest: closest.map(({ entry }) => entry) },
    };
    return { text: output.answer, sources, warnings, providerMetadata };
  }

  return {
    ...{ specificationVersion: "v4", provider: "taskmem", modelId: "memory", supportedUrls: {} },
    async doGenerate(params) {
      const { text, sources, ...rest } = await answer(params);
      return { content: [{ type: "text", text }, ...sources], finishReason, usage, ...rest };
    },
    async doStream(params) {
      const { text, sources, warnings, providerMetadata } = await answer(params);
      const parts: LanguageModelV4StreamPart[] = [
        { type: "stream-start", warnings },
        ...sources,
        { type: "text-start", id: "answer" },
        { type: "text-delta", id: "answer", delta: text },
        { type: "text-end", id: "answer" },
        { type: "finish", finishReason, usage, providerMetadata },
      ];
      return { stream: ReadableStream.from(parts) };
    },
  };
}

/** Settings that a memory has no use for. */
function unused({ tools, responseFormat }: LanguageModelV4CallOptions): SharedV4Warning[] {
  return [
    ...(tools && tools.length > 0 ? [{ type: "unsupported" as const, feature: "tools" }] : []),
    ...(responseFormat?.type === "json" ? [{ type: "unsupported" as const, feature: "responseFormat" }] : []),
  ];
}
