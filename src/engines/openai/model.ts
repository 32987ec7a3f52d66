/**
 * A model behind an OpenAI-compatible endpoint (vLLM, SGLang, llama-server, Ollama, hosted).
 *
 * What the endpoint cannot do is found out once: a probe asks for everything at the start, and a request that is refused
 * for a feature is sent again without it. Samples are drawn as many at a time as it takes. A schema that it
 * does not enforce is left to the prompt. Video that it does not accept, or not in that number, is sent as frames.
 * Pictures that it cannot see are an error.
 */
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Generation,
  type Model,
  type ModelCapabilities,
  type Part,
  type Sampling,
  unknownLimits,
} from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import { type ChatAnswer, chatBody, readChat, type WireFeatures } from "./chat.ts";
import { ChatStream } from "./chat-stream.ts";
import { type EndpointOptions, openEndpoint } from "./client.ts";
import { promptMeter } from "./forecast.ts";
import { askLimits } from "./limits.ts";
import {
  answerTokensFor,
  contextOverflow,
  type Overflow,
  readOverflow,
  shorterAnswer,
  shortestAnswer,
} from "./overflow.ts";
import type { Use } from "./prices.ts";
import { refusedFeature, refusesGreedySamples, samplesAfter, usesOf } from "./refusals.ts";
import { repeatedBody } from "./repeated.ts";
import { sampleCalls, sampleRequest } from "./samples.ts";

