/**
 * The mathematics of the choice policy: a state-dependent Plackett–Luce draw under a token budget.
 *
 * Pure numbers: N items with W words between them, no texts, no streams. A step scores every item that still fits,
 * linearly in the task weights `a`, and picks one by softmax (or the best one); words just picked are worth less
 * afterwards. Drawing, log-probabilities and gradients share one feasibility mask, so all three agree exactly.
 *
 *   s_i = κ · trust_i · n_i^−exponent · Σ_{w ∈ i} disc_w · idf_w · (1 + λ·a_w)
 *
 * Where another policy wrote the items, the draw only tilts what that policy prefers: the 1 falls away, and an item is
 * worth its sum minus the mean per token of all items times its tokens, so that length alone wins nothing.
 *
 * Phase One adds w · φ_i, weighted features of the item (`choice-features.ts`). Two of them change during the draw and are
 * computed here: how much of the item is still new, and how much of it one earlier text holds.
 */
import type { Random } from "../../util/random.ts";

/** Parameters of the score and of the draw. */
export interface ChoiceParameters {
  /** κ: sharpness of the softmax when drawing; greedy choice ignores it. @default 0.5 for groups of 8 */
  readonly sharpness: number;
  /** Power of the length that a gain is divided by; 0.5 beat 0 and 0.75. @default 0.5 */
  readonly lengthExponent: number;
  /** Factor on a word that was already chosen in this window or in the last ones. @default 0.3 */
  readonly repeatDiscount: number;
  /** Windows of memory that the discount covers; 8 did no better. @default 2 */
  readonly historyWindows: number;
  /** λ: how strongly task weights count; 2 and 4 were not better. @default 1 */
  readonly taskStrength: number;
  /** Weight from which a near word raises its line: tokens are saved for such lines (`choice-saved.ts`). @default 2 */
  readonly raisedFrom: number;
  /** Share of a window's tokens that is saved for raised lines. @default 0.4 */
  readonly savedShare: number;
  /** Most tokens saved. @default 60, three quarters of what a window has at the floor */
  readonly mostSaved: number;
}

/** The shipped values, from which Phase One starts; no training is needed at install. */
export const defaultChoiceParameters: ChoiceParameters = {
  sharpness: 0.5,
  lengthExponent: 0.5,
  repeatDiscount: 0.3,
  historyWindows: 2,
  taskStrength: 1,
  raisedFrom: 2,
  savedShare: 0.4,
  mostSaved: 60,
};

/** One item of a draw. */
export interface DrawItem {
  /** n: its size, which is its cost too: in tokens, or in words where no budget limits the draw. */
  readonly tokens: number;
  /** 0 to 1, the weight of its words: how far they can be trusted. */
  readonly trust: number;
  /** Its distinct words, as positions in [0, W). */
  readonly words: readonly number[];
}

/** Everything a draw depends on. */
export interface DrawInput {
  /** In time order; the earlier one wins a tie. */
  readonly items: readonly DrawItem[];
  /** Inverse document frequency, shape [W]. */
  readonly idf: Float64Array;
  /** Task weights a, shape [W]; zeros without an adapter. */
  readonly task: Float64Array;
  /** Whether the draw only tilts what another policy wrote: without an adapter all items are equally likely. @default false */
  readonly tilted?: boolean;
  /** What trained weights add to the scores. @default no features */
  readonly features?: DrawFeatures;
  /** 1 for words that the recent memory already holds, shape [W]. */
  readonly said: Uint8Array;
  /** Tokens to spend. */
  readonly budget: number;
  /** Which of them were saved for some items. @default none */
  readonly saved?: SavedTokens;
  /** Whether the first pick may cost more than the budget. */
  readonly onCredit: boolean;
  readonly parameters: ChoiceParameters;
}

/** Tokens of a budget that only raised items may be bought with. */
export interface SavedTokens {
  readonly tokens: number;
  /** 1 for a raised item, shape [N]. */
  readonly raised: Uint8Array;
}

/** Features φ of N items, and the weight of each. */
export interface DrawFeatures {
  /** Those that do not change during a draw, shape [N][F − 2]. */
  readonly still: readonly Float64Array[];
  /** Largest share of each item's words that one earlier text holds, 0 to 1, shape [N]: the start value of `told`. */
  readonly told: Float64Array;
  /**
   * w, shape [F]: the weights of the unchanging features, then of `fresh`, the share of an item's rarity in words not said
   * yet, and of `told`, the largest share of its words that one text holds, written before or just picked.
   */
  readonly weights: Float64Array;
}

/** A finished draw. */
export interface Draw {
  /** Items in the order they were picked. */
  readonly picks: readonly number[];
  /** Natural log-probability of each pick given those before it, shape [picks]. */
  readonly logprobs: Float64Array;
}

