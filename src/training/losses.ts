/**
 * Losses as pure functions: from log-probabilities to a number and its derivative by each log-probability.
 *
 * A trainer takes the derivatives as weights (`Trainer.accumulate`), so no loss knows which policy it trains. Sequences
 * are a batch of N arrays, the i-th of shape [T_i], one natural log-probability (nats) per sampled token or choice. A
 * derivative has the shape and the number type of its variable. Sums are kept in double precision. Each loss states its
 * unit and how it averages tokens and sequences.
 *
 * Left out: entropy bonus, critic, label smoothing. Coefficients between losses are the caller's.
 */

/** Natural log-probabilities of one sequence, shape [T]. */
export type Logprobs = Float32Array | Float64Array;

/** A number to minimise, and d loss / d log-probability. */
export interface Loss<Gradient> {
  readonly loss: number;
  readonly gradient: Gradient;
}

/** N preference pairs: the log-probabilities of each pair's two sequences, both arrays of length N. */
export interface PairLogprobs<L extends Logprobs = Logprobs> {
  readonly chosen: readonly L[];
  readonly rejected: readonly L[];
}

/** A loss over preference pairs. */
export interface PairLoss<L extends Logprobs> extends Loss<{ chosen: L[]; rejected: L[] }> {
  /** How much more each chosen sequence gained on π_ref than its rejected one, m of `dpoLoss`, shape [N]. For logs. */
  readonly margins: readonly number[];
}

/** How far the ratio of new to old probability may move a loss. */
export interface Clip {
  /** A negative advantage pushes no further down once the ratio is below 1 − this. In [0, 1). */
  readonly lower: number;
  /** A positive advantage pushes no further up once the ratio is above 1 + this. 0 or above. */
  readonly upper: number;
  /** A negative advantage pushes no more once the ratio is above this (dual clip, Ye et al. 2020). Above 1. */
  readonly dual: number;
}

/** Higher above than below (DAPO, Yu et al. 2025), with dual clip: the ratio of a single token can be very large. */
export const grpoClip: Clip = { lower: 0.2, upper: 0.28, dual: 3 };

/** The same without dual clip: the ratio is a geometric mean over tokens, and GSPO's paper has none. */
export const gspoClip: Clip = { lower: 0.2, upper: 0.28, dual: Infinity };

/** A clipped surrogate loss. */
export interface SurrogateLoss<L extends Logprobs> extends Loss<L[]> {
  /**
   * Share whose push a clip stopped, by the sign of the advantage: of tokens in GRPO, of sequences in GSPO. 0 where
   * no advantage has that sign. For logs.
   */
  readonly clipped: { readonly positive: number; readonly negative: number };
}

/** Logarithm of the largest ratio, in nats; a larger one counts as this, with derivative 0, so that none overflows. */
const maxLogRatio = 10;

/** Largest k3 estimate of a token, in nats; beyond, the derivative is 0. */
const maxDivergence = 10;

/**
 * Mean negative log-probability in nats over all tokens of the batch; a token counts the same in a sequence of any
 * length.
 * @throws RangeError for an empty batch or sequence, or a value that is not finite
 */
export function crossEntropyLoss<L extends Logprobs>(policy: readonly L[]): Loss<L[]> {
  requireSequences("policy", policy);
  const tokens = countTokens(policy);
  let loss = 0;
  for (const sequence of policy) {
    for (const logprob of sequence) loss -= logprob / tokens;
  }
  return { loss, gradient: policy.map((sequence) => filled(sequence, -1 / tokens)) };
}

/**
 * The clipped surrogate of GRPO (Shao et al. 2024, eq. 3, without its KL term), a ratio for every token.
 *
 * With r_t = exp(log π_t − log π_old,t), per token max(−A r_t, −A clip(r_t, 1 − lower, 1 + upper)), and at most −A dual
 * where A < 0. Mean over the tokens of a sequence, then over the N sequences, those of advantage 0 included, in units
 * of the advantage.
 * @param policy log-probabilities under the weights in training
 * @param old under the weights that sampled, of the same shape
 * @param advantages shape [N], one for all tokens of a sequence
 * @throws RangeError for an empty batch or sequence, shapes that differ, a value that is not finite, or a clip out of
 * range
 */
