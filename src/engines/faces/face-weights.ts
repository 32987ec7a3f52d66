/**
 * Weights of face-api's nets as they are published: a manifest of tensors, and their bytes one after another, most of them
 * as one byte a number with a scale (the format of TensorFlow.js).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A tensor as TensorFlow.js has it: filters are [height, width, in, out]. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The tensors of one net, by name. */
export interface NetWeights {
  has(name: string): boolean;
  /** @throws Error for a name that is not there */
  tensor(name: string): Tensor;
}

interface Listed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly scale: number; readonly min: number };
}

/** How a number is read, and how many bytes it takes. */
const readers: Readonly<Record<string, readonly [bytes: number, read: (bin: Buffer, at: number) => number]>> =
  {
    uint8: [1, (bin, at) => bin.readUInt8(at)],
    int32: [4, (bin, at) => bin.readInt32LE(at)],
    float32: [4, (bin, at) => bin.readFloatLE(at)],
  };

/** The weights of a net in a folder: `name.json` is the manifest, `name.bin` the bytes. @throws Error for files that do not fit */
export function readNetWeights(folder: string, name: string): NetWeights {
  const groups = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as { weights: Listed[] }[];
  const bin = readFileSync(join(folder, `${name}.bin`));
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { name: of, shape, dtype, quantization } of groups.flatMap(({ weights }) => weights)) {
    const [bytes, read] = readers[quantization?.dtype ?? dtype] ?? [];
    if (!bytes || !read) throw new Error(`Expected numbers of 8 or 32 bits in ${of}, got ${dtype}`);
    const values = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
    const { scale, min } = quantization ?? { scale: 1, min: 0 };
    for (let i = 0; i < values.length; i++) values[i] = read(bin, at + i * bytes) * scale + min;
    at += values.length * bytes;
    tensors.set(of, { shape, values });
  }
  if (at !== bin.length) throw new Error(`Expected ${at} bytes in ${name}.bin, got ${bin.length}`);
  return {
    has: (of) => tensors.has(of),
    tensor: (of) => {
      const found = tensors.get(of);
      if (!found) throw new Error(`${name}.json lists no tensor ${of}`);
      return found;
    },
  };
}
