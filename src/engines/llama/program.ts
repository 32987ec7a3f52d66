/**
 * The process that runs llama.cpp: one model, one request at a time. It ends with the process that started it, and after
 * any failure that llama.cpp reports, because its context may then be stuck in the middle of an answer.
 */
import { createRequire } from "node:module";
import type { LlamaAnswer, LlamaAsk, LlamaLoad, LlamaReply, LlamaRequest } from "./wire.ts";

/** The part of `@fugood/llama.node`'s native module that is used. */
interface Binding {
  readonly LlamaContext: {
    new (options: Readonly<Record<string, unknown>>): Context;
    loadModelInfo(path: string, skip: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  };
}

interface Context {
  initMultimodal(options: { path: string }): boolean;
  getMultimodalSupport(): { readonly vision: boolean };
  getModelInfo(): { readonly chatTemplates: { readonly jinja?: { readonly default?: boolean } } };
  getFormattedChat(messages: unknown, template: undefined, options: object): { prompt: string } | string;
  tokenize(text: string, pictures?: readonly string[]): Promise<{ readonly tokens: Int32Array }>;
  completion(options: object, onToken: () => void): Promise<Completed>;
  stopCompletion(): void;
  applyLoraAdapters(adapters: LlamaAsk["loras"]): void;
  removeLoraAdapters(): void;
  clearCache(clearData?: boolean): void;
}

interface Completed {
  readonly text: string;
  readonly content?: string;
  readonly interrupted: boolean;
  readonly context_full: boolean;
  readonly stopped_eos: boolean;
  readonly stopped_words?: boolean;
  readonly stopped_limited?: boolean;
  readonly tokens_predicted: number;
  readonly timings: Readonly<Record<"prompt_n" | "prompt_ms" | "predicted_n" | "predicted_ms", number>>;
}

/** Room that a prompt has to leave for an answer, in tokens. */
const leastAnswer = 128;
/** Large parts of a model's description. */
const vocabulary = ["tokens", "token_type", "merges", "scores"].map((part) => `tokenizer.ggml.${part}`);

/** A refusal: the request is at fault, and the model answers the next. */
class Refusal extends Error {
  readonly reply: LlamaReply;

  constructor(reply: Extract<LlamaReply, { type: "refused" }>) {
    super(reply.message);
    this.reply = reply;
  }
}

let context: Context | null = null;
let contextTokens = 0;
let isStopped = false;
let loras: LlamaAsk["loras"] = [];

const reply = (message: LlamaReply) => process.send!(message);

async function load({ binding, model, projector, threads, gpuLayers, ...given }: LlamaLoad): Promise<void> {
  const { LlamaContext } = createRequire(import.meta.url)(binding) as Binding;
  const info = await LlamaContext.loadModelInfo(model, vocabulary);
  const own = Number(info[`${info["general.architecture"]}.context_length`]);
  contextTokens = own > 0 ? Math.min(own, given.contextTokens) : given.contextTokens;
  try {
    context = new LlamaContext({
      ...{ model, n_ctx: contextTokens, n_parallel: 1, ctx_shift: false },
      ...(threads !== null && { n_threads: threads }),
      ...(gpuLayers !== null && { n_gpu_layers: gpuLayers }),
    });
    if (projector !== null) context.initMultimodal({ path: projector });
  } catch (error) {
    throw unreadable("model-unreadable", `llama.cpp cannot load ${model}`, error);
  }
  if (!context.getModelInfo().chatTemplates.jinja?.default)
    throw unreadable(
      "model-unreadable",
      `${model} has no chat template: expected a model that was taught to answer`,
    );
  const images = projector !== null && context.getMultimodalSupport().vision;
  reply({ type: "loaded", about: { contextTokens, images } });
}

async function answer(context: Context, ask: LlamaAsk): Promise<LlamaAnswer> {
  const promptTokens = await measured(context, ask);
  useLoras(context, ask.loras);
  const { messages, pictures, schema, thinking, sampling, maxTokens } = ask;
  const said = await context.completion(
    {
      ...{ messages, jinja: true, reasoning_format: "none", ...sampling },
      n_predict: Math.min(maxTokens, contextTokens - promptTokens),
      ...(pictures.length > 0 && { media_paths: pictures }),
      ...(schema && { response_format: { type: "json_schema", json_schema: { strict: true, schema } } }),
      ...(thinking !== null && { enable_thinking: thinking }),
    },
    () => reply({ type: "token" }),
  );
  const { prompt_n, prompt_ms, predicted_n, predicted_ms } = said.timings;
  const isWhole = said.stopped_eos || said.stopped_words;
  const isCut = said.stopped_limited || said.context_full;
  return {
    text: said.content ?? said.text,
    finish: isStopped ? "other" : isWhole ? "stop" : isCut ? "length" : "other",
    ...{ promptTokens, completionTokens: said.tokens_predicted },
    read: { tokens: prompt_n, ms: prompt_ms },
    written: { tokens: predicted_n, ms: predicted_ms },
  };
}

/** Tokens of the prompt. llama.cpp would cut a prompt that is too long without a word. @throws Refusal */
async function measured(context: Context, { messages, pictures, thinking }: LlamaAsk): Promise<number> {
  const options = { jinja: true, ...(thinking !== null && { enable_thinking: thinking }) };
  const formatted = context.getFormattedChat(messages, undefined, options);
  const prompt = typeof formatted === "string" ? formatted : formatted.prompt;
  let needed: number;
  try {
    needed = (await context.tokenize(prompt, pictures)).tokens.length;
  } catch (error) {
    if (pictures.length === 0) throw error;
    throw unreadable("picture-unreadable", "A picture cannot be read", error);
  }
  const available = contextTokens - leastAnswer;
  if (needed <= available) return needed;
  const message = `Expected a prompt of at most ${available} tokens, got ${needed}`;
  throw new Refusal({ type: "refused", code: "context-overflow", message, details: { needed, available } });
}

/** Applies the LoRAs of a request. What was computed with others is of no use any more. */
function useLoras(context: Context, wanted: LlamaAsk["loras"]): void {
  if (JSON.stringify(wanted) === JSON.stringify(loras)) return;
  context.removeLoraAdapters();
  loras = [];
  context.clearCache(true);
  if (wanted.length === 0) return;
  try {
    context.applyLoraAdapters(wanted);
  } catch (error) {
    const paths = wanted.map(({ path }) => path).join(", ");
    throw unreadable("adapter-mismatch", `The LoRA ${paths} does not fit the model`, error);
  }
  loras = wanted;
}

function unreadable(
  code: Extract<LlamaReply, { type: "refused" }>["code"],
  what: string,
  cause?: unknown,
): Refusal {
  const message = cause instanceof Error ? `${what}: ${cause.message}` : what;
  return new Refusal({ type: "refused", code, message });
}

async function handle(request: Exclude<LlamaRequest, { type: "stop" }>): Promise<void> {
  try {
    if (request.type === "load") return await load(request.load);
    isStopped = false;
    reply({ type: "answer", answer: await answer(context!, request.ask) });
  } catch (error) {
    if (error instanceof Refusal) {
      reply(error.reply);
      return;
    }
    process.stderr.write(`${(error as Error).stack}\n`, () => process.exit(1));
  }
}

// A native call may be running, which an orderly exit would wait for.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.on("message", (request: LlamaRequest) => {
  if (request.type !== "stop") return handle(request);
  isStopped = true;
  context?.stopCompletion();
});
