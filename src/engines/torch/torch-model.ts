/**
 * A model in torch as a `Model`: a prompt's parts become one message, and its texts come back with their ids.
 *
 * A schema is left to the prompt: nothing holds the model to it. Requests that come while one is drawn are drawn together
 * next, which costs much less than one after the other.
 */
import { existsSync } from "node:fs";
import { vectorAdapter, weightsOf } from "../../adapter/arithmetic.ts";
import { placeOfSpace, spaceOfPlace } from "../../adapter/exchange/block-vector.ts";
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Generation,
  type Model,
  noCost,
} from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import type { DrawnAnswer, Prompt, Steering, TorchEngine } from "./torch-engine.ts";

/** Options of `torchModel`. */
export interface TorchModelOptions {
  /** Arguments of the chat template: `{ enable_thinking: false }`. @default none */
  readonly template?: Readonly<Record<string, unknown>>;
  /** How each answer begins. @default "" */
  readonly prefix?: string;
  /** Whether it writes with what is trained, where a request names no adapter. @default false */
  readonly trained?: boolean;
}

/** The model of an engine, which runs until it is closed. */
export interface TorchModel extends Model {
  readonly engine: TorchEngine;
}

/** Names a prompt to the engine. */
export interface TorchHandle {
  readonly prompt: string;
}

const defaultMaxTokens = 1024;

/** The space of vectors that are added to the model of an engine where it trains one. */
export function torchAdapterSpace({ about: { model, block, at } }: TorchEngine): string {
  return spaceOfPlace({ model: `torch:${model}`, block, at });
}

/** The model of an engine. */
export function torchModel(engine: TorchEngine, options: TorchModelOptions = {}): TorchModel {
  const { images } = engine.about.can;
  let cost = noCost;
  const batch = batching(engine);

  async function generate(request: GenerateRequest): Promise<Generation> {
    const { n = 1, sampling = {}, signal, adapter = null } = request;
    signal?.throwIfAborted();
    const prompt = engine.name(torchPrompt(request, options));
    const { temperature = 1, topP, topK, maxTokens = defaultMaxTokens, seed = 0 } = sampling;
    const steering = adapter === null && options.trained ? "trained" : torchSteering(adapter, engine);
    const answers = await batch({ prompt, seed, steering, draw: { n, temperature, topP, topK, maxTokens } });
    signal?.throwIfAborted();
    const prefixed = answers.map((answer) => completionOf(answer, prompt, options.prefix ?? "", request));
    const spent: Cost = {
      calls: 1,
      promptTokens: engine.tokensOf(prompt),
      completionTokens: answers.reduce((sum, { ids }) => sum + ids.length, 0),
      usd: 0,
    };
    cost = addCost(cost, spent);
    return { completions: prefixed, cost: spent };
  }

  return {
    engine,
    id: `torch:${engine.about.model}`,
    cost: () => cost,
    generate,
    capabilities: async () => ({
      images,
      ...{ video: false, jsonSchema: false, samples: true, logprobs: true },
      ...{ contextTokens: engine.about.contextTokens, slots: null, served: null },
    }),
  };
}

/** The prompt of a request. Frames come as pictures, in order. */
export function torchPrompt(
  { system, parts }: Pick<GenerateRequest, "system" | "parts">,
  { template, prefix }: TorchModelOptions = {},
): Prompt {
  const asked = parts.flatMap((part): Prompt["messages"][number]["parts"][number][] => {
    if (part.type === "text") return [{ type: "text", text: part.text }];
    const pictures = part.type === "image" ? [part.bytes] : part.frames.map(({ jpeg }) => jpeg);
    return pictures.map((bytes) => ({ type: "image", data: Buffer.from(bytes).toString("base64") }));
  });
  const told = system ? [{ role: "system" as const, parts: [{ type: "text" as const, text: system }] }] : [];
  return {
    messages: [...told, { role: "user", parts: asked }],
    ...(template && { template }),
    ...(prefix && { prefix }),
  };
}

/** The space of low-rank matrices beside the weights of the model of an engine. */
export function torchWeightsSpace({ about: { model } }: TorchEngine): string {
  return `weights:torch:${model}`;
}

