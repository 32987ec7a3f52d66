/**
 * A chat completion that arrives in pieces, put together to the body that would have come at once.
 *
 * `readChat` reads both alike. A stream is whole when it ends with `[DONE]` or when every choice has said why it ended;
 * any other end is that of a lost answer.
 */
import { z } from "zod";
import { tokenCount } from "./client.ts";
import { badResponse, errorEvent } from "./errors.ts";
import type { EventReader } from "./events.ts";

const list = z.array(z.unknown()).nullish().catch(null);

const chunkSchema = z.object({
  id: z.string().nullish().catch(null),
  error: z.unknown().optional(),
  object: z.string().nullish().catch(null),
  prompt_token_ids: list,
  choices: z
    .array(
      z.object({
        index: z.int().min(0).nullish(),
        delta: z
          .object({
            content: z.string().nullish(),
            reasoning: z.string().nullish(),
            reasoning_content: z.string().nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
        token_ids: list,
        logprobs: z.object({ content: list }).nullish().catch(null),
      }),
    )
    .nullish(),
  usage: z.looseObject({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish().catch(null),
  /** llama-server, in its last chunk. */
  timings: z.unknown().optional(),
  /** llama-server, while it computes the prompt; `cache` of the `total` were computed before, and count as processed. */
  prompt_progress: z.object({ total: z.number(), processed: z.number() }).nullish().catch(null),
});

type Chunk = z.output<typeof chunkSchema>;

/** One answer of several to the same prompt, as far as it has come. */
interface Choice {
  readonly content: string[];
  readonly reasoning: string[];
  readonly tokenIds: unknown[];
  readonly logprobs: unknown[];
  /** Pieces that held text: at least as many tokens were written. */
  pieces: number;
  finish: string | null;
}

/** A streamed answer. */
export class ChatStream implements EventReader {
  /** When the request was sent, and when the first and the last text came, by `performance.now()`. */
  readonly sentAtMs = performance.now();
  firstAtMs: number | null = null;
  lastAtMs: number | null = null;
  /** Prompt tokens computed so far, where the server tells. */
  prompt: { readonly processed: number; readonly total: number } | null = null;
  readonly #choices = new Map<number, Choice>();
  #first: Chunk | undefined;
  #usage: Chunk["usage"];
  #timings: unknown;

  /** Tokens written so far, of all choices: those the server names, or one for each piece of text. */
  get tokens(): number {
    return [...this.#choices.values()].reduce((sum, choice) => sum + tokensOf(choice), 0);
  }

  /**
   * Reads one event's data, parsed; returns whether it brings anything new.
   * @throws Refusal for an error; EngineError `bad-response` for what is no piece of a chat completion
   */
  read(event: unknown): boolean {
    const { success, data: chunk, error } = chunkSchema.safeParse(event);
    if (!success) throw badResponse(`The endpoint streamed no chat completion: ${shown(event)}`, error);
    if (chunk.error || chunk.object === "error") throw errorEvent(event);
    this.#first ??= chunk;
    this.#usage = chunk.usage ?? this.#usage;
    this.#timings = chunk.timings ?? this.#timings;
    const wrote = (chunk.choices ?? []).map((piece) => this.#add(piece)).includes(true);
    if (wrote) {
      this.lastAtMs = performance.now();
      this.firstAtMs ??= this.lastAtMs;
    }
    return this.#advancePrompt(chunk) || wrote;
  }

  /**
   * The body as it would have come at once.
   * @param isDone whether the stream said that it is over
   * @throws EngineError `bad-response` for a stream that was cut
   */
  end(isDone: boolean): unknown {
    const choices = [...this.#choices].toSorted(([a], [b]) => a - b).map(([, choice]) => choice);
    const isWhole = choices.length > 0 && choices.every(({ finish }) => finish !== null);
    if (!isDone && !isWhole)
      throw badResponse(
        `The endpoint ended its stream in the middle of an answer, after ${this.tokens} tokens`,
      );
    const reported = this.#usage?.completion_tokens;
    return {
      id: this.#first?.id,
      prompt_token_ids: this.#first?.prompt_token_ids,
      choices: choices.map(({ content, reasoning, tokenIds, logprobs, finish }) => ({
        message: { content: content.join(""), reasoning: reasoning.join("") },
        finish_reason: finish,
        ...(tokenIds.length > 0 && { token_ids: tokenIds }),
        ...(logprobs.length > 0 && { logprobs: { content: logprobs } }),
      })),
      usage: {
        ...this.#usage,
        // Of several choices some servers report the first alone.
        completion_tokens:
          choices.length > 1 ? Math.max(reported ?? 0, this.tokens) : (reported ?? this.tokens),
      },
      timings: this.#timings,
    };
  }

  /** Adds a piece to its choice; returns whether it holds text. */
  #add({ index, delta, finish_reason, token_ids, logprobs }: NonNullable<Chunk["choices"]>[number]): boolean {
    const choice = this.#choices.get(index ?? 0) ?? newChoice();
    this.#choices.set(index ?? 0, choice);
    const reasoning = delta?.reasoning || delta?.reasoning_content;
    if (delta?.content) choice.content.push(delta.content);
    if (reasoning) choice.reasoning.push(reasoning);
    const wrote = Boolean(delta?.content || reasoning);
    if (wrote) choice.pieces++;
    for (const id of token_ids ?? []) choice.tokenIds.push(id);
    for (const token of logprobs?.content ?? []) choice.logprobs.push(token);
    choice.finish = finish_reason ?? choice.finish;
    return wrote;
  }

  /** Notes how much of the prompt is computed; returns whether it is more than before. */
  #advancePrompt({ prompt_progress: prompt }: Chunk): boolean {
    if (!prompt || prompt.processed <= (this.prompt?.processed ?? -1)) return false;
    this.prompt = { processed: prompt.processed, total: prompt.total };
    return true;
  }
}

function newChoice(): Choice {
  return { content: [], reasoning: [], tokenIds: [], logprobs: [], pieces: 0, finish: null };
}

function tokensOf({ pieces, tokenIds, logprobs }: Choice): number {
  return Math.max(pieces, tokenIds.length, logprobs.length);
}

function shown(event: unknown): string {
  return (JSON.stringify(event) ?? "").slice(0, 200);
}
