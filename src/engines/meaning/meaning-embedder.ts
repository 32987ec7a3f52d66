/**
 * An embedder by meaning where its encoder knows the language, and by spelling elsewhere.
 *
 * A passage has a vector of both parts, the meaning first: of its own text and of the text around it, added, because a
 * spoken line seldom holds its subject. A question has one part. So a question in a language that the encoder does not
 * know, or while the encoder cannot be asked, is compared by spelling with all that is kept, and its answer is not lost. An
 * encoder that failed rests, so that the next questions do not wait for it too.
 */
import type { Embedder, EmbedOptions } from "../../engine.ts";
import { EngineError, isTaskMemError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { steadyMs } from "../../util/steady-clock.ts";

/** What an embedder by meaning is made of. */
export interface MeaningOptions {
  readonly encoder: Embedder;
  readonly spelling: Embedder;
  /** What of a text the encoder knows; `null` for a text in a language that it does not. @default all of it */
  readonly reads?: (text: string) => string | null;
  /** What is put before a text, by its role: encoders are trained with it. @default nothing */
  readonly prefixes?: { readonly query: string; readonly passage: string };
  /** Told why a question is compared by spelling. */
  readonly onSpelling?: (why: string) => void;
  /** Milliseconds of a clock that never jumps. @default steadyMs */
  readonly now?: () => number;
}

/** Added to the id when what a passage's vector is made of changes. */
const version = 1;
/** Questions whose vectors are kept: one question may be searched for several times. */
const mostKept = 32;
/** How long questions do without an encoder that failed. */
const restMs = 30_000;

export function meaningEmbedder(options: MeaningOptions): Embedder {
  const { encoder, spelling, reads = (text) => text, onSpelling, now = steadyMs } = options;
  const { query: queryPrefix = "", passage: passagePrefix = "" } = options.prefixes ?? {};
  const meaning = encoder.dimension;
  const dimension = meaning + spelling.dimension;
  const kept = new Map<string, Promise<Float32Array>>();
  let resting: { readonly untilMs: number; readonly error: EngineError } | null = null;

  const encode = async (texts: readonly string[], signal: AbortSignal | undefined, how: EmbedOptions) => {
    try {
      const found = await encoder.embed(texts, signal, how);
      if (texts.length > 0) resting = null;
      return found;
    } catch (error) {
      if (error instanceof EngineError && error.isRetryable) resting = { untilMs: now() + restMs, error };
      throw error;
    }
  };

  const keyOf = (text: string, { alike = false }: EmbedOptions) => `${alike}: ${text}`;

  /** What the encoder makes of a question. */
  const meantBy = (text: string, how: EmbedOptions, signal?: AbortSignal): Promise<Float32Array> => {
    const key = keyOf(text, how);
    const asked =
      kept.get(key) ?? encode([queryPrefix + text], signal, { ...how, once: true }).then(([found]) => found!);
    kept.set(key, asked);
    asked.catch(() => kept.delete(key));
    if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
    return asked;
  };

  const asQuery = async (text: string, how: EmbedOptions, signal?: AbortSignal): Promise<Float32Array> => {
    const vector = new Float32Array(dimension);
    const bySpelling = async (why: string) => {
      onSpelling?.(why);
      vector.set((await spelling.embed([text], signal))[0]!, meaning);
      return vector;
    };
    if (text.trim() === "") return vector;
    const known = reads(text);
    if (known === null) return bySpelling("the sentence encoder does not know the question's language");
    const isResting = resting !== null && now() < resting.untilMs && !kept.has(keyOf(known, how));
    if (isResting) return bySpelling(resting!.error.message);
    try {
      vector.set(await meantBy(known, how, signal));
      return vector;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTaskMemError(error)) throw error;
      return bySpelling(error.message);
    }
  };

  const asPassages = async (
    texts: readonly string[],
    { contexts = texts, ...how }: EmbedOptions,
    signal?: AbortSignal,
  ) => {
    const spelled = await spelling.embed(texts, signal);
    const read = texts.map((text) => (text.trim() === "" ? null : reads(text)));
    const known = [...texts.keys()].filter((i) => read[i] !== null);
    const wide = known.map((i) =>
      contexts[i] === undefined || contexts[i] === texts[i] ? null : reads(contexts[i]),
    );
    const around = known.filter((_, at) => wide[at] !== null);
    const asked = [...known.map((i) => read[i]!), ...wide.filter((text) => text !== null)];
    const found = await encode(
      asked.map((text) => passagePrefix + text),
      signal,
      { ...how, role: "passage" },
    );
    const own = new Map(known.map((i, at) => [i, found[at]!]));
    const context = new Map(around.map((i, at) => [i, found[known.length + at]!]));
    return texts.map((_, i) => joined(sum(own.get(i), context.get(i)), spelled[i]!));
  };

  /** Scores of lines; none of a text in a language that the encoder does not know, or while it cannot be asked. */
  const scoreKnown: Embedder["scoreLines"] = async (question, lines, signal) => {
    const scores = lines.map(() => Number.NEGATIVE_INFINITY);
    const asked = reads(question);
    const known = lines.flatMap(({ text, before, after }, at) => {
      const line = reads(text);
      if (line === null) return [];
      return [{ at, line: { text: line, before: reads(before) ?? "", after: reads(after) ?? "" } }];
    });
    if (asked === null || known.length === 0) return scores;
    try {
      const found = await encoder.scoreLines!(
        asked,
        known.map(({ line }) => line),
        signal,
      );
      for (const [i, { at }] of known.entries()) scores[at] = found[i]!;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTaskMemError(error)) throw error;
    }
    return scores;
  };

  const joined = (meant: Float32Array | undefined, spelled: Float32Array): Float32Array => {
    const vector = new Float32Array(dimension);
    if (meant) vector.set(unit(meant));
    vector.set(spelled, meaning);
    return unit(vector);
  };

  return {
    id: `meaning:${sha256(JSON.stringify([version, encoder.id, spelling.id, queryPrefix, passagePrefix])).slice(0, 12)}:${encoder.id}`,
    dimension,
    meaning,
    embed: async (texts, signal, how = {}) => {
      if (how.role !== "query") return asPassages(texts, how, signal);
      return Promise.all(texts.map((text) => asQuery(text, how, signal)));
    },
    ...(encoder.scoreLines && { scoreLines: scoreKnown }),
    ...(encoder.cost && { cost: () => encoder.cost!() }),
    close: async () => encoder.close?.(),
  };
}

function sum(own: Float32Array | undefined, context: Float32Array | undefined): Float32Array | undefined {
  return own && context ? own.map((value, i) => value + context[i]!) : own;
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return norm > 0 ? vector.map((value) => value / norm) : vector;
}
