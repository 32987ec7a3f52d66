/** `POST /chat/completions`: our request as its body, its answer as our completions. */
import { z } from "zod";
import type { Completion, GenerateRequest, Part, Sampling } from "../../engine.ts";
import { formatTenths } from "../../util/time.ts";
import { tokenCount } from "./client.ts";
import { badResponse } from "./errors.ts";

/** The optional request features that the endpoint accepts. */
export interface WireFeatures {
  readonly images: boolean;
  /** vLLM's frame list; otherwise frames are sent as images. */
  readonly video: boolean;
  readonly jsonSchema: boolean;
  /** Lengths in a schema: `maxLength` and `maxItems`. */
  readonly bounds: boolean;
  readonly samples: boolean;
  readonly logprobs: boolean;
  /** `max_tokens`; otherwise its later name `max_completion_tokens`. */
  readonly maxTokens: boolean;
  readonly temperature: boolean;
  /** Sampling options that not every server has: all but temperature, tokens and seed. */
  readonly sampling: boolean;
  /** Sends an answer in pieces; otherwise at once. */
  readonly stream: boolean;
  /** Reports `usage` at the end of a stream. */
  readonly streamUsage: boolean;
  /** llama-server tells how much of the prompt is computed. */
  readonly promptProgress: boolean;
}

/** The request as the endpoint reads it, without the features it does not accept. */
export function chatBody(
  model: string,
  request: GenerateRequest,
  can: WireFeatures,
): Readonly<Record<string, unknown>> {
  const { schema, logprobs, n = 1 } = request;
  const { temperature, maxTokens, seed } = request.sampling ?? {};
  // Of a stream, llama-server leaves out tokens that its chat parser holds back, and their log-probabilities.
  const streams = can.stream && !(logprobs && can.promptProgress);
  return {
    model,
    messages: chatMessages(request, can),
    ...(n > 1 && { n }),
    ...(temperature !== undefined && can.temperature && { temperature }),
    ...(can.sampling && samplingFields(request.sampling)),
    ...(maxTokens !== undefined && { [can.maxTokens ? "max_tokens" : "max_completion_tokens"]: maxTokens }),
    ...(seed !== undefined && { seed }),
    // Without a number llama-server adds 20 alternatives to every token; with 0 it sends none of this either.
    ...(logprobs && can.logprobs && { logprobs, top_logprobs: 1 }),
    ...(streams && {
      stream: true,
      ...(can.streamUsage && { stream_options: { include_usage: true } }),
      ...(can.promptProgress && { return_progress: true }),
    }),
    ...(schema &&
      can.jsonSchema && {
        response_format: {
          type: "json_schema",
          json_schema: {
            name: schema.name,
            schema: can.bounds ? { ...schema.schema } : withoutBounds(schema.schema),
            strict: true,
          },
        },
      }),
  };
}

/** A message as it is sent. */
export interface WireMessage {
  readonly role: "system" | "user";
  readonly content: string | readonly WirePart[];
}

/** The messages of a request: its fixed instructions, if it has any, and its parts. */
export function chatMessages(
  { system, parts }: Pick<GenerateRequest, "system" | "parts">,
  can: Pick<WireFeatures, "video">,
): WireMessage[] {
  const content = apart(parts.flatMap((part) => sentParts(part, can)));
  return [...(system ? [{ role: "system" as const, content: system }] : []), { role: "user", content }];
}

/** Sampling options that not every server has, as it names them. */
export function samplingFields(sampling: Sampling = {}): Readonly<Record<string, number>> {
  const { topP, topK, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const fields = {
    ...{ top_p: topP, top_k: topK, min_p: minP },
    // vLLM and SGLang call it by one name, llama-server by the other; each ignores what it does not know.
    ...{ repetition_penalty: repetitionPenalty, repeat_penalty: repetitionPenalty },
    ...{ presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty },
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    number
  >;
}

/** A schema without lengths, at any depth. */
function withoutBounds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutBounds);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== "maxLength" && key !== "maxItems");
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutBounds(value)]));
}

export type WirePart =
  | { type: "text"; text: string }
  | { type: "image_url"; image_url: { url: string } }
  | { type: "video_url"; video_url: { url: string } };

/** A part as it is sent, and the moment it shows. */
interface Sent {
  readonly part: WirePart;
  readonly atSeconds?: number | undefined;
}

/**
 * Puts the moment of a picture in front of it where it follows another: llama.cpp merges two neighbours of one size as
 * one moment of a video.
 */
