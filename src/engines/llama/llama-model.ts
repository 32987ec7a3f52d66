/**
 * A GGUF model in llama.cpp as a `Model`: no server, no key. Its process answers one request at a time, and several
 * samples are drawn one after the other.
 *
 * llama.cpp tells no log-probabilities of what it sampled, so its texts have none.
 */
import { basename } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Generation,
  type Model,
  noCost,
  type OnProgress,
  type Sampling,
} from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { chatMessages, splitThinking } from "../openai/chat.ts";
import { type ComingAnswer, openPace } from "../openai/pace.ts";
import { notShown, type Picture, picturesIn, withoutPictures } from "../openai/pictures.ts";
import { LlamaProcess, type LlamaTimes } from "./process.ts";
import { type LlamaAsk, type LlamaMessage, pictureMark } from "./wire.ts";

/** Options of `llamaModel`. */
export interface LlamaModelOptions extends LlamaTimes {
  /** Native module of `@fugood/llama.node` (`index.node`). */
  readonly binding: string;
  /** GGUF file of the model. */
  readonly model: string;
  /** GGUF file of its eyes (`mmproj-….gguf`). @default it sees no pictures */
  readonly projector?: string | null;
  /** What it is called in provenance. @default the file's name */
  readonly name?: string;
  /**
   * Most tokens of a prompt and its answer together. More takes more memory.
   * @default 8192, or what the model was trained with if that is less
   */
  readonly contextTokens?: number | undefined;
  /** @default llama.cpp's own choice */
  readonly threads?: number | undefined;
  /** Blocks that a GPU computes, where the build has one. @default llama.cpp's own choice */
  readonly gpuLayers?: number | undefined;
  /** Whether it reasons before it answers, where its chat template can tell it. @default as the template does */
  readonly thinking?: boolean | undefined;
  /** Called every second with a call that takes ten seconds or more. */
  readonly onProgress?: OnProgress;
}

/** A local model, whose process runs until it is closed or idle. */
export interface LlamaModel extends Model {
  /** Ends its process; a later request starts another. */
  close(): void;
}

const defaultContextTokens = 8192;
const defaultMaxTokens = 4096;

