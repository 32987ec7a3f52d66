/**
 * Whisper (Radford et al. 2022) as two graphs: the encoder, from stretches of sound to what each layer of the decoder
 * looks at; and one step of the decoder, from a token to the scores of the next.
 *
 * The spectrogram is part of the encoder, as a product with the sines of a Fourier transform. Looking tokens and places
 * up is left to the caller, so sound of any length up to 30 s runs without padding to it.
 */
import { DataError } from "../../errors.ts";
import { fromHalf } from "../nano/half.ts";
import { OnnxGraph } from "../onnx-file.ts";
import { bandPower, frameSamples } from "../spectrogram.ts";
import type { StoredTensor } from "./ctranslate-file.ts";

const bands = 80;

/** The weights of a model, and its shape. */
export interface WhisperWeights {
  readonly width: number;
  readonly heads: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Most places of sound and of text. */
  readonly mostSound: number;
  readonly mostText: number;
  readonly vocabulary: number;
  tensor(name: string): StoredTensor;
}

/** What the tensors of a file are. @throws DataError `weights-broken` where one is missing, or the bands are not 80 */
export function whisperWeights(tensors: ReadonlyMap<string, StoredTensor>): WhisperWeights {
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new DataError("weights-broken", `The speech model has no ${name}`);
    return found;
  };
  const layers = (part: string) => {
    let count = 0;
    while (tensors.has(`${part}/layer_${count}/self_attention/linear_0/weight`)) count++;
    return count;
  };
  const [, modelBands] = tensor("encoder/conv1/weight").shape;
  if (modelBands !== bands)
    throw new DataError("weights-broken", `Expected a speech model of ${bands} bands, got ${modelBands}`);
  const [vocabulary, width] = tensor("decoder/embeddings/weight").shape as [number, number];
  const heads = tensor("encoder/num_heads").bytes[0]!;
  return {
    ...{ width, heads, vocabulary, tensor },
    ...{ encoderLayers: layers("encoder"), decoderLayers: layers("decoder") },
    mostSound: tensor("encoder/position_encodings/encodings").shape[0]!,
    mostText: tensor("decoder/position_encodings/encodings").shape[0]!,
  };
}

/** Numbers of a tensor as 32 bits. */
export function valuesOf({ type, bytes }: StoredTensor, from = 0, to?: number): Float32Array {
  const size = type === "float16" ? 2 : 4;
  const part = Uint8Array.from(bytes.subarray(from * size, to === undefined ? undefined : to * size));
  return type === "float16" ? fromHalf(new Uint16Array(part.buffer)) : new Float32Array(part.buffer);
}

/** What both graphs are made of. */
class Parts {
  readonly graph = new OnnxGraph();
  readonly #weights: WhisperWeights;

  constructor(weights: WhisperWeights) {
    this.#weights = weights;
  }

  constant(name: string): string {
    const { type, bytes, shape } = this.#weights.tensor(name);
    if (type === "float16") return this.graph.half(bytes, shape);
    return this.graph.constant(valuesOf({ type, bytes, shape }), shape);
  }

