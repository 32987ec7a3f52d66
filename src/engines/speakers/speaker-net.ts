/**
 * The net that tells voices apart: three LSTM layers over 1.6 s of mel bands and a projection, whose unit vector is the voice
 * (Wan et al. 2018, "Generalized end-to-end loss for speaker verification"), with the weights of Resemblyzer.
 */
import { DataError } from "../../errors.ts";
import { OnnxGraph } from "../onnx-file.ts";
import { bandPower, frameSamples } from "../spectrogram.ts";

/** Frames of 10 ms that the net takes, and bands of each. */
export const windowFrames = 160;
export const bands = 40;
/** Length of a voice's vector. */
export const voiceLength = 256;

const hidden = 256;
const layers = 3;
/** torch keeps the gates in the order input, forget, cell, output; ONNX in input, output, forget, cell. */
const gates = [0, 3, 1, 2];

/**
 * Where `pretrained.pt` of Resemblyzer 0.1.4 keeps its tensors, in bytes. It is torch's old form, which is read by running
 * pickled code; the file is pinned by its hash, so that places do.
 */
const file = { bytes: 17_090_379, lstm: 269_883, weight: 7731, bias: 6699 };

/** The graph of mel bands: `frames` [N, 400] to `bands` [N, 40]. */
export function bandsGraph(): Uint8Array {
  const graph = new OnnxGraph();
  const power = bandPower(graph, graph.input("frames", ["n", frameSamples]), bands);
  graph.node("Identity", [power], {}, "bands");
  graph.output("bands", ["n", bands]);
  return graph.encode();
}

/**
 * The net: `windows` [160, N, 40] to `voices` [N, 256], not yet of unit length.
 * @throws DataError `weights-broken` for another file than the pinned one
 */
export function speakerGraph(weights: Buffer): Uint8Array {
  if (weights.length !== file.bytes)
    throw new DataError(
      "weights-broken",
      `Expected the ${file.bytes} bytes of Resemblyzer's pretrained.pt, got ${weights.length}: pull speakers again`,
    );
  let at = file.lstm;
  const take = (count: number, from = at) => {
    at = from + 4 * count;
    return new Float32Array(Uint8Array.from(weights.subarray(from, at)).buffer);
  };
  const rows = 4 * hidden;
  // All matrices of all layers, then all biases, as cuDNN packs them.
  const matrices = Array.from({ length: layers }, (_, layer) => [
    take(rows * (layer === 0 ? bands : hidden)),
    take(rows * hidden),
  ]);
  const biases = Array.from({ length: layers }, () => [take(rows), take(rows)]);

  const graph = new OnnxGraph();
  let x = graph.input("windows", [windowFrames, "n", bands]);
  for (let layer = 0; layer < layers; layer++) {
    const width = layer === 0 ? bands : hidden;
    const [input, state] = matrices[layer]!;
    const bias = new Float32Array(2 * rows);
    for (const [i, part] of biases[layer]!.entries()) bias.set(reordered(part, 1), i * rows);
    const inputs = [
      x,
      graph.constant(reordered(input!, width), [1, rows, width]),
      graph.constant(reordered(state!, hidden), [1, rows, hidden]),
      graph.constant(bias, [1, 2 * rows]),
    ];
    const run = graph.node("LSTM", inputs, { hidden_size: hidden });
    x = graph.node("Squeeze", [run, graph.constant(BigInt64Array.of(1n), [1])]);
  }
  const last = graph.node("Gather", [x, graph.constant(BigInt64Array.of(BigInt(windowFrames - 1)), [])], {
    axis: 0,
  });
  const projected = graph.node(
    "Gemm",
    [
      last,
      graph.constant(take(voiceLength * hidden, file.weight), [voiceLength, hidden]),
      graph.constant(take(voiceLength, file.bias), [voiceLength]),
    ],
    { transB: 1 },
  );
  graph.node("Relu", [projected], {}, "voices");
  graph.output("voices", ["n", voiceLength]);
  return graph.encode();
}

/** Rows of a gated matrix in the order of ONNX. */
function reordered(matrix: Float32Array, width: number): Float32Array {
  const size = hidden * width;
  const result = new Float32Array(matrix.length);
  for (const [i, gate] of gates.entries())
    result.set(matrix.subarray(gate * size, (gate + 1) * size), i * size);
  return result;
}