/** Picks items until nothing left fits. Without `random` it takes the best one at each step. */
export function drawItems(input: DrawInput, random?: Random): Draw {
  const picks: number[] = [];
  const logprobs: number[] = [];
  const walk = new Walk(input);
  while (walk.measure()) {
    const choice = random
      ? sample(walk.feasible, walk.probabilities, random)
      : best(walk.feasible, walk.scores);
    logprobs.push(walk.logprob(choice));
    picks.push(choice);
    walk.take(choice);
  }
  return { picks, logprobs: Float64Array.from(logprobs) };
}

/**
 * Log-probability of each pick of a draw, shape [picks]; their sum is that of the whole draw.
 * @throws RangeError if a pick was not possible at its step, or more could still have been picked
 */
export function drawLogprobs(input: DrawInput, picks: readonly number[]): Float64Array {
  const logprobs = new Float64Array(picks.length);
  replay(input, picks, (walk, pick, step) => {
    logprobs[step] = walk.logprob(pick);
  });
  return logprobs;
}

/**
 * Gradient of the draw's log-probability by the task weights, shape [W]: Σ over steps of x_chosen − E_softmax[x],
 * with x_{i,w} = κ · λ · trust_i · n_i^−exponent · disc_w · idf_w for the words of item i; a tilted draw measures each
 * against the mean.
 * @throws RangeError as `drawLogprobs`
 */
export function drawGradient(input: DrawInput, picks: readonly number[]): Float64Array {
  const gradient = new Float64Array(input.idf.length);
  const { sharpness, taskStrength, repeatDiscount } = input.parameters;
  replay(input, picks, (walk, pick) => {
    const factorOf = (i: number) => ((i === pick ? 1 : 0) - walk.probabilities[i]!) * walk.sizes[i]!;
    /** What each item contributes to the mean that all are measured against. */
    const given = input.tilted
      ? walk.feasible.reduce((sum, i) => sum + factorOf(i) * input.items[i]!.tokens, 0) / walk.tokensOffered()
      : 0;
    for (const i of walk.feasible) {
      const factor = sharpness * taskStrength * input.items[i]!.trust * (factorOf(i) - given);
      for (const word of input.items[i]!.words) {
        gradient[word]! += factor * (walk.said[word] ? repeatDiscount : 1) * input.idf[word]!;
      }
    }
  });
  return gradient;
}

/**
 * Gradient of Σ over picks of weight · log-probability by what Phase One trains, shape [F + 1]: the features' weights w,
 * then ln κ. For w it is Σ over steps of weight · (φ_chosen − E_softmax[φ]); a tilted draw has no such gradient.
 * @param weights one for each pick, shape [picks]
 * @throws RangeError as `drawLogprobs`, or without features
 */
export function drawWeightsGradient(
  input: DrawInput,
  picks: readonly number[],
  weights: ArrayLike<number>,
): Float64Array {
  const { features, tilted } = input;
  if (!features || tilted)
    throw new RangeError("Expected a draw that is not tilted, with features, got another: nothing to train");
  const count = features.weights.length;
  const gradient = new Float64Array(count + 1);
  replay(input, picks, (walk, pick, step) => {
    for (const i of walk.feasible) {
      const factor = weights[step]! * ((i === pick ? 1 : 0) - walk.probabilities[i]!);
      const own = walk.features[i]!;
      for (let f = 0; f < count; f++) gradient[f]! += factor * own[f]!;
      gradient[count]! += factor * walk.worths[i]!;
    }
  });
  return gradient;
}

/** Walks a known draw, showing each step before it is taken. */
function replay(
  input: DrawInput,
  picks: readonly number[],
  visit: (walk: Walk, pick: number, step: number) => void,
): void {
  const walk = new Walk(input);
  picks.forEach((pick, step) => {
    if (!walk.measure() || !walk.feasible.includes(pick)) {
      throw new RangeError(`Expected pick ${step} to be an item that fits, got item ${pick}`);
    }
    visit(walk, pick, step);
    walk.take(pick);
  });
  if (walk.measure())
    throw new RangeError(`Expected a draw to its end, got ${picks.length} picks with room for more`);
}

/** A draw in progress: what is taken, what is left to spend, and the scores of the current step. */
class Walk {
  readonly said: Uint8Array;
  /** n^−exponent, shape [N]. */
  readonly sizes: Float64Array;
  /** What the words of each item are worth: its score without the features, shape [N]. */
  readonly worths: Float64Array;
  /** Current features, shape [N][F], of feasible items; only where the draw has features. */
  readonly features: readonly Float64Array[];
  readonly scores: Float64Array;
  readonly probabilities: Float64Array;
  feasible: readonly number[] = [];
  readonly #input: DrawInput;
  readonly #taken: boolean[];
  /** Largest share of each item's words that one text holds so far, shape [N]. */
  readonly #told: Float64Array;
  #left: number;
  /** Those of the tokens left that were saved for raised items. */
  #saved: number;
  #isFirst = true;
  #logTotal = Number.NaN;

