/**
 * A torch engine without a process: its model writes one memory or the other, and what it trains is a vector of two
 * numbers, of which the log-probability of id 1 is the first, of id 2 the second, and of any other id nought.
 */
import type { Prompt, TorchEngine, TorchSample } from "../../src/engines/torch/index.ts";
import { sha256 } from "../../src/util/hash.ts";

/** What of an engine the small one has. */
type Small = Pick<
  TorchEngine,
  | "about"
  | "trains"
  | "name"
  | "tokensOf"
  | "whenFree"
  | "sample"
  | "encode"
  | "logprobs"
  | "accumulate"
  | "step"
  | "save"
  | "load"
  | "snapshot"
  | "set"
  | "scale"
  | "snapshotLora"
  | "importLora"
  | "export"
  | "trainOther"
  | "steerAt"
  | "streamNorm"
  | "calibrate"
  | "agreement"
  | "keepLora"
>;

/** An engine of two numbers, and what it was given. */
export interface SmallTorchEngine {
  readonly engine: TorchEngine;
  /** Prompts by their names. */
  readonly prompts: ReadonlyMap<string, Prompt>;
  /** Draws it was asked for. */
  readonly draws: Parameters<TorchEngine["sample"]>[];
  readonly exports: Parameters<TorchEngine["export"]>[];
  /** What it was told to train, where, and what to keep, in order. */
  readonly told: unknown[][];
}

/** Makes a small engine. @param start what is trained, shape [2] */
export function smallTorchEngine(
  start: readonly [number, number] = [0, 0],
  trains: TorchEngine["trains"] = "vector",
): SmallTorchEngine {
  let vector = Float32Array.from(start);
  let gradient = new Float32Array(2);
  const saved = new Map<string, Float32Array<ArrayBuffer>>();
  const prompts = new Map<string, Prompt>();
  const draws: SmallTorchEngine["draws"] = [];
  const exports: SmallTorchEngine["exports"] = [];
  const told: unknown[][] = [];
  const logprobOf = (id: number, values: Float32Array) => values[id - 1] ?? 0;
  const scores = (samples: readonly TorchSample[], values: Float32Array) =>
    samples.map(({ ids }) => Float32Array.from(ids, (id) => logprobOf(id, values)));
  const lora = (scale: number) => ({ revision: `r${scale}`, norm: scale * Math.hypot(...vector) });
  const small: Small = {
    trains,
    about: {
      ...{
        model: "small",
        architecture: "small",
        block: 3,
        blocks: 8,
        at: "answer",
        width: 2,
        vocabulary: 4,
      },
      ...{ parameters: 2, trained: 2, contextTokens: 512, device: "none", dtype: "float32", versions: {} },
      can: { images: true, keepsStream: true, packsAnswers: true },
    },
    name(prompt) {
      const name = sha256(JSON.stringify(prompt)).slice(0, 8);
      prompts.set(name, prompt);
      return name;
    },
    tokensOf: (name) => JSON.stringify(prompts.get(name)).length,
    whenFree: (work) => void setImmediate(work),
    async sample(...request) {
      const [names, { n }, steering] = request;
      draws.push(request);
      const values = steering === "trained" ? vector : new Float32Array(2);
      return names.map((name) => {
        const { prefix = "" } = prompts.get(name)!;
        return Array.from({ length: n }, (_, i) => {
          const whole = `{"description": "Ann speaks of ${i % 2 === 0 ? "soup" : "a lamp"}."}`;
          const ids = Int32Array.of((i % 2) + 1, 3);
          const [logprobs] = scores([{ prompt: name, ids }], values);
          const text = whole.startsWith(prefix) ? whole.slice(prefix.length) : whole;
          return { text, tokens: [text, ""], ids, logprobs: logprobs!, finish: "stop" as const };
        });
      });
    },
    encode: async (texts) =>
      texts.map((text) => ({ ids: Int32Array.of(text.includes("soup") ? 1 : 2, 3), tokens: [text, ""] })),
    logprobs: async (samples, steering = "trained") =>
      scores(samples, steering === "trained" ? vector : new Float32Array(2)),
    async accumulate(samples, weights) {
      for (const [i, { ids }] of samples.entries())
        for (const [t, id] of ids.entries()) if (id < 3) gradient[id - 1]! += weights[i]![t]!;
    },
    async step({ learningRate }) {
      const gradientNorm = Math.hypot(...gradient);
      vector = vector.map((value, d) => value - learningRate * gradient[d]!);
      gradient = new Float32Array(2);
      return { gradientNorm, updateNorm: learningRate * gradientNorm, adapterNorm: Math.hypot(...vector) };
    },
    async save(path) {
      saved.set(path, vector);
      return { path, revision: "saved" };
    },
    async load(path) {
      vector = saved.get(path)!;
    },
    snapshot: async () => vector,
    async set(values) {
      vector = Float32Array.from(values);
    },
    async scale(factor) {
      vector = vector.map((value) => value * factor);
    },
    snapshotLora: async ({ scale = 1 } = {}) => lora(scale),
    importLora: async () => ({ ...lora(1), revision: "imported" }),
    async trainOther(train) {
      told.push(["train", train]);
      vector = new Float32Array(2);
      Object.assign(small, { trains: train.kind });
    },
    async steerAt(block, at) {
      told.push(["steer", block, at]);
      vector = new Float32Array(2);
      Object.assign(small.about, { block, at });
    },
    streamNorm: async (names) => {
      told.push(["stream", names.length]);
      return { mean: 10, median: 10 };
    },
    calibrate: async (names) => {
      told.push(["calibrate", names.length]);
      return { values: new Float32Array(2), mean: 1, deviation: 0 };
    },
    agreement: async () => [0.1, 0.6].map((cosine) => ({ cosine, norms: [1, 1] })),
    async keepLora(revision) {
      told.push(["keep", revision]);
    },
    async export(...request) {
      exports.push(request);
      return { path: request[0], revision: "all" };
    },
  };
  return { engine: small as unknown as TorchEngine, prompts, draws, exports, told };
}