export function grpoLoss<L extends Logprobs>(
  policy: readonly L[],
  old: readonly Logprobs[],
  advantages: readonly number[],
  clip: Clip = grpoClip,
): SurrogateLoss<L> {
  requireSurrogate(policy, old, advantages, clip);
  let loss = 0;
  const counts = new ClipCounts();
  const gradient = policy.map((sequence, i) => {
    const derivatives = filled(sequence, 0);
    const share = 1 / (policy.length * sequence.length);
    for (const [t, logprob] of sequence.entries()) {
      const term = surrogate(logprob - old[i]![t]!, advantages[i]!, clip);
      loss += share * term.value;
      derivatives[t] = share * term.slope;
      counts.add(advantages[i]!, term.isClipped);
    }
    return derivatives;
  });
  return { loss, gradient, clipped: counts.shares() };
}

/**
 * The clipped surrogate of GSPO (Zheng et al. 2025, eq. 5), one ratio for the whole sequence.
 *
 * With s = exp(mean over t of (log π_t − log π_old,t)), per sequence max(−A s, −A clip(s, 1 − lower, 1 + upper)).
 * Mean over the N sequences, those of advantage 0 included, in units of the advantage. A ratio above e^10 counts as
 * e^10 with derivative 0: without dual clip, a sequence of negative advantage that far away is no longer pushed.
 *
 * The token form (eqs. 13 and 14), where every token's ratio has the value s and the gradient of its own
 * log-probability (straight-through), has the same mean and, A being one for all tokens, the same gradient:
 * −A s / (N T_i) at each token, or 0 at all tokens of a clipped sequence.
 * @param policy log-probabilities under the weights in training
 * @param old under the weights that sampled, of the same shape
 * @param advantages shape [N], one for all tokens of a sequence
 * @throws RangeError for an empty batch or sequence, shapes that differ, a value that is not finite, or a clip out of
 * range
 */
export function gspoLoss<L extends Logprobs>(
  policy: readonly L[],
  old: readonly Logprobs[],
  advantages: readonly number[],
  clip: Clip = gspoClip,
): SurrogateLoss<L> {
  requireSurrogate(policy, old, advantages, clip);
  let loss = 0;
  const counts = new ClipCounts();
  const gradient = policy.map((sequence, i) => {
    const meanLogRatio = sumOfDifferences(sequence, old[i]!) / sequence.length;
    const term = surrogate(meanLogRatio, advantages[i]!, clip);
    loss += term.value / policy.length;
    counts.add(advantages[i]!, term.isClipped);
    return filled(sequence, term.slope / (policy.length * sequence.length));
  });
  return { loss, gradient, clipped: counts.shares() };
}

/**
 * Mean over the N pairs of −log σ(β m), in nats: DPO (Rafailov et al. 2023, eq. 7).
 *
 * The margin m = Δ_chosen − Δ_rejected, in nats, where Δ is the sum over all tokens of a sequence, not their mean, of
 * log π − log π_ref. Where the weights equal π_ref the loss is ln 2 = 0.693.
 * @param reference under the frozen weights, of the same shape as `policy`
 * @param beta above 0; the larger, the sooner a pair counts as learned. @default 0.1
 * @param shares of the pairs in the mean, shape [N], 1 in all. @default equal ones
 * @throws RangeError for an empty batch or sequence, shapes that differ, a value that is not finite, or such a beta
 */
export function dpoLoss<L extends Logprobs>(
  policy: PairLogprobs<L>,
  reference: PairLogprobs,
  beta = 0.1,
  shares?: readonly number[],
): PairLoss<L> {
  const ofMargin = (margin: number) => ({
    value: softplus(-beta * margin),
    slope: -beta * sigmoid(-beta * margin),
  });
  return marginLoss(policy, reference, beta, ofMargin, shares);
}

/**
 * Mean over the N pairs of (m − 1 / (2 β))², in nats squared: IPO (Azar et al. 2023, eq. 17, whose τ is β).
 *
 * The margin m is that of `dpoLoss`, summed over tokens. Unlike DPO it has a target, 5 nats at β = 0.1, and pulls back
 * a pair that exceeds it.
 * @param reference under the frozen weights, of the same shape as `policy`
 * @param beta above 0; the larger, the nearer the target. @default 0.1
 * @throws RangeError for an empty batch or sequence, shapes that differ, a value that is not finite, or such a beta
 */