  constructor(input: DrawInput) {
    const { items, parameters } = input;
    this.#input = input;
    this.#taken = items.map(() => false);
    this.#left = input.budget;
    this.#saved = input.saved?.tokens ?? 0;
    this.said = input.said.slice();
    this.#told = input.features?.told.slice() ?? new Float64Array();
    this.features = input.features?.still.map((still) => Float64Array.of(...still, 0, 0)) ?? [];
    this.worths = new Float64Array(items.length);
    this.scores = new Float64Array(items.length);
    this.probabilities = new Float64Array(items.length);
    this.sizes = Float64Array.from(items, ({ tokens }) => tokens ** -parameters.lengthExponent);
  }

  /** Scores the items that still fit; `false` when there are none. */
  measure(): boolean {
    const { items, onCredit, parameters, saved } = this.#input;
    const anyFits = onCredit && this.#isFirst;
    const feasible: number[] = [];
    for (let i = 0; i < items.length; i++) {
      const room = saved?.raised[i] ? this.#left : this.#left - this.#saved;
      if (!this.#taken[i] && (anyFits || items[i]!.tokens <= room)) feasible.push(i);
    }
    this.feasible = feasible;
    for (const i of feasible) this.scores[i] = this.#gain(i);
    const mean = this.#input.tilted
      ? feasible.reduce((sum, i) => sum + this.scores[i]!, 0) / this.tokensOffered()
      : 0;
    let top = -Infinity;
    for (const i of feasible) {
      this.worths[i] = parameters.sharpness * this.sizes[i]! * (this.scores[i]! - mean * items[i]!.tokens);
      this.scores[i] = this.worths[i] + this.#bonus(i);
      top = Math.max(top, this.scores[i]);
    }
    let total = 0;
    for (const i of feasible) {
      this.probabilities[i] = Math.exp(this.scores[i]! - top);
      total += this.probabilities[i];
    }
    for (const i of feasible) this.probabilities[i]! /= total;
    this.#logTotal = top + Math.log(total);
    return feasible.length > 0;
  }

  /** Log-probability of picking a feasible item now; finite even where its probability rounds to zero. */
  logprob(item: number): number {
    return this.scores[item]! - this.#logTotal;
  }

  take(item: number): void {
    const { tokens, words } = this.#input.items[item]!;
    this.#taken[item] = true;
    this.#left -= tokens;
    if (this.#input.saved?.raised[item]) this.#saved = Math.max(0, this.#saved - tokens);
    this.#isFirst = false;
    for (const word of words) this.said[word] = 1;
    if (this.#input.features) this.#tell(words);
  }

  /** Tokens of the items that fit now. */
  tokensOffered(): number {
    return this.feasible.reduce((sum, i) => sum + this.#input.items[i]!.tokens, 0);
  }

  /** w · φ of an item now; 0 without features. */
  #bonus(i: number): number {
    const { features, items, idf } = this.#input;
    if (!features) return 0;
    const own = this.features[i]!;
    let whole = 0;
    let fresh = 0;
    for (const word of items[i]!.words) {
      whole += idf[word]!;
      if (!this.said[word]) fresh += idf[word]!;
    }
    own[own.length - 2] = whole > 0 ? fresh / whole : 0;
    own[own.length - 1] = this.#told[i]!;
    let bonus = 0;
    for (let f = 0; f < own.length; f++) bonus += features.weights[f]! * own[f]!;
    return bonus;
  }

  /** Records that a text with these words now exists. */
  #tell(words: readonly number[]): void {
    for (const [i, item] of this.#input.items.entries()) {
      const held = item.words.filter((word) => words.includes(word)).length;
      this.#told[i] = Math.max(this.#told[i]!, held / Math.max(1, item.words.length));
    }
  }

  /** What the words of an item are worth now. */
  #gain(i: number): number {
    const { items, idf, task, parameters, tilted = false } = this.#input;
    const own = tilted ? 0 : 1;
    let gain = 0;
    for (const word of items[i]!.words) {
      const discount = this.said[word] ? parameters.repeatDiscount : 1;
      gain += discount * idf[word]! * (own + parameters.taskStrength * task[word]!);
    }
    return items[i]!.trust * gain;
  }
}

function best(feasible: readonly number[], scores: Float64Array): number {
  return feasible.reduce((top, i) => (scores[i]! > scores[top]! ? i : top));
}

function sample(feasible: readonly number[], probabilities: Float64Array, random: Random): number {
  let left = random();
  for (const i of feasible) {
    left -= probabilities[i]!;
    if (left < 0) return i;
  }
  return feasible.at(-1)!; // rounding left a sliver above the last
}
