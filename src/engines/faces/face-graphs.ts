/**
 * The three nets of face-api as ONNX graphs, built in memory from its own weights: a detector (SSD on MobileNet v1, Liu et
 * al. 2016), 68 landmarks, and dlib's face recognition (a ResNet of 29 convolutions, King 2017). Batch norms and scales are
 * folded into the convolutions. Colours come as bytes, by red, green and blue.
 */
import { OnnxGraph } from "../onnx-file.ts";
import type { NetWeights, Tensor } from "./face-weights.ts";

/** Side of the pictures that the nets take, in pixels. */
export const detectorSide = 512;
export const landmarkSide = 112;
export const vectorSide = 150;
/** Boxes that the detector rates in each picture. */
export const anchorCount = 5118;

interface Convolution {
  readonly stride?: number;
  /** Rows and columns of zeros above, left, below and right. @default half of the filter on all sides */
  readonly pads?: readonly number[];
  readonly depthwise?: boolean;
  /** Each output is times this. */
  readonly gain?: Float32Array;
}

/** "Same" padding of a stride of 2 over an even size: below and right only. */
const halved: Convolution = { stride: 2, pads: [0, 0, 1, 1] };
/** The mean colour that dlib's nets subtract. */
const meanColour = [122.782, 117.001, 104.298];
const normEpsilon = 0.0010000000474974513;

/** [height, width, in, out] to [out, in, height, width]; of depthwise filters [height, width, channels, 1] to [channels, 1, height, width]. */
function outputsFirst({ shape, values }: Tensor, { depthwise = false, gain }: Convolution): Tensor {
  const [height, width, inner, outer] = shape as [number, number, number, number];
  const [outs, ins] = depthwise ? [inner, 1] : [outer, inner];
  const turned = new Float32Array(values.length);
  let from = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < ins; i++)
        for (let o = 0; o < outs; o++)
          turned[((o * ins + i) * height + y) * width + x] = values[from++]! * (gain?.[o] ?? 1);
  return { shape: [outs, ins, height, width], values: turned };
}

class NetGraph extends OnnxGraph {
  readonly weights: NetWeights;

  constructor(weights: NetWeights) {
    super();
    this.weights = weights;
  }

  values = (name: string) => this.weights.tensor(name).values;
  wholes = (...values: number[]) => this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  scalar = (value: number) => this.constant(Float32Array.of(value), []);
  relu = (x: string) => this.node("Relu", [x]);
  relu6 = (x: string) => this.node("Clip", [x, this.scalar(0), this.scalar(6)]);
  sum = (a: string, b: string) => this.node("Add", [a, b]);

  /** The picture `x`, shape [1, 3, side, side], as (byte − mean) · scale. */
  picture(side: number, mean: readonly number[], scale: number): string {
    const x = this.input("x", [1, 3, side, side]);
    const centred = this.node("Sub", [x, this.constant(Float32Array.from(mean), [1, 3, 1, 1])]);
    return this.node("Mul", [centred, this.scalar(scale)]);
  }

  convolve(x: string, filters: string, bias: Float32Array | null, how: Convolution = {}): string {
    const { shape, values } = outputsFirst(this.weights.tensor(filters), how);
    const [outs, , height, width] = shape as [number, number, number, number];
    const [above, left] = [height >> 1, width >> 1];
    const { stride = 1, pads = [above, left, above, left], depthwise = false } = how;
    const inputs = [x, this.constant(values, shape), ...(bias ? [this.constant(bias, [outs])] : [])];
    const attributes = {
      kernel_shape: [height, width],
      strides: [stride, stride],
      pads,
      group: depthwise ? outs : 1,
    };
    return this.node("Conv", inputs, attributes);
  }

  matrix(x: string, name: string): string {
    const { shape, values } = this.weights.tensor(name);
    return this.node("MatMul", [x, this.constant(values, shape)]);
  }
}

/** `x` [1, 3, 512, 512] to `boxes` [1, 5118, 4], relative to the anchors, and `classes` [1, 5118, 3] before the sigmoid. */
export function detectorGraph(weights: NetWeights): Uint8Array {
  const graph = new NetGraph(weights);
  const pointwise = (x: string, name: string, how: Convolution = {}) =>
    graph.relu6(graph.convolve(x, `${name}/weights`, graph.values(`${name}/convolution_bn_offset`), how));
  const depthwise = (x: string, name: string, how: Convolution) => {
    const norm = (part: string) => graph.values(`${name}/BatchNorm/${part}`);
    const variance = norm("moving_variance");
    const gain = norm("gamma").map((gamma, i) => gamma / Math.sqrt(variance[i]! + normEpsilon));
    const mean = norm("moving_mean");
    const bias = norm("beta").map((beta, i) => beta - mean[i]! * gain[i]!);
    const own = { ...how, depthwise: true, gain };
    return graph.relu6(graph.convolve(x, `${name}/depthwise_weights`, bias, own));
  };
  const base = "MobilenetV1/Conv2d";
  let x = pointwise(
    graph.picture(detectorSide, [127.5, 127.5, 127.5], 1 / 127.5),
    `${base}_0_pointwise`,
    halved,
  );
  const levels: string[] = [];
  for (let i = 1; i <= 13; i++) {
    const how = [2, 4, 6, 12].includes(i) ? halved : {};
    x = pointwise(depthwise(x, `${base}_${i}_depthwise`, how), `${base}_${i}_pointwise`);
    if (i === 11 || i === 13) levels.push(x);
  }
  for (let i = 0; i < 8; i++) {
    x = pointwise(x, `Prediction/Conv2d_${i}_pointwise`, i % 2 === 1 ? halved : {});
    if (i % 2 === 1) levels.push(x);
  }
  const head = (kind: string, width: number, name: string) => {
    const parts = levels.map((level, i) => {
      const at = `Prediction/BoxPredictor_${i}/${kind}`;
      const rated = graph.convolve(level, `${at}/weights`, graph.values(`${at}/biases`));
      const lastChannels = graph.node("Transpose", [rated], { perm: [0, 2, 3, 1] });
      return graph.node("Reshape", [lastChannels, graph.wholes(1, -1, width)]);
    });
    graph.output(graph.node("Concat", parts, { axis: 1 }, name), [1, anchorCount, width]);
  };
  head("BoxEncodingPredictor", 4, "boxes");
  head("ClassPredictor", 3, "classes");
  return graph.encode();
}

