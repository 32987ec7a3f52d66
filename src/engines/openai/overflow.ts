/**
 * Requests that do not fit into a model's context: how long an answer may be beside a prompt, and what a refusal says
 * about either.
 *
 * Servers count an answer's `max_tokens` as if all of them were written, so a prompt that fits is refused for the room
 * its answer asks for. Then it is sent again with less. A prompt that leaves no room for a short answer is the caller's
 * to shorten.
 */
import type { GenerateRequest } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { ChatAnswer } from "./chat.ts";

/** Tokens of the shortest answer that is of use; a request is not given less room to make it fit. */
export const shortestAnswer = 128;

/** What a refusal says about a request that does not fit, in tokens; `null` where it does not say. */
export interface Overflow {
  readonly context: number | null;
  /** Of the prompt as the server counted it. */
  readonly prompt: number | null;
  /** Whether the prompt may be longer than that: some servers stop counting where it no longer fits. */
  readonly isAtLeast: boolean;
}

/** Words with numbers, by server. Groups: `context`, `prompt`, `least` where the prompt may be longer. */
const counted: readonly RegExp[] = [
  // vLLM, newest first
  /context length is (?<context>\d+) tokens.*requested \d+ output tokens and your prompt contains (?<least>at least )?(?<prompt>\d+) input tokens/,
  /context length is (?<context>\d+) tokens.*requested \d+ output tokens and your prompt contains (?:at least )?\d+ characters/,
  /context length is (?<context>\d+) tokens and your request has (?<prompt>\d+) input tokens/,
  /prompt \((?:total )?length (?<prompt>\d+)\) is .*?(?:model length of|context length) (?<context>\d+)/,
  /cannot be greater than max_model_len\D*(?<context>\d+)/,
  // OpenAI, older vLLM, OpenRouter
  /context length is (?<context>\d+) tokens.*requested (?:about )?\d+ tokens \((?<prompt>\d+) /,
  /context length is (?<context>\d+) tokens.*resulted in (?<prompt>\d+) tokens/,
  // SGLang, Together
  /context length of (?<context>\d+) tokens.*: (?<prompt>\d+) tokens from the input/,
  /input \((?<prompt>\d+) tokens\) is longer than the model's context length \((?<context>\d+) tokens\)/,
  // llama-server
  /request \((?<prompt>\d+) tokens\) exceeds the available context size \((?<context>\d+) tokens\)/,
  // Mistral, Anthropic, Gemini
  /contains (?<prompt>\d+) tokens.*model with (?<context>\d+) maximum context/,
  /prompt is too long: (?<prompt>\d+) tokens > (?<context>\d+)/,
  /exceed context limit: (?<prompt>\d+) \+ \d+ > (?<context>\d+)/,
  /token count \((?<prompt>\d+)\) exceeds the maximum number of tokens allowed \((?<context>\d+)\)/,
].map((words) => new RegExp(words, "is"));

/** Words without numbers that can be read: Ollama, Groq, LM Studio, and what a new version may say. */
const uncounted =
  /context[ _](?:length|size|window|limit)|prompt (?:is )?too long|input (?:length )?(?:is )?(?:too long|exceeds)|reduce the length of/i;

/** What a refusal says about a request that does not fit, or `null` where it is about something else. */
export function readOverflow(said: string): Overflow | null {
  for (const words of counted) {
    const found = words.exec(said)?.groups;
    if (!found) continue;
    const number = (digits: string | undefined) => (digits === undefined ? null : Number(digits));
    const { context, prompt, least } = found;
    return { context: number(context), prompt: number(prompt), isAtLeast: least !== undefined };
  }
  return uncounted.test(said) ? { context: null, prompt: null, isAtLeast: false } : null;
}

/** What servers say of an answer that is longer than any of theirs, whatever the prompt: OpenAI, DeepSeek, Groq, Anthropic. */
const longest: readonly RegExp[] = [
  /supports at most (\d+) completion tokens/i,
  /range of max_tokens (?:is|should be) \[\d+, ?(\d+)\]/i,
  /max_tokens`? must be less than or equal to `?(\d+)/i,
  /max_tokens: \d+ > (\d+)/i,
];

/** The tokens of the longest answer that a refusal allows, or `null` where it is about something else. */
export function readLongestAnswer(said: string): number | null {
  const found = longest.map((words) => words.exec(said)?.[1]).find((digits) => digits !== undefined);
  return found === undefined ? null : Number(found);
}

/**
 * The most tokens an answer may have: what is wanted, or what the context leaves beside a prompt of about
 * `promptTokens`, but not less than a short answer.
 */
export function answerTokensFor(wanted: number, promptTokens: number, context: number | null): number {
  if (context === null) return wanted;
  const margin = 32 + promptTokens / 20;
  const room = Math.floor(context - promptTokens - margin);
  return Math.min(wanted, Math.max(shortestAnswer, room));
}

/** The request with no more room for its answer than the longest one has, and than the context leaves. */
export function fittedRequest(
  request: GenerateRequest,
  longestAnswer: number,
  promptTokens: number,
  context: number | null,
): GenerateRequest {
  const wanted = request.sampling?.maxTokens;
  if (wanted === undefined) return request;
  const maxTokens = answerTokensFor(Math.min(wanted, longestAnswer), promptTokens, context);
  return { ...request, sampling: { ...request.sampling, maxTokens } };
}

/** The overflow where an answer was cut at the end of the context before it was of use: llama-server refuses nothing. */
export function cutByContext(
  { completions, promptTokens: prompt, completionTokens }: ChatAnswer,
  context: number | null,
): Overflow | null {
  if (context === null || prompt === null || completionTokens === null) return null;
  const isAtEnd = prompt + completionTokens >= context - 1;
  const isCut = isAtEnd && completions.every(({ finish }) => finish === "length");
  return isCut && context - prompt < shortestAnswer ? { context, prompt, isAtLeast: false } : null;
}

/**
 * The tokens of the answer with which a refused request may fit: fewer than before.
 *
 * Where the server told the prompt's exact length, what is left beside it. Otherwise what the estimate leaves, at most
 * half of what was refused.
 * @returns `null` where no answer of use fits
 */
export function shorterAnswer(
  refused: number | undefined,
  { context, prompt, isAtLeast }: Overflow,
  estimatedPrompt: number,
): number | null {
  if (refused === undefined || refused <= shortestAnswer) return null;
  if (context === null) return shortestAnswer;
  if (prompt !== null && !isAtLeast) {
    const room = context - prompt;
    return room >= shortestAnswer && room < refused ? room : null;
  }
  const estimated = answerTokensFor(refused, Math.max(estimatedPrompt, prompt ?? 0), context);
  return Math.max(shortestAnswer, Math.min(estimated, Math.floor(refused / 2)));
}

/** The error for a prompt that is too long. `needed` and `available` are tokens of the prompt, `null` where unknown. */
export function contextOverflow(
  model: string,
  { context, prompt }: Overflow,
  refusal?: EngineError,
): EngineError {
  const available = context === null ? null : Math.max(0, context - shortestAnswer);
  const lengths = [
    prompt === null ? "" : ` of ${prompt} tokens`,
    context === null ? "" : ` of ${context} tokens`,
  ];
  return new EngineError(
    "context-overflow",
    `The prompt${lengths[0]} leaves no room for an answer in ${model}'s context${lengths[1]}. Show it less, with --frames-per-clip or --picture-tokens, or serve the model with a longer context`,
    { status: refusal?.status, details: { needed: prompt, available }, cause: refusal },
  );
}
