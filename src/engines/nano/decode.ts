/**
 * Writing: answers sampled token by token for many clips at once, with the exact log-probability of each token.
 *
 * Keys and values of the prefix are computed once per clip and shared by its samples; those of the answer are added token
 * by token. All shapes are fixed: rows are padded to a power of two, answers to their longest.
 */

import type { Random } from "../../util/random.ts";
import { jit, numpy as np, tree } from "./jax.ts";
import { memoryLength, prefixLength, stripsSeen } from "./layout.ts";
import {
  attend,
  embedAnswers,
  embedPrefix,
  head,
  heads,
  mlp,
  type NanoConfig,
  normalise,
  use,
  type Weights,
  wordsBefore,
} from "./network.ts";
import { drawToken, logprobOf, type TokenSampling } from "./sampling.ts";
import { end, pad, start } from "./vocabulary.ts";

/** A clip as the transformer takes it, N of them: strip embeddings [N, 12, D] and text slots [N, L · W]. */
export interface Prompts {
  readonly strips: Float32Array<ArrayBuffer>;
  readonly texts: Int32Array<ArrayBuffer>;
  readonly count: number;
}

/** How texts are drawn from the network. */
export interface DecodeOptions extends TokenSampling {
  /** Samples of each prompt, G. */
  readonly samples: number;
  readonly random: Random;
  /** Added to the residual stream of each prompt's answers, shape [N, D]. @default zeros */
  readonly vectors?: Float32Array<ArrayBuffer>;
  /** Longest answer, `end` included. @default memoryLength */
  readonly length?: number;
}

/** One text as it was drawn. */
export interface Decoded {
  /** Token ids without `start`, `end` last unless the answer was cut. */
  readonly tokens: number[];
  /** Natural log-probability of each token under the model (at temperature 1), shape [T]. */
  readonly logprobs: Float32Array;
  readonly finished: boolean;
}

/** Keys and values of each block, every one of shape [B, H, T, D / H]. */
interface Cache {
  readonly keys: np.Array[];
  readonly values: np.Array[];
}

type Prefill = (weights: Weights, strips: np.Array, texts: np.Array) => Cache;
type Step = (
  weights: Weights,
  prefix: Cache,
  answer: Cache,
  ids: np.Array,
  at: np.Array,
  mask: np.Array,
  vectors: np.Array,
) => { logits: np.Array; answer: Cache };

/** A decoder for a config; its compiled programs serve any weights of it. */
export class Decoder {
  readonly #config: NanoConfig;
  readonly #prefill: Prefill;
  readonly #step: Step;

  constructor(config: NanoConfig) {
    this.#config = config;
    this.#prefill = jit(((weights: Weights, strips: np.Array, texts: np.Array) =>
      prefilled(config, weights, strips, texts)) as never) as unknown as Prefill;
    this.#step = jit(((weights, prefix, answer, ids, at, mask, vectors) =>
      stepped(config, weights, prefix, answer, ids, at, mask, vectors)) as Step as never) as unknown as Step;
  }

  /** G answers to each of N prompts, prompt after prompt. Weights are used by reference. */
  async decode(weights: Weights, prompts: Prompts, options: DecodeOptions): Promise<Decoded[][]> {
    const { samples, random, length = memoryLength } = options;
    const { width } = this.#config;
    const rows = 2 ** Math.ceil(Math.log2(Math.max(1, prompts.count)));
    const batch = rows * samples;
    const textLength = prompts.texts.length / prompts.count;
    const prefix = tree.map(
      (array: np.Array) => np.repeat(array, samples, 0),
      this.#prefill(
        tree.ref(weights) as Weights,
        np.array(grown(prompts.strips, rows * stripsSeen * width), { shape: [rows, stripsSeen, width] }),
        np.array(grown(prompts.texts, rows * textLength), { shape: [rows, textLength] }),
      ) as never,
    ) as unknown as Cache;
    const vectors = np.repeat(
      np.array(grown(options.vectors ?? new Float32Array(), rows * width), { shape: [rows, width] }),
      samples,
      0,
    );
    let answer = this.#emptyAnswer(batch, length);
    const decoded = Array.from({ length: prompts.count * samples }, () => new Answer());
    const latest = 1 + wordsBefore;
    const ids = new Int32Array(batch * latest).fill(pad);
    for (let row = 0; row < batch; row++) ids[(row + 1) * latest - 1] = start;
    for (let position = 0; position < length && decoded.some(({ finished }) => !finished); position++) {
      const stepResult = this.#step(
        tree.ref(weights) as Weights,
        tree.ref(prefix as never) as never,
        answer,
        np.array(ids.slice(), { shape: [batch, latest] }),
        np.array(Float32Array.from({ length }, (_, i) => (i === position ? 1 : 0))),
        np.array(Float32Array.from({ length }, (_, i) => (i <= position ? 0 : -1e9))),
        vectors.ref,
      );
      answer = stepResult.answer;
      const logits = (await stepResult.logits.data()) as Float32Array;
      ids.copyWithin(0, 1);
      for (const [row, written] of decoded.entries()) {
        if (written.finished) continue;
        const own = logits.subarray(row * this.#config.vocabulary, (row + 1) * this.#config.vocabulary);
        ids[(row + 1) * latest - 1] = written.goOn(own, options, random);
      }
    }
    tree.dispose(answer as never);
    tree.dispose(prefix as never);
    vectors.dispose();
    return Array.from({ length: prompts.count }, (_, i) =>
      decoded.slice(i * samples, (i + 1) * samples).map((written) => written.result()),
    );
  }

  #emptyAnswer(batch: number, length: number): Cache {
    const { blocks, heads: count, width } = this.#config;
    const zeros = () => Array.from({ length: blocks }, () => np.zeros([batch, count, length, width / count]));
    return { keys: zeros(), values: zeros() };
  }
}

