/**
 * The smallest policy there is to train: tokens drawn from one softmax over a few logits, whose gradient fits on a line.
 * A sample is the tokens of one sequence. Its adapter is at hand, or kept where only this trainer finds it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Adapter, RemoteAdapter, VectorAdapter } from "../../src/adapter/adapter.ts";
import { adapterNorm, createAdapter } from "../../src/adapter/arithmetic.ts";
import type { OptimizerOptions, StepReport, Trainer } from "../../src/training/trainer.ts";

export type Tokens = readonly number[];

/** Plain gradient descent on the logits, all 0 at the start. */
export class TokenTrainer implements Trainer<Tokens, VectorAdapter> {
  #logits: number[];
  #gradient: number[];

  /** @param count of different tokens */
  constructor(count: number) {
    this.#logits = new Array<number>(count).fill(0);
    this.#gradient = [...this.#logits];
  }

  #probabilities(): number[] {
    const powers = this.#logits.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  }

  async logprobs(samples: readonly Tokens[]): Promise<Float32Array[]> {
    const probabilities = this.#probabilities();
    return samples.map((tokens) => Float32Array.from(tokens, (token) => Math.log(probabilities[token]!)));
  }

  /** d log p(token) / d logit k is (k = token) − p(k). */
  async accumulate(samples: readonly Tokens[], weights: readonly Float32Array[]): Promise<void> {
    const probabilities = this.#probabilities();
    for (const [i, tokens] of samples.entries())
      for (const [t, token] of tokens.entries())
        for (const k of this.#gradient.keys())
          this.#gradient[k]! += weights[i]![t]! * (Number(k === token) - probabilities[k]!);
  }

  async step({ learningRate, maxGradientNorm = Infinity }: OptimizerOptions): Promise<StepReport> {
    const gradientNorm = Math.hypot(...this.#gradient);
    const rate = learningRate * Math.min(1, maxGradientNorm / Math.max(gradientNorm, Number.MIN_VALUE));
    this.#logits = this.#logits.map((logit, k) => logit - rate * this.#gradient[k]!);
    this.#gradient.fill(0);
    return { gradientNorm, updateNorm: rate * gradientNorm, adapterNorm: Math.hypot(...this.#logits) };
  }

  async snapshot(): Promise<VectorAdapter> {
    const weights = this.#logits.map((logit, k) => [k, logit] as const);
    return createAdapter("logits:test", this.#logits.length, weights);
  }

  async rescaled(norm: number): Promise<void> {
    const factor = norm / Math.hypot(...this.#logits);
    this.#logits = this.#logits.map((logit) => factor * logit);
  }

  async save(path: string): Promise<void> {
    writeFileSync(path, JSON.stringify(this.#logits));
  }

  async load(path: string): Promise<void> {
    this.#logits = JSON.parse(readFileSync(path, "utf8"));
  }
}

/** The same trainer where it alone holds the weights: what it hands out is a name. */
export function remoteTokenTrainer(count: number, { tellsNorm = true } = {}) {
  const trainer = new TokenTrainer(count);
  const held = new Map<string, VectorAdapter>();
  const snapshot = async (): Promise<RemoteAdapter> => {
    const vector = await trainer.snapshot();
    const uri = `memory:${vector.revision}`;
    held.set(uri, vector);
    const norm = tellsNorm ? adapterNorm(vector) : null;
    return { kind: "remote", revision: vector.revision, space: vector.space, uri, format: "steer", norm };
  };
  const remote: Trainer<Tokens, Adapter> = {
    logprobs: (samples) => trainer.logprobs(samples),
    accumulate: (samples, weights) => trainer.accumulate(samples, weights),
    step: (options) => trainer.step(options),
    rescale: (norm) => trainer.rescaled(norm),
    save: (path) => trainer.save(path),
    load: (path) => trainer.load(path),
    snapshot,
  };
  return { trainer: remote, held };
}
