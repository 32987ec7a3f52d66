/**
 * Stage V: the patch MLP alone learns to name what a strip shows, before any text is written.
 *
 * Each strip's embedding is compared with the words' embeddings (the tied head's), one yes-or-no question per word. In
 * this way reading strips is learned in minutes; from the pixels through the transformer it would take hours.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { embedStrips, type NanoConfig, use, type Weights } from "../../src/engines/nano/network.ts";
import { EngineError } from "../../src/errors.ts";
import type { Fact, FactKind } from "../../src/household/language.ts";
import { Adam } from "../../src/policies/nano/adam.ts";
import { pick, type Random } from "../../src/util/random.ts";
import { stripWords } from "./facts.ts";
import type { StripCache } from "./strip-cache.ts";

/** What a strip can show. */
export type Look = FactKind | "empty";

/** Options of `stageV`. */
export interface StageVOptions {
  /** Most steps. */
  readonly steps: number;
  readonly learningRate: number;
  /** Strips per step, N. */
  readonly strips: number;
  /** Share of strips of every kind that must be read exactly before the stage ends. */
  readonly wantedExact: number;
  /** Steps between two evaluations. */
  readonly evaluateEvery: number;
  readonly onProgress: (progress: StageVProgress) => void;
}

/** The state of the stage at one evaluation. */
export interface StageVProgress {
  readonly step: number;
  readonly loss: number;
  /** Share of strips per kind of which exactly the right words were named. */
  readonly exact: Readonly<Record<Look, number>>;
}

/**
 * Trains `patch.…` and `embedding` of `weights`, which are consumed; the rest is returned unchanged.
 * @throws EngineError `strips-unread` when a kind is read exactly less often than wanted after all steps
 */
export async function stageV(
  config: NanoConfig,
  weights: Weights,
  cache: StripCache,
  random: Random,
  options: StageVOptions,
): Promise<Weights> {
  const { embedding, ...others } = weights;
  const patch = Object.fromEntries(Object.entries(others).filter(([name]) => name.startsWith("patch.")));
  const rest = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("patch.")));
  const adam = new Adam({
    ...patch,
    embedding: embedding!,
    threshold: np.full([config.vocabulary], -4),
  });
  const gradient = jit(valueAndGrad(wordLoss)) as unknown as (
    weights: Weights,
    strips: np.Array,
    words: np.Array,
  ) => [np.Array, Weights];
  const read = jit(wordLogits) as unknown as typeof wordLogits;
  let exact = Object.fromEntries(looks.map((look) => [look, 0])) as Record<Look, number>;
  const unread = () => looks.filter((look) => !(exact[look] >= options.wantedExact));
  for (let step = 1; step <= options.steps; step++) {
    const { strips, words } = drawn(config, cache, options.strips, random);
    const [loss, slope] = gradient(tree.ref(adam.weights), strips, words);
    const decayed = options.learningRate * Math.min(1, 2 * (1 - step / (options.steps + 1)));
    adam.step(slope, decayed);
    const value = (await loss.data())[0]!;
    if (step % options.evaluateEvery !== 0 && step !== options.steps) continue;
    exact = await exactness(config, read, adam.weights, cache, options.strips, random);
    options.onProgress({ step, loss: value, exact });
    if (unread().length === 0) break;
  }
  const { threshold, ...trained } = adam.release();
  threshold!.dispose();
  // What is not read here is never learned from text: its sentences would be guesses.
  if (unread().length > 0) {
    tree.dispose({ ...trained, ...rest });
    throw unreadStrips(options, exact, unread());
  }
  return { ...trained, ...rest };
}

function unreadStrips(
  { steps, wantedExact }: StageVOptions,
  exact: Readonly<Record<Look, number>>,
  unread: readonly Look[],
): EngineError {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const named = unread.map((look) => `${look} ${percent(exact[look])}`).join(", ");
  return new EngineError(
    "strips-unread",
    `Stage V read only ${named} exactly after ${steps} steps; ${percent(wantedExact)} of every kind are needed. Give it more steps, or start from another random seed`,
    { details: { exact, unread } },
  );
}

/** Logits of the words a strip shows, shape [N, V]; consumes the weights. */
function wordLogits(weights: Weights, strips: np.Array): np.Array {
  const embedded = embedStrips(weights, strips);
  const logits = np.matmul(embedded, use(weights, "embedding").transpose()).add(use(weights, "threshold"));
  tree.dispose(weights);
  return logits;
}

/** Mean over strips of the binary cross-entropy summed over words; `words` is 1 where a word is shown, [N, V]. */
function wordLoss(weights: Weights, strips: np.Array, words: np.Array): np.Array {
  const logits = wordLogits(weights, strips);
  const sign = words.mul(2).sub(1);
  const examples = logits.shape[0]!;
  return np.sum(nn.softplus(logits.mul(sign).mul(-1))).mul(1 / examples);
}

const looks: readonly Look[] = ["place", "wear", "speech", "display", "activity", "empty"];

const lookOf = (fact: Fact | null): Look => fact?.kind ?? "empty";

/** Strips with kinds equally likely. */
function drawn(config: NanoConfig, cache: StripCache, count: number, random: Random) {
  const byLook = looks.map((look) => cache.facts.filter((fact) => lookOf(fact) === look));
  const strips = new Float32Array(count * config.stripValues);
  const words = new Float32Array(count * config.vocabulary);
  const facts = Array.from({ length: count }, (_, i) => {
    const fact = pick(random, byLook[i % looks.length]!);
    cache.fill(strips, i * config.stripValues, fact, random);
    for (const word of stripWords(fact)) words[i * config.vocabulary + word] = 1;
    return fact;
  });
  return {
    facts,
    shown: words,
    strips: np.array(strips, { shape: [count, config.stripValues] }),
    words: np.array(words, { shape: [count, config.vocabulary] }),
  };
}

/** How often strips of each kind are read exactly, on four fresh batches. */
async function exactness(
  config: NanoConfig,
  read: typeof wordLogits,
  weights: Weights,
  cache: StripCache,
  count: number,
  random: Random,
): Promise<Record<Look, number>> {
  const right = Object.fromEntries(looks.map((look) => [look, 0])) as Record<Look, number>;
  const seen = { ...right };
  for (let batch = 0; batch < 4; batch++) {
    const { facts, strips, words, shown } = drawn(config, cache, count, random);
    words.dispose();
    const logits = await read(tree.ref(weights), strips).data();
    for (const [i, fact] of facts.entries()) {
      seen[lookOf(fact)]++;
      let exact = true;
      for (let word = i * config.vocabulary; word < (i + 1) * config.vocabulary; word++)
        if (logits[word]! > 0 !== (shown[word] === 1)) exact = false;
      if (exact) right[lookOf(fact)]++;
    }
  }
  return Object.fromEntries(looks.map((look) => [look, right[look] / seen[look]])) as Record<Look, number>;
}