/** How to reach and ask a model behind an endpoint. */
export interface ModelOptions extends EndpointOptions {
  /** Defaults that a request's own sampling overrides. */
  readonly sampling?: Sampling;
  /**
   * How clips are sent. `frames`: as images. `video`, `auto`: whole, in vLLM's frame-list form, where the server accepts
   * it. @default frames
   */
  readonly video?: "auto" | "frames" | "video";
  /** Sent unchanged with every request, for options of one server (`chat_template_kwargs`, …). */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

/** A model behind an endpoint; nothing is sent before the first request. @throws ConfigError `base-url-invalid` */
export function openaiModel(options: ModelOptions): Model {
  const endpoint = openEndpoint(options);
  const can: { -readonly [feature in keyof WireFeatures]: boolean } = {
    images: true,
    video: options.video === "auto" || options.video === "video",
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
  };
  /** After pictures were accepted once, a refusal that names them is about those pictures: too many, too large. */
  let tookPictures = false;
  /** The most videos accepted in one request; where more are refused, all clips are sent as frames. */
  let tookVideos = 0;
  /** What the server tells of its limits, at the probe or by a refusal. */
  let limits = unknownLimits;
  const meter = promptMeter();
  /** The most samples of one call. */
  let mostSamples = Infinity;
  /** Temperatures at which the server draws greedily; `undefined` is that of a request without one. */
  const greedyTemperatures = new Set<number | undefined>([0]);
  let probed: Promise<ModelCapabilities> | undefined;

  async function generate(given: GenerateRequest): Promise<Generation> {
    const request = { ...given, sampling: { ...options.sampling, ...given.sampling } };
    const { n = 1 } = request;
    if (request.adapter) {
      throw new ConfigError(
        "adapter-unsupported",
        `Expected a request without an adapter, got ${request.adapter.revision}: ${options.model} is behind an endpoint that steers by prompt only`,
      );
    }
    if (!Number.isInteger(n) || n < 1) {
      throw new RangeError(`Expected \`n\` to be a whole number from 1 up, got ${n}`);
    }
    const size = isGreedy(request) ? 1 : Math.min(n, mostSamples);
    let { completions, cost } = await ask({ ...request, n: size });
    if (isGreedy(request)) return { completions: new Array(n).fill(completions[0]), cost };
    if (completions.length < size) limitSamples(completions.length); // a server may also ignore n
    for (let before = completions.length; completions.length < n; ) {
      const missing = n - completions.length;
      const calls = sampleCalls(missing, mostSamples, before);
      before += missing;
      const answers = await Promise.all(calls.map((call) => ask(sampleRequest(request, call))));
      completions = [...completions, ...answers.flatMap((answer) => answer.completions)];
      cost = answers.map((answer) => answer.cost).reduce(addCost, cost);
    }
    return { completions: completions.slice(0, n), cost };
  }

  /** Whether all samples of a request would be the same, so that one is drawn for all. */
  function isGreedy({ sampling: { temperature } = {} }: GenerateRequest): boolean {
    return greedyTemperatures.has(temperature) && (can.temperature || temperature === undefined);
  }

  function limitSamples(most: number): void {
    mostSamples = Math.max(1, Math.min(mostSamples, most));
    can.samples = mostSamples > 1;
  }

  /** One call, sent again without a feature the server refuses. */
  async function ask(request: GenerateRequest): Promise<{ completions: readonly Completion[]; cost: Cost }> {
    if (usesOf(request).images && !can.images) {
      throw new EngineError(
        "no-images",
        `${options.model} does not see pictures: name a model that does with --model, or use the choice policy`,
      );
    }
    const sent = { ...can };
    const fitted = fittedRequest(request, meter.estimate(request), limits.contextTokens);
    try {
      return await send(fitted, sent);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return ask(instead(error, fitted, sent));
    }
  }

  /** One call. What the answer tells is learned. */
  async function send(request: GenerateRequest, sent: WireFeatures) {
    const forecast = forecastUse(request, meter.estimate(request));
    const { value, cost } = await endpoint.call(
      forecast,
      async (post, failures) => {
        const body = { ...chatBody(options.model, request, sent), ...options.extraBody };
        const stream = new ChatStream();
        const answer = readChat(await post("chat/completions", repeatedBody(body, failures), stream));
        can.stream &&= stream.hasBegun; // a server may also ignore the wish
        can.promptProgress ||= answer.timings !== null; // as llama-server alone has
        const used = {
          promptTokens: answer.promptTokens ?? forecast.promptTokens,
          completionTokens: completionTokensOf(answer),
        };
        return { value: answer, used };
      },
      request.signal,
    );
    tookPictures ||= usesOf(request).images;
    if (sent.video) tookVideos = Math.max(tookVideos, videosIn(request));
    if (value.promptTokens !== null) meter.learn(request, value.promptTokens);
    const cut = cutByContext(value, limits.contextTokens);
    if (cut) throw contextOverflow(options.model, cut);
    return { completions: value.completions, cost };
  }

  /** What to send instead of a request that was refused. @throws the refusal, where nothing else can be sent */
  function instead(error: EngineError, request: GenerateRequest, sent: WireFeatures): GenerateRequest {
    if (error.code !== "bad-request") throw error;
    const said = String(error.details.said);
    const overflow = readOverflow(said);
    if (overflow) return shorterRequest(request, overflow, error);
    if (refusesGreedySamples(said)) {
      greedyTemperatures.add(request.sampling?.temperature);
      return { ...request, n: 1 };
    }
    const refused = refusedFeature(said, request, sent);
    if (refused === undefined) throw error;
    if (refused === "samples") {
      limitSamples(samplesAfter(said, request.n!));
      return { ...request, n: Math.min(request.n!, mostSamples) };
    }
    if (refused === "images" && tookPictures) throw picturesRefused(error);
    if (refused === "video" && videosIn(request) <= tookVideos) throw error;
    can[refused] = false;
    return { ...request, n: Math.min(request.n ?? 1, mostSamples) };
  }

  /** The request with less room for its answer. @throws EngineError `context-overflow` where its prompt is too long */
  function shorterRequest(request: GenerateRequest, said: Overflow, error: EngineError): GenerateRequest {
    const context = said.context ?? limits.contextTokens;
    limits = { ...limits, contextTokens: context };
    if (said.prompt !== null && !said.isAtLeast) meter.learn(request, said.prompt);
    const estimated = meter.estimate(request);
    const maxTokens = shorterAnswer(request.sampling?.maxTokens, { ...said, context }, estimated);
    if (maxTokens === null) {
      const needed = said.isAtLeast ? Math.max(estimated, said.prompt ?? 0) : said.prompt;
      throw contextOverflow(options.model, { ...said, context, prompt: needed }, error);
    }
    return { ...request, sampling: { ...request.sampling, maxTokens } };
  }

  /** One small request that uses every feature; refused features are dropped. */
  async function probe(signal: AbortSignal | undefined): Promise<ModelCapabilities> {
    limits = await askLimits(endpoint, options.model, signal);
    if (limits.slots !== null) limitSamples(limits.slots);
    const request: GenerateRequest = {
      parts: [{ type: "text", text: 'Answer with the JSON object {"ok": true}.' }],
      n: Math.min(2, mostSamples),
      logprobs: true,
      schema: probeSchema,
      sampling: { maxTokens: 256 },
      ...(signal && { signal }),
    };
    const picture: Part = { type: "video", frames: [{ atSeconds: 0, jpeg: probePicture }] };
    try {
      const { completions } = await generate({ ...request, parts: [...request.parts, picture] });
      can.logprobs &&= completions.some(({ tokens }) => tokens !== null);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== "no-images") throw error;
      await generate(request);
    }
    const { images, video, jsonSchema, samples, logprobs } = can;
    return { images, video, jsonSchema, samples, logprobs, ...limits };
  }