export function ipoLoss<L extends Logprobs>(
  policy: PairLogprobs<L>,
  reference: PairLogprobs,
  beta = 0.1,
): PairLoss<L> {
  return marginLoss(policy, reference, beta, (margin) => {
    const excess = margin - 1 / (2 * beta);
    return { value: excess ** 2, slope: 2 * excess };
  });
}

/**
 * The k3 estimate of KL(π ‖ π_ref) in nats, a mean over all tokens of the batch (Schulman 2020, "Approximating KL
 * divergence").
 *
 * Per token e^d − d − 1 with d = log π_ref − log π: never below 0 and clamped to at most 10, from d = −11 down and
 * 2.61 up. There the derivative is 0: a token that far away is not pulled back. Clamping d to ±20 first, as is usual,
 * would change nothing. It estimates the divergence on tokens sampled from π; on tokens replayed from a cache it is a
 * penalty for leaving π_ref there.
 * @param reference under the frozen weights, of the same shape as `policy`
 * @throws RangeError for an empty batch or sequence, shapes that differ, or a value that is not finite
 */
export function klLoss<L extends Logprobs>(policy: readonly L[], reference: readonly Logprobs[]): Loss<L[]> {
  requireSequences("policy", policy);
  requireAlike("reference", reference, "policy", policy);
  const tokens = countTokens(policy);
  let loss = 0;
  const gradient = policy.map((sequence, i) => {
    const derivatives = filled(sequence, 0);
    for (const [t, logprob] of sequence.entries()) {
      const term = divergence(reference[i]![t]! - logprob);
      loss += term.value / tokens;
      derivatives[t] = term.slope / tokens;
    }
    return derivatives;
  });
  return { loss, gradient };
}

/** A value and its derivative by the number it was computed from, or by a log-probability that adds to that number. */
interface Term {
  readonly value: number;
  readonly slope: number;
}

function surrogate(logRatio: number, advantage: number, clip: Clip): Term & { isClipped: boolean } {
  const ratio = Math.exp(Math.min(logRatio, maxLogRatio));
  const free = -advantage * ratio;
  const bounded = -advantage * Math.min(Math.max(ratio, 1 - clip.lower), 1 + clip.upper);
  if (advantage < 0 && ratio > clip.dual) return { value: -advantage * clip.dual, slope: 0, isClipped: true };
  if (bounded > free) return { value: bounded, slope: 0, isClipped: true };
  return { value: free, slope: logRatio > maxLogRatio ? 0 : free, isClipped: false };
}

function divergence(distance: number): Term {
  // expm1 keeps the digits of a small distance, which exp(d) − 1 − d loses.
  const growth = Math.expm1(distance);
  const value = growth - distance;
  return value > maxDivergence ? { value: maxDivergence, slope: 0 } : { value, slope: -growth };
}

function marginLoss<L extends Logprobs>(
  policy: PairLogprobs<L>,
  reference: PairLogprobs,
  beta: number,
  ofMargin: (margin: number) => Term,
  shares?: readonly number[],
): PairLoss<L> {
  requirePairs(policy, reference, beta);
  const pairs = policy.chosen.length;
  if (shares && shares.length !== pairs)
    throw new RangeError(`Expected \`shares\` of ${pairs} pairs, got ${shares.length}`);
  const shareOf = (value: number, i: number) => (shares ? value * shares[i]! : value / pairs);
  let loss = 0;
  const chosen: L[] = [];
  const rejected: L[] = [];
  const margins: number[] = [];
  for (let i = 0; i < pairs; i++) {
    const margin =
      sumOfDifferences(policy.chosen[i]!, reference.chosen[i]!) -
      sumOfDifferences(policy.rejected[i]!, reference.rejected[i]!);
    margins.push(margin);
    const term = ofMargin(margin);
    loss += shareOf(term.value, i);
    chosen.push(filled(policy.chosen[i]!, shareOf(term.slope, i)));
    rejected.push(filled(policy.rejected[i]!, -shareOf(term.slope, i)));
  }
  return { loss, gradient: { chosen, rejected }, margins };
}

