/**
 * The weights of a BERT sentence encoder, by their names in the published files: a folder with `config.json`,
 * `model.safetensors` and `vocab.txt`, or with one packed file (`packed-encoder.ts`).
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { readSafetensors } from "../../adapter/exchange/safetensors.ts";
import { DataError } from "../../errors.ts";
import { packedWeights, packedWidth } from "./packed-encoder.ts";
import { wordPieces } from "./word-pieces.ts";

/** Sizes of an encoder. */
export interface EncoderShape {
  /** Numbers in a vector. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Most tokens of a text. */
  readonly mostTokens: number;
  /** Added to variances. */
  readonly epsilon: number;
}

/** What an encoder consists of. */
export interface EncoderWeights {
  readonly shape: EncoderShape;
  /** A tensor by its name in BERT. @throws Error where it is missing */
  readonly tensor: (name: string) => { readonly values: Float32Array; readonly shape: readonly number[] };
  /** A row of the table of words, [width]. */
  readonly word: (id: number) => Float32Array;
  /** Token ids of a text, its beginning and end marked. @param most tokens; the rest is left out */
  readonly tokens: (text: string, most: number) => number[];
}

/** The packed file of an encoder, beside which nothing else is needed. */
export const packedFile = "encoder.q4";
const configFile = "config.json";

const configSchema = z.object({
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().min(0),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  layer_norm_eps: z.number().positive(),
  hidden_act: z.literal("gelu"),
});

/** Reads the weights of a folder. @throws DataError `model-damaged` */
export function readWeights(folder: string): EncoderWeights {
  const packed = join(folder, packedFile);
  return sound(folder, () =>
    existsSync(packed) ? packedWeights(readFileSync(packed)) : bertWeights(folder),
  );
}

/** Numbers in a vector of a folder's encoder, without its weights. @throws DataError `model-damaged` */
export function widthOf(folder: string): number {
  const packed = join(folder, packedFile);
  return sound(folder, () =>
    existsSync(packed) ? packedWidth(beginOf(packed)) : readConfig(folder).hidden_size,
  );
}

/**
 * Floats for tokens as the graph takes them, shape [N, width]: word, place and kind of text (0 or 1), added.
 * @param kindOf kind of the text of the token at a place @default 0
 */
export function embedTokens(
  weights: EncoderWeights,
): (ids: readonly number[], kindOf?: (place: number) => 0 | 1) => Float32Array {
  const { width } = weights.shape;
  const positions = weights.tensor("embeddings.position_embeddings.weight").values;
  const types = weights.tensor("embeddings.token_type_embeddings.weight").values;
  return (ids, kindOf = () => 0) => {
    const rows = new Float32Array(ids.length * width);
    for (const [place, id] of ids.entries()) {
      const word = weights.word(id);
      const kind = kindOf(place) * width;
      for (let i = 0; i < width; i++)
        rows[place * width + i] = word[i]! + positions[place * width + i]! + types[kind + i]!;
    }
    return rows;
  };
}

function bertWeights(folder: string): EncoderWeights {
  const config = readConfig(folder);
  const tensors = new Map(
    readSafetensors(readFileSync(join(folder, "model.safetensors"))).map((tensor) => [tensor.name, tensor]),
  );
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${name} is missing`);
    return found;
  };
  const words = tensor("embeddings.word_embeddings.weight").values;
  const width = config.hidden_size;
  return {
    shape: {
      ...{ width, layers: config.num_hidden_layers, heads: config.num_attention_heads },
      ...{ mostTokens: config.max_position_embeddings, epsilon: config.layer_norm_eps },
    },
    tensor,
    word: (id) => words.subarray(id * width, (id + 1) * width),
    tokens: wordPieces(readFileSync(join(folder, "vocab.txt"), "utf8")),
  };
}

function readConfig(folder: string): z.infer<typeof configSchema> {
  return configSchema.parse(JSON.parse(readFileSync(join(folder, configFile), "utf8")));
}

function beginOf(path: string): Uint8Array {
  const bytes = new Uint8Array(64);
  const file = openSync(path, "r");
  try {
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function sound<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new DataError(
      "model-damaged",
      `Expected a BERT encoder in ${folder}: ${(cause as Error).message}. Pull it again with \`taskmem models pull ${basename(folder)}\`.`,
      { cause, details: { folder } },
    );
  }
}
