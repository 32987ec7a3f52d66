/**
 * llama.cpp's control vector: a GGUF file whose tensor `direction.N` is added to the output of block N
 * (`--control-vector`). llama.cpp has no direction for block 0.
 *
 * Read are files of 32-bit numbers, little-endian, as llama.cpp and repeng write them.
 */
import { ConfigError } from "../../errors.ts";
import { type BlockVector, brokenAdapter } from "./block-vector.ts";
import { floats, littleEndian } from "./safetensors.ts";

const version = 3;
const alignment = 32;
/** Types of values, as ggml's gguf.h numbers them. */
const types = { uint32: 4, string: 8, array: 9 } as const;
const bytesOfType = [1, 1, 2, 2, 4, 4, 4, 1, null, null, 8, 8, 8] as const;

/** Bytes of a control vector. @throws ConfigError `adapter-unsupported` for block 0 */
export function writeControlVector({ block, values }: BlockVector, architecture: string): Uint8Array {
  if (block === 0) {
    throw new ConfigError(
      "adapter-unsupported",
      "llama.cpp adds nothing after block 0: train the adapter at a later block.",
    );
  }
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([u64(bytes.length), bytes]);
  };
  const entry = (key: string, type: keyof typeof types, value: Buffer) =>
    Buffer.concat([text(key), u32(types[type]), value]);
  const head = Buffer.concat([
    ...[Buffer.from("GGUF"), u32(version), u64(1), u64(3)],
    entry("general.architecture", "string", text("controlvector")),
    entry("controlvector.model_hint", "string", text(architecture)),
    entry("controlvector.layer_count", "uint32", u32(1)),
    ...[text(`direction.${block}`), u32(1), u64(values.length), u32(0), u64(0)],
  ]);
  const padding = Buffer.alloc((alignment - (head.length % alignment)) % alignment);
  return Buffer.concat([head, padding, littleEndian(values)]);
}

/** The vectors of a control vector, by block. @throws DataError `adapter-invalid` */
export function readControlVector(bytes: Uint8Array): BlockVector[] {
  try {
    return directionsIn(new Cursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  } catch (error) {
    throw brokenAdapter("gguf", error instanceof RangeError ? "it is cut" : (error as Error).message);
  }
}

function directionsIn(file: Cursor): BlockVector[] {
  if (file.bytes(4).toString("latin1") !== "GGUF") throw new Error("it does not begin with GGUF");
  const read = file.u32();
  if (read !== 2 && read !== version) throw new Error(`its version is ${read}`);
  const tensorCount = file.u64();
  const valueCount = file.u64();
  let align = alignment;
  for (let i = 0; i < valueCount; i++) {
    const key = file.text();
    const value = file.value(file.u32());
    if (key === "general.alignment" && typeof value === "number") align = value;
  }
  const tensors = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = file.text();
    const axes = Array.from({ length: file.u32() }, () => file.u64());
    tensors.push({ name, axes, type: file.u32(), offset: file.u64() });
  }
  const start = Math.ceil(file.at / align) * align;
  return tensors.map(({ name, axes, type, offset }): BlockVector => {
    const block = Number(/^direction\.(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    if (!(block >= 0)) throw new Error(`${name} is no direction`);
    if (type !== 0 || axes.length !== 1) throw new Error(`${name} is not a vector of 32-bit numbers`);
    return { block, values: floats(file.slice(start + offset, 4 * axes[0]!)) };
  });
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** A file read from front to back. @throws RangeError at its end */
class Cursor {
  readonly #file: Buffer;
  at = 0;

  constructor(file: Buffer) {
    this.#file = file;
  }

  slice(start: number, length: number): Buffer {
    if (start + length > this.#file.length) throw new RangeError("past the end");
    return this.#file.subarray(start, start + length);
  }

  bytes(length: number): Buffer {
    const taken = this.slice(this.at, length);
    this.at += length;
    return taken;
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  u64(): number {
    const value = Number(this.bytes(8).readBigUInt64LE());
    if (value > this.#file.length) throw new RangeError("past the end");
    return value;
  }

  text(): string {
    return this.bytes(this.u64()).toString("utf8");
  }

  /** A value of a type; only whole numbers of 32 bits and texts are returned, the rest is passed over. */
  value(type: number): number | string | null {
    if (type === types.uint32) return this.u32();
    if (type === types.string) return this.text();
    if (type === types.array) {
      const of = this.u32();
      const count = this.u64();
      for (let i = 0; i < count; i++) this.value(of);
      return null;
    }
    const size = bytesOfType[type];
    if (!size) throw new Error(`it has a value of unknown type ${type}`);
    this.bytes(size);
    return null;
  }
}
