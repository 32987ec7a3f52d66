/** The thread of the sentence encoder: it loads the model once, and answers texts with vectors, one message each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { answerWith } from "../../util/asked-thread.ts";
import { loadRuntime, type RuntimeFiles } from "../onnx-runtime.ts";
import { loadEncoder } from "./encoder-graph.ts";
import { wordPieces } from "./word-pieces.ts";

/** What the thread starts with. */
export interface ThreadSetup {
  /** Folder of the encoder. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** Texts to embed. */
export interface TextsToEmbed {
  readonly texts: readonly string[];
}

/** Their vectors one after another, shape [N, D]. */
export interface FoundVectors {
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** Longer texts are cut: the encoder was trained on shorter ones. */
const mostTokens = 256;

const { folder, runtime } = workerData as ThreadSetup;
const ready = load();
// Every answer tells of it, so that none is unhandled.
ready.catch(() => {});

async function load() {
  const ort = await loadRuntime(runtime);
  const { onnx, embed, dimension, mostTokens: most } = loadEncoder(folder);
  const session = await ort.InferenceSession.create(onnx);
  const tokens = wordPieces(readFileSync(join(folder, "vocab.txt"), "utf8"));
  return async (text: string) => {
    const ids = tokens(text, Math.min(most, mostTokens));
    const input = new ort.Tensor("float32", embed(ids), [ids.length, dimension]);
    return (await session.run({ tokens: input })).vector!.data;
  };
}

async function embed({ texts }: TextsToEmbed): Promise<FoundVectors> {
  const encode = await ready;
  const found: Float32Array[] = [];
  for (const text of texts) found.push(await encode(text));
  const vectors = new Float32Array(found.reduce((sum, { length }) => sum + length, 0));
  for (const [i, vector] of found.entries()) vectors.set(vector, i * vector.length);
  return { vectors };
}

answerWith(embed, ({ vectors }) => [vectors.buffer]);
