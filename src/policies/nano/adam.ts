/** Adam (Kingma and Ba 2015) with a limit on the gradient's norm, compiled as one function. */
import { jit, numpy as np, tree } from "../../engines/nano/jax.ts";
import type { Weights } from "../../engines/nano/network.ts";

/** Decay rates of Adam's moments and its limit on the gradient. */
export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  /** Largest norm of the whole gradient. */
  readonly mostNorm: number;
}

/** The settings nano is trained with. */
export const adamDefaults: AdamOptions = { beta1: 0.9, beta2: 0.98, mostNorm: 1 };

/** What Adam keeps beside the weights. */
export interface AdamState {
  readonly steps: number;
  readonly first: Weights;
  readonly second: Weights;
}

type Update = (
  weights: Weights,
  first: Weights,
  second: Weights,
  gradient: Weights,
  rate: np.Array,
) => [Weights, Weights, Weights];

/** An optimiser that owns weights and their two moments. */
export class Adam {
  #weights: Weights;
  #first: Weights;
  #second: Weights;
  #steps: number;
  readonly #update: Update;
  readonly #options: AdamOptions;

  /** Takes over the weights, and the moments of a resumed run. */
  constructor(weights: Weights, options: AdamOptions = adamDefaults, state: AdamState | null = null) {
    this.#weights = weights;
    const zeros = () =>
      Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, np.zeros(shape)]));
    this.#first = state?.first ?? zeros();
    this.#second = state?.second ?? zeros();
    this.#steps = state?.steps ?? 0;
    this.#options = options;
    this.#update = jit((w: Weights, first: Weights, second: Weights, gradient: Weights, rate: np.Array) =>
      updated(options, w, first, second, gradient, rate),
    ) as unknown as Update;
  }

  /** The current weights, to be used by reference. */
  get weights(): Weights {
    return this.#weights;
  }

  /** The current moments, to be used by reference. */
  get state(): AdamState {
    return { steps: this.#steps, first: this.#first, second: this.#second };
  }

  /** One step against a gradient, which is consumed. */
  step(gradient: Weights, learningRate: number): void {
    this.#steps++;
    const { beta1, beta2 } = this.#options;
    const rate = (learningRate * Math.sqrt(1 - beta2 ** this.#steps)) / (1 - beta1 ** this.#steps);
    [this.#weights, this.#first, this.#second] = this.#update(
      this.#weights,
      this.#first,
      this.#second,
      gradient,
      np.array([rate]),
    );
  }

  /** Frees the moments and hands the weights over to the caller. */
  release(): Weights {
    tree.dispose(this.#first);
    tree.dispose(this.#second);
    return this.#weights;
  }
}

function updated(
  { beta1, beta2, mostNorm }: AdamOptions,
  weights: Weights,
  first: Weights,
  second: Weights,
  gradient: Weights,
  rate: np.Array,
): [Weights, Weights, Weights] {
  let square = np.array(0);
  for (const g of Object.values(gradient)) square = square.add(np.sum(np.square(g.ref)));
  const shrink = np.minimum(np.array(mostNorm).mul(np.reciprocal(np.sqrt(square.add(1e-12)))), 1);
  const newWeights: Weights = {};
  const newFirst: Weights = {};
  const newSecond: Weights = {};
  for (const name of Object.keys(weights)) {
    const g = gradient[name]!.mul(shrink.ref);
    const m = first[name]!.mul(beta1).add(g.ref.mul(1 - beta1));
    const v = second[name]!.mul(beta2).add(np.square(g).mul(1 - beta2));
    newFirst[name] = m.ref;
    newSecond[name] = v.ref;
    newWeights[name] = weights[name]!.sub(m.mul(rate.ref).mul(np.reciprocal(np.sqrt(v).add(1e-8))));
  }
  shrink.dispose();
  rate.dispose();
  return [newWeights, newFirst, newSecond];
}
