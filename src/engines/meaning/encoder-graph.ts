/**
 * A BERT sentence encoder as a graph: transformer blocks over the embedded tokens of one text, their mean, its unit
 * vector (Devlin et al. 2019; Reimers & Gurevych 2019, mean pooling). Looking tokens up needs no graph and stays with
 * the caller, so one text of any length runs without padding or a mask.
 */

import { OnnxGraph } from "../onnx-file.ts";
import type { EncoderWeights } from "./encoder-weights.ts";

/** The graph's bytes: input `tokens` [N, D], output `vector` [D]. @throws Error where a tensor is missing */
export function encoderGraph({ shape, tensor }: EncoderWeights): Uint8Array {
  const { width, layers, heads, epsilon } = shape;

  const graph = new OnnxGraph();
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
  const mean = graph.node("ReduceMean", [x], { axes: [0], keepdims: 0 });
  const norm = graph.node("ReduceL2", [mean], { axes: [0], keepdims: 1 });
  graph.node("Div", [mean, norm], {}, "vector");
  graph.output("vector", [width]);

  return graph.encode();
}
