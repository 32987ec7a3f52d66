/** A space as a model of an OpenAI-compatible endpoint: it answers the last message of the user from memory alone. */
import { z } from "zod";
import { call, verbs } from "../contract/index.ts";
import { ConfigError } from "../errors.ts";
import { remindedModel } from "./reminded.ts";
import type { Space } from "./spaces.ts";

const text = z.union([
  z.string(),
  z
    .array(z.object({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.flatMap((part) => part.text ?? []).join("\n")),
]);

/** The fields of a request that count. Others are settings of models, which a memory has no use for. */
const requestSchema = z.object({
  messages: z.array(z.object({ role: z.string(), content: text.nullish() })).min(1),
  stream: z.boolean().nullish(),
});

/** What is answered: one body, or the events of a stream. */
export type ChatReply = { readonly body: unknown } | { readonly events: readonly string[] };

/** Answers `POST /chat/completions`. @throws ConfigError `input-invalid`; TaskMemError as `ask` */
export async function chat(space: Space, given: unknown, signal: AbortSignal): Promise<ChatReply> {
  const parsed = requestSchema.safeParse(given);
  const question = parsed.data?.messages.findLast(({ role }) => role === "user")?.content?.trim();
  if (!parsed.success || !question)
    throw new ConfigError("input-invalid", "Expected messages with one of the user, got none with a text");
  const { output } = await call(
    space.memory,
    verbs.ask,
    { question: question.slice(0, 4000) },
    { signal, turns: space.turns },
  );
  const head = {
    ...{ id: `chatcmpl-${output.task ?? "memory"}`, created: Math.floor(Date.now() / 1000) },
    model: `space:${space.id}`,
  };
  const annotations = output.citations.map(({ entry, at, stream }) => ({
    type: "url_citation",
    url_citation: {
      ...{ url: `taskmem://entries/${encodeURIComponent(entry)}`, title: `${at} of ${stream}` },
      ...{ start_index: 0, end_index: output.answer.length },
    },
  }));
  const message = { role: "assistant", content: output.answer, annotations };
  if (!parsed.data.stream) {
    const choice = { index: 0, message, finish_reason: "stop", logprobs: null };
    const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    return { body: { ...head, object: "chat.completion", choices: [choice], usage } };
  }
  const chunk = (delta: object, finish: string | null) =>
    JSON.stringify({
      ...{ ...head, object: "chat.completion.chunk" },
      choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
    });
  return { events: [chunk(message, null), chunk({}, "stop"), "[DONE]"] };
}

/** What `GET /models` lists: the space itself, and its endpoint's model with what memory holds. */
export const modelsOf = (space: Space) => ({
  object: "list",
  data: [`space:${space.id}`, remindedModel(space)]
    .filter((id) => id !== null)
    .map((id) => ({ id, object: "model", created: 0, owned_by: "taskmem" })),
});
