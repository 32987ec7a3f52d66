/**
 * Words that mean what some questions ask about: those of what was watched that a sentence encoder finds nearest to the
 * questions' own words.
 *
 * Ten questions about food hold few words of food, and most lines about it hold none of them. The encoder is asked for one
 * vector a word, once; a lesson stays a list of weighed words, and deciding needs no encoder. Vectors are compared as they
 * differ from the mean of all words watched, because words alone have much in common.
 *
 * The choice policy saves tokens for lines that hold one (`choice-saved.ts`). In its draw a near word does not weigh, because
 * short lines that say little besides would take the tokens of others.
 *
 * Only words written with spaces, as a script without them gives bigrams that mean little.
 */
import type { Embedder, EngineCache, WordSpace } from "../../engine.ts";
import { type Observation, sourceTexts } from "../../perception/observation.ts";
import type { Task } from "../../tasks/task.ts";

/** Options of `nearWords`. */
export interface NearWordsOptions {
  readonly words: WordSpace;
  readonly embedder: Embedder;
  /** How many of the first numbers of its vectors are compared. @default all */
  readonly meaning?: number;
  /**
   * How many standard deviations nearer than the words watched; for a lesson 1 took in words of other kinds, 2 left out a
   * third of its own. @default 1.5
   */
  readonly leastNear?: number;
  /** Keeps the vectors of words. @default nowhere */
  readonly cache?: EngineCache;
}

/** Weight of a near word, as much as being asked about six times. */
const nearWeight = 2;

/** The key under which an adapter weighs that a stem is near, beside its own weight; of the empty stem, that any is. */
export const nearStem = (stem: string) => `near ${stem}`;

/** Content words of a line that a near word speaks for; many lines that hold one have fewer, and say little besides. */
export const fewestAround = 3;

/** Words compared at most, those said most often; and at least, because fewer have no distribution. */
const mostWords = 3000;
const leastWords = 200;

/** The weight of each stem that lies near what the questions ask about; none where too little was watched. */
export async function nearWords(
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  options: NearWordsOptions,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const { leastNear = 1.5 } = options;
  const texts = streams.flat().flatMap(sourceTexts);
  const names = new Set(
    texts.flatMap(({ speaker }) => (speaker === null ? [] : options.words.stems(speaker))),
  );
  const stemOf = (word: string): string | null => {
    const [stem, ...more] = options.words.stems(word);
    return stem === undefined || more.length > 0 || names.has(stem) ? null : stem;
  };
  const asked = tasks.map(({ question }) => distinctWords(question.text).filter((word) => stemOf(word)));
  const counts = new Map<string, number>();
  for (const { text } of texts)
    for (const word of distinctWords(text)) if (stemOf(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const watched = [...counts].sort((a, b) => b[1] - a[1]).map(([word]) => word);
  if (watched.length < leastWords) return new Map();
  const compared = [...new Set([...watched.slice(0, mostWords), ...asked.flat()])];
  const vectors = await apartFromMean(compared, options, signal);
  const vocabulary = [...vectors.keys()];
  if (vocabulary.length < leastWords) return new Map();
  const direction = sum(asked.flat().flatMap((word) => vectors.get(word) ?? []));
  const near = vocabulary.map((word) => dot(vectors.get(word)!, direction));
  const average = near.reduce((total, one) => total + one, 0) / near.length;
  const deviation = Math.hypot(...near.map((one) => one - average)) / Math.sqrt(near.length);
  return new Map(
    vocabulary
      .filter((_, i) => near[i]! - average > leastNear * deviation)
      .map((word) => [stemOf(word)!, nearWeight]),
  );
}

/** Words of at least three letters, in lower case. */
function distinctWords(text: string): string[] {
  const found = text.toLowerCase().match(/(?<![\p{L}\p{N}])\p{L}{2}[\p{L}\p{M}'’-]*\p{L}(?![\p{L}\p{N}])/gu);
  return [...new Set(found ?? [])];
}

/** The vector of each word that the encoder knows, less the mean of all, of length 1. */
async function apartFromMean(
  vocabulary: readonly string[],
  options: NearWordsOptions,
  signal?: AbortSignal,
): Promise<Map<string, Float32Array>> {
  const found = await wordVectors(vocabulary, options, signal);
  const centre = sum([...found.values()]).map((value) => value / found.size);
  return new Map(
    [...found].map(([word, vector]) => [word, unit(vector.map((value, i) => value - centre[i]!))]),
  );
}

/** The vector of each word, of length 1. Those of one vocabulary are kept as one text, a byte a number. */
async function wordVectors(
  vocabulary: readonly string[],
  { embedder, meaning = embedder.dimension, cache = new Map() }: NearWordsOptions,
  signal?: AbortSignal,
): Promise<Map<string, Float32Array>> {
  const key = `word vectors of ${embedder.id}`;
  const kept: Record<string, string> = JSON.parse((await cache.get(key)) ?? "{}");
  const missing = vocabulary.filter((word) => kept[word] === undefined);
  // The first is tried once: an endpoint that is down must not keep whoever asked waiting for a lesson.
  const made: Float32Array[] = [];
  for (const [texts, once] of [[missing.slice(0, 1), true] as const, [missing.slice(1), false] as const])
    if (texts.length > 0)
      made.push(...(await embedder.embed(texts, signal, { role: "passage", alike: true, once })));
  for (const [i, word] of missing.entries()) kept[word] = packed(unit(made[i]!.subarray(0, meaning)));
  if (missing.length > 0) {
    const newest = Object.entries(kept).slice(-2 * mostWords);
    await cache.set(key, JSON.stringify(Object.fromEntries(newest)));
  }
  const known = vocabulary.map((word) => [word, unit(unpacked(kept[word]!))] as const);
  return new Map(known.filter(([, vector]) => vector.some((value) => value !== 0)));
}

function packed(vector: Float32Array): string {
  const largest = Math.max(...vector.map(Math.abs), Number.MIN_VALUE);
  return Buffer.from(Int8Array.from(vector, (value) => Math.round((127 * value) / largest)).buffer).toString(
    "base64",
  );
}

function unpacked(text: string): Float32Array {
  return Float32Array.from(new Int8Array(Uint8Array.from(Buffer.from(text, "base64")).buffer));
}

function sum(vectors: readonly Float32Array[]): Float32Array {
  const total = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < total.length; i++) total[i]! += vector[i]!;
  return total;
}

const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0);

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
