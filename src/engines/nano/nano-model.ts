/**
 * Nano as a model: it watches a clip's frames and writes one or two sentences about it, in this process.
 *
 * It does not read prose: `prompt-reading.ts` says what it takes from a prompt. Asked for JSON, its sentences become the
 * text of `description` and every list asked for is empty; tokens and log-probabilities are those of the sentences.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { vectorAdapter, weightsOf } from "../../adapter/arithmetic.ts";
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Generation,
  type Model,
  type ModelCapabilities,
  noCost,
  type Part,
  unknownLimits,
} from "../../engine.ts";
import { DataError, EngineError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { seededRandom } from "../../util/random.ts";
import { type Decoded, Decoder } from "./decode.ts";
import { startDevice } from "./device.ts";
import { memoryLength, prefixLength, textSlots } from "./layout.ts";
import {
  adapterSpaceOf,
  compileEmbed,
  type Embed,
  type NanoConfig,
  nanoConfig,
  type Weights,
  weightShapes,
  weightsFrom,
} from "./network.ts";
import { readPrompt } from "./prompt-reading.ts";
import { clipStrips } from "./strips.ts";
import { decode, end, tokens } from "./vocabulary.ts";
import { readWeights } from "./weights-file.ts";

const abilities: ModelCapabilities = {
  images: false,
  video: true,
  jsonSchema: true,
  samples: true,
  logprobs: true,
  ...unknownLimits,
};

/** Options of `openNano`. */
export interface NanoOptions {
  /** The adapter's vector is added after this block, from 0 to 3. @default 2 */
  readonly adapterBlock?: number;
}

/** Nano with the weights of a file. @throws DataError when the file is broken or of another network */
export async function openNano(weightsPath: string, options: NanoOptions = {}): Promise<NanoModel> {
  const { weights, checksum } = await readNano(weightsPath);
  const config = { ...nanoConfig, ...options };
  const { adapterBlock, blocks } = config;
  if (!Number.isInteger(adapterBlock) || adapterBlock < 0 || adapterBlock >= blocks)
    throw new RangeError(
      `Expected \`adapterBlock\` to be an integer from 0 to ${blocks - 1}, got ${adapterBlock}`,
    );
  return new NanoModel(weights, checksum, nanoPrograms(weights, config));
}

/** The weights in a file, on the device. @throws DataError when the file is broken or of another network */
export async function readNano(weightsPath: string): Promise<{ weights: Weights; checksum: string }> {
  await startDevice();
  const { tensors, checksum } = readWeights(weightsPath);
  for (const [name, shape] of Object.entries(weightShapes(nanoConfig))) {
    const found = tensors[name]?.shape;
    if (String(found) !== String(shape))
      throw new DataError(
        "weights-broken",
        `Expected ${name} of ${weightsPath} to be of shape [${shape}], got ${found ? `[${found}]` : "none"}: train nano again`,
      );
  }
  const values = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.values]));
  return { weights: weightsFrom(nanoConfig, values), checksum };
}

/** Compiled programs that serve models of different weights over one patch MLP. */
export interface NanoPrograms {
  readonly config: NanoConfig;
  readonly embed: Embed;
  readonly decoder: Decoder;
}

/** Compiles nano's programs. @param weights of which the patch MLP is used, by reference */
export function nanoPrograms(weights: Weights, config: NanoConfig = nanoConfig): NanoPrograms {
  const patch = Object.entries(weights).filter(([name]) => name.startsWith("patch."));
  return { config, embed: compileEmbed(config, Object.fromEntries(patch)), decoder: new Decoder(config) };
}

/** What the network is shown of a clip. */
export interface ShownClip {
  /** Strip embeddings, shape [12, D]. */
  readonly strips: Float32Array<ArrayBuffer>;
  /** The text slots, shape [L · W]. */
  readonly texts: Int32Array<ArrayBuffer>;
}

/** The small transformer of this repository as a model; it knows only the simulated household. */
export class NanoModel implements Model {
  /** `nano:` and the first digits of the weights' checksum. */
  readonly id: string;
  /** Numbers in an adapter, D, and the space they belong to. */
  readonly width: number;
  readonly adapterSpace: string;
  readonly #weights: Weights;
  readonly #programs: NanoPrograms;
  #cost: Cost = noCost;

