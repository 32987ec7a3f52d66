/**
 * A BERT sentence encoder as a graph: transformer blocks over the embedded tokens of one text, their mean, its unit
 * vector (Devlin et al. 2019; Reimers & Gurevych 2019, mean pooling). Looking tokens up needs no graph and stays with
 * the caller, so one text of any length runs without padding or a mask.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readSafetensors } from "../../adapter/exchange/safetensors.ts";
import { DataError } from "../../errors.ts";
import { OnnxGraph } from "./onnx-file.ts";

const shapeSchema = z.object({
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().min(0),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  layer_norm_eps: z.number().positive(),
  hidden_act: z.literal("gelu"),
});

/** An encoder that was read, ready to run. */
export interface LoadedEncoder {
  /** Numbers in a vector. */
  readonly dimension: number;
  /** Most tokens of a text. */
  readonly mostTokens: number;
  /** The model: input `tokens` [N, D], output `vector` [D]. */
  readonly onnx: Uint8Array;
  /** Tokens as the graph takes them, shape [N, D]. */
  readonly embed: (ids: readonly number[]) => Float32Array;
}

/** Reads the folder of an encoder: `config.json`, `model.safetensors`. @throws DataError `model-damaged` */
export function loadEncoder(folder: string): LoadedEncoder {
  try {
    return read(folder);
  } catch (cause) {
    throw new DataError(
      "model-damaged",
      `Expected a BERT encoder in ${folder}: ${(cause as Error).message}. Pull it again with \`taskmem models pull meaning\`.`,
      { cause, details: { folder } },
    );
  }
}

function read(folder: string): LoadedEncoder {
  const config = shapeSchema.parse(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
  const tensors = new Map(
    readSafetensors(readFileSync(join(folder, "model.safetensors"))).map((tensor) => [tensor.name, tensor]),
  );
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${name} is missing`);
    return found;
  };
  const width = config.hidden_size;
  const words = tensor("embeddings.word_embeddings.weight").values;
  const positions = tensor("embeddings.position_embeddings.weight").values;
  const types = tensor("embeddings.token_type_embeddings.weight").values;

  const graph = new OnnxGraph();
  const constant = (name: string) => graph.constant(tensor(name).values, tensor(name).shape);
  const whole = (...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  const scalar = (value: number) => graph.constant(Float32Array.of(value), []);
  const linear = (x: string, name: string) =>
    graph.node("Gemm", [x, constant(`${name}.weight`), constant(`${name}.bias`)], { transB: 1 });
  const normalised = (x: string, name: string) =>
    graph.node("LayerNormalization", [x, constant(`${name}.weight`), constant(`${name}.bias`)], {
      epsilon: { float: config.layer_norm_eps },
    });
  const heads = config.num_attention_heads;
  const split = (x: string, perm: readonly number[]) =>
    graph.node("Transpose", [graph.node("Reshape", [x, whole(0, heads, width / heads)])], { perm });
  const gelu = (x: string) => {
    const erf = graph.node("Erf", [graph.node("Mul", [x, scalar(Math.SQRT1_2)])]);
    const doubled = graph.node("Mul", [x, graph.node("Add", [erf, scalar(1)])]);
    return graph.node("Mul", [doubled, scalar(0.5)]);
  };

  let x = normalised(graph.input("tokens", ["n", width]), "embeddings.LayerNorm");
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
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

  return {
    dimension: width,
    mostTokens: config.max_position_embeddings,
    onnx: graph.encode(),
    embed: (ids) => {
      const rows = new Float32Array(ids.length * width);
      for (const [place, id] of ids.entries()) {
        for (let i = 0; i < width; i++)
          rows[place * width + i] = words[id * width + i]! + positions[place * width + i]! + types[i]!;
      }
      return rows;
    },
  };
}
