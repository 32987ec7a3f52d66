/**
 * An embedder without weights: texts with similar spelling get similar vectors. It is for recall that tolerates OCR
 * noise, typing errors and inflection, beside a full-text index that does not.
 *
 * It knows spelling, not meaning: "car" and "automobile" are as far apart as "car" and "soup", and word order is
 * ignored. Nothing is learned, so rare and common words weigh the same. Where meaning matters, configure an embedding
 * endpoint; vectors carry the id of their space and the two are never compared.
 */
import type { Embedder, WordSpace } from "../../engine.ts";
import { sha256 } from "../../util/hash.ts";
import { mixedHash, wordSpace } from "./words.ts";

const dimension = 256;
/** Each feature sets this many signed components: a single one would collide with another feature once in 256. */
const componentsPerFeature = 4;
/** Lengths of the character n-grams taken from `^stem$`. */
const gramLengths = [3, 4];
/** Share of a stem's squared length that the whole stem has; the rest belongs to its n-grams. */
const wholeShare = 0.4;
const version = 1;

/** An embedder without a model: texts with similar spelling get similar vectors. */
export function spellingEmbedder(words: WordSpace): Embedder {
  const settings = [version, words.id, dimension, componentsPerFeature, gramLengths, wholeShare];
  return {
    id: `spelling:${sha256(JSON.stringify(settings)).slice(0, 12)}`,
    dimension,
    embed: async (texts) => texts.map((text) => embedText(text, words)),
  };
}

/** The embedder where no endpoint is configured. */
export const localEmbedder: Embedder = spellingEmbedder(wordSpace);

function embedText(text: string, words: WordSpace): Float32Array {
  const vector = new Float32Array(dimension);
  for (const stem of new Set(words.stems(text))) {
    const grams = gramsOf(stem);
    addFeature(vector, `=${stem}`, Math.sqrt(wholeShare));
    for (const gram of grams) addFeature(vector, gram, Math.sqrt((1 - wholeShare) / grams.size));
  }
  const norm = Math.hypot(...vector);
  if (norm > 0) for (let i = 0; i < dimension; i++) vector[i]! /= norm;
  return vector;
}

/** Character n-grams with word boundaries marked, so that beginnings and endings count; at least one for any stem. */
function gramsOf(stem: string): Set<string> {
  const characters = ["^", ...stem, "$"];
  const grams = new Set<string>();
  for (const length of gramLengths) {
    for (let i = 0; i + length <= characters.length; i++) grams.add(characters.slice(i, i + length).join(""));
  }
  if (/^[^\x21-\x7f]{2}$/u.test(stem)) for (const character of stem) grams.add(character);
  return grams;
}

function addFeature(vector: Float32Array, feature: string, weight: number): void {
  const component = weight / Math.sqrt(componentsPerFeature);
  for (let i = 0; i < componentsPerFeature; i++) {
    const hash = mixedHash(feature, 0x811c9dc5 + i);
    vector[hash & (dimension - 1)]! += hash >>> 31 === 0 ? component : -component;
  }
}