  /** Uses the weights by reference: they must outlive every call of the model. */
  constructor(weights: Weights, checksum: string, programs: NanoPrograms = nanoPrograms(weights)) {
    this.id = `nano:${checksum.slice(0, 12)}`;
    this.width = programs.config.width;
    this.adapterSpace = adapterSpaceOf(programs.config);
    this.#weights = weights;
    this.#programs = programs;
  }

  async capabilities(): Promise<ModelCapabilities> {
    return abilities;
  }

  /** Writes the texts a request asks for. @throws EngineError `adapter-mismatch` for an adapter of another space or size */
  async generate(request: GenerateRequest): Promise<Generation> {
    request.signal?.throwIfAborted();
    const { n = 1, sampling = {} } = request;
    const { strips, texts } = await this.read(request.parts);
    request.signal?.throwIfAborted();
    const [decoded] = await this.#programs.decoder.decode(
      this.#weights,
      { count: 1, strips, texts },
      {
        samples: n,
        temperature: sampling.temperature ?? 1,
        ...(sampling.topP !== undefined && { topP: sampling.topP }),
        ...(sampling.topK !== undefined && { topK: sampling.topK }),
        // Without a seed, the input decides: a killed and resumed run writes the same.
        random: seededRandom(sampling.seed ?? sha256(Buffer.concat([bytesOf(strips), bytesOf(texts)]))),
        vectors: vectorOf(request.adapter ?? null, this.#programs.config),
      },
    );
    const most = Math.min(memoryLength, sampling.maxTokens ?? memoryLength);
    const completions = decoded!.map((answer) => completionOf(answer, most, request));
    const cost = {
      calls: 1,
      promptTokens: prefixLength,
      completionTokens: decoded!.reduce((sum, { tokens }) => sum + Math.min(most, tokens.length), 0),
      usd: 0,
    };
    this.#cost = addCost(this.#cost, cost);
    return { completions, cost };
  }

  cost(): Cost {
    return this.#cost;
  }

  /** The network's input from a prompt: strip embeddings [12, D] and text slots [L · W]. */
  async read(parts: readonly Part[]): Promise<ShownClip> {
    const { frames, ...texts } = readPrompt(parts);
    return { strips: await this.#programs.embed(await clipStrips(frames)), texts: textSlots(texts) };
  }

  /** Its sizes and its weights, by reference, for a trainer of the adapter. */
  get network(): { readonly config: NanoConfig; readonly weights: Weights } {
    return { config: this.#programs.config, weights: this.#weights };
  }
}

/** The vector an adapter adds, shape [D]; zeros without one or at scale 0. @throws EngineError `adapter-mismatch`; ConfigError `adapter-remote` */
export function vectorOf(
  adapter: Adapter | null,
  config: NanoConfig = nanoConfig,
): Float32Array<ArrayBuffer> {
  const { width } = config;
  const space = adapterSpaceOf(config);
  const vector = new Float32Array(width);
  if (adapter === null) return vector;
  const { dimension } = vectorAdapter(adapter);
  if (adapter.space !== space || dimension !== width)
    throw new EngineError(
      "adapter-mismatch",
      `Expected an adapter of ${width} numbers of ${space}, got ${dimension} of ${adapter.space}: use it with the model it was trained for`,
    );
  for (const [index, value] of weightsOf(adapter)) vector[index] = value;
  return vector;
}

const bytesOf = ({ buffer }: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>) => new Uint8Array(buffer);

function completionOf(answer: Decoded, most: number, request: GenerateRequest): Completion {
  const written = answer.tokens.slice(0, most);
  const text = decode(written);
  return {
    text: request.schema ? asObject(request.schema.schema, text) : text,
    thinking: null,
    finish: written.at(-1) === end ? "stop" : "length",
    tokens: request.logprobs
      ? {
          texts: written.map((token) => tokens[token]!),
          logprobs: answer.logprobs.slice(0, most),
          ids: Int32Array.from(written),
        }
      : null,
  };
}

/** The JSON a schema asks for: the sentences as `description`, lists empty, other texts empty. */
function asObject(schema: Readonly<Record<string, unknown>>, description: string): string {
  const properties = (schema.properties ?? {}) as Record<string, { type?: string }>;
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(properties).map(([name, { type }]) => [
        name,
        name === "description" ? description : type === "array" ? [] : "",
      ]),
    ),
  );
}