/** `x` [1, 3, 112, 112] to `y` [1, 136]: x and y of 68 points, as shares of the side. */
export function landmarkGraph(weights: NetWeights): Uint8Array {
  const graph = new NetGraph(weights);
  const layer = (x: string, name: string, how: Convolution = {}) => {
    const bias = graph.values(`${name}/bias`);
    if (weights.has(`${name}/filters`)) return graph.convolve(x, `${name}/filters`, bias, how);
    const own = { ...how, depthwise: true };
    return graph.convolve(
      graph.convolve(x, `${name}/depthwise_filter`, null, own),
      `${name}/pointwise_filter`,
      bias,
    );
  };
  let x = graph.picture(landmarkSide, meanColour, 1 / 255);
  for (const block of ["dense0", "dense1", "dense2", "dense3"]) {
    const first = graph.relu(layer(x, `${block}/conv0`, halved));
    const second = layer(first, `${block}/conv1`);
    let sum = graph.sum(first, second);
    for (const i of [2, 3]) sum = graph.sum(sum, layer(graph.relu(sum), `${block}/conv${i}`));
    x = graph.relu(sum);
  }
  const pooled = graph.node("AveragePool", [x], { kernel_shape: [7, 7], strides: [2, 2] });
  const flat = graph.matrix(graph.node("Reshape", [pooled, graph.wholes(1, -1)]), "fc/weights");
  graph.node("Add", [flat, graph.constant(graph.values("fc/bias"), [136])], {}, "y");
  graph.output("y", [1, 136]);
  return graph.encode();
}

/** `x` [1, 3, 150, 150] to `y` [1, 128], which is compared by Euclidean distance. */
export function vectorGraph(weights: NetWeights): Uint8Array {
  const graph = new NetGraph(weights);
  const layer = (x: string, name: string, how: Convolution = {}) => {
    const gain = graph.values(`${name}/scale/weights`);
    const shift = graph.values(`${name}/scale/biases`);
    const bias = graph.values(`${name}/conv/bias`).map((value, i) => value * gain[i]! + shift[i]!);
    return graph.convolve(x, `${name}/conv/filters`, bias, { ...how, gain });
  };
  const down: Convolution = { stride: 2, pads: [0, 0, 0, 0] };
  const residual = (x: string, name: string) =>
    graph.relu(graph.sum(layer(graph.relu(layer(x, `${name}/conv1`)), `${name}/conv2`), x));
  /** @param wider channels of zeros added to the shortcut @param larger whether its other side gets a row and column of zeros */
  const residualDown = (x: string, name: string, wider: number, larger: boolean) => {
    let deep = layer(graph.relu(layer(x, `${name}/conv1`, down)), `${name}/conv2`);
    if (larger) deep = graph.node("Pad", [deep, graph.wholes(0, 0, 0, 0, 0, 0, 1, 1)]);
    let short = graph.node("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
    if (wider > 0) short = graph.node("Pad", [short, graph.wholes(0, 0, 0, 0, 0, wider, 0, 0)]);
    return graph.relu(graph.sum(short, deep));
  };
  let x = graph.relu(layer(graph.picture(vectorSide, meanColour, 1 / 255), "conv32_down", down));
  x = graph.node("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2] });
  for (const i of [1, 2, 3]) x = residual(x, `conv32_${i}`);
  x = residualDown(x, "conv64_down", 32, false);
  for (const i of [1, 2, 3]) x = residual(x, `conv64_${i}`);
  x = residualDown(x, "conv128_down", 64, false);
  for (const i of [1, 2]) x = residual(x, `conv128_${i}`);
  x = residualDown(x, "conv256_down", 128, true);
  for (const i of [1, 2]) x = residual(x, `conv256_${i}`);
  x = residualDown(x, "conv256_down_out", 0, true);
  const mean = graph.node("ReduceMean", [x], { axes: [2, 3], keepdims: 0 });
  const { shape, values } = weights.tensor("fc");
  graph.node("MatMul", [mean, graph.constant(values, shape)], {}, "y");
  graph.output("y", [1, 128]);
  return graph.encode();
}
