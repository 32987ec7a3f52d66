/** An encoder that is asked once for each text, for a measurement in which it does not count. */
import type { Embedder } from "../src/engine.ts";

/** Keeps vectors by their texts. */
export function remembering(encoder: Embedder): Embedder {
  const known = new Map<string, Float32Array>();
  return {
    ...encoder,
    embed: async (texts, signal, how) => {
      const key = (text: string) => `${how?.role ?? ""} ${text}`;
      const missing = [...new Set(texts.filter((text) => !known.has(key(text))))];
      const found = missing.length === 0 ? [] : await encoder.embed(missing, signal, how);
      for (const [i, text] of missing.entries()) known.set(key(text), found[i]!);
      return texts.map((text) => known.get(key(text))!);
    },
  };
}
