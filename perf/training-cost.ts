/**
 * What a lesson of Phase Two takes on one GPU, by arithmetic: memory, and seconds a step. Nothing here is measured; the
 * constants below are all that goes in.
 *
 * `node perf/training-cost.ts [bytes of a GPU in GB] [contexts' tokens]`
 */
import { argv } from "node:process";
import { printTable } from "./markdown.ts";

/** Text blocks of a model. Numbers of weights are in billions; a picture tower is left out. */
interface Shape {
  readonly name: string;
  readonly weights: number;
  /** Weights that one token passes. */
  readonly active: number;
  readonly blocks: number;
  /** Numbers of the residual stream. */
  readonly width: number;
  /** Numbers of all query heads, and of all key heads. */
  readonly queries: number;
  readonly keys: number;
  /** Inner numbers of the MLP that one token passes. */
  readonly inner: number;
  /** Whether the last projection of a block is one of many experts', which have no place for a function of their inputs. */
  readonly hasExperts: boolean;
}

/** The shapes of Qwen3-VL-8B and -30B-A3B as their configurations have them, and of a dense model of 27 B. */
const shapes: readonly Shape[] = [
  {
    ...{ name: "8 B", weights: 8.2, active: 8.2, blocks: 36, width: 4096, queries: 4096, keys: 1024 },
    ...{ inner: 12_288, hasExperts: false },
  },
  {
    ...{ name: "27 B", weights: 27, active: 27, blocks: 64, width: 5120, queries: 6144, keys: 1024 },
    ...{ inner: 17_408, hasExperts: false },
  },
  {
    ...{ name: "30 B-A3B", weights: 30.5, active: 3.3, blocks: 48, width: 2048, queries: 4096, keys: 512 },
    ...{ inner: 8 * 768, hasExperts: true },
  },
];

/** A GPU: an H100 or H200's bf16 rate without sparsity, and the share of it that training reaches. */
const gpu = { flops: 989e12, utilisation: 0.35, gigabytes: Number(argv[2] ?? 141) };
/** Of a GPU's rate, that mixtures of experts reach: their products are small. */
const expertsUtilisation = 0.15;
const lesson = {
  contexts: 48,
  /** Tokens of a prompt: a window of pictures and lines. */
  prompt: Number(argv[3] ?? 8192),
  /** Tokens of a memory. */
  answer: 150,
  /** Contexts a step, and answers of each in it. */
  perStep: 8,
  answers: 4,
  steps: 40,
  /** Share of the blocks that lie below the vector. */
  below: 0.47,
  lora: { rank: 8 },
};

const kinds = ["vector", "rank one", "lora", "all"] as const;
type Kind = (typeof kinds)[number];

/** FLOPs of one pass of a token at place `t` through all blocks: products with weights, and attention. */
const forward = ({ active, blocks, queries }: Shape, t: number) =>
  2 * active * 1e9 + 4 * blocks * queries * (t / 2);

/**
 * FLOPs of a step. A row is a prompt and its answers. Log-probabilities and gradients each pass it once; the way back
 * costs as much as a pass for the stream, and as much again for weights that are trained. A vector runs the upper blocks
 * only, because the stream below it is kept.
 */
function stepFlops(shape: Shape, kind: Kind): number {
  const { perStep, prompt, answer, answers, below } = lesson;
  const row = (prompt + answers * answer) * forward(shape, prompt);
  const passes = kind === "all" ? 4 : 3;
  const share = kind === "vector" || kind === "rank one" ? 1 - below : 1;
  return perStep * row * passes * share;
}

/** Bytes that the way back needs of one token in one block: what enters its non-linear parts, in 16 bits. */
const kept = ({ width, queries, keys, inner }: Shape) => 2 * (2 * width + 2 * queries + 2 * keys + 3 * inner);

/** Numbers trained. */
function trained({ weights, blocks, width, queries, keys, inner, hasExperts }: Shape, kind: Kind): number {
  if (kind === "all") return weights * 1e9;
  if (kind !== "lora") return width;
  const attention = 2 * width + 2 * queries + 2 * (width + keys);
  // The layers of experts are no linear layers of their own, so they get none.
  const mlp = hasExperts ? 0 : 3 * (width + inner);
  return blocks * lesson.lora.rank * (attention + mlp);
}

const gigabyte = 1e9;

function rowOf(shape: Shape, kind: Kind): string[] {
  const { contexts, prompt, answer, answers, below } = lesson;
  const isVector = kind === "vector" || kind === "rank one";
  // Steps on all weights are lost in 16 bits: weights in 32, and a gradient and two moments in 32 beside them.
  const weights = (kind === "all" ? 4 : 2) * shape.weights * 1e9;
  const optimiser = 12 * trained(shape, kind);
  const tokens = prompt + answers * answer;
  const stream = isVector ? contexts * (prompt + 8 * answer) * shape.width * 2 : 0;
  const run = tokens * shape.blocks * (isVector ? 1 - below : 1) * kept(shape);
  const whole = weights + optimiser + stream + run;
  const rate = gpu.flops * (shape.hasExperts ? expertsUtilisation : gpu.utilisation);
  const seconds = stepFlops(shape, kind) / rate;
  const inGigabytes = (bytes: number) => (bytes < 0.05 * gigabyte ? "0" : (bytes / gigabyte).toFixed(1));
  return [
    ...[shape.name, kind, count(trained(shape, kind))],
    ...[weights, optimiser, stream, run, whole].map(inGigabytes),
    whole <= 0.92 * gpu.gigabytes * gigabyte ? "yes" : "no",
    ...[seconds.toFixed(seconds < 10 ? 1 : 0), ((lesson.steps * seconds) / 60).toFixed(1)],
  ];
}

function count(numbers: number): string {
  for (const [unit, size] of [
    ["B", 1e9],
    ["M", 1e6],
  ] as const)
    if (numbers >= size) return `${(numbers / size).toFixed(1)} ${unit}`;
  return numbers.toLocaleString("en");
}

console.log(
  `A step: ${lesson.perStep} contexts of ${lesson.prompt} tokens, ${lesson.answers} memories of ${lesson.answer} each; ${lesson.contexts} contexts, ${lesson.steps} steps. GPU: ${gpu.gigabytes} GB.\n`,
);
const print = printTable(
  ...["model", "trained", "numbers", "weights GB", "optimiser GB", "kept stream GB", "one row GB"],
  ...["all GB", "fits", "s a step", "min a lesson"],
);
for (const shape of shapes)
  for (const kind of kinds) if (!(shape.hasExperts && kind === "rank one")) print(...rowOf(shape, kind));
