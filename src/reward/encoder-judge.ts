/**
 * A judge that compares memories by a sentence encoder: the nearer to the questions, the more relevant. Truth and
 * richness are another judge's, because vectors tell what a text is about and not whether it is so.
 *
 * A memory's score is the mean of its cosines to the two nearest questions, less its mean cosine to other questions
 * where those are given.
 */
import type { Embedder } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Question } from "../tasks/task.ts";
import type { Judge, Judged, Preference, RelevanceRequest } from "./judge.ts";

/** Options of `encoderJudge`. */
export interface EncoderJudgeOptions {
  readonly embedder: Embedder;
  /** Says what is true and how much a memory tells. */
  readonly judge: Judge;
  /** Difference of two scores below which it is a tie. @default 0.08, 0.04 against other questions */
  readonly tie?: number;
}

/** Questions that a memory is measured by, of those nearest to it. */
const nearest = 2;
const defaultTie = { alone: 0.08, contrast: 0.04 };

/** A judge whose preferences are those of an encoder. */
export function encoderJudge({ embedder, judge, tie }: EncoderJudgeOptions): Judge {
  const vectorOf = rememberingVectors(embedder);
  return {
    id: `encoder@1:${embedder.id}${tie === undefined ? "" : `:${tie}`}+${judge.id}`,
    quality: (request) => judge.quality(request),
    richness: (request) => judge.richness(request),
    async relevance({ first, second, questions, others = [], signal }): Promise<Judged<Preference>> {
      signal?.throwIfAborted();
      if (first === second || questions.length === 0) return { ok: true, value: "tie" };
      const texts = [first, second, ...textsOf(questions), ...textsOf(others)];
      try {
        const [a, b, ...asked] = await vectorOf(texts, signal);
        const own = asked.slice(0, questions.length);
        const rest = asked.slice(questions.length);
        const gap = score(a!, own, rest) - score(b!, own, rest);
        const margin = tie ?? (others.length > 0 ? defaultTie.contrast : defaultTie.alone);
        return { ok: true, value: Math.abs(gap) < margin ? "tie" : gap > 0 ? "first" : "second" };
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof EngineError)) throw error;
        return { ok: false, reason: "engine-failed", message: error.message };
      }
    },
  };
}

function textsOf(questions: NonNullable<RelevanceRequest["others"]>): string[] {
  return questions.map(({ text, options }: Question) => [text, ...options.map((one) => one.text)].join("\n"));
}

function score(memory: Float32Array, questions: readonly Float32Array[], others: readonly Float32Array[]) {
  const cosines = questions.map((question) => dot(memory, question)).sort((a, b) => b - a);
  return mean(cosines.slice(0, nearest)) - mean(others.map((other) => dot(memory, other)));
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (const [d, value] of a.entries()) sum += value * b[d]!;
  return sum;
}

/** Most vectors that are kept. */
const mostKept = 4096;

/** Vectors by text: the same memories and questions are compared again and again. */
function rememberingVectors(embedder: Embedder) {
  const known = new Map<string, Float32Array>();
  return async (texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> => {
    const vectors = new Map(
      texts.flatMap((text) => (known.has(text) ? [[text, known.get(text)!] as const] : [])),
    );
    const missing = [...new Set(texts)].filter((text) => !vectors.has(text));
    const made = missing.length === 0 ? [] : await embedder.embed(missing, signal, { alike: true });
    for (const [i, text] of missing.entries()) vectors.set(text, made[i]!);
    if (known.size + missing.length > mostKept) known.clear();
    for (const text of missing) known.set(text, vectors.get(text)!);
    return texts.map((text) => vectors.get(text)!);
  };
}
