/**
 * Nano's network: a patch MLP that reads strips and a small transformer that writes about them.
 *
 * Pre-norm blocks with RMSNorm, tied head, learned positions, no biases outside the patch MLP. The prefix (strips and
 * lines of text, one position each) sees itself in both directions; the answer sees what came before it. The adapter is a
 * vector added to the residual stream of the answer's positions after one block.
 *
 * jax-js consumes arrays by use: every function here consumes its arguments unless it says otherwise.
 */

import type { Random } from "../../util/random.ts";
import { jit, nn, numpy as np, tree } from "./jax.ts";
import { lineWords, positions, prefixLength, stripsSeen } from "./layout.ts";
import { stripValues } from "./strips.ts";
import { pad, tokens } from "./vocabulary.ts";

/** Sizes of the network. */
export interface NanoConfig {
  /** Size of the vocabulary, V. */
  readonly vocabulary: number;
  /** Size of the residual stream, D. */
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  /** Hidden units of a block's MLP. */
  readonly hidden: number;
  /** Values of a strip, X, and hidden units of the patch MLP. */
  readonly stripValues: number;
  readonly stripHidden: number;
  /** The vector is added after this block, counted from 0. */
  readonly adapterBlock: number;
}

/** The sizes of nano. */
export const nanoConfig: NanoConfig = {
  vocabulary: tokens.length,
  width: 128,
  blocks: 4,
  heads: 4,
  hidden: 512,
  stripValues,
  stripHidden: 256,
  adapterBlock: 2,
};

/** The id of the space that a network's adapter belongs to. */
export function adapterSpaceOf({ adapterBlock }: Pick<NanoConfig, "adapterBlock">): string {
  return `residual:nano@${adapterBlock}`;
}

/** Weights by name. */
export type Weights = Record<string, np.Array>;

/** Norm of a strip's embedding: a few times that of a word's, so that neither drowns out the other. */
export const stripGain = 0.25;

/**
 * How many preceding words a position sees in its own embedding, each channel with its own weight, so that recent words
 * need no look-up. A sentence continues with what belongs to its last words (the time of the clock just named),
 * and with learned positions alone a network of this size takes hours to find that out.
 */
export const wordsBefore = 3;

/** Names and shapes of all weights, those of the patch MLP first. */
export function weightShapes(config: NanoConfig): Record<string, number[]> {
  const { vocabulary, width, blocks, hidden } = config;
  const shapes: Record<string, number[]> = {
    "patch.in": [config.stripValues, config.stripHidden],
    "patch.inBias": [config.stripHidden],
    "patch.out": [config.stripHidden, width],
    "patch.outBias": [width],
    embedding: [vocabulary, width],
    position: [positions, width],
    shift: [wordsBefore, width],
    norm: [width],
  };
  for (let i = 0; i < blocks; i++) {
    shapes[`block.${i}.attentionNorm`] = [width];
    shapes[`block.${i}.query`] = [width, width];
    shapes[`block.${i}.key`] = [width, width];
    shapes[`block.${i}.value`] = [width, width];
    shapes[`block.${i}.attentionOut`] = [width, width];
    shapes[`block.${i}.mlpNorm`] = [width];
    shapes[`block.${i}.mlpIn`] = [width, hidden];
    shapes[`block.${i}.mlpOut`] = [hidden, width];
  }
  return shapes;
}

/** Random weights as plain numbers, by name. */
export function initialWeights(
  config: NanoConfig,
  random: Random,
): Record<string, Float32Array<ArrayBuffer>> {
  const initial: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const [name, shape] of Object.entries(weightShapes(config))) {
    const values = new Float32Array(shape.reduce((a, b) => a * b));
    if (name.toLowerCase().endsWith("norm")) values.fill(1);
    else if (!name.endsWith("Bias")) {
      const deviation = deviationOf(name, shape, config);
      for (let i = 0; i < values.length; i++) values[i] = deviation * normal(random);
    }
    initial[name] = values;
  }
  return initial;
}