/** One answer as it grows. */
class Answer {
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  finished = false;

  /** Draws the next token from logits, shape [V]. */
  goOn(logits: Float32Array, sampling: TokenSampling, random: Random): number {
    const token = drawToken(logits, sampling, random);
    this.#tokens.push(token);
    this.#logprobs.push(logprobOf(logits, token));
    this.finished = token === end;
    return token;
  }

  result(): Decoded {
    return { tokens: this.#tokens, logprobs: Float32Array.from(this.#logprobs), finished: this.finished };
  }
}

function prefilled(config: NanoConfig, weights: Weights, strips: np.Array, texts: np.Array): Cache {
  let x = embedPrefix(config, weights, strips, texts);
  const length = x.shape[1]!;
  const keys: np.Array[] = [];
  const values: np.Array[] = [];
  for (let i = 0; i < config.blocks; i++) {
    const { query, key, value } = projected(config, weights, i, x.ref);
    keys.push(key.ref);
    values.push(value.ref);
    x = x.add(attend(config, weights, i, query, key, value, np.zeros([length, length])));
    x = mlp(weights, i, x);
  }
  x.dispose();
  tree.dispose(weights);
  return { keys, values };
}

/** One more token of each answer, of which `ids` [B, 4] are the latest: `at` is 1 at its position, `mask` 0 up to it, both of shape [A]. */
function stepped(
  config: NanoConfig,
  weights: Weights,
  prefix: Cache,
  answer: Cache,
  ids: np.Array,
  at: np.Array,
  mask: np.Array,
  vectors: np.Array,
): ReturnType<Step> {
  const [examples, length] = [ids.shape[0]!, at.shape[0]!];
  const places = use(weights, "position").slice([prefixLength, prefixLength + length]);
  const place = np.matmul(at.ref.reshape([1, length]), places);
  let x = embedAnswers(config, weights, ids).add(place);
  const added = vectors.reshape([examples, 1, config.width]);
  const chosen = at.reshape([length, 1]);
  const keys: np.Array[] = [];
  const values: np.Array[] = [];
  const prefixSize = prefix.keys[0]!.shape[2]!;
  const fullMask = np.concatenate([np.zeros([prefixSize]), mask]);
  for (let i = 0; i < config.blocks; i++) {
    const { query, key, value } = projected(config, weights, i, x.ref);
    const allKeys = answer.keys[i]!.add(key.mul(chosen.ref));
    const allValues = answer.values[i]!.add(value.mul(chosen.ref));
    keys.push(allKeys.ref);
    values.push(allValues.ref);
    const seenKeys = np.concatenate([prefix.keys[i]!, allKeys], 2);
    const seenValues = np.concatenate([prefix.values[i]!, allValues], 2);
    x = x.add(attend(config, weights, i, query, seenKeys, seenValues, fullMask.ref));
    x = mlp(weights, i, x);
    if (i === config.adapterBlock) x = x.add(added.ref);
  }
  added.dispose();
  chosen.dispose();
  fullMask.dispose();
  const logits = head(weights, x).reshape([examples, config.vocabulary]);
  tree.dispose(weights);
  return { logits, answer: { keys, values } };
}

/** Query, key and value of block i, each [B, H, T, D / H]. */
function projected(config: NanoConfig, weights: Weights, i: number, x: np.Array) {
  const normed = normalise(x).mul(use(weights, `block.${i}.attentionNorm`));
  return {
    query: heads(config, np.matmul(normed.ref, use(weights, `block.${i}.query`))),
    key: heads(config, np.matmul(normed.ref, use(weights, `block.${i}.key`))),
    value: heads(config, np.matmul(normed, use(weights, `block.${i}.value`))),
  };
}

function grown<T extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(values: T, length: number): T {
  if (values.length === length) return values;
  const larger = new (values.constructor as new (length: number) => T)(length);
  larger.set(values);
  return larger;
}
