/**
 * A model behind an OpenAI-compatible endpoint (vLLM, SGLang, llama-server, Ollama, hosted).
 *
 * What the endpoint cannot do is found out once: a probe asks for everything at the start, and a request that is refused
 * for a feature is sent again without it (`learned.ts`). Samples are drawn as many at a time as it takes. A schema that it
 * does not enforce is left to the prompt. Video that it does not accept, or not in that number, is sent as frames. One
 * picture that it cannot read is left out; pictures that the model cannot see are an error.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import {
  addCost,
  type GenerateRequest,
  type Generation,
  type Model,
  type ModelCapabilities,
  type OnProgress,
  type Sampling,
} from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { filledIn } from "../../util/objects.ts";
import { told } from "../../util/telemetry.ts";
import { chatBody, readChat, type WireFeatures } from "./chat.ts";
import { ChatStream } from "./chat-stream.ts";
import { type EndpointOptions, openEndpoint } from "./client.ts";
import { completionTokensOf, forecastUse } from "./forecast.ts";
import { fitted, instead, isGreedy, learnAnswer, limitSamples, nothingLearned } from "./learned.ts";
import { askLimits, askLoaded } from "./limits.ts";
import { contextOverflow, cutByContext } from "./overflow.ts";
import { openPace } from "./pace.ts";
import { isOfUnreadable, notShown, unreadablePictures, withoutPictures } from "./pictures.ts";
import { probePicture, probeRequest, probeVideo } from "./probe.ts";
import { usesOf } from "./refusals.ts";
import { probeBody, repeatedBody } from "./repeated.ts";
import { sampleCalls, sampleRequest } from "./samples.ts";
import { type AdapterFields, adapterKindOf, openSteering, type SteeringWay } from "./steering.ts";
import { probeAdapter } from "./steering-probe.ts";

/** How to reach and ask a model behind an endpoint. */
export interface ModelOptions extends EndpointOptions {
  /** Defaults that a request's own sampling overrides. */
  readonly sampling?: Sampling;
  /**
   * How clips are sent. `frames`: as images. `video`, `auto`: whole, in vLLM's frame-list form, where the server accepts
   * it. llama-server gets frames: it takes MP4 alone. @default frames
   */
  readonly video?: "auto" | "frames" | "video";
  /** Sent unchanged with every request, for options of one server (`chat_template_kwargs`, …). */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Called every second while an answer takes more than 10 s. */
  readonly onProgress?: OnProgress;
  /** How the server applies an adapter to a request. @default none */
  readonly steering?: SteeringWay;
  /** `llama-control-vector`: revision of the adapter that llama-server was started with. */
  readonly controlVector?: string | undefined;
}

