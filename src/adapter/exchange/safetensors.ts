/**
 * Safetensors of other programs: numbers of 32 or 16 bits by name (huggingface/safetensors: a length, a JSON header, the
 * tensors' bytes).
 */
import { endianness } from "node:os";
import { z } from "zod";
import { fromBfloat16 } from "./bfloat16.ts";

/** A named array of numbers. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()).optional() }).catchall(
  z.object({
    dtype: z.enum(["F32", "BF16", "I64"]),
    shape: z.array(z.int().positive()),
    data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
  }),
);

/** Bytes of a file with tensors of 32-bit numbers. */
export function writeSafetensors(...tensors: readonly NamedTensor[]): Uint8Array {
  let at = 0;
  const entries = tensors.map(({ name, shape, values }) => {
    const from = at;
    at += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [from, at] }] as const;
  });
  const json = JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...tensors.map(({ values }) => littleEndian(values))]);
}

/** The tensors of a file. @throws Error with what is wrong */
export function readSafetensors(bytes: Uint8Array): NamedTensor[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = file.length < 8 ? Number.POSITIVE_INFINITY : Number(file.readBigUInt64LE(0));
  if (length > file.length - 8) throw new Error("it is cut");
  const { __metadata__: _, ...entries } = headerSchema.parse(
    JSON.parse(file.toString("utf8", 8, 8 + length)),
  );
  const data = file.subarray(8 + length);
  // Whole numbers are no weights: positions that some programs keep beside them.
  const numbers = Object.entries(entries).filter(([, { dtype }]) => dtype !== "I64");
  return numbers.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const size = shape.reduce((product, axis) => product * axis, dtype === "F32" ? 4 : 2);
      if (to - from !== size || to > data.length)
        throw new Error(`${name} has ${to - from} bytes, not ${size}`);
      const own = data.subarray(from, to);
      return { name, shape, values: dtype === "F32" ? floats(own) : fromBfloat16(own) };
    },
  );
}

/** Bytes of 32-bit numbers, little-endian as every format here has them. */
export function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes;
}

/** 32-bit numbers of little-endian bytes. */
export function floats(bytes: Buffer): Float32Array {
  if (endianness() === "LE")
    return new Float32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~3)).buffer);
  return Float32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(4 * i));
}
