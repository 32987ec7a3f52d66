/**
 * An embedder by meaning where its encoder knows the language, and by spelling elsewhere.
 *
 * A passage has a vector of both parts, the meaning first: of its own text and of the text around it, added, because a
 * spoken line seldom holds its subject. A question has one part. So a question in a language that the encoder does not
 * know, or while the encoder cannot be asked, is compared by spelling with all that is kept, and its answer is not lost.
 */
import type { Embedder, EmbedOptions } from "../../engine.ts";
import { isTaskMemError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";

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
}

/** Added to the id when what a passage's vector is made of changes. */
const version = 1;
/** Questions whose vectors are kept: one question may be searched for several times. */
const mostKept = 32;

export function meaningEmbedder(options: MeaningOptions): Embedder {
  const { encoder, spelling, reads = (text) => text, onSpelling } = options;
  const { query: queryPrefix = "", passage: passagePrefix = "" } = options.prefixes ?? {};
  const meaning = encoder.dimension;
  const dimension = meaning + spelling.dimension;
  const kept = new Map<string, Promise<Float32Array>>();

  const asQuery = async (text: string, signal?: AbortSignal): Promise<Float32Array> => {
    const vector = new Float32Array(dimension);
    const bySpelling = async (why: string) => {
      onSpelling?.(why);
      vector.set((await spelling.embed([text], signal))[0]!, meaning);
      return vector;
    };
    if (text.trim() === "") return vector;
    const known = reads(text);
    if (known === null) return bySpelling("the sentence encoder does not know the question's language");
    try {
      const [found] = await encoder.embed([queryPrefix + known], signal, { role: "query" });
      vector.set(found!);
      return vector;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTaskMemError(error)) throw error;
      kept.delete(text);
      return bySpelling(error.message);
    }
  };

  const asPassages = async (
    texts: readonly string[],
    { contexts = texts }: EmbedOptions,
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
    const found = await encoder.embed(
      asked.map((text) => passagePrefix + text),
      signal,
      { role: "passage" },
    );
    const own = new Map(known.map((i, at) => [i, found[at]!]));
    const context = new Map(around.map((i, at) => [i, found[known.length + at]!]));
    return texts.map((_, i) => joined(sum(own.get(i), context.get(i)), spelled[i]!));
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
      return Promise.all(
        texts.map((text) => {
          const known = kept.get(text) ?? asQuery(text, signal);
          kept.set(text, known);
          known.catch(() => kept.delete(text));
          if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
          return known;
        }),
      );
    },
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
