/**
 * What computes outside the core, as types only: models, embedders, transcribers, word spaces.
 *
 * One folder per provider in `engines/` implements these; the core is handed one and knows no provider.
 */
import type { Adapter } from "./adapter/adapter.ts";
import type { Audio } from "./stream/clip.ts";

/** One part of a prompt, in reading order. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "image";
      readonly bytes: Uint8Array;
      readonly mediaType: "image/jpeg" | "image/png";
      readonly atSeconds?: number;
    }
  /** A run of frames that belongs together; an engine that takes video sends it whole, any other sends its images. */
  | {
      readonly type: "video";
      readonly frames: readonly { readonly atSeconds: number; readonly jpeg: Uint8Array }[];
    };

/** How the next token is drawn; what is left out is up to the model. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  /** Divides the logits of tokens that were written before, above 0; 1 changes nothing. */
  readonly repetitionPenalty?: number;
  /** Taken off the logits of tokens that were written before. */
  readonly presencePenalty?: number;
  /** Taken off the logits of a token once for each time it was written before. */
  readonly frequencyPenalty?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
}

/** A JSON schema the answer must meet, with a name for the wire. */
export interface AnswerSchema {
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What a model is asked for. */
export interface GenerateRequest {
  readonly system?: string;
  readonly parts: readonly Part[];
  /** How many samples, default 1. */
  readonly n?: number;
  readonly sampling?: Sampling;
  /** Enforced where the engine can, otherwise only asked for by the prompt. */
  readonly schema?: AnswerSchema;
  /** Whether per-token log-probabilities are wanted. */
  readonly logprobs?: boolean;
  readonly adapter?: Adapter | null;
  readonly signal?: AbortSignal;
}

/** One text a model wrote. */
export interface Completion {
  /** What the model said, thinking removed. May be anything, the empty string too. */
  readonly text: string;
  /** Its reasoning where the engine returns it apart. */
  readonly thinking: string | null;
  readonly finish: "stop" | "length" | "other";
  /** Tokens and their natural log-probabilities, shape [T]; `null` where the engine has none. */
  readonly tokens: SampledTokens | null;
  /** What names the prompt to the engine: a request's id, or the prompt's tokens. Its form is the engine's own. */
  readonly handle?: unknown;
}

/** The sampled tokens of an answer with their log-probabilities, shape [T]. */
export interface SampledTokens {
  readonly texts: readonly string[];
  readonly logprobs: Float32Array;
  /**
   * Ids of all sampled tokens, those of the thinking and the one that ended the answer included: what a trainer computes
   * with. More than T where the engine tells log-probabilities of the answer alone; left out where it tells no ids.
   */
  readonly ids?: Int32Array;
}

/** What calls cost. Additive. */
export interface Cost {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars of the calls that have a price. */
  readonly usd: number;
  /** Calls by what gave their price. @default nothing is paid: a model in this process */
  readonly pricedBy?: PricedCalls;
}

/** Calls by what gave their price. */
export interface PricedCalls {
  /** The server's own figure. */
  readonly server: number;
  /** The configured prices. */
  readonly table: number;
  /** Nothing: they count 0 US dollars, and what they cost is not known. */
  readonly none: number;
}

/** What nothing costs. */
export const noCost: Cost = { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 };

/** The sum of two costs. */
export function addCost(a: Cost, b: Cost): Cost {
  return {
    calls: a.calls + b.calls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    usd: a.usd + b.usd,
    ...((a.pricedBy || b.pricedBy) && { pricedBy: addPriced(a.pricedBy, b.pricedBy) }),
  };
}

const nonePriced: PricedCalls = { server: 0, table: 0, none: 0 };

function addPriced(a = nonePriced, b = nonePriced): PricedCalls {
  return { server: a.server + b.server, table: a.table + b.table, none: a.none + b.none };
}

/** What calls cost, for people: `12 calls, 3400 tokens, $0.0123 by the price table`. */
export function costText({ calls, promptTokens, completionTokens, usd, pricedBy }: Cost): string {
  const used = `${calls} ${calls === 1 ? "call" : "calls"}, ${promptTokens + completionTokens} tokens`;
  const sum = `$${usd.toFixed(4)}`;
  if (!pricedBy) return usd > 0 ? `${used}, ${sum}` : used;
  const { server, table, none } = pricedBy;
  const sources = [...(server > 0 ? ["the server"] : []), ...(table > 0 ? ["the price table"] : [])];
  if (sources.length === 0) return `${used}, price unknown`;
  const missing = none > 0 ? ` (the price of ${none} calls is unknown)` : "";
  return `${used}, ${sum} by ${sources.join(" and ")}${missing}`;
}

/** The texts of one request, and what they cost. */
export interface Generation {
  /** One per sample asked for; an engine that cannot sample n at once calls n times. */
  readonly completions: readonly Completion[];
  readonly cost: Cost;
  /** What of the request could not be shown to the model, and why, as a sentence. @default all was shown */
  readonly leftOut?: string;
}

/** How much a model takes, where that is known. */
export interface ModelLimits {
  /** Tokens of one request, those of its answer included. */
  readonly contextTokens: number | null;
  /** Requests that are computed at once; also the most samples of one call. */
  readonly slots: number | null;
  /** Names of the models that the server lists, in its order. */
  readonly served: readonly string[] | null;
}

/** The limits of a model that tells none. */
export const unknownLimits: ModelLimits = { contextTokens: null, slots: null, served: null };

/** Which of the things a request may hold a model takes, and how much of them. */
export interface ModelCapabilities extends ModelLimits {
  readonly images: boolean;
  /** Takes a whole clip as video. */
  readonly video: boolean;
  readonly jsonSchema: boolean;
  readonly samples: boolean;
  readonly logprobs: boolean;
  /** The adapters it takes with a request: vectors of its residual stream, LoRAs that its server holds. @default none */
  readonly adapter?: "vector" | "lora" | "none";
}

/** How fast a model computes, measured on its answers so far; `null` where it is not known yet. */
export interface ModelSpeed {
  /**
   * Tokens of a prompt computed a second. Where the server does not time itself, the wait in its queue counts, and tokens
   * that it had computed before are counted too.
   */
  readonly promptPerSecond: number | null;
  /** Tokens of one answer written a second. */
  readonly writtenPerSecond: number | null;
}

/** What a model is busy with: all its calls in flight, the longest of which takes at least 10 seconds. */
export interface ModelProgress {
  /** The model's id. */
  readonly model: string;
  readonly calls: number;
  /** Since the oldest of them was sent. */
  readonly elapsedMs: number;
  /** Tokens of the prompts that are being computed; `null` where the server does not tell, or none is. */
  readonly prompt: { readonly processed: number; readonly total: number } | null;
  /** Tokens written so far. */
  readonly tokens: number;
  /** By all calls that write; `null` while none does. */
  readonly tokensPerSecond: number | null;
}

/** Called with progress; must not throw. */
export type OnProgress = (progress: ModelProgress) => void;

/** A model behind an endpoint or in this process. */
export interface Model {
  /** Provider and model, for provenance: `openai:qwen3-vl`. */
  readonly id: string;
  /**
   * Asked once; what is learned later changes what it returns.
   * @throws EngineError when the endpoint cannot be reached or refuses the key
   */
  capabilities(signal?: AbortSignal): Promise<ModelCapabilities>;
  /**
   * @throws EngineError when all retries fail (`isRetryable` says whether later may work); `budget-spent`;
   * `context-overflow` for a prompt that is too long, with `details.needed` and `details.available`: its tokens and the
   * most a prompt may have, each `null` where unknown
   */
  generate(request: GenerateRequest): Promise<Generation>;
  /** Everything spent so far. */
  cost(): Cost;
  /** How fast it is; left out by engines that do not measure it. */
  speed?(): ModelSpeed;
}

/** What engines said, by a hash of what they were asked. A `Map` is one. */
export interface EngineCache {
  get(key: string): string | undefined | Promise<string | undefined>;
  set(key: string, said: string): unknown;
}

/** What texts are embedded as. */
export interface EmbedOptions {
  /** `query` for what is asked, `passage` for what is kept: many encoders tell them apart. @default "passage" */
  readonly role?: "query" | "passage";
  /** Whether they are compared with each other, as words are, and no question with passages. @default false */
  readonly alike?: boolean;
  /** The text around each passage, itself included, for an embedder with `meaning`. @default the passages alone */
  readonly contexts?: readonly string[];
  /** Whether one try is enough, because something waits that can do without vectors. @default false */
  readonly once?: boolean;
}

/** A spoken line, and what was said before and after it, as lines. */
export interface LineAround {
  readonly text: string;
  readonly before: string;
  readonly after: string;
}

/** Turns texts into vectors of one space. */
export interface Embedder {
  /** Names the space, roles included; vectors of different ids are never compared. */
  readonly id: string;
  readonly dimension: number;
  /**
   * How many of the first numbers compare meanings; the others compare spelling. With it a memory also tells what is
   * around a passage, and trusts the meaning more than shared words. @default none
   */
  readonly meaning?: number;
  /** Unit vectors, one per text, each of shape [dimension]; a text with nothing to embed gives zeros. */
  embed(texts: readonly string[], signal?: AbortSignal, how?: EmbedOptions): Promise<Float32Array[]>;
  /**
   * How well each line answers a question, as logits: among lines, each one's share is exp(logit) of their sum and 1 for
   * "none of them". A text that cannot be read has minus infinity. @default nothing tells
   */
  scoreLines?(question: string, lines: readonly LineAround[], signal?: AbortSignal): Promise<number[]>;
  /** Ends what runs for it. @default nothing does */
  close?(): Promise<void>;
  /** Everything spent so far. @default nothing is paid */
  cost?(): Cost;
}

/** A stretch of speech and its words. */
export interface TranscribedSegment {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly language: string | null;
}

/** Speech to text. */
export interface Transcriber {
  readonly id: string;
  /**
   * It takes stretches of speech of at most this many seconds, across clips, where something finds them; a clip at a time
   * otherwise. @default a clip at a time
   */
  readonly mostSeconds?: number;
  /** Segments in stream time, in order; silence gives none. @throws EngineError */
  transcribe(
    audio: Audio,
    options: { language?: string; signal?: AbortSignal },
  ): Promise<TranscribedSegment[]>;
  /** Ends what runs for it. @default nothing does */
  close?(): Promise<void>;
  /** Everything spent so far. @default nothing is paid */
  cost?(): Cost;
}

/** Finds where somebody speaks. It tells neither who nor what. */
export interface VoiceFinder {
  readonly id: string;
  /** Stretches of speech in stream time, in order and apart; silence gives none. @throws EngineError */
  find(
    audio: Audio,
    signal?: AbortSignal,
  ): Promise<{ readonly startSeconds: number; readonly endSeconds: number }[]>;
  /** Ends what runs for it. @default nothing does */
  close?(): Promise<void>;
}

/** A stretch in which one voice speaks. Voices of a sound have numbers from 0. */
export interface SpokenTurn {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly voice: number;
}

/** Tells voices apart within a sound. It knows no names, and keeps nothing of a voice. */
export interface SpeakerFinder {
  /** Names the space of its vectors: those of another are not compared. */
  readonly id: string;
  /** Who speaks when within stretches of speech, in stream time; voices have numbers from 0. @throws EngineError */
  turns(
    audio: Audio,
    stretches: readonly { readonly startSeconds: number; readonly endSeconds: number }[],
    signal?: AbortSignal,
  ): Promise<SpokenTurn[]>;
  /**
   * The same, and for each voice what it is compared by across sounds: a vector of unit length.
   * @default voices are told apart within a sound alone
   */
  voices?(
    audio: Audio,
    stretches: readonly { readonly startSeconds: number; readonly endSeconds: number }[],
    signal?: AbortSignal,
  ): Promise<{ readonly turns: readonly SpokenTurn[]; readonly vectors: readonly Float32Array[] }>;
  /** Ends what runs for it. @default nothing does */
  close?(): Promise<void>;
}

/** How text becomes words: the space the choice policy, recall and word adapters count in. */
export interface WordSpace {
  /** Names the space (its tokeniser, stemmer and hash), `words:<hash>`. */
  readonly id: string;
  /** Number of hash buckets. */
  readonly dimension: number;
  /** Length of a text as memory budgets count it: 1.3 tokens a word, one a CJK character, one for four of a long run. */
  countTokens(text: string): number;
  /** Content stems in order, repeats kept, stop words gone; CJK runs as character bigrams. */
  stems(text: string): string[];
  /** Bucket and sign of a stem in [0, dimension). */
  bucket(stem: string): { readonly index: number; readonly sign: 1 | -1 };
}