  return {
    id: `openai:${options.model}`,
    cost: endpoint.cost,
    generate,
    capabilities: (signal) => {
      probed ??= probe(signal).catch((error) => {
        probed = undefined; // an endpoint that was down may be asked again
        throw withServed(error, limits.served);
      });
      return probed;
    },
  };
}

/** The error for an unknown model, with the names that the server lists. */
function withServed(error: unknown, served: readonly string[] | null): unknown {
  if (!(error instanceof EngineError) || error.code !== "unknown-model" || served === null) return error;
  const { code, message, status, details, cause } = error;
  const list = served.length === 0 ? "no model" : served.join(", ");
  return new EngineError(code, `${message}. It serves ${list}`, {
    ...{ status, cause, details: { ...details, served } },
  });
}

const probeSchema = {
  name: "probe",
  schema: {
    type: "object",
    properties: { ok: { type: "boolean" } },
    required: ["ok"],
    additionalProperties: false,
  },
};

/** A grey JPEG of 32 × 32 pixels. */
const probePicture = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO" +
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P" +
    "T09PT09PT0//wAARCAAgACADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAU" +
    "AQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AAAAAAAAA/9k=",
  "base64",
);

/** The refusal of these pictures by an endpoint that accepted others, with the way out. */
function picturesRefused(error: EngineError): EngineError {
  const { code, message, status, details } = error;
  const advice = "Send fewer with --frames-per-clip or --picture-tokens";
  return new EngineError(code, `${message.replace(/\.$/, "")}. ${advice}`, { status, details, cause: error });
}

function videosIn({ parts }: GenerateRequest): number {
  return parts.filter(({ type }) => type === "video").length;
}

/** The request with no more room for its answer than the context leaves. */
function fittedRequest(
  request: GenerateRequest,
  promptTokens: number,
  context: number | null,
): GenerateRequest {
  const wanted = request.sampling?.maxTokens;
  if (wanted === undefined) return request;
  const maxTokens = answerTokensFor(wanted, promptTokens, context);
  return { ...request, sampling: { ...request.sampling, maxTokens } };
}

/** The overflow where an answer was cut at the end of the context before it was of use: llama-server refuses nothing. */
function cutByContext({ completions, ...used }: ChatAnswer, context: number | null): Overflow | null {
  const { promptTokens: prompt, completionTokens } = used;
  if (context === null || prompt === null || completionTokens === null) return null;
  const isCut =
    completions.every(({ finish }) => finish === "length") && prompt + completionTokens >= context - 1;
  return isCut && context - prompt < shortestAnswer ? { context, prompt, isAtLeast: false } : null;
}

/** A rough forecast for the budget: of an answer, 200 tokens. */
function forecastUse({ n = 1, sampling }: GenerateRequest, promptTokens: number): Use {
  return { promptTokens, completionTokens: n * Math.min(200, sampling?.maxTokens ?? 200) };
}

/**
 * Tokens of all completions as reported. Of several, some servers report the first alone: then the estimate by length is
 * far higher, and counts.
 */
function completionTokensOf({ completions, completionTokens: reported }: ChatAnswer): number {
  const lengthOf = ({ text, thinking }: Completion) => text.length + (thinking?.length ?? 0);
  const estimate = Math.ceil(completions.reduce((sum, completion) => sum + lengthOf(completion), 0) / 4);
  if (reported === null) return estimate;
  return completions.length > 1 && estimate > 1.4 * reported ? estimate : reported;
}
