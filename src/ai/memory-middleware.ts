/**
 * A model that is reminded: what memory holds of the user's last message stands behind it, as quoted evidence.
 *
 * A turn may take several calls, as tools are used: memory is searched once, and each call is shown the same. What was put
 * in is never kept as something that was said.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4Middleware,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { call, verbs } from "../contract/index.ts";
import type { TaskMem } from "../taskmem.ts";
import { memoryBlock, type Turn, turnOf } from "./turn.ts";

/** Options of `memoryMiddleware`. */
export interface MemoryMiddlewareOptions {
  readonly memory: TaskMem;
  /** Only these streams. @default all */
  readonly streams?: readonly string[];
  /** Most memories of a turn. @default 8 */
  readonly limit?: number;
  /** Most tokens of them. @default 1500 */
  readonly maxTokens?: number;
  /** Whether each message that asks something is kept with its answer, so that the memory learns from it. @default true */
  readonly record?: boolean;
}

/** A middleware for `wrapLanguageModel`. A memory that cannot be searched leaves the prompt as it is. */
export function memoryMiddleware(options: MemoryMiddlewareOptions): LanguageModelV4Middleware {
  const { memory, limit = 8, maxTokens = 1500, record = true, streams } = options;
  const turns = new WeakMap<LanguageModelV4CallOptions, Turn>();
  let last: { readonly turn: Turn; readonly shown: Promise<string> } | null = null;

  const search = async ({ text }: Turn, signal: AbortSignal | undefined): Promise<string> => {
    const input = { query: text.slice(0, 4000), limit, maxTokens, ...(streams && { streams: [...streams] }) };
    const { output, text: found } = await call(memory, verbs.recall, input, { signal });
    return output.entries.length === 0 ? "" : memoryBlock(found);
  };
  /** The same for every call of one turn. */
  const shownFor = (turn: Turn, signal: AbortSignal | undefined): Promise<string> => {
    if (last?.turn.index !== turn.index || last.turn.text !== turn.text)
      last = { turn, shown: search(turn, signal).catch(() => "") };
    return last.shown;
  };
  const keep = async (params: LanguageModelV4CallOptions, answer: string): Promise<void> => {
    const turn = turns.get(params);
    if (record && turn?.text.includes("?") && answer !== "")
      await memory.recordTask({ question: turn.text.slice(0, 4000), answer }).catch(() => {});
  };

  return {
    specificationVersion: "v4",
    async transformParams({ params }) {
      const turn = turnOf(params.prompt);
      if (!turn) return params;
      const shown = await shownFor(turn, params.abortSignal);
      const transformed =
        shown === "" ? { ...params } : { ...params, prompt: withText(params.prompt, turn, shown) };
      turns.set(transformed, turn);
      return transformed;
    },
    async wrapGenerate({ doGenerate, params }) {
      const result = await doGenerate();
      if (result.finishReason.unified === "stop") await keep(params, textOf(result.content));
      return result;
    },
    async wrapStream({ doStream, params }) {
      const { stream, ...rest } = await doStream();
      let answer = "";
      const kept = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
        async transform(part, controller) {
          if (part.type === "text-delta") answer += part.delta;
          if (part.type === "finish" && part.finishReason.unified === "stop") await keep(params, answer);
          controller.enqueue(part);
        },
      });
      return { stream: stream.pipeThrough(kept), ...rest };
    },
  };
}

function withText(prompt: LanguageModelV4CallOptions["prompt"], { index }: Turn, text: string) {
  return prompt.map((message, i) =>
    i === index && message.role === "user"
      ? { ...message, content: [...message.content, { type: "text" as const, text }] }
      : message,
  );
}

const textOf = (content: readonly LanguageModelV4Content[]) =>
  content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
