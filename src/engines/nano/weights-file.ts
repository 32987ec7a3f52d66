/**
 * Weights as a safetensors file: names, shapes and numbers of 32 or 16 bits, with a checksum of the numbers.
 *
 * The layout is that of huggingface/safetensors: a length, a JSON header, then the tensors' bytes one after another.
 */
import { readFileSync } from "node:fs";
import { DataError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { replaceFile } from "../../util/replace-file.ts";
import { fromHalf, toHalf } from "./half.ts";

/** A named array of 32- or 16-bit numbers in a file. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** A weights file as it was read. */
export interface WeightsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Notes written with the tensors: words that the format itself never reads. */
  readonly notes: Readonly<Record<string, string>>;
  /** SHA-256 of the tensors' bytes. */
  readonly checksum: string;
}

interface HeaderEntry {
  readonly dtype: "F32" | "F16";
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes a file all or nothing. 16 bits halve its size and keep three decimal digits. */
export function writeWeights(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  { bits = 32, notes = {} }: { bits?: 16 | 32; notes?: Readonly<Record<string, string>> } = {},
): void {
  const header: Record<string, HeaderEntry | Record<string, string>> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const numbers = bits === 16 ? toHalf(values) : values;
    header[name] = {
      dtype: bits === 16 ? "F16" : "F32",
      shape,
      data_offsets: [offset, offset + numbers.byteLength],
    };
    parts.push(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    offset += numbers.byteLength;
  }
  const data = Buffer.concat(parts);
  header.__metadata__ = { ...notes, checksum: sha256(data) };
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  replaceFile(path, Buffer.concat([length, text, data]));
}

/** Reads a file whole. @throws DataError when it is cut, changed or not such a file */
export function readWeights(path: string): WeightsFile {
  const bytes = readFileSync(path);
  const broken = (got: string, cause?: unknown) =>
    new DataError("weights-broken", `${path} does not hold nano's weights (${got}): make the file again`, {
      cause,
    });
  const headerLength = bytes.length < 8 ? Number.POSITIVE_INFINITY : Number(bytes.readBigUInt64LE(0));
  if (headerLength > bytes.length - 8) throw broken("it is cut");
  let header: Record<string, HeaderEntry> & { __metadata__?: Record<string, string> };
  try {
    header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength));
  } catch (cause) {
    throw broken("its header is no JSON", cause);
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const { checksum, ...notes } = metadata;
  const data = bytes.subarray(8 + headerLength);
  if (sha256(data) !== checksum) throw broken("its checksum differs");
  const tensors: Record<string, Tensor> = {};
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(entries)) {
    const own = Uint8Array.from(data.subarray(from, to)).buffer;
    tensors[name] = {
      shape,
      values: dtype === "F16" ? fromHalf(new Uint16Array(own)) : new Float32Array(own),
    };
  }
  return { tensors, notes, checksum };
}
