/**
 * Weights as a safetensors file: names, shapes and numbers of 32 or 16 bits, with a checksum of the numbers.
 *
 * The layout is that of huggingface/safetensors: a length, a JSON header, then the tensors' bytes one after another.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
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

const bytesOf = { F32: 4, F16: 2 } as const;

const headerEntry = z.object({
  dtype: z.enum(["F32", "F16"]),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
type HeaderEntry = z.infer<typeof headerEntry>;

const headerOf = z
  .object({ __metadata__: z.object({ checksum: z.string() }).catchall(z.string()) })
  .catchall(headerEntry);

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
      shape: [...shape],
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

/** Reads a file whole. @throws DataError `weights-broken` when it is cut, changed or not such a file */
export function readWeights(path: string): WeightsFile {
  const bytes = readFileSync(path);
  try {
    return weightsIn(bytes);
  } catch (cause) {
    const got = cause instanceof z.ZodError ? `in its header ${firstIssue(cause)}` : (cause as Error).message;
    throw new DataError(
      "weights-broken",
      `${path} does not hold nano's weights (${got}): make the file again`,
      {
        cause,
      },
    );
  }
}

/** @throws Error with what is wrong */
function weightsIn(bytes: Buffer): WeightsFile {
  const headerLength = bytes.length < 8 ? Number.POSITIVE_INFINITY : Number(bytes.readBigUInt64LE(0));
  if (headerLength > bytes.length - 8) throw new Error("it is cut");
  const data = bytes.subarray(8 + headerLength);
  const header = jsonOf(bytes.toString("utf8", 8, 8 + headerLength));
  const { __metadata__, ...entries } = headerOf.parse(header);
  const { checksum, ...notes } = __metadata__;
  // zod drops a key called __proto__.
  if (Object.hasOwn(header as object, "__proto__")) throw new Error("a tensor may not be called __proto__");
  if (sha256(data) !== checksum) throw new Error("its checksum differs");
  const parsed = Object.entries(entries).map(([name, entry]) => ({ name, ...entry }));
  assertLayout(parsed, data.length);
  const tensors = parsed.map(({ name, dtype, shape, data_offsets: [from, to] }): [string, Tensor] => {
    const own = Uint8Array.from(data.subarray(from, to)).buffer;
    return [
      name,
      { shape, values: dtype === "F16" ? fromHalf(new Uint16Array(own)) : new Float32Array(own) },
    ];
  });
  return { tensors: Object.fromEntries(tensors), notes, checksum };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("its header is no JSON", { cause });
  }
}

/** The tensors fill the data one after another, as many bytes as their shapes take. @throws Error */
function assertLayout(entries: readonly (HeaderEntry & { name: string })[], length: number): void {
  let end = 0;
  for (const { name, dtype, shape, data_offsets } of entries.toSorted(
    (a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  )) {
    const [from, to] = data_offsets;
    const size = shape.reduce((product, axis) => product * axis, bytesOf[dtype]);
    if (from !== end || to - from !== size)
      throw new Error(
        `${name} of shape [${shape}] lies at ${from} to ${to}, expected ${end} to ${end + size}`,
      );
    end = to;
  }
  if (end !== length) throw new Error(`its tensors end at ${end} of ${length} bytes`);
}

function firstIssue({ issues: [issue] }: z.ZodError): string {
  return `${issue!.path.join(".") || "itself"}: ${issue!.message}`;
}
