/**
 * A transducer in the form that sherpa-onnx reads, made of a handful of nodes: it says "beep" where sound is loud. It runs
 * the real recogniser, its features and its search.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OnnxGraph } from "../../src/engines/onnx-file.ts";

const features = 80;
/** A frame counts as loud above this mean of its features, which are logarithms. */
const loud = -8;
/** Frames of 10 ms to a step, as times count them. */
const every = 4;

const whole = (graph: OnnxGraph, ...values: number[]) =>
  graph.constant(BigInt64Array.from(values, BigInt), [values.length]);

/** Writes the folder of the model. */
export function writeTinyTransducer(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, graph: OnnxGraph, notes: Readonly<Record<string, string>> = {}) =>
    writeFileSync(join(folder, name), graph.encode(notes));

  const encoder = new OnnxGraph();
  const frames = encoder.input("x", ["n", "t", features]);
  const lengths = encoder.input("x_lens", ["n"], "int64");
  const [from, to, axis, step] = [0, 2 ** 40, 1, every].map((value) => whole(encoder, value)) as [
    string,
    string,
    string,
    string,
  ];
  encoder.node("Slice", [frames, from, to, axis, step], {}, "encoder_out");
  const filled = encoder.node("Add", [lengths, whole(encoder, every - 1)]);
  encoder.node("Div", [filled, whole(encoder, every)], {}, "encoder_out_lens");
  encoder.output("encoder_out", ["n", "u", features]);
  encoder.output("encoder_out_lens", ["n"], "int64");
  write("encoder.onnx", encoder, { model_type: "zipformer2" });

  const decoder = new OnnxGraph();
  const before = decoder.node("Cast", [decoder.input("y", ["n", 2], "int64")], { to: 1 });
  decoder.node(
    "MatMul",
    [before, decoder.constant(new Float32Array(2 * features), [2, features])],
    {},
    "decoder_out",
  );
  decoder.output("decoder_out", ["n", features]);
  write("decoder.onnx", decoder, { vocab_size: "3", context_size: "2" });

  const joiner = new OnnxGraph();
  const both = joiner.node("Add", [
    joiner.input("encoder_out", ["n", features]),
    joiner.input("decoder_out", ["n", features]),
  ]);
  const level = joiner.node("ReduceMean", [both], { axes: [1], keepdims: 1 });
  const blank = joiner.node("Mul", [level, joiner.constant(Float32Array.of(0), [1])]);
  const scores = [
    joiner.node("Add", [blank, joiner.constant(Float32Array.of(loud), [1])]),
    level,
    joiner.node("Add", [blank, joiner.constant(Float32Array.of(-100), [1])]),
  ];
  joiner.node("Concat", scores, { axis: 1 }, "logit");
  joiner.output("logit", ["n", 3]);
  write("joiner.onnx", joiner, { joiner_dim: String(features) });
  writeFileSync(join(folder, "tokens.txt"), "<blk> 0\n▁beep 1\n<unk> 2\n");
}
