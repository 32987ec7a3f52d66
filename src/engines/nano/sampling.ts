/** Drawing a token from logits. */
import type { Random } from "../../util/random.ts";
import { end, marks } from "./vocabulary.ts";

/** How a token is drawn from the distribution over the next one. */
export interface TokenSampling {
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** Draws from the most likely tokens that together have this share of the probability, in (0, 1]. @default 1 */
  readonly topP?: number;
  /** Draws from this many of the most likely tokens. @default all */
  readonly topK?: number;
}

/** Draws a token from logits, shape [V]. Marks other than `end` are never drawn. */
export function drawToken(logits: Float32Array, sampling: TokenSampling, random: Random): number {
  const { temperature, topP = 1, topK = logits.length } = sampling;
  const ranked = [...logits.keys()]
    .filter((token) => token === end || token >= marks.length)
    .sort((a, b) => logits[b]! - logits[a]!);
  const likeliest = ranked[0]!;
  if (temperature === 0) return likeliest;
  const shares = ranked
    .slice(0, topK)
    .map((token) => Math.exp((logits[token]! - logits[likeliest]!) / temperature));
  const whole = shares.reduce((a, b) => a + b);
  let nucleus = 0;
  let kept = 0;
  while (kept < shares.length && nucleus < topP * whole) nucleus += shares[kept++]!;
  let left = random() * nucleus;
  for (let i = 0; i < kept; i++) {
    left -= shares[i]!;
    if (left < 0) return ranked[i]!;
  }
  return likeliest;
}

/** Log-probability of a token under the model itself, at temperature 1, in nats. */
export function logprobOf(logits: Float32Array, token: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) most = Math.max(most, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return logits[token]! - most - Math.log(sum);
}