/** A model behind an endpoint; nothing is sent before the first request. @throws ConfigError `base-url-invalid` */
export function openaiModel(options: ModelOptions): Model {
  const endpoint = openEndpoint(options);
  const id = `openai:${options.model}`;
  const pace = openPace(id, options.onProgress);
  const learned = nothingLearned(options.model, options.video === "auto" || options.video === "video");
  const { can } = learned;
  const { steering: way = "none", controlVector } = options;
  const steering = openSteering(way, { endpoint, model: options.model, controlVector });
  /** Probes of adapters, by revision. */
  const proven = new Map<string, Promise<void>>();
  let probed: Promise<void> | undefined;

  async function generate(given: GenerateRequest): Promise<Generation> {
    const { n = 1, adapter, signal } = given;
    if (!Number.isInteger(n) || n < 1) {
      throw new RangeError(`Expected \`n\` to be a whole number from 1 up, got ${n}`);
    }
    if (adapter && steering.isProbed) await provenAdapter(adapter, signal);
    const request = { ...given, sampling: { ...options.sampling, ...given.sampling } };
    const size = isGreedy(learned, request) ? 1 : Math.min(n, learned.mostSamples);
    const first = await ask({ ...request, n: size });
    if (isGreedy(learned, request)) return { ...first, completions: new Array(n).fill(first.completions[0]) };
    let { completions, cost } = first;
    if (completions.length < size) limitSamples(learned, completions.length); // a server may also ignore n
    for (let before = completions.length; completions.length < n; ) {
      const missing = n - completions.length;
      const calls = sampleCalls(missing, learned.mostSamples, before);
      before += missing;
      const answers = await Promise.all(calls.map((call) => ask(sampleRequest(request, call))));
      completions = [...completions, ...answers.flatMap((answer) => answer.completions)];
      cost = answers.map((answer) => answer.cost).reduce(addCost, cost);
    }
    return { ...first, completions: completions.slice(0, n), cost };
  }

  /** Resolves once a probe has shown that the server applies an adapter. @throws ConfigError `adapter-…` */
  function provenAdapter(adapter: Adapter, signal: AbortSignal | undefined): Promise<void> {
    const shortAnswer = async (fields: AdapterFields) => {
      const request = { ...shortRequest, ...(signal && { signal }) };
      return (await send(request, can, fields)).completions[0]!;
    };
    const probe = proven.get(adapter.revision) ?? probeAdapter(steering, adapter, shortAnswer);
    proven.set(adapter.revision, probe);
    return probe.catch((error) => {
      proven.delete(adapter.revision); // the server may be set right
      throw error;
    });
  }

  /** One call, sent again without a feature the server refuses. */
  async function ask(given: GenerateRequest): Promise<Generation> {
    const request = withoutUnreadable(given);
    if (usesOf(request).images && !can.images) {
      throw new EngineError(
        "no-images",
        `${options.model} does not see pictures: name a model that does with --model, or use the choice policy`,
      );
    }
    const sent = { ...can };
    const asked = fitted(learned, request);
    try {
      return await send(asked, sent);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (isOfUnreadable(error, request)) return askWithoutUnreadable(request, error, sent);
      return ask(instead(learned, error, asked, sent));
    }
  }

  /**
   * Asks without the pictures that the server cannot read; where each can be read but not the video of them, with frames.
   * @throws the refusal where each of them can be read, or none
   */
  async function askWithoutUnreadable(
    request: GenerateRequest,
    refusal: EngineError,
    sent: WireFeatures,
  ): Promise<Generation> {
    const pictures = await unreadablePictures(request, async (test) => {
      try {
        await send(test, can);
        return false;
      } catch (error) {
        if (error instanceof EngineError && isOfUnreadable(error, test)) return true;
        throw error;
      }
    });
    if (pictures.length === 0) {
      if (!sent.video) throw refusal;
      return ask(instead(learned, refusal, request, sent));
    }
    for (const { bytes } of pictures) learned.unreadable.add(sha256(bytes));
    const leftOut = notShown(options.model, pictures, String(refusal.details.said));
    return { ...(await ask(request)), leftOut };
  }

  /** The request without pictures that the server could not read before. */
  function withoutUnreadable(request: GenerateRequest): GenerateRequest {
    const { unreadable } = learned;
    if (unreadable.size === 0) return request;
    return { ...request, parts: withoutPictures(request.parts, (bytes) => unreadable.has(sha256(bytes))) };
  }

  /**
   * One call. What the answer tells is learned.
   * @param fields of a probe, which is sent again as it is, and not more than once after a 500. @default those that apply the
   * request's adapter
   */
  async function send(request: GenerateRequest, sent: WireFeatures, fields?: AdapterFields) {
    const steered = fields ?? (await steering.fields(request.adapter ?? null, request.signal));
    const forecast = forecastUse(request, learned.meter.estimate(request));
    const { value, cost } = await endpoint.call(
      forecast,
      async (post, failures) => {
        const plain = { ...chatBody(options.model, request, sent), ...options.extraBody };
        const filled = filledIn(steered, plain);
        const body = fields ? probeBody(filled, failures) : repeatedBody(filled, failures);
        const stream = new ChatStream();
        const answer = await pace.watch(stream, async () =>
          readChat(await post("chat/completions", body, stream)),
        );
        pace.learn(stream, answer);
        can.promptProgress ||= answer.timings !== null; // as llama-server alone has
        const used = {
          promptTokens: answer.promptTokens ?? forecast.promptTokens,
          completionTokens: completionTokensOf(answer),
        };
        return { value: answer, used };
      },
      request.signal,
    );
    learnAnswer(learned, request, sent, value.promptTokens);
    const cut = cutByContext(value, learned.limits.contextTokens);
    if (cut) throw contextOverflow(options.model, cut);
    return { completions: value.completions, cost };
  }

  /** Asks for the server's limits, then makes one request that uses every feature; those refused are dropped. */
  async function probe(signal: AbortSignal | undefined): Promise<void> {
    learned.limits = await askLimits(endpoint, options.model, signal);
    if (learned.limits.slots !== null) limitSamples(learned, learned.limits.slots);
    const n = Math.min(2, learned.mostSamples);
    try {
      const { completions } = await generate(probeRequest(n, true, signal));
      can.logprobs &&= completions.some(({ tokens }) => tokens !== null);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (isOfUnreadable(error, { parts: [probePicture] })) can.images = false;
      else if (error.code !== "no-images") throw error;
      await generate(probeRequest(n, false, signal));
    }
    if (can.images && can.video) await generate(probeVideo(signal));
    learned.limits = await askLoaded(endpoint, learned.limits, options.model, signal);
  }

  return {
    id,
    cost: endpoint.cost,
    speed: pace.speed,
    generate: (request) =>
      told("generate", { model: options.model }, async (tell) => {
        const generation = await generate(request);
        const { promptTokens, completionTokens } = generation.cost;
        tell({ inputTokens: promptTokens, outputTokens: completionTokens });
        return generation;
      }),
    capabilities: async (signal): Promise<ModelCapabilities> => {
      probed ??= probe(signal).catch((error) => {
        probed = undefined; // an endpoint that was down may be asked again
        throw withServed(error, learned.limits.served);
      });
      await probed;
      const { images, video, jsonSchema, samples, logprobs } = can;
      return {
        ...{ images, video, jsonSchema, samples, logprobs, ...learned.limits },
        ...(way !== "none" && { adapter: adapterKindOf(way) }),
      };
    },
  };
}

/** Asked of a server with and without an adapter. */
const shortRequest: GenerateRequest = {
  parts: [{ type: "text", text: "Write one sentence about a kitchen." }],
  ...{ logprobs: true, sampling: { temperature: 0, maxTokens: 16 } },
};

/** The error for an unknown model, with the names that the server lists. */
function withServed(error: unknown, served: readonly string[] | null): unknown {
  if (!(error instanceof EngineError) || error.code !== "unknown-model" || served === null) return error;
  const { code, message, status, details, cause } = error;
  const list = served.length === 0 ? "no model" : served.join(", ");
  return new EngineError(code, `${message}. It serves ${list}`, {
    ...{ status, cause, details: { ...details, served } },
  });
}