  whole(...values: number[]): string {
    return this.graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  scalar(value: number): string {
    return this.graph.constant(Float32Array.of(value), []);
  }

  linear(x: string, name: string, output?: string): string {
    const inputs = [x, this.constant(`${name}/weight`), this.constant(`${name}/bias`)];
    return this.graph.node("Gemm", inputs, { transB: 1 }, output);
  }

  normalised(x: string, name: string): string {
    const inputs = [x, this.constant(`${name}/gamma`), this.constant(`${name}/beta`)];
    return this.graph.node("LayerNormalization", inputs, { epsilon: { float: 1e-5 } });
  }

  gelu(x: string): string {
    const erf = this.graph.node("Erf", [this.graph.node("Mul", [x, this.scalar(Math.SQRT1_2)])]);
    const doubled = this.graph.node("Mul", [x, this.graph.node("Add", [erf, this.scalar(1)])]);
    return this.graph.node("Mul", [doubled, this.scalar(0.5)]);
  }

  /** [N, D] as heads: [heads, N, D / heads], or as `order` says. */
  split(x: string, order: readonly number[], output?: string): string {
    const { heads, width } = this.#weights;
    const parts = this.graph.node("Reshape", [x, this.whole(-1, heads, width / heads)]);
    return this.graph.node("Transpose", [parts], { perm: order }, output);
  }

  /** A part of the last axis, of `parts` equal ones. */
  slice(x: string, part: number, width = this.#weights.width): string {
    const [from, to] = [this.whole(part * width), this.whole((part + 1) * width)];
    return this.graph.node("Slice", [x, from, to, this.whole(1)]);
  }

  /** What queries make of keys [heads, d, M] and values [heads, M, d], as [N, D]. */
  attended(queries: string, keys: string, values: string): string {
    const { heads, width } = this.#weights;
    const products = this.graph.node("MatMul", [this.split(queries, [1, 0, 2]), keys]);
    const scaled = this.graph.node("Mul", [products, this.scalar(1 / Math.sqrt(width / heads))]);
    const mixed = this.graph.node("MatMul", [this.graph.node("Softmax", [scaled], { axis: -1 }), values]);
    const joined = this.graph.node("Transpose", [mixed], { perm: [1, 0, 2] });
    return this.graph.node("Reshape", [joined, this.whole(-1, width)]);
  }

  feedForward(x: string, name: string): string {
    const wide = this.gelu(this.linear(this.normalised(x, `${name}/layer_norm`), `${name}/linear_0`));
    return this.graph.node("Add", [x, this.linear(wide, `${name}/linear_1`)]);
  }
}

/** Keys and values of a layer that a step is given and returns, and those of the sound. */
export const layerNames = (layer: number) => ({
  ...{ keys: `keys_${layer}`, values: `values_${layer}` },
  ...{ nextKeys: `next_keys_${layer}`, nextValues: `next_values_${layer}` },
  ...{ soundKeys: `sound_keys_${layer}`, soundValues: `sound_values_${layer}` },
});

/**
 * The encoder's bytes. Inputs: `frames` [N, 400], samples from −1 to 1 every 160, N even; `places` [N / 2, D]. Outputs:
 * `sound_keys_L` [heads, d, N / 2] and `sound_values_L` [heads, N / 2, d] of each layer L of the decoder.
 */
export function encoderGraph(weights: WhisperWeights): Uint8Array {
  const { width, heads, encoderLayers, decoderLayers } = weights;
  const parts = new Parts(weights);
  const { graph } = parts;

  const power = bandPower(graph, graph.input("frames", ["n", frameSamples]), bands);
  const loudness = graph.node("Max", [power, parts.scalar(1e-10)]);
  const logarithm = graph.node("Mul", [graph.node("Log", [loudness]), parts.scalar(Math.LOG10E)]);
  const loudest = graph.node("ReduceMax", [logarithm], { keepdims: 0 });
  const within = graph.node("Max", [logarithm, graph.node("Sub", [loudest, parts.scalar(8)])]);
  const scaled = graph.node("Mul", [graph.node("Add", [within, parts.scalar(4)]), parts.scalar(0.25)]);

  const rows = graph.node("Unsqueeze", [graph.node("Transpose", [scaled], { perm: [1, 0] }), parts.whole(0)]);
  const convolved = (x: string, name: string, stride: number) => {
    const inputs = [x, parts.constant(`${name}/weight`), parts.constant(`${name}/bias`)];
    return parts.gelu(graph.node("Conv", inputs, { pads: [1, 1], strides: [stride], kernel_shape: [3] }));
  };
  const heard = convolved(convolved(rows, "encoder/conv1", 1), "encoder/conv2", 2);
  const steps = graph.node("Transpose", [graph.node("Squeeze", [heard, parts.whole(0)])], { perm: [1, 0] });
  let x = graph.node("Add", [steps, graph.input("places", ["m", width])]);
  for (let layer = 0; layer < encoderLayers; layer++) {
    const own = `encoder/layer_${layer}`;
    const normal = parts.normalised(x, `${own}/self_attention/layer_norm`);
    const three = parts.linear(normal, `${own}/self_attention/linear_0`);
    const [queries, keys, values] = [0, 1, 2].map((part) => parts.slice(three, part)) as [
      string,
      string,
      string,
    ];
    const mixed = parts.attended(queries, parts.split(keys, [1, 2, 0]), parts.split(values, [1, 0, 2]));
    x = graph.node("Add", [x, parts.linear(mixed, `${own}/self_attention/linear_1`)]);
    x = parts.feedForward(x, `${own}/ffn`);
  }
  const encoded = parts.normalised(x, "encoder/layer_norm");
  for (let layer = 0; layer < decoderLayers; layer++) {
    const { soundKeys, soundValues } = layerNames(layer);
    const both = parts.linear(encoded, `decoder/layer_${layer}/attention/linear_1`);
    parts.split(parts.slice(both, 0), [1, 2, 0], soundKeys);
    parts.split(parts.slice(both, 1), [1, 0, 2], soundValues);
    graph.output(soundKeys, [heads, width / heads, "m"]);
    graph.output(soundValues, [heads, "m", width / heads]);
  }
  return graph.encode();
}

/**
 * The bytes of a step of the decoder. Inputs: `token` [1, D], looked up with its place; `keys_L`, `values_L`
 * [heads, T, d] of the tokens before it; `sound_keys_L`, `sound_values_L` as the encoder gives them. Outputs: `scores`
 * [1, vocabulary], and `next_keys_L`, `next_values_L` [heads, T + 1, d].
 */
export function stepGraph(weights: WhisperWeights): Uint8Array {
  const { width, heads, decoderLayers, vocabulary } = weights;
  const parts = new Parts(weights);
  const { graph } = parts;
  const depth = width / heads;

  let x = graph.input("token", [1, width]);
  for (let layer = 0; layer < decoderLayers; layer++) {
    const own = `decoder/layer_${layer}`;
    const names = layerNames(layer);
    const normal = parts.normalised(x, `${own}/self_attention/layer_norm`);
    const three = parts.linear(normal, `${own}/self_attention/linear_0`);
    const [queries, keys, values] = [0, 1, 2].map((part) => parts.slice(three, part)) as [
      string,
      string,
      string,
    ];
    const after = (before: string, now: string, output: string) =>
      graph.node(
        "Concat",
        [graph.input(before, [heads, "t", depth]), parts.split(now, [1, 0, 2])],
        { axis: 1 },
        output,
      );
    const allKeys = after(names.keys, keys, names.nextKeys);
    const allValues = after(names.values, values, names.nextValues);
    const turned = graph.node("Transpose", [allKeys], { perm: [0, 2, 1] });
    const mixed = parts.attended(queries, turned, allValues);
    x = graph.node("Add", [x, parts.linear(mixed, `${own}/self_attention/linear_1`)]);

    const asked = parts.linear(
      parts.normalised(x, `${own}/attention/layer_norm`),
      `${own}/attention/linear_0`,
    );
    const heard = parts.attended(
      asked,
      graph.input(names.soundKeys, [heads, depth, "m"]),
      graph.input(names.soundValues, [heads, "m", depth]),
    );
    x = graph.node("Add", [x, parts.linear(heard, `${own}/attention/linear_2`)]);
    x = parts.feedForward(x, `${own}/ffn`);
    graph.output(names.nextKeys, [heads, "u", depth]);
    graph.output(names.nextValues, [heads, "u", depth]);
  }
  const last = parts.normalised(x, "decoder/layer_norm");
  graph.node("Gemm", [last, parts.constant("decoder/projection/weight")], { transB: 1 }, "scores");
  graph.output("scores", [1, vocabulary]);
  return graph.encode();
}
