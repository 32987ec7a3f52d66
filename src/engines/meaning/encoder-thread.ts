/**
 * The thread of the sentence encoder: it loads the model once, and answers texts with vectors, or a question and lines with
 * scores, one message each.
 */
import { workerData } from "node:worker_threads";
import type { LineAround } from "../../engine.ts";
import { answerWith } from "../../util/asked-thread.ts";
import { once } from "../../util/once.ts";
import { loadRuntime, type RuntimeFiles } from "../onnx-runtime.ts";
import { readEncoderAdapter } from "./encoder-adapter.ts";
import { answerGraph, encoderGraph } from "./encoder-graph.ts";
import { embedTokens, readWeights } from "./encoder-weights.ts";
import { answerHead, pairTokens } from "./line-answers.ts";

/** What the thread starts with. */
export interface ThreadSetup {
  /** Folder of the encoder. */
  readonly folder: string;
  /** Files of its adapters for vectors, and for scores of lines; `null` where it has none. */
  readonly vectors: string | null;
  readonly answers: string | null;
  readonly runtime: RuntimeFiles;
}

/** Texts to embed. */
export interface TextsToEmbed {
  readonly texts: readonly string[];
  /** Whether they are compared with each other, and no question with passages. */
  readonly alike: boolean;
}

/** A question, and the lines that may answer it. */
export interface LinesToScore {
  readonly question: string;
  readonly lines: readonly LineAround[];
}

/** Vectors one after another, shape [N, D], or scores, [N]. */
export interface FoundNumbers {
  readonly numbers: Float32Array<ArrayBuffer>;
}

/** Longer texts are cut: the encoder was trained on shorter ones. */
const mostTokens = 256;

const { folder, vectors, answers, runtime } = workerData as ThreadSetup;
const loaded = loadRuntime(runtime).then((ort) => ({ ort, weights: readWeights(folder) }));
/** Texts that are compared with each other have the vectors of the encoder alone: the adapter knows questions and lines. */
const plain = once(() => loadEmbedder(null));
const embedder = vectors === null ? plain : once(() => loadEmbedder(vectors));
const scorer = once(loadScorer);
// Every answer tells of it, so that none is unhandled.
loaded.catch(() => {});

async function loadEmbedder(adapter: string | null) {
  const { ort, weights } = await loaded;
  const { width, mostTokens: most } = weights.shape;
  const own = adapter === null ? weights : readEncoderAdapter(adapter).adapted(weights);
  const embedded = embedTokens(own);
  const session = await ort.InferenceSession.create(encoderGraph(own));
  return async (text: string) => {
    const ids = weights.tokens(text, Math.min(most, mostTokens));
    const input = new ort.Tensor("float32", embedded(ids), [ids.length, width]);
    return (await session.run({ tokens: input })).vector!.data;
  };
}

async function loadScorer() {
  if (answers === null) throw new Error("it scores no lines");
  const { ort, weights } = await loaded;
  const adapter = readEncoderAdapter(answers);
  const head = answerHead(adapter, weights.shape.width);
  const own = adapter.adapted(weights);
  const embedded = embedTokens(own);
  const session = await ort.InferenceSession.create(answerGraph(own, head));
  return async (question: string, line: LineAround) => {
    const { ids, from, to } = pairTokens(weights, question, line);
    const isOfLine = (place: number) => place >= from && place < to;
    const tokens = embedded(ids, (place) => (isOfLine(place) ? 1 : 0));
    const share = Float32Array.from(ids, (_, place) => (isOfLine(place) ? 1 / (to - from) : 0));
    const found = await session.run({
      tokens: new ort.Tensor("float32", tokens, [ids.length, weights.shape.width]),
      line: new ort.Tensor("float32", share, [1, ids.length]),
    });
    return found.score!.data[0]!;
  };
}

async function answer(asked: TextsToEmbed | LinesToScore): Promise<FoundNumbers> {
  if ("lines" in asked) {
    const score = await scorer();
    const numbers = new Float32Array(asked.lines.length);
    for (const [i, line] of asked.lines.entries()) numbers[i] = await score(asked.question, line);
    return { numbers };
  }
  const encode = await (asked.alike ? plain : embedder)();
  const found: Float32Array[] = [];
  for (const text of asked.texts) found.push(await encode(text));
  const numbers = new Float32Array(found.reduce((sum, { length }) => sum + length, 0));
  for (const [i, vector] of found.entries()) numbers.set(vector, i * vector.length);
  return { numbers };
}

answerWith(answer, ({ numbers }) => [numbers.buffer]);