function apart(sent: readonly Sent[]): WirePart[] {
  return sent.flatMap(({ part, atSeconds }, i) => {
    const neighbours = part.type === "image_url" && sent[i - 1]?.part.type === "image_url";
    return neighbours ? [{ type: "text", text: textBetween(atSeconds) }, part] : [part];
  });
}

/** The text between two pictures. White space would be enough, but some servers refuse a blank text. */
function textBetween(atSeconds: number | undefined): string {
  return atSeconds === undefined ? "then" : formatTenths(atSeconds);
}

/** What `textBetween` gives. */
export const betweenPictures: RegExp = /^(?:then|\d+:\d\d:\d\d\.\d)$/;

function sentParts(part: Part, { video }: Pick<WireFeatures, "video">): Sent[] {
  const image = (bytes: Uint8Array, mediaType: string): WirePart => ({
    type: "image_url",
    image_url: { url: `data:${mediaType};base64,${base64(bytes)}` },
  });
  if (part.type === "text") return [{ part }];
  if (part.type === "image") return [{ part: image(part.bytes, part.mediaType), atSeconds: part.atSeconds }];
  if (!video)
    return part.frames.map(({ jpeg, atSeconds }) => ({ part: image(jpeg, "image/jpeg"), atSeconds }));
  const frames = part.frames.map(({ jpeg }) => base64(jpeg)).join(",");
  return [{ part: { type: "video_url", video_url: { url: `data:video/jpeg;base64,${frames}` } } }];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Token ids that vLLM adds where `return_token_ids` is requested (`extraBody`). */
const tokenIds = z.array(z.int()).nullish().catch(null);

const duration = z.number().min(0).max(1e12);
const timingsSchema = z
  .object({ prompt_n: duration, prompt_ms: duration, predicted_n: duration, predicted_ms: duration })
  .nullish()
  .catch(null);

const answerSchema = z.object({
  id: z.string().nullish().catch(null),
  prompt_token_ids: tokenIds,
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          reasoning: z.string().nullish(),
          reasoning_content: z.string().nullish(),
        }),
        finish_reason: z.string().nullish(),
        token_ids: tokenIds,
        logprobs: z
          .object({ content: z.array(z.object({ token: z.string(), logprob: z.number() })).nullish() })
          .nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish().catch(null),
  timings: timingsSchema,
});

/** The handle of a prompt at such an endpoint: the answer's id, and the prompt's tokens where the server returns them. */
export interface ChatHandle {
  readonly response: string | null;
  readonly promptIds: Int32Array | null;
}

/** A chat completion as it was read. */
export interface ChatAnswer {
  /** At least one. */
  readonly completions: readonly Completion[];
  /** `null` where the server does not report it. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /**
   * llama-server: the tokens of the prompt that it computed, those it kept from earlier prompts not counted, and the
   * tokens it wrote, with the milliseconds they took.
   */
  readonly timings: NonNullable<z.output<typeof timingsSchema>> | null;
}

/** Reads the body of an answer. @throws EngineError `bad-response` for a body that is no chat completion */
export function readChat(body: unknown): ChatAnswer {
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success) {
    const got = JSON.stringify(body)?.slice(0, 200);
    throw badResponse(`The endpoint sent no chat completion with choices: ${got}`, parsed.error);
  }
  const { id: response = null, prompt_token_ids: prompt, choices, usage, timings } = parsed.data;
  const handle: ChatHandle | null =
    response || prompt ? { response, promptIds: prompt ? Int32Array.from(prompt) : null } : null;
  const completions = choices.map(({ message, finish_reason, logprobs, token_ids: ids }): Completion => {
    const { text, thinking } = splitThinking(message.content ?? "");
    const tokens = logprobs?.content;
    return {
      text,
      thinking: message.reasoning || message.reasoning_content || thinking,
      finish: finish_reason === "stop" || finish_reason === "length" ? finish_reason : "other",
      tokens: tokens
        ? {
            texts: tokens.map(({ token }) => token),
            logprobs: Float32Array.from(tokens, ({ logprob }) => logprob),
            ...(ids && { ids: Int32Array.from(ids) }),
          }
        : null,
      ...(handle && { handle }),
    };
  });
  return {
    completions,
    promptTokens: usage?.prompt_tokens ?? null,
    completionTokens: usage?.completion_tokens ?? null,
    timings: timings ?? null,
  };
}

/** Separates `<think>…</think>`; the opening tag may be missing because the server's template supplies it. */
export function splitThinking(content: string): { text: string; thinking: string | null } {
  const end = content.lastIndexOf("</think>");
  if (end < 0) return { text: content, thinking: null };
  const thinking = content.slice(0, end).replace(/^\s*<think>/, "");
  return { text: content.slice(end + "</think>".length).trimStart(), thinking: thinking.trim() };
}