function deviationOf(name: string, shape: readonly number[], { width, blocks }: NanoConfig): number {
  if (name === "embedding") return 1 / Math.sqrt(width);
  if (name === "shift") return 0.5;
  if (name === "position") return 0.5 / Math.sqrt(width);
  const intoResidual = name.endsWith("attentionOut") || name.endsWith("mlpOut");
  return 1 / Math.sqrt(shape[0]!) / (intoResidual ? Math.sqrt(2 * blocks) : 1);
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Weights on the device from plain numbers. */
export function weightsFrom(config: NanoConfig, values: Record<string, Float32Array<ArrayBuffer>>): Weights {
  return Object.fromEntries(
    Object.entries(weightShapes(config)).map(([name, shape]) => [name, np.array(values[name]!, { shape })]),
  );
}

/** Strips [N, X] as embeddings [N, D] of root mean square 1. Uses only `patch.…`, and only by reference. */
export function embedStrips(weights: Weights, strips: np.Array): np.Array {
  const hidden = nn.gelu(np.matmul(strips, use(weights, "patch.in")).add(use(weights, "patch.inBias")));
  return normalise(np.matmul(hidden, use(weights, "patch.out")).add(use(weights, "patch.outBias")));
}

/** The transformer's input: B examples, the answer's first A positions. */
export interface Batch {
  /** Strip embeddings, shape [B, 12, D]. */
  readonly strips: np.Array;
  /** Ids of the text slots in front of the answer, shape [B, L · W]. */
  readonly texts: np.Array;
  /** Input ids of the answer's positions, shape [B, A]. */
  readonly answers: np.Array;
  /** Vectors added to the residual stream of the answer's positions, shape [B, D]. */
  readonly vectors: np.Array;
}

/** Logits of the answer's positions, shape [B, A, V]. Weights are used by reference. */
export function answerLogits(config: NanoConfig, weights: Weights, batch: Batch): np.Array {
  const { vectors, ...shown } = batch;
  const answers = batch.answers.shape[1]!;
  return logitsAbove(config, weights, streamBelow(config, weights, shown), vectors, answers);
}

/** The residual stream of all positions, [B, T, D], just below where the vector is added. */
export function streamBelow(config: NanoConfig, weights: Weights, batch: Omit<Batch, "vectors">): np.Array {
  const answers = batch.answers.shape[1]!;
  const place = use(weights, "position").slice([prefixLength, prefixLength + answers]);
  const none = np.full([batch.answers.shape[0]!, wordsBefore], pad, { dtype: np.int32 });
  const written = embedAnswers(config, weights, np.concatenate([none, batch.answers], 1)).add(place);
  const x = np.concatenate([embedPrefix(config, weights, batch.strips, batch.texts), written], 1);
  return blocks(config, weights, x, 0, config.adapterBlock + 1, answers);
}

/** Logits of the answers, [B, A, V], from the stream below the vectors [B, D], which are added here. */
export function logitsAbove(
  config: NanoConfig,
  weights: Weights,
  below: np.Array,
  vectors: np.Array,
  answers: number,
): np.Array {
  const [examples, length, width] = below.shape as [number, number, number];
  let added = np.broadcastTo(vectors.reshape([examples, 1, width]), [examples, answers, width]);
  if (length > answers) added = np.concatenate([np.zeros([examples, length - answers, width]), added], 1);
  const x = below.add(added);
  const top = blocks(config, weights, x, config.adapterBlock + 1, config.blocks, answers);
  return head(weights, top.slice([], [top.shape[1]! - answers, top.shape[1]!]));
}

/** Blocks `from` up to `to`, exclusive. The last block of all is computed for the answers' positions only. */
function blocks(
  config: NanoConfig,
  weights: Weights,
  input: np.Array,
  from: number,
  to: number,
  answers: number,
): np.Array {
  const length = input.shape[1]!;
  const prefix = length - answers;
  let x = input;
  for (let i = from; i < to; i++) {
    const firstRow = i === config.blocks - 1 ? prefix : 0;
    const normed = normalise(x.ref).mul(use(weights, `block.${i}.attentionNorm`));
    const asking = normed.ref.slice([], [firstRow, length]);
    const query = heads(config, np.matmul(asking, use(weights, `block.${i}.query`)));
    const key = heads(config, np.matmul(normed.ref, use(weights, `block.${i}.key`)));
    const value = heads(config, np.matmul(normed, use(weights, `block.${i}.value`)));
    const mask = visible(prefix, length).slice([firstRow, length]);
    x = x.slice([], [firstRow, length]).add(attend(config, weights, i, query, key, value, mask));
    x = mlp(weights, i, x);
  }
  return x;
}

/** Rows that pick a word's embedding, [..., V]; all 0 for `pad`. A product with them has a gradient; gathering has none. */
function picks(config: NanoConfig, ids: np.Array): np.Array {
  const words = np.array(Float32Array.from({ length: config.vocabulary }, (_, id) => (id === pad ? 0 : 1)));
  return nn.oneHot(ids, config.vocabulary).mul(words);
}

/** Embeddings of an answer's words, [B, A, D], each with those of its preceding words: ids [B, 3 + A] begin with three such. */
export function embedAnswers(config: NanoConfig, weights: Weights, ids: np.Array): np.Array {
  const answers = ids.shape[1]! - wordsBefore;
  const words = picks(config, ids);
  const embedding = use(weights, "embedding");
  const seen = [words.ref.slice([], [wordsBefore, wordsBefore + answers])];
  const embeddings = [embedding.ref];
  for (let back = 1; back <= wordsBefore; back++) {
    seen.push(words.ref.slice([], [wordsBefore - back, wordsBefore - back + answers]));
    embeddings.push(embedding.ref.mul(use(weights, "shift").slice(back - 1)));
  }
  words.dispose();
  embedding.dispose();
  return np.matmul(np.concatenate(seen, 2), np.concatenate(embeddings, 0));
}

/** The residual stream of the prefix, [B, 12 + L, D]: strips [B, 12, D] and lines of ids [B, L · W], each with its position. */
export function embedPrefix(
  config: NanoConfig,
  weights: Weights,
  strips: np.Array,
  texts: np.Array,
): np.Array {
  const [examples, ids] = texts.shape as [number, number];
  const lines = ids / lineWords;
  const words = np.sum(picks(config, texts.reshape([examples, lines, lineWords])), 2);
  const embedded = np.matmul(words, use(weights, "embedding"));
  const places = use(weights, "position").slice([0, stripsSeen + lines]);
  return np.concatenate([strips.mul(stripGain), embedded], 1).add(places);
}

/** Logits of residual streams [B, T, D] by the tied head: [B, T, V]. */
export function head(weights: Weights, x: np.Array): np.Array {
  return np.matmul(normalise(x).mul(use(weights, "norm")), use(weights, "embedding").transpose());
}

/** [B, T, D] as [B, H, T, D / H]. */
export function heads({ heads: count, width }: NanoConfig, x: np.Array): np.Array {
  const [examples, length] = x.shape as [number, number];
  return x.reshape([examples, length, count, width / count]).transpose([0, 2, 1, 3]);
}

/** The attention output of block i, [B, T, D]; `mask` is 0 where a position may be seen and very negative elsewhere. */
export function attend(
  { heads: count, width }: NanoConfig,
  weights: Weights,
  i: number,
  query: np.Array,
  key: np.Array,
  value: np.Array,
  mask: np.Array,
): np.Array {
  const [examples, , length] = query.shape as [number, number, number];
  const scores = np.matmul(query, key.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(width / count));
  const seen = np.matmul(nn.softmax(scores.add(mask), -1), value);
  const joined = seen.transpose([0, 2, 1, 3]).reshape([examples, length, width]);
  return np.matmul(joined, use(weights, `block.${i}.attentionOut`));
}

/** The residual stream after block i's MLP. */
export function mlp(weights: Weights, i: number, x: np.Array): np.Array {
  const normed = normalise(x.ref).mul(use(weights, `block.${i}.mlpNorm`));
  const hidden = nn.gelu(np.matmul(normed, use(weights, `block.${i}.mlpIn`)));
  return x.add(np.matmul(hidden, use(weights, `block.${i}.mlpOut`)));
}

/** Last axis scaled to root mean square 1. */
export function normalise(x: np.Array): np.Array {
  const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(meanSquare.add(1e-6))));
}

