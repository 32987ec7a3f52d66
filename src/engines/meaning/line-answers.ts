/**
 * How well a spoken line answers a question: the encoder, changed by a low-rank adapter (Hu et al. 2021), reads both at once
 * with what is said around the line, and gives a score (Nogueira & Cho 2019). What is near in meaning is often what is asked
 * about and not what answers; only who sees question and line together can tell.
 *
 * The adapter is ours: `scripts/line-answers` makes it of invented talk. A score is a logit: among lines, each line's share
 * is exp(score) of the sum, to which 1 is added for "no line answers".
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../adapter/exchange/safetensors.ts";
import type { LineAround } from "../../engine.ts";
import type { AnswerHead } from "./encoder-graph.ts";
import type { EncoderWeights } from "./encoder-weights.ts";

/** What the package brings for the encoder `meaning`. */
export const shippedAdapter = (): string =>
  fileURLToPath(new URL("../../../weights/line-answers.safetensors", import.meta.url));

/** An adapter: the weights it makes of an encoder's, and its head. */
export interface AnswerAdapter {
  /** @throws Error for an encoder that it was not made for */
  readonly adapted: (weights: EncoderWeights) => EncoderWeights;
  readonly head: AnswerHead;
}

/** Reads an adapter: `NAME.a` [R, in] and `NAME.b` [out, R] of each matrix it changes, `head.first`, `head.line`, `head.bias`. @throws Error with what is wrong */
export function readAnswerAdapter(path: string): AnswerAdapter {
  const parts = new Map(readSafetensors(readFileSync(path)).map((part) => [part.name, part]));
  const part = (name: string) => {
    const found = parts.get(name);
    if (!found) throw new Error(`${name} is missing in ${path}`);
    return found;
  };
  const head = {
    first: part("head.first").values,
    line: part("head.line").values,
    bias: part("head.bias").values[0]!,
  };
  const adapted = (weights: EncoderWeights): EncoderWeights => {
    const { width } = weights.shape;
    if (head.first.length !== width)
      throw new Error(`${path} is for vectors of ${head.first.length} numbers, not of ${width}`);
    return {
      ...weights,
      tensor: (name) => {
        const own = weights.tensor(name);
        const of = name.replace(/\.weight$/, "");
        if (of === name || !parts.has(`${of}.a`)) return own;
        return { ...own, values: added(own.values, part(`${of}.a`), part(`${of}.b`)) };
      },
    };
  };
  return { adapted, head };
}

interface Matrix {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** W + B · A. @param b [out, R] @param a [R, in] */
function added(weight: Float32Array, a: Matrix, b: Matrix): Float32Array {
  const [rank, columns] = a.shape as [number, number];
  const sum = Float32Array.from(weight);
  for (let row = 0; row < b.shape[0]!; row++)
    for (let r = 0; r < rank; r++) {
      const factor = b.values[row * rank + r]!;
      for (let column = 0; column < columns; column++)
        sum[row * columns + column]! += factor * a.values[r * columns + column]!;
    }
  return sum;
}

/** Most tokens of each part; of what is said before, the last ones. */
const most = { question: 40, line: 40, before: 36, after: 14 } as const;

/** A question and a line as tokens: `[CLS] question [SEP] line [SEP] before [SEP] after [SEP]`. */
export interface PairTokens {
  readonly ids: readonly number[];
  /** Where the line's tokens begin, and end with the mark behind it. */
  readonly from: number;
  readonly to: number;
}

export function pairTokens(
  { tokens, shape: { mostTokens } }: Pick<EncoderWeights, "tokens" | "shape">,
  question: string,
  { text, before, after }: LineAround,
): PairTokens {
  const [begin, end] = tokens("", 2) as [number, number];
  const inner = (words: string) => tokens(words, Number.POSITIVE_INFINITY).slice(1, -1);
  const asked = inner(question).slice(0, most.question);
  const line = inner(text).slice(0, most.line);
  const from = asked.length + 2;
  const beside = [...inner(before).slice(-most.before), end, ...inner(after).slice(0, most.after), end];
  const ids = [begin, ...asked, end, ...line, end, ...beside].slice(0, mostTokens);
  return { ids, from, to: Math.min(from + line.length + 1, ids.length) };
}
