/**
 * Two nets in the form that sherpa-onnx reads to tell voices apart, made of a handful of nodes: a deep tone is one voice, a
 * high tone another. They run its real windows, features and clustering.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OnnxGraph } from "../../src/engines/onnx-file.ts";

/** Of pyannote's segmentation: samples that a frame sees, and from one frame to the next. */
const frame = { length: 991, step: 270 };
const bands = 80;

/** Writes the folder of both nets. */
export function writeTinySpeakers(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.onnx"), segmentation());
  writeFileSync(join(folder, "3dspeaker_tiny.onnx"), embedding());
}

/** Sound [1, 1, T] to scores [1, frames, 7]: no one, three voices, three pairs of them. A quick change of samples is a high tone. */
function segmentation(): Uint8Array {
  const graph = new OnnxGraph();
  const sound = graph.input("x", ["n", 1, "t"]);
  const weights = (...values: number[]) => graph.constant(Float32Array.from(values), [1, 1, values.length]);
  const levelOf = (part: string) =>
    graph.node("AveragePool", [graph.node("Abs", [part])], {
      kernel_shape: [frame.length],
      strides: [frame.step],
    });
  const level = levelOf(sound);
  const change = levelOf(graph.node("Conv", [sound, weights(-1, 1)], { pads: [1, 0] }));
  const times = (value: string, factor: number) => graph.node("Mul", [value, weights(factor)]);
  const never = graph.node("Add", [times(level, 0), weights(-100)]);
  const scores = [
    graph.node("Add", [times(level, 0), weights(0.02)]),
    graph.node("Sub", [times(level, 2), times(change, 2)]),
    change,
    ...[never, never, never, never],
  ];
  graph.node("Transpose", [graph.node("Concat", scores, { axis: 1 })], { perm: [0, 2, 1] }, "y");
  graph.output("y", ["n", "frames", 7]);
  return graph.encode({
    ...{ num_speakers: "3", powerset_max_classes: "2", num_classes: "7", sample_rate: "16000" },
    ...{
      window_size: "160000",
      receptive_field_size: `${frame.length}`,
      receptive_field_shift: `${frame.step}`,
    },
    ...{
      model_type: "pyannote-segmentation-3.0",
      version: "1",
      model_author: "tests",
      maintainer: "tests",
      license: "none",
      url: "none",
    },
  });
}

/** Features [1, T, 80] to a vector [1, 80]: in which bands the sound is. */
function embedding(): Uint8Array {
  const graph = new OnnxGraph();
  const mean = graph.node("ReduceMean", [graph.input("x", ["n", "t", bands])], { axes: [1], keepdims: 0 });
  const all = graph.node("ReduceMean", [mean], { axes: [1], keepdims: 1 });
  graph.node("Sub", [mean, all], {}, "embedding");
  graph.output("embedding", ["n", bands]);
  return graph.encode({
    ...{ framework: "3d-speaker", language: "English", url: "none", comment: "tests" },
    ...{ sample_rate: "16000", output_dim: `${bands}`, normalize_samples: "1", feature_normalize_type: "" },
  });
}
