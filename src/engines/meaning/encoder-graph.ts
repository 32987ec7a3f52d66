/**
 * A BERT sentence encoder as graphs of transformer blocks over the embedded tokens of one text (Devlin et al. 2019): their
 * mean and its unit vector (Reimers & Gurevych 2019, mean pooling), or how well a line answers a question that is read with
 * it (Nogueira & Cho 2019). Looking tokens up needs no graph and stays with the caller, so one text of any length runs
 * without padding or a mask.
 */

import { OnnxGraph } from "../onnx-file.ts";
import type { EncoderWeights } from "./encoder-weights.ts";

/** The graph's bytes: input `tokens` [N, D], output `vector` [D]. @throws Error where a tensor is missing */
export function encoderGraph(weights: EncoderWeights): Uint8Array {
  const graph = new OnnxGraph();
  const mean = graph.node("ReduceMean", [states(graph, weights)], { axes: [0], keepdims: 0 });
  const norm = graph.node("ReduceL2", [mean], { axes: [0], keepdims: 1 });
  graph.node("Div", [mean, norm], {}, "vector");
  graph.output("vector", [weights.shape.width]);
  return graph.encode();
}

/** What reads a score from the states of a question's first token and of a line's: of D numbers each, and one added. */
export interface AnswerHead {
  readonly first: Float32Array;
  readonly line: Float32Array;
  readonly bias: number;
}

/**
 * The graph's bytes: inputs `tokens` [N, D] and `line` [1, N], which is 1 / L at the L tokens of the line and 0 elsewhere;
 * output `score` [1, 1]. @throws Error where a tensor is missing
 */
export function answerGraph(weights: EncoderWeights, head: AnswerHead): Uint8Array {
  const { width } = weights.shape;
  const graph = new OnnxGraph();
  const x = states(graph, weights);
  const first = graph.node("Gather", [x, graph.constant(BigInt64Array.of(0n), [1])], { axis: 0 });
  const line = graph.node("MatMul", [graph.input("line", [1, "n"]), x]);
  const scored = (state: string, values: Float32Array) =>
    graph.node("MatMul", [state, graph.constant(values, [width, 1])]);
  const both = graph.node("Add", [scored(first, head.first), scored(line, head.line)]);
  graph.node("Add", [both, graph.constant(Float32Array.of(head.bias), [1])], {}, "score");
  graph.output("score", [1, 1]);
  return graph.encode();
}

/** The last states of the tokens, [N, D]. */
function states(graph: OnnxGraph, { shape, tensor }: EncoderWeights): string {
  const { width, layers, heads, epsilon } = shape;
  const constant = (name: string) => graph.constant(tensor(name).values, tensor(name).shape);
  const whole = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const scalar = (value: number) => graph.constant(Float32Array.of(value), []);
  const linear = (x: string, name: string) =>
    graph.node("Gemm", [x, constant(`${name}.weight`), constant(`${name}.bias`)], { transB: 1 });
  const normalised = (x: string, name: string) =>
    graph.node("LayerNormalization", [x, constant(`${name}.weight`), constant(`${name}.bias`)], {
      epsilon: { float: epsilon },
    });
  const split = (x: string, perm: readonly number[]) =>
    graph.node("Transpose", [graph.node("Reshape", [x, whole(0, heads, width / heads)])], { perm });
  const gelu = (x: string) => {
    const erf = graph.node("Erf", [graph.node("Mul", [x, scalar(Math.SQRT1_2)])]);
    const doubled = graph.node("Mul", [x, graph.node("Add", [erf, scalar(1)])]);
    return graph.node("Mul", [doubled, scalar(0.5)]);
  };

  let x = normalised(graph.input("tokens", ["n", width]), "embeddings.LayerNorm");
  for (let layer = 0; layer < layers; layer++) {
    const own = `encoder.layer.${layer}`;
    const [query, key, value] = ["query", "key", "value"].map((part) =>
      linear(x, `${own}.attention.self.${part}`),
    ) as [string, string, string];
    const products = graph.node("MatMul", [split(query, [1, 0, 2]), split(key, [1, 2, 0])]);
    const scaled = graph.node("Mul", [products, scalar(1 / Math.sqrt(width / heads))]);
    const mixed = graph.node("MatMul", [
      graph.node("Softmax", [scaled], { axis: -1 }),
      split(value, [1, 0, 2]),
    ]);
    const joined = graph.node("Reshape", [
      graph.node("Transpose", [mixed], { perm: [1, 0, 2] }),
      whole(0, width),
    ]);
    const attended = graph.node("Add", [x, linear(joined, `${own}.attention.output.dense`)]);
    x = normalised(attended, `${own}.attention.output.LayerNorm`);
    const wide = gelu(linear(x, `${own}.intermediate.dense`));
    x = normalised(graph.node("Add", [x, linear(wide, `${own}.output.dense`)]), `${own}.output.LayerNorm`);
  }
  return x;
}
