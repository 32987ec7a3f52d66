/**
 * A toy encoder for tests: a sentence is the sum of the concepts of its words, and words of one meaning are one concept.
 * It is also written as a folder of a BERT encoder without blocks, which the real runtime runs.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "../../src/adapter/exchange/safetensors.ts";
import type { Embedder, EmbedOptions } from "../../src/engine.ts";
import { localEmbedder } from "../../src/engines/local/index.ts";
import { meaningEmbedder } from "../../src/engines/meaning/meaning-embedder.ts";
import { EngineError } from "../../src/errors.ts";

/** Words of one meaning a row. */
export const concepts = [
  ["key", "opener"],
  ["mat", "rug"],
  ["car", "automobile", "vehicle"],
  ["doctor", "physician"],
  ["soup", "broth"],
  ["train", "railway"],
  ["money", "cash"],
  ["child", "kid"],
] as const;

const width = concepts.length;

function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(width);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    const concept = concepts.findIndex((row) => (row as readonly string[]).includes(word));
    if (concept >= 0) vector[concept]! += 1;
  }
  const norm = Math.hypot(...vector);
  return norm > 0 ? vector.map((value) => value / norm) : vector;
}

/** The toy encoder, what it was asked, and whether it is down. */
export interface ToyEncoder extends Embedder {
  readonly asked: { readonly texts: readonly string[]; readonly role: EmbedOptions["role"] }[];
  down: boolean;
}

export function toyEncoder(): ToyEncoder {
  const encoder: ToyEncoder = {
    id: "toy",
    dimension: width,
    asked: [],
    down: false,
    embed: async (texts, _signal, { role } = {}) => {
      if (encoder.down) throw new EngineError("unreachable", "The toy is down", { isRetryable: true });
      encoder.asked.push({ texts, role });
      return texts.map(vectorOf);
    },
  };
  return encoder;
}

/** The toy encoder as memories use one. */
export function toyEmbedder(encoder: Embedder = toyEncoder()): Embedder {
  return meaningEmbedder({
    encoder,
    spelling: localEmbedder,
    prefixes: { query: "query: ", passage: "passage: " },
  });
}

/** The toy as files: a folder that `sentenceEncoder` opens. Its vectors are not those of `toyEncoder`, its likenesses are alike. */
export function toyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-toy-encoder-"));
  mkdirSync(folder, { recursive: true });
  const marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "##s"];
  const words = concepts.flatMap((row, concept) => row.map((word) => ({ word, concept })));
  const vocabulary = [...marks, ...words.map(({ word }) => word)];
  const size = 2 * width;
  const embeddings = new Float32Array(vocabulary.length * size);
  for (const [i, { concept }] of words.entries()) embeddings[(marks.length + i) * size + concept] = 1;
  const ones = (length: number, value = 1) => new Float32Array(length).fill(value);
  writeFileSync(
    join(folder, "model.safetensors"),
    writeSafetensors(
      { name: "embeddings.word_embeddings.weight", shape: [vocabulary.length, size], values: embeddings },
      { name: "embeddings.position_embeddings.weight", shape: [32, size], values: ones(32 * size, 0) },
      { name: "embeddings.token_type_embeddings.weight", shape: [2, size], values: ones(2 * size, 0) },
      { name: "embeddings.LayerNorm.weight", shape: [size], values: ones(size) },
      { name: "embeddings.LayerNorm.bias", shape: [size], values: ones(size, 0) },
    ),
  );
  writeFileSync(join(folder, "vocab.txt"), vocabulary.join("\n"));
  const config = {
    ...{ hidden_size: size, num_hidden_layers: 0, num_attention_heads: 1 },
    ...{ max_position_embeddings: 32, layer_norm_eps: 1e-12, hidden_act: "gelu" },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

/**
 * Puts the toy where `taskmem models pull meaning` puts the encoder.
 * @param models what TASKMEM_MODELS names @param sha256 by which its release is told from others
 */
export function pullToy(models: string, sha256 = "5".repeat(64)): void {
  const toy = toyFolder();
  cpSync(toy, join(models, "meaning"), { recursive: true });
  rmSync(toy, { recursive: true });
  const files = [{ name: "model.safetensors", bytes: 1, sha256 }];
  const lock = { version: 1, models: { meaning: { source: "npm:toy@1.0.0", licence: null, files } } };
  writeFileSync(join(models, "models.lock.json"), JSON.stringify(lock));
}