/**
 * What an adapter adds in an engine: a vector at whichever block and tokens it was trained for, or low-rank matrices.
 * @throws EngineError `adapter-mismatch`; ConfigError `adapter-missing`, `adapter-remote`
 */
export function torchSteering(adapter: GenerateRequest["adapter"], engine: TorchEngine): Steering {
  if (!adapter) return null;
  if (adapter.kind === "remote" && adapter.space === torchWeightsSpace(engine)) {
    if (existsSync(engine.loraFolder(adapter.uri))) return { lora: adapter.uri };
    throw new ConfigError(
      "adapter-missing",
      `The low-rank matrices of ${adapter.revision} are not in ${engine.loraFolder(adapter.uri)}: put the folder back, import it again, or choose another adapter with \`taskmem adapt promote\``,
    );
  }
  const { space, dimension } = vectorAdapter(adapter);
  const { width, model, blocks } = engine.about;
  const place = placeOfSpace(space);
  const fits = place?.model === `torch:${model}` && place.block < blocks && dimension === width;
  if (!fits)
    throw new EngineError(
      "adapter-mismatch",
      `Expected an adapter of ${width} numbers of residual:torch:${model} and one of its ${blocks} blocks, got ${dimension} of ${space}: use it with the model it was trained for`,
    );
  const values = new Float32Array(width);
  for (const [index, value] of weightsOf(adapter)) values[index] = value;
  return { values, scale: 1, block: place.block, at: place.at, gated: false };
}

interface Asked {
  readonly prompt: string;
  readonly seed: number | string;
  readonly steering: Steering;
  readonly draw: Omit<Parameters<TorchEngine["sample"]>[1], "seed">;
}

/** Draws for requests alike in everything but prompt and seed together, as many as have come while others were drawn. */
function batching(engine: TorchEngine): (asked: Asked) => Promise<DrawnAnswer[]> {
  const waiting = new Map<string, { asked: Asked; resolve: (drawn: Promise<DrawnAnswer[]>) => void }[]>();
  return (asked) =>
    new Promise((resolve) => {
      const key = JSON.stringify([asked.draw, steeringKey(asked.steering)]);
      const others = waiting.get(key);
      if (others) {
        others.push({ asked, resolve });
        return;
      }
      waiting.set(key, [{ asked, resolve }]);
      engine.whenFree(() => {
        const together = waiting.get(key)!;
        waiting.delete(key);
        const drawn = drawTogether(
          engine,
          together.map(({ asked }) => asked),
        );
        for (const [i, one] of together.entries()) one.resolve(drawn.then((answers) => answers[i]!()));
      });
    });
}

/** Draws for requests at once, or for each alone if the engine refuses them together: one prompt may be too long. */
async function drawTogether(
  engine: TorchEngine,
  asked: readonly Asked[],
): Promise<(() => Promise<DrawnAnswer[]>)[]> {
  const draw = (some: readonly Asked[]) =>
    engine.sample(
      some.map(({ prompt }) => prompt),
      { ...some[0]!.draw, seed: 0 },
      some[0]!.steering,
      some.map(({ seed }) => seed),
    );
  try {
    const groups = await draw(asked);
    return groups.map((group) => async () => group);
  } catch (error) {
    return asked.map((one) => async () => {
      if (asked.length === 1) throw error;
      return (await draw([one]))[0]!;
    });
  }
}

function steeringKey(steering: Steering): string {
  if (steering === null || steering === "trained") return String(steering);
  if ("lora" in steering) return `lora ${steering.lora}`;
  const { scale, block, at, values } = steering;
  return `${scale} ${block} ${at} ${values.join(" ")}`;
}

function completionOf(
  { text, tokens, ids, logprobs, finish }: DrawnAnswer,
  prompt: string,
  prefix: string,
  request: GenerateRequest,
): Completion {
  const handle: TorchHandle = { prompt };
  return {
    ...{ text: prefix + text, thinking: null, finish, handle },
    tokens: request.logprobs ? { texts: tokens, logprobs, ids } : null,
  };
}
