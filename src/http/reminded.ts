/**
 * The configured model of an OpenAI-compatible endpoint, reminded: what memory holds of the last message of the user stands behind
 * it, as quoted evidence, and the request is sent to the endpoint, otherwise as it is. Its answer comes back unchanged, streamed
 * too. Nothing is kept of it.
 */
import { z } from "zod";
import { memoryBlock, withoutMemory } from "../ai/turn.ts";
import { call, verbs } from "../contract/index.ts";
import { ConfigError, EngineError } from "../errors.ts";
import { endpointKey } from "../taskmem/assembly.ts";
import type { Space } from "./spaces.ts";

const prefix = "reminded:";
/** Most memories of a request, and most tokens of them. */
const most = { limit: 8, maxTokens: 1500 };

const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const message = z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(part)]).nullish() });
const requestSchema = z.looseObject({ model: z.string(), messages: z.array(message).min(1) });

/** The model by which a space's endpoint is asked, reminded; `null` where no endpoint is configured. */
export function remindedModel({ memory }: Space): string | null {
  const { baseUrl, model } = memory.config.model;
  return baseUrl === undefined || model === undefined ? null : prefix + model;
}

/** Whether a request is for a reminded model. */
export const isForReminded = (given: unknown): boolean =>
  String((given as { model?: unknown }).model ?? "").startsWith(prefix);

/**
 * Sends a chat to the endpoint, with what memory holds of it.
 * @throws ConfigError `input-invalid` for another model or no messages; EngineError `unreachable`, `bad-response`
 */
export async function remindedChat(space: Space, given: unknown, signal: AbortSignal): Promise<Response> {
  const parsed = requestSchema.safeParse(given);
  const known = remindedModel(space);
  if (!parsed.success || parsed.data.model !== known)
    throw new ConfigError(
      "input-invalid",
      `Expected messages for ${known === null ? "a space whose model is at an endpoint" : `the model ${known}`}, got ${parsed.success ? parsed.data.model : z.prettifyError(parsed.error)}`,
    );
  const { baseUrl, model, extraBody } = space.memory.config.model;
  const messages = await reminded(space, parsed.data.messages, signal);
  const key = endpointKey();
  const url = `${[baseUrl!].flat()[0]!.replace(/\/$/, "")}/chat/completions`;
  const response = await fetch(url, {
    ...{ method: "POST", signal, redirect: "error" },
    headers: { "content-type": "application/json", ...(key !== null && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ ...parsed.data, ...extraBody, model, messages }),
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new EngineError("unreachable", `The model ${model} cannot be reached.`, {
      isRetryable: true,
      cause,
    });
  });
  if (!response.ok) {
    await response.body?.cancel();
    const { status } = response;
    const facts = { status, isRetryable: status === 429 || status >= 500 };
    throw new EngineError("bad-response", `The model ${model} answered ${status}.`, facts);
  }
  const type = response.headers.get("content-type") ?? "application/json";
  return new Response(response.body, { headers: { "content-type": type, "cache-control": "no-store" } });
}

type Message = z.output<typeof message>;

/** The messages with a block of memory behind what the user said last; unchanged where nothing is found. */
async function reminded(
  space: Space,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const { memory, turns } = space;
  const index = messages.findLastIndex(({ role }) => role === "user");
  const parts = partsOf(messages[index]?.content);
  const query = withoutMemory(parts.flatMap(({ text }) => text ?? []).join("\n"))
    .trim()
    .slice(0, 4000);
  if (query === "") return messages;
  const { output, text } = await call(memory, verbs.recall, { query, ...most }, { signal, turns });
  if (output.entries.length === 0) return messages;
  const content = [...parts, { type: "text", text: memoryBlock(text) }];
  return messages.map((one, i) => (i === index ? { ...one, content } : one));
}

const partsOf = (content: Message["content"]) =>
  typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