/** Counts clipped tokens or sequences by the sign of their advantage. */
class ClipCounts {
  #positive = { all: 0, clipped: 0 };
  #negative = { all: 0, clipped: 0 };

  add(advantage: number, isClipped: boolean): void {
    if (advantage === 0) return;
    const count = advantage > 0 ? this.#positive : this.#negative;
    count.all++;
    if (isClipped) count.clipped++;
  }

  shares(): { positive: number; negative: number } {
    const share = ({ all, clipped }: { all: number; clipped: number }) => (all === 0 ? 0 : clipped / all);
    return { positive: share(this.#positive), negative: share(this.#negative) };
  }
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** For x far below 0 the exponential overflows to infinity, and its inverse is the right 0. */
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function sumOfDifferences(a: Logprobs, b: Logprobs): number {
  let total = 0;
  for (const [t, value] of a.entries()) total += value - b[t]!;
  return total;
}

function countTokens(sequences: readonly Logprobs[]): number {
  return sequences.reduce((total, sequence) => total + sequence.length, 0);
}

/** An array of the shape and number type of another. */
function filled<L extends Logprobs>(like: L, value: number): L {
  return like.slice().fill(value) as L;
}

function requireSurrogate(
  policy: readonly Logprobs[],
  old: readonly Logprobs[],
  advantages: readonly number[],
  { lower, upper, dual }: Clip,
): void {
  requireSequences("policy", policy);
  requireAlike("old", old, "policy", policy);
  if (advantages.length !== policy.length) {
    throw new RangeError(
      `Expected ${policy.length} advantages, one per sequence, got ${advantages.length}: pass one batch`,
    );
  }
  const bad = advantages.findIndex((advantage) => !Number.isFinite(advantage));
  if (bad >= 0) {
    throw new RangeError(`Expected advantages[${bad}] to be finite, got ${advantages[bad]}: pass 0 to mask`);
  }
  if (!(lower >= 0 && lower < 1 && upper >= 0 && dual > 1)) {
    throw new RangeError(
      `Expected a clip with 0 ≤ lower < 1, upper ≥ 0 and dual > 1, got ${lower}, ${upper} and ${dual}`,
    );
  }
}

function requirePairs(policy: PairLogprobs, reference: PairLogprobs, beta: number): void {
  if (policy.chosen.length !== policy.rejected.length) {
    throw new RangeError(
      `Expected ${policy.chosen.length} rejected sequences like chosen, got ${policy.rejected.length}: pass pairs`,
    );
  }
  for (const side of ["chosen", "rejected"] as const) {
    requireSequences(`policy.${side}`, policy[side]);
    requireAlike(`reference.${side}`, reference[side], `policy.${side}`, policy[side]);
  }
  if (!(beta > 0 && beta < Infinity)) throw new RangeError(`Expected beta to be above 0, got ${beta}`);
}

function requireSequences(name: string, sequences: readonly Logprobs[]): void {
  if (sequences.length === 0) {
    throw new RangeError(`Expected ${name} to have at least one sequence, got none: nothing to average`);
  }
  for (const [i, sequence] of sequences.entries()) {
    if (sequence.length === 0) {
      throw new RangeError(`Expected ${name}[${i}] to have at least one token, got none: leave it out`);
    }
    const bad = sequence.findIndex((logprob) => !Number.isFinite(logprob));
    if (bad >= 0) {
      throw new RangeError(
        `Expected ${name}[${i}][${bad}] to be a finite log-probability, got ${sequence[bad]}: leave it out`,
      );
    }
  }
}

function requireAlike(
  name: string,
  sequences: readonly Logprobs[],
  otherName: string,
  others: readonly Logprobs[],
): void {
  const refuse = (what: string, count: string, got: number): never => {
    throw new RangeError(`Expected ${what} to have ${count} like ${otherName}, got ${got}: pass one batch`);
  };
  if (sequences.length !== others.length) refuse(name, `${others.length} sequences`, sequences.length);
  requireSequences(name, sequences);
  for (const [i, { length }] of others.entries()) {
    if (sequences[i]!.length !== length) refuse(`${name}[${i}]`, `${length} tokens`, sequences[i]!.length);
  }
}