/** The model of a GGUF file. Nothing is loaded before the first request. */
export function llamaModel(options: LlamaModelOptions): LlamaModel {
  const { binding, model, projector = null, contextTokens = defaultContextTokens } = options;
  const { threads = null, gpuLayers = null, thinking = null } = options;
  const id = `llama:${options.name ?? basename(model)}`;
  const load = { binding, model, projector, contextTokens, threads, gpuLayers };
  const llama = new LlamaProcess(load, options);
  const pace = openPace(id, options.onProgress);
  let cost = noCost;

  async function draw(ask: LlamaAsk, signal: AbortSignal | undefined) {
    const coming = { sentAtMs: performance.now(), firstAtMs: null, lastAtMs: null, tokens: 0, prompt: null };
    const seen: { -readonly [key in keyof ComingAnswer]: ComingAnswer[key] } = coming;
    const onToken = () => {
      seen.lastAtMs = performance.now();
      seen.firstAtMs ??= seen.lastAtMs;
      seen.tokens += 1;
    };
    const answer = await pace.watch(seen, () => llama.ask(ask, { signal, onToken }));
    const { promptTokens, completionTokens, read, written } = answer;
    const completion: Completion = { ...splitThinking(answer.text), finish: answer.finish, tokens: null };
    const timings = {
      ...{ prompt_n: read.tokens, prompt_ms: read.ms },
      ...{ predicted_n: written.tokens, predicted_ms: written.ms },
    };
    pace.learn(seen, { completions: [completion], promptTokens, completionTokens, timings });
    const spent: Cost = { calls: 1, promptTokens, completionTokens, usd: 0 };
    cost = addCost(cost, spent);
    return { completion, spent };
  }

  /** The request without the pictures that llama.cpp cannot read, each tried alone. */
  async function readable(request: GenerateRequest, refused: EngineError) {
    const broken: Picture[] = [];
    for (const picture of picturesIn(request.parts)) {
      const alone = { parts: [{ type: "image" as const, ...picture }], sampling: { maxTokens: 1 } };
      const isBroken = await llama.ask(askOf(alone, null), { signal: request.signal }).then(
        () => false,
        (error) => isOfPicture(error) || Promise.reject(error),
      );
      if (isBroken) broken.push(picture);
    }
    if (broken.length === 0) throw refused;
    const parts = withoutPictures(request.parts, (bytes) => broken.some((one) => one.bytes === bytes));
    return { request: { ...request, parts }, leftOut: notShown(id, broken, refused.message) };
  }

  async function generate(request: GenerateRequest): Promise<Generation> {
    const { n = 1, sampling, signal } = request;
    if (picturesIn(request.parts).length > 0 && !(await llama.about(signal)).images)
      throw new EngineError(
        "no-images",
        `${id} does not see pictures: put its mmproj file beside it, or use the choice policy`,
      );
    const ask = askOf(request, thinking);
    const drawn: Awaited<ReturnType<typeof draw>>[] = [];
    try {
      // A greedy text comes out the same each time.
      for (let i = 0; i < (sampling?.temperature === 0 ? 1 : n); i++) {
        const seed = sampling?.seed === undefined ? {} : { seed: sampling.seed + i };
        drawn.push(await draw({ ...ask, sampling: { ...ask.sampling, ...seed } }, signal));
      }
    } catch (error) {
      if (drawn.length > 0 || !isOfPicture(error)) throw error;
      const { request: shown, leftOut } = await readable(request, error);
      return { ...(await generate(shown)), leftOut };
    }
    const completions = Array.from({ length: n }, (_, i) => (drawn[i] ?? drawn[0]!).completion);
    return { completions, cost: drawn.map(({ spent }) => spent).reduce(addCost) };
  }

  return {
    ...{ id, generate, cost: () => cost, speed: pace.speed, close: () => llama.close() },
    capabilities: async (signal) => {
      const { images, contextTokens } = await llama.about(signal);
      return {
        ...{ images, video: false, jsonSchema: true, samples: true, logprobs: false },
        ...{ contextTokens, slots: 1, served: null, adapter: "lora" },
      };
    },
  };
}

function isOfPicture(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === "bad-request";
}

function askOf(request: GenerateRequest, thinking: boolean | null): LlamaAsk {
  const pictures: string[] = [];
  const messages = chatMessages(request, { video: false }).map(({ role, content }): LlamaMessage => {
    if (typeof content === "string") return { role, content };
    const texts = content.map((part) => {
      if (part.type === "text") return part.text;
      pictures.push((part as Extract<typeof part, { type: "image_url" }>).image_url.url);
      return pictureMark;
    });
    return { role, content: texts.join("") };
  });
  const { schema, sampling = {}, adapter = null } = request;
  return {
    ...{ messages, pictures, thinking, sampling: samplingOf(sampling) },
    schema: schema ? { ...schema.schema } : null,
    maxTokens: sampling.maxTokens ?? defaultMaxTokens,
    loras: adapter === null ? [] : [{ path: loraFile(adapter), scaled: 1 }],
  };
}

/** The file of an adapter. @throws EngineError `adapter-mismatch` */
function loraFile(adapter: Adapter): string {
  if (adapter.kind === "remote" && adapter.format === "lora") return adapter.uri.replace(/^lora:/, "");
  throw new EngineError(
    "adapter-mismatch",
    `A local model writes with a LoRA in a GGUF file (lora:/path/file.gguf), got ${adapter.space}: \`adapt export --format lora\` makes one of a vector`,
  );
}

function samplingOf(sampling: Sampling): Readonly<Record<string, number>> {
  const { temperature, topP, topK, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const named = {
    // At temperature 0 llama.cpp still draws by chance here.
    ...(temperature === 0 ? { top_k: 1 } : { top_k: topK }),
    ...{ temperature, top_p: topP, min_p: minP, penalty_repeat: repetitionPenalty },
    ...{ penalty_present: presencePenalty, penalty_freq: frequencyPenalty },
  };
  const given = Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(given);
}
