/**
 * A model behind an OpenAI-compatible endpoint (vLLM, SGLang, llama-server, Ollama, hosted).
 *
 * What the endpoint cannot do is learnt once: a probe asks for everything at the start, and a request that is refused
 * for a feature is sent again without it. Samples it will not draw together are drawn one by one; a schema it will not
 * enforce is left to the prompt; video it does not take is sent as frames. Pictures it cannot see are an error.
 */
import type OpenAI from "openai";
import type { Completion, GenerateRequest, Model, ModelCapabilities, Part, Sampling } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { badResponse, type EndpointOptions, openEndpoint, type TokenUse } from "./client.ts";

export interface ModelOptions extends EndpointOptions {
  /** Defaults a request's own sampling overrides. */
  readonly sampling?: Sampling;
  /** `frames`: clips as images. `video`: whole, in vLLM's frame-list form. `auto`: whole where the server takes it. @default frames */
  readonly video?: "auto" | "frames" | "video";
  /** Sent as it is with every request, for options of one server (`chat_template_kwargs`, …). */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

type Feature = keyof ModelCapabilities;
type Can = { -readonly [feature in Feature]: boolean };

/** Words in a refusal that name the feature refused. */
const refusals: readonly [Feature, RegExp][] = [
  ["jsonSchema", /response_format|json_schema|structured|guided|grammar/i],
  ["logprobs", /logprobs/i],
  ["video", /video/i],
  ["images", /image|vision|multi-?modal|mmproj/i],
  ["samples", /\bn\b|best_of|number of (choices|completions)|multiple (choices|completions)/i],
];

export function openaiModel(options: ModelOptions): Model {
  const endpoint = openEndpoint(options);
  const can: Can = { images: true, video: options.video === "auto" || options.video === "video", jsonSchema: true, samples: true, logprobs: true };
  let probed: Promise<ModelCapabilities> | undefined;

  async function generate(request: GenerateRequest): Promise<{ completions: Completion[]; used: TokenUse[] }> {
    const wanted = request.n ?? 1;
    if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError(`Expected \`n\` to be a whole number from 1 up, got ${wanted}`);
    const first = await ask(request, can.samples ? wanted : 1);
    if (first.completions.length < wanted) can.samples = false; // asked for n, got fewer: the server ignores it
    const missing = Math.max(0, wanted - first.completions.length);
    const more = await Promise.all(Array.from({ length: missing }, (_, i) => ask(reseeded(request, i + 1), 1)));
    const answers = [first, ...more];
    return { completions: answers.flatMap(({ completions }) => completions).slice(0, wanted), used: answers.map(({ used }) => used) };
  }

  /** One call for n samples, sent again without a feature the server refuses. */
  async function ask(request: GenerateRequest, n: number): Promise<{ completions: Completion[]; used: TokenUse }> {
    if (!can.images && request.parts.some(({ type }) => type !== "text")) {
      throw new EngineError("no-images", `Expected a model that sees pictures, ${options.model} does not: name another with --model, or use the choice policy`);
    }
    const expected = expectedUse(request, n);
    try {
      return await endpoint.call(
        expected,
        async (signal) => {
          const response = await endpoint.client.chat.completions.create(body(request, n), { signal });
          const completions = readCompletions(response);
          const used = response.usage
            ? { promptTokens: response.usage.prompt_tokens ?? 0, completionTokens: response.usage.completion_tokens ?? 0 }
            : { ...expected, completionTokens: Math.ceil(completions.reduce((sum, { text }) => sum + text.length, 0) / 4) };
          return { value: { completions, used }, used };
        },
        request.signal,
      );
    } catch (error) {
      if (!(error instanceof EngineError) || error.isRetryable || !stepDown(error, request, n)) throw error;
      return ask(request, can.samples ? n : 1);
    }
  }

  /** Gives up the feature a refusal names, if this request used it. */
  function stepDown(error: EngineError, request: GenerateRequest, n: number): boolean {
    if (error.status === undefined || error.status < 400 || error.code === "unauthorized") return false;
    const used: Record<Feature, boolean> = {
      jsonSchema: request.schema !== undefined,
      logprobs: request.logprobs === true,
      video: request.parts.some(({ type }) => type === "video"),
      images: request.parts.some(({ type }) => type !== "text"),
      samples: n > 1,
    };
    const said = String(error.details.said ?? error.message);
    const refused = refusals.find(([feature, pattern]) => can[feature] && used[feature] && pattern.test(said));
    if (!refused) return false;
    can[refused[0]] = false;
    return true;
  }

  function body(request: GenerateRequest, n: number): OpenAI.ChatCompletionCreateParamsNonStreaming {
    const { temperature, topP, topK, maxTokens, seed } = { ...options.sampling, ...request.sampling };
    const content = request.parts.flatMap((part) => wireParts(part, can.video));
    return {
      model: options.model,
      messages: [
        ...(request.system ? [{ role: "system" as const, content: request.system }] : []),
        // vLLM's video_url is not in the client's types; it is passed through.
        { role: "user" as const, content: content as OpenAI.ChatCompletionContentPart[] },
      ],
      ...(n > 1 && { n }),
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { top_p: topP }),
      ...(topK !== undefined && { top_k: topK }),
      ...(maxTokens !== undefined && { max_tokens: maxTokens }),
      ...(seed !== undefined && { seed }),
      ...(request.schema && can.jsonSchema && { response_format: { type: "json_schema" as const, json_schema: { name: request.schema.name, schema: request.schema.schema as Record<string, unknown>, strict: true } } }),
      ...(request.logprobs && can.logprobs && { logprobs: true }),
      ...options.extraBody,
    };
  }