/** [T, T]: 0 where the row may see the column (the prefix, and what came before), very negative elsewhere. */
function visible(prefix: number, length: number): np.Array {
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row++)
    for (let column = 0; column < length; column++)
      if (column >= prefix && column > row) mask[row * length + column] = -1e9;
  return np.array(mask, { shape: [length, length] });
}

/** A weight by reference. */
export function use(weights: Weights, name: string): np.Array {
  return weights[name]!.ref;
}

/** Embeds pixels [N, X] as [N, D] with a frozen patch MLP. */
export type Embed = (pixels: Float32Array<ArrayBuffer>) => Promise<Float32Array<ArrayBuffer>>;

/** The patch MLP of weights, compiled; it uses them by reference. */
export function compileEmbed(config: NanoConfig, patch: Weights): Embed {
  const embed = jit(((weights: Weights, pixels: np.Array) => {
    const embedded = embedStrips(weights, pixels);
    tree.dispose(weights);
    return embedded;
  }) as never) as unknown as (weights: Weights, pixels: np.Array) => np.Array;
  return async (pixels) => {
    const shape = [pixels.length / config.stripValues, config.stripValues];
    const embedded = embed(tree.ref(patch) as Weights, np.array(pixels, { shape }));
    return Float32Array.from((await embedded.data()) as Float32Array);
  };
}
