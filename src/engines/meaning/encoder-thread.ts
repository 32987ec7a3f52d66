/** The thread of the sentence encoder: it loads the model once, and answers texts with vectors, one message each. */
import { workerData } from "node:worker_threads";
import { answerWith } from "../../util/asked-thread.ts";
import { loadRuntime, type RuntimeFiles } from "../onnx-runtime.ts";
import { encoderGraph } from "./encoder-graph.ts";
import { embedTokens, readWeights } from "./encoder-weights.ts";

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
  const weights = readWeights(folder);
  const { width, mostTokens: most } = weights.shape;
  const embedded = embedTokens(weights);
  const session = await ort.InferenceSession.create(encoderGraph(weights));
  return async (text: string) => {
    const ids = weights.tokens(text, Math.min(most, mostTokens));
    const input = new ort.Tensor("float32", embedded(ids), [ids.length, width]);
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
