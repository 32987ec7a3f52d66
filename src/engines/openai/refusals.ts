/**
 * What servers say when they refuse a request for what it asks, and the feature they mean.
 *
 * Each server has its own words, so they are looked for among the features that the request used. Refusals for want of
 * room are read in `overflow.ts`.
 */
import type { GenerateRequest } from "../../engine.ts";
import { samplingFields, type WireFeatures } from "./chat.ts";

/** Words in a refusal that name what is refused. */
const refusals: readonly [keyof WireFeatures, RegExp][] = [
  ["maxTokens", /'max_tokens'.*max_completion_tokens/i],
  ["temperature", /temperature/i],
  ["streamUsage", /stream_options|include_usage/i],
  ["stream", /\bstream/i],
  ["promptProgress", /return_progress/i],
  ["sampling", /top_?[pk]|min_?p|(repetition|repeat|presence|frequency)_?penalty/i],
  ["bounds", /maxLength|maxItems/],
  ["jsonSchema", /response_format|json[_ ]schema|structured|guided|grammar/i],
  ["logprobs", /logprobs/i],
  ["video", /video|content\[\]\.type|content (?:part )?type/i],
  ["images", /image|vision|multi-?modal|mmproj/i],
  ["samples", /\bn\b|best_of|(one|number of|multiple) (choices?|completions?)|one completion/i],
];

/**
 * The feature that a refusal names, if this request was sent with it. What is not understood, and what is said of
 * pictures, is about video while that is sent: then the same pictures are tried as images.
 */
export function refusedFeature(
  said: string,
  request: GenerateRequest,
  sent: WireFeatures,
): keyof WireFeatures | undefined {
  const uses = usesOf(request);
  const named = refusals.find(([feature, words]) => sent[feature] && uses[feature] && words.test(said))?.[0];
  const isOfPictures = named === undefined || named === "images";
  return isOfPictures && sent.video && uses.video ? "video" : named;
}

/** The features that a request uses. */
export function usesOf({ parts, schema, logprobs, n = 1, sampling }: GenerateRequest): WireFeatures {
  return {
    maxTokens: sampling?.maxTokens !== undefined,
    temperature: sampling?.temperature !== undefined,
    sampling: Object.keys(samplingFields(sampling)).length > 0,
    stream: true,
    streamUsage: true,
    promptProgress: true,
    jsonSchema: schema !== undefined,
    bounds: schema !== undefined,
    logprobs: logprobs === true,
    video: parts.some(({ type }) => type === "video"),
    images: parts.some(({ type }) => type !== "text"),
    samples: n > 1,
  };
}

/** Whether a refusal is of several samples of a greedy request, as vLLM's is: all would be the same. */
export function refusesGreedySamples(said: string): boolean {
  return /\bn must be 1\b.*greedy/i.test(said);
}

/**
 * The most samples of one call after a refusal of `n`: what the server says, 1 where it takes no `n` at all, or else
 * half.
 */
export function samplesAfter(said: string, n: number): number {
  const told =
    /(?:<= value <= |at most |up to |less than or equal to |maximum (?:value )?(?:is |of )?)(\d+)/i.exec(
      said,
    );
  if (/not support|unsupported|must be 1\b/i.test(said)) return 1;
  const most = told ? Number(told[1]) : Math.floor(n / 2);
  return Math.max(1, Math.min(most, n - 1));
}
