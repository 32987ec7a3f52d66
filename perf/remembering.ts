/** An encoder that is asked once for each text, for a measurement in which it does not count. */
import { existsSync, readFileSync } from "node:fs";
import type { Embedder } from "../src/engine.ts";
import { replaceFile } from "../src/util/replace-file.ts";

/** An embedder that keeps vectors by their texts. */
export interface Remembering extends Embedder {
  /** Writes the vectors to the file. */
  save(): void;
}

/** Texts embedded between two writes of the file. */
const savedAt = 1024;

/**
 * Keeps vectors by their texts.
 * @param file keeps them for another run: a line of JSON with the encoder and the texts, then their numbers. @default nowhere
 */
export function remembering(encoder: Embedder, file?: string): Remembering {
  const known = file !== undefined && existsSync(file) ? readVectors(file, encoder) : new Map();
  let unsaved = 0;
  const save = () => {
    if (file !== undefined && unsaved > 0) replaceFile(file, packed(known, encoder));
    unsaved = 0;
  };
  return {
    ...encoder,
    embed: async (texts, signal, how) => {
      const key = (text: string) => `${how?.role ?? ""} ${text}`;
      const missing = [...new Set(texts.filter((text) => !known.has(key(text))))];
      for (let from = 0; from < missing.length; from += savedAt) {
        const batch = missing.slice(from, from + savedAt);
        const found = await encoder.embed(batch, signal, how);
        for (const [i, text] of batch.entries()) known.set(key(text), found[i]!);
        unsaved += batch.length;
        if (unsaved >= savedAt) save();
      }
      return texts.map((text) => known.get(key(text))!);
    },
    save,
  };
}

function packed(known: ReadonlyMap<string, Float32Array>, { id, dimension }: Embedder): Buffer {
  const head = Buffer.from(`${JSON.stringify({ id, dimension, texts: [...known.keys()] })}\n`);
  const numbers = [...known.values()].map((vector) => Buffer.from(Float32Array.from(vector).buffer));
  return Buffer.concat([head, ...numbers]);
}

function readVectors(file: string, encoder: Embedder): Map<string, Float32Array> {
  const bytes = readFileSync(file);
  const end = bytes.indexOf("\n");
  const { id, dimension, texts } = JSON.parse(bytes.subarray(0, end).toString()) as {
    readonly id: string;
    readonly dimension: number;
    readonly texts: readonly string[];
  };
  if (id !== encoder.id || dimension !== encoder.dimension)
    throw new Error(`${file} holds vectors of ${id} (${dimension}), not of ${encoder.id}: name another file`);
  const numbers = new Float32Array(Uint8Array.from(bytes.subarray(end + 1)).buffer);
  return new Map(texts.map((text, i) => [text, numbers.slice(i * dimension, (i + 1) * dimension)]));
}
