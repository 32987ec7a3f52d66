/** The thread of the sentence encoder: it loads the model once, and answers texts with vectors, one message each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { RuntimeFiles } from "../onnx-runtime.ts";
import { loadEncoder } from "./encoder-graph.ts";
import { wordPieces } from "./word-pieces.ts";

/** What the thread starts with. */
export interface ThreadSetup {
  /** Folder of the encoder. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** Texts to embed. */
export interface Asked {
  readonly id: number;
  readonly texts: readonly string[];
}

/** Their vectors one after another, shape [N, D]; or what went wrong. */
export type Answered =
  | { readonly id: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly id: number; readonly wrong: string };

/** The parts of onnxruntime-web that are used. */
interface Runtime {
  readonly env: { readonly wasm: { wasmBinary: Uint8Array; numThreads: number } };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => unknown;
  readonly InferenceSession: { create(model: Uint8Array): Promise<Session> };
}
interface Session {
  run(
    inputs: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly vector: { readonly data: Float32Array } }>;
}

/** Longer texts are cut: the encoder was trained on shorter ones. */
const mostTokens = 256;

const { folder, runtime } = workerData as ThreadSetup;
const ready = load();
// Every answer tells of it, so that none is unhandled.
ready.catch(() => {});

async function load() {
  const ort = (await import(runtime.module)) as Runtime;
  ort.env.wasm.wasmBinary = readFileSync(runtime.wasm);
  // The bundle cannot start threads of its own in Node.
  ort.env.wasm.numThreads = 1;
  const { onnx, embed, dimension, mostTokens: most } = loadEncoder(folder);
  const session = await ort.InferenceSession.create(onnx);
  const tokens = wordPieces(readFileSync(join(folder, "vocab.txt"), "utf8"));
  return async (text: string) => {
    const ids = tokens(text, Math.min(most, mostTokens));
    const input = new ort.Tensor("float32", embed(ids), [ids.length, dimension]);
    return (await session.run({ tokens: input })).vector.data;
  };
}

async function answer({ id, texts }: Asked): Promise<Answered> {
  try {
    const encode = await ready;
    const vectors: Float32Array[] = [];
    for (const text of texts) vectors.push(await encode(text));
    const flat = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
    for (const [i, vector] of vectors.entries()) flat.set(vector, i * vector.length);
    return { id, vectors: flat };
  } catch (error) {
    return { id, wrong: (error as Error).message };
  }
}

let last: Promise<unknown> = ready.catch(() => {});
parentPort!.on("message", (asked: Asked) => {
  last = last.then(async () => {
    const answered = await answer(asked);
    parentPort!.postMessage(answered, "vectors" in answered ? [answered.vectors.buffer] : []);
  });
});
