/**
 * What is known of a server from what it told, answered and refused, and what to send instead of a request that it
 * refused.
 */
import { type GenerateRequest, type ModelLimits, unknownLimits } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { WireFeatures } from "./chat.ts";
import { type PromptMeter, promptMeter } from "./forecast.ts";
import {
  contextOverflow,
  fittedRequest,
  type Overflow,
  readLongestAnswer,
  readOverflow,
  shorterAnswer,
} from "./overflow.ts";
import { refusedFeature, refusesGreedySamples, samplesAfter, usesOf } from "./refusals.ts";

/** What is known of one server and its model. It changes with each answer and refusal. */
export interface Learned {
  readonly model: string;
  readonly can: { -readonly [feature in keyof WireFeatures]: boolean };
  limits: ModelLimits;
  readonly meter: PromptMeter;
  /** Tokens of the longest answer, whatever the prompt. */
  longestAnswer: number;
  /** The most samples of one call. */
  mostSamples: number;
  /** Temperatures at which it draws greedily; `undefined` is that of a request without one. */
  readonly greedyTemperatures: Set<number | undefined>;
  /** After pictures were accepted once, a refusal that names them is about those pictures: too many, too large. */
  tookPictures: boolean;
  /** The most videos accepted in one request; where more are refused, all clips are sent as frames. */
  tookVideos: number;
  /** Hashes of pictures that it cannot read. */
  readonly unreadable: Set<string>;
}

/** What is assumed of a server before the first answer: all but video, which is sent only where it is wanted. */
export function nothingLearned(model: string, video: boolean): Learned {
  return {
    model,
    can: {
      video,
      images: true,
      jsonSchema: true,
      bounds: true,
      samples: true,
      logprobs: true,
      maxTokens: true,
      temperature: true,
      sampling: true,
      stream: true,
      streamUsage: true,
      promptProgress: false,
    },
    limits: unknownLimits,
    meter: promptMeter(model),
    longestAnswer: Infinity,
    mostSamples: Infinity,
    greedyTemperatures: new Set([0]),
    tookPictures: false,
    tookVideos: 0,
    unreadable: new Set(),
  };
}

/** Whether all samples of a request would be the same, so that one is drawn for all. */
export function isGreedy({ can, greedyTemperatures }: Learned, { sampling }: GenerateRequest): boolean {
  const temperature = sampling?.temperature;
  return greedyTemperatures.has(temperature) && (can.temperature || temperature === undefined);
}

/** Draws no more than `most` samples with one call from now on. */
export function limitSamples(learned: Learned, most: number): void {
  learned.mostSamples = Math.max(1, Math.min(learned.mostSamples, most));
  learned.can.samples = learned.mostSamples > 1;
}

/** The request with no more room for its answer than the server is known to have. */
export function fitted({ meter, limits, longestAnswer }: Learned, request: GenerateRequest): GenerateRequest {
  return fittedRequest(request, longestAnswer, meter.estimate(request), limits.contextTokens);
}

/** Learns from a request that was answered; `promptTokens` as the server counted them. */
export function learnAnswer(
  learned: Learned,
  request: GenerateRequest,
  sent: WireFeatures,
  promptTokens: number | null,
): void {
  learned.tookPictures ||= usesOf(request).images;
  if (sent.video) learned.tookVideos = Math.max(learned.tookVideos, videosIn(request));
  if (promptTokens !== null) learned.meter.learn(request, promptTokens);
}

/**
 * Learns from a refusal. Returns what to send instead.
 * @param sent the features with which the request was sent
 * @throws EngineError the refusal, where nothing else can be sent; `context-overflow` for a prompt that is too long
 */
export function instead(
  learned: Learned,
  error: EngineError,
  request: GenerateRequest,
  sent: WireFeatures,
): GenerateRequest {
  if (error.code !== "bad-request") throw error;
  const said = String(error.details.said);
  const longest = readLongestAnswer(said);
  if (longest !== null && longest < learned.longestAnswer) {
    learned.longestAnswer = longest;
    return request;
  }
  const overflow = readOverflow(said);
  if (overflow) return shorterRequest(learned, request, overflow, error);
  if (refusesGreedySamples(said)) {
    learned.greedyTemperatures.add(request.sampling?.temperature);
    return { ...request, n: 1 };
  }
  const refused = refusedFeature(said, request, sent);
  if (refused === undefined) throw error;
  if (refused === "images" && learned.tookPictures) throw picturesRefused(error);
  if (refused === "video" && videosIn(request) <= learned.tookVideos) throw error;
  if (refused === "samples") limitSamples(learned, samplesAfter(said, request.n!));
  else learned.can[refused] = false;
  return { ...request, n: Math.min(request.n ?? 1, learned.mostSamples) };
}

/** The request with less room for its answer. @throws EngineError `context-overflow` where its prompt is too long */
function shorterRequest(
  learned: Learned,
  request: GenerateRequest,
  said: Overflow,
  error: EngineError,
): GenerateRequest {
  const context = said.context ?? learned.limits.contextTokens;
  learned.limits = { ...learned.limits, contextTokens: context };
  if (said.prompt !== null && !said.isAtLeast) learned.meter.learn(request, said.prompt);
  const estimated = learned.meter.estimate(request);
  const maxTokens = shorterAnswer(request.sampling?.maxTokens, { ...said, context }, estimated);
  if (maxTokens === null) {
    const needed = said.isAtLeast ? Math.max(estimated, said.prompt ?? 0) : said.prompt;
    throw contextOverflow(learned.model, { ...said, context, prompt: needed }, error);
  }
  return { ...request, sampling: { ...request.sampling, maxTokens } };
}

/** The refusal of these pictures by an endpoint that accepted others, with the way out. */
function picturesRefused(error: EngineError): EngineError {
  const { code, message, status, details } = error;
  const advice = "Send fewer with --frames-per-clip or --picture-tokens";
  return new EngineError(code, `${message.replace(/\.$/, "")}. ${advice}`, { status, details, cause: error });
}

function videosIn({ parts }: GenerateRequest): number {
  return parts.filter(({ type }) => type === "video").length;
}
