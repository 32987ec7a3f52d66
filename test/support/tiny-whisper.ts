/** A Whisper of random weights in CTranslate2's file: it runs the real code, and what it writes is nonsense. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/util/random.ts";

/** Its shape: small enough to run in no time. */
const [width, heads, layers, sound, text] = [8, 2, 1, 1500, 64];
const letters = ["Ġa", "b", "c", "d"];
const special = ["endoftext", "startoftranscript", "en", "transcribe", "nospeech"].map(
  (name) => `<|${name}|>`,
);
const times = Array.from({ length: 1501 }, (_, i) => `<|${(i / 50).toFixed(2)}|>`);

/** Writes the folder of a model. @param type of the numbers */
export function writeTinyWhisper(folder: string, type: "float32" | "int8" = "float32"): void {
  mkdirSync(folder, { recursive: true });
  const vocabulary = [...letters, ...special, ...times];
  const random = seededRandom(1);
  const tensors: Buffer[] = [];
  const add = (name: string, shape: readonly number[], code = type === "int8" ? 1 : 0) => {
    const count = shape.reduce((product, axis) => product * axis, 1);
    const values = Float32Array.from({ length: count }, () => random() - 0.5);
    const bytes = code === 0 ? Buffer.from(values.buffer) : Buffer.alloc(count, 2);
    const axes = Buffer.concat([Buffer.of(shape.length), ...shape.map(int)]);
    tensors.push(Buffer.concat([string(name), axes, Buffer.of(code), int(bytes.length), bytes]));
  };
  const norm = (name: string) => {
    add(`${name}/gamma`, [width]);
    add(`${name}/beta`, [width]);
  };
  const linear = (name: string, to: number, from: number) => {
    add(`${name}/weight`, [to, from]);
    add(`${name}/bias`, [to]);
  };
  add("encoder/num_heads", [], 1);
  tensors[tensors.length - 1]![tensors.at(-1)!.length - 1] = heads;
  for (const [name, from] of [["encoder/conv1", 80] as const, ["encoder/conv2", width] as const]) {
    add(`${name}/weight`, [width, from, 3]);
    add(`${name}/bias`, [width]);
  }
  for (const [part, places] of [["encoder", sound] as const, ["decoder", text] as const]) {
    add(`${part}/position_encodings/encodings`, [places, width]);
    norm(`${part}/layer_norm`);
    for (let layer = 0; layer < layers; layer++) {
      const own = `${part}/layer_${layer}`;
      norm(`${own}/self_attention/layer_norm`);
      linear(`${own}/self_attention/linear_0`, 3 * width, width);
      linear(`${own}/self_attention/linear_1`, width, width);
      norm(`${own}/ffn/layer_norm`);
      linear(`${own}/ffn/linear_0`, 4 * width, width);
      linear(`${own}/ffn/linear_1`, width, 4 * width);
      if (part === "encoder") continue;
      norm(`${own}/attention/layer_norm`);
      linear(`${own}/attention/linear_0`, width, width);
      linear(`${own}/attention/linear_1`, 2 * width, width);
      linear(`${own}/attention/linear_2`, width, width);
    }
  }
  add("decoder/embeddings/weight", [vocabulary.length, width]);
  const alias = Buffer.concat([
    int(1),
    string("decoder/projection/weight"),
    string("decoder/embeddings/weight"),
  ]);
  const head = Buffer.concat([int(6), string("WhisperSpec"), int(3), int(tensors.length)]);
  writeFileSync(join(folder, "model.bin"), Buffer.concat([head, ...tensors, alias]));
  writeFileSync(join(folder, "vocabulary.txt"), `${vocabulary.join("\n")}\n`);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function string(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(value.length + 1);
  return Buffer.concat([length, Buffer.from(`${value}\0`)]);
}