  return {
    id: `openai:${options.model}`,
    cost: () => endpoint.cost(),
    generate: async (request) => {
      const before = endpoint.cost();
      const { completions, used } = await generate(request);
      const promptTokens = used.reduce((sum, use) => sum + use.promptTokens, 0);
      const completionTokens = used.reduce((sum, use) => sum + use.completionTokens, 0);
      const prices = options.prices ?? { promptPerMillion: 0, completionPerMillion: 0 };
      const usd = (promptTokens * prices.promptPerMillion + completionTokens * prices.completionPerMillion) / 1e6;
      void before;
      return { completions, cost: { calls: used.length, promptTokens, completionTokens, usd } };
    },
    capabilities: (signal) => {
      probed ??= (async () => {
        // One small request that uses everything; what is refused is stepped down from.
        const schema = { name: "probe", schema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false } };
        const parts: Part[] = [
          { type: "text", text: 'Answer with the JSON object {"ok": true}.' },
          can.video ? { type: "video", frames: [{ atSeconds: 0, jpeg: probePicture }] } : { type: "image", bytes: probePicture, mediaType: "image/jpeg" },
        ];
        const probe = { parts, n: 2, logprobs: true, schema, sampling: { maxTokens: 16, temperature: 0 }, ...(signal && { signal }) };
        try {
          const { completions } = await generate(probe);
          if (completions.every(({ tokens }) => tokens === null)) can.logprobs = false;
        } catch (error) {
          if (!(error instanceof EngineError) || error.code !== "no-images") throw error;
          await generate({ ...probe, parts: parts.slice(0, 1) });
        }
        return { ...can };
      })();
      probed.catch(() => {
        probed = undefined; // an endpoint that was down may be asked again
      });
      return probed;
    },
  };
}

/** Distinct seeds for samples drawn one by one, or they would all be the same. */
function reseeded(request: GenerateRequest, offset: number): GenerateRequest {
  const seed = request.sampling?.seed;
  return seed === undefined ? request : { ...request, sampling: { ...request.sampling, seed: seed + offset } };
}

type WirePart = { type: "text"; text: string } | { type: "image_url"; image_url: { url: string } } | { type: "video_url"; video_url: { url: string } };

function wireParts(part: Part, videoWhole: boolean): WirePart[] {
  const image = (bytes: Uint8Array, mediaType: string): WirePart => ({ type: "image_url", image_url: { url: `data:${mediaType};base64,${base64(bytes)}` } });
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type === "image") return [image(part.bytes, part.mediaType)];
  if (!videoWhole) return part.frames.map(({ jpeg }) => image(jpeg, "image/jpeg"));
  return [{ type: "video_url", video_url: { url: `data:video/jpeg;base64,${part.frames.map(({ jpeg }) => base64(jpeg)).join(",")}` } }];
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** @throws EngineError `bad-response` for a body that is not a chat completion */
function readCompletions(response: OpenAI.ChatCompletion): Completion[] {
  const choices: unknown = response?.choices;
  if (!Array.isArray(choices) || choices.length === 0) throw badResponse(`Expected a chat completion with choices, got ${JSON.stringify(response)?.slice(0, 200)}`);
  return (choices as OpenAI.ChatCompletion.Choice[]).map(({ message, finish_reason, logprobs }) => {
    const extra = message as { reasoning?: unknown; reasoning_content?: unknown };
    const apart = extra?.reasoning ?? extra?.reasoning_content;
    const { text, thinking } = splitThinking(typeof message?.content === "string" ? message.content : "");
    const tokens = logprobs?.content;
    return {
      text,
      thinking: typeof apart === "string" && apart !== "" ? apart : thinking,
      finish: finish_reason === "stop" || finish_reason === "length" ? finish_reason : "other",
      tokens: Array.isArray(tokens) ? { texts: tokens.map(({ token }) => token), logprobs: Float32Array.from(tokens, ({ logprob }) => logprob) } : null,
    };
  });
}

/** Separates `<think>…</think>`; the opening tag may be missing because the server's template supplies it. */
function splitThinking(content: string): { text: string; thinking: string | null } {
  const end = content.lastIndexOf("</think>");
  if (end < 0) return { text: content, thinking: null };
  return { text: content.slice(end + 8).trimStart(), thinking: content.slice(0, end).replace(/^\s*<think>/, "").trim() };
}

/** A rough forecast for the budget: four characters a token, 300 tokens a picture, 200 an answer. */
function expectedUse(request: GenerateRequest, n: number): TokenUse {
  const sizeOf = (part: Part) => (part.type === "text" ? part.text.length / 4 : part.type === "image" ? 300 : 300 * part.frames.length);
  const prompt = (request.system?.length ?? 0) / 4 + request.parts.reduce((sum, part) => sum + sizeOf(part), 0);
  return { promptTokens: Math.ceil(prompt), completionTokens: n * Math.min(200, request.sampling?.maxTokens ?? 200) };
}
