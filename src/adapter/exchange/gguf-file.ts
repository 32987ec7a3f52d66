/**
 * GGUF, the file format of llama.cpp: named values, then tensors. Written are texts, numbers and tensors of 32-bit
 * numbers; read are the tensors, little-endian.
 */
import { floats, littleEndian, type NamedTensor } from "./safetensors.ts";

const version = 3;
const alignment = 32;
/** Types of values, as ggml's gguf.h numbers them. */
const types = { uint32: 4, float32: 6, string: 8, array: 9 } as const;
const bytesOfType = [1, 1, 2, 2, 4, 4, 4, 1, null, null, 8, 8, 8] as const;

/** A named value of a file. */
export type GgufValue =
  | { readonly key: string; readonly uint32: number }
  | { readonly key: string; readonly float32: number }
  | { readonly key: string; readonly string: string };

/** Bytes of a file. A shape's last axis is the one whose numbers lie side by side; the file lists axes from there. */
export function writeGguf(values: readonly GgufValue[], tensors: readonly NamedTensor[]): Uint8Array {
  const data: Buffer[] = [];
  let at = 0;
  const described = tensors.map((tensor) => {
    const axes = [...tensor.shape].reverse().map(u64);
    const described = [text(tensor.name), u32(axes.length), ...axes, u32(0), u64(at)];
    const bytes = padded(littleEndian(tensor.values));
    data.push(bytes);
    at += bytes.length;
    return Buffer.concat(described);
  });
  const head = Buffer.concat([
    ...[Buffer.from("GGUF"), u32(version), u64(tensors.length), u64(values.length)],
    ...values.map(entry),
    ...described,
  ]);
  // The last tensor ends the file.
  const last = tensors.at(-1)?.values.byteLength ?? 0;
  const whole = Buffer.concat([padded(head), ...data]);
  return whole.subarray(0, whole.length - ((alignment - (last % alignment)) % alignment));
}

function entry(value: GgufValue): Buffer {
  if ("uint32" in value) return Buffer.concat([text(value.key), u32(types.uint32), u32(value.uint32)]);
  if ("string" in value) return Buffer.concat([text(value.key), u32(types.string), text(value.string)]);
  const number = Buffer.alloc(4);
  number.writeFloatLE(value.float32);
  return Buffer.concat([text(value.key), u32(types.float32), number]);
}

/** The tensors of 32-bit numbers of a file. @throws RangeError where it is cut; Error with what is wrong */
export function readGguf(bytes: Uint8Array): NamedTensor[] {
  const file = new Cursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
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
  const tensors: { name: string; axes: number[]; type: number; offset: number }[] = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = file.text();
    const axes = Array.from({ length: file.u32() }, () => file.u64());
    tensors.push({ name, axes, type: file.u32(), offset: file.u64() });
  }
  const start = Math.ceil(file.at / align) * align;
  return tensors.map(({ name, axes, type, offset }) => {
    if (type !== 0) throw new Error(`${name} is not of 32-bit numbers`);
    const count = axes.reduce((product, axis) => product * axis, 1);
    return { name, shape: axes.reverse(), values: floats(file.slice(start + offset, 4 * count)) };
  });
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((alignment - (bytes.length % alignment)) % alignment)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
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
