/** Packed encoders, written here as the format has it and read, also by the real runtime. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packedFile, readWeights, widthOf } from "./encoder-weights.ts";
import { packedWeights } from "./packed-encoder.ts";
import { hasRuntime, sentenceEncoder } from "./sentence-encoder.ts";

const width = 32;
const inner = 64;
const pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581key", "\u2581opener", "\u2581soup", "s"];
const words = [4, 4, 6]; // pieces that mean one thing have one row

const bytes = (length: number, write: (buffer: Buffer) => unknown) => {
  const buffer = Buffer.alloc(length);
  write(buffer);
  return buffer;
};
const int = (value: number) => bytes(4, (to) => to.writeUInt32LE(value));
const float = (value: number) => bytes(4, (to) => to.writeFloatLE(value));
const long = (value: number) => bytes(8, (to) => to.writeBigUInt64LE(BigInt(value)));
const short = (value: number) => bytes(2, (to) => to.writeUInt16LE(value));
const floats = (values: readonly number[]) => Buffer.concat(values.map(float));

/** Blocks of 32 numbers from -8 to 7 times a scale of ½, which is 0x3800 in 16 bits. */
function packed(values: readonly number[]): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < values.length; at += 32) {
    const of = (i: number) => values[at + i]! * 2 + 8;
    blocks.push(short(0x3800), Buffer.from(Array.from({ length: 16 }, (_, i) => of(i) | (of(i + 16) << 4))));
  }
  return Buffer.concat(blocks);
}

const filled = (length: number, value: number) => Array.from({ length }, () => value);
/** A row with a one at a place. */
const unit = (at: number) => Array.from({ length: width }, (_, i) => (i === at ? 1 : 0));

function file(): Buffer {
  const rows = pieces.map((_, id) => unit(id < 4 ? 0 : (words[id - 4] ?? 7)));
  const layer: [string, Buffer][] = [
    ...["q", "k", "v", "ao"].map((name): [string, Buffer] => [
      `l0.${name}.w`,
      packed(filled(width * width, 0)),
    ]),
    ...["q", "k", "v", "ao", "fo"].map((name): [string, Buffer] => [
      `l0.${name}.b`,
      floats(filled(width, 0)),
    ]),
    ["l0.fi.w", packed(filled(inner * width, 0))],
    ["l0.fi.b", floats(filled(inner, 0))],
    ["l0.fo.w", packed(filled(inner * width, 0))],
    ...["aln", "oln"].flatMap((name): [string, Buffer][] => [
      [`l0.${name}.w`, floats(filled(width, 1))],
      [`l0.${name}.b`, floats(filled(width, 0))],
    ]),
  ];
  const tensors: [string, Buffer][] = [
    ["emb.word", packed(rows.flat())],
    ["emb.pos", floats(filled(16 * width, 0))],
    ["emb.type", floats(filled(width, 0))],
    ["emb.ln.w", floats(filled(width, 1))],
    ["emb.ln.b", floats(filled(width, 0))],
    ...layer,
  ];
  const letters = pieces.map((piece) => Buffer.from(piece));
  const ends = Array.from(
    { length: letters.length + 1 },
    (_, i) => Buffer.concat(letters.slice(0, i)).length,
  );
  const normal = Buffer.concat([int(0x212a), Buffer.from([1]), int(0x6b)]); // the sign of Kelvin is a k
  const head = Buffer.concat([
    Buffer.from("E5S1"),
    ...[1, width, 1, 2, inner, pieces.length, 16, 1].map(int),
    float(1e-12),
    int(32),
    ...[pieces.length, 0, 2, 1, 3].map(int),
    long(ends.at(-1)!),
    ...ends.map(int),
    floats(pieces.map((_, id) => -id)),
    ...letters,
    ...[1, normal.length].map(int),
    normal,
    int(tensors.length),
  ]);
  const lines = (from: number) => {
    let at = from;
    return Buffer.concat(
      tensors.map(([name, data]) => {
        const isPacked = name.endsWith(".w") ? !name.includes("ln.") : name === "emb.word";
        const count = isPacked ? (data.length / 18) * 32 : data.length / 4;
        const line = [short(name.length), Buffer.from(name), Buffer.from([isPacked ? 1 : 0]), int(count)];
        at += data.length;
        return Buffer.concat([...line, long(at - data.length), long(data.length)]);
      }),
    );
  };
  const from = head.length + lines(0).length;
  return Buffer.concat([head, lines(from), ...tensors.map(([, data]) => data)]);
}

const folder = mkdtempSync(join(tmpdir(), "taskmem-packed-"));
writeFileSync(join(folder, packedFile), file());
after(() => rmSync(folder, { recursive: true, force: true }));

test("gives sizes, numbers of four bits and tokens", () => {
  const { shape, word, tensor, tokens } = readWeights(folder);
  assert.deepEqual(shape, { width, layers: 1, heads: 2, mostTokens: 16, epsilon: Math.fround(1e-12) });
  assert.equal(widthOf(folder), width);
  assert.deepEqual([...word(5)], unit(4));
  assert.deepEqual(tensor("encoder.layer.0.intermediate.dense.weight").shape, [inner, width]);
  assert.deepEqual(tensor("encoder.layer.0.output.dense.weight").shape, [width, inner]);
  assert.deepEqual(tensor("encoder.layer.0.attention.output.LayerNorm.weight").shape, [width]);
  assert.deepEqual(tokens("\u212aey soups", 16), [0, 4, 6, 7, 2]);
});

test("runs, and words of one meaning are alike", {
  skip: !hasRuntime() && "onnxruntime-web is not installed",
}, async () => {
  const encoder = sentenceEncoder({ folder, id: "packed" });
  const [key, opener, soup] = await encoder.embed(["key", "opener", "soup"]);
  const likeness = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  assert.ok(likeness(key!, opener!) > 0.999);
  assert.ok(likeness(key!, soup!) < 0.9);
  await encoder.close();
});

test("says what is wrong with another file, a cut one, or one without a tensor", () => {
  const whole = file();
  assert.throws(() => packedWeights(Buffer.from("GGUF")), /no packed encoder/);
  assert.throws(() => packedWeights(whole.subarray(0, whole.length - 1)), /it is cut/);
  assert.throws(() => packedWeights(whole.subarray(0, 100)), /it is cut/);
  assert.throws(() => packedWeights(whole).tensor("pooler.dense.weight"), /pooler.dense.weight is missing/);
});
