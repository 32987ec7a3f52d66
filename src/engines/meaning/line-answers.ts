/**
 * How well a spoken line answers a question: the encoder, changed by an adapter (`encoder-adapter.ts`), reads both at once
 * with what is said around the line, and gives a score (Nogueira & Cho 2019). What is near in meaning is often what is asked
 * about and not what answers; only who sees question and line together can tell.
 *
 * A score is a logit: among lines, each line's share is exp(score) of the sum, to which 1 is added for "no line answers".
 */
import type { LineAround } from "../../engine.ts";
import type { EncoderAdapter } from "./encoder-adapter.ts";
import type { AnswerHead } from "./encoder-graph.ts";
import type { EncoderWeights } from "./encoder-weights.ts";

/** The head of an adapter that scores lines: `head.first` and `head.line`, [width] each, and `head.bias`. @throws Error with what is wrong */
export function answerHead({ part }: EncoderAdapter, width: number): AnswerHead {
  const [first, line] = [part("head.first").values, part("head.line").values];
  if (first.length !== width || line.length !== width)
    throw new Error(`it scores vectors of ${first.length} numbers, not of ${width}`);
  return { first, line, bias: part("head.bias").values[0]! };
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
