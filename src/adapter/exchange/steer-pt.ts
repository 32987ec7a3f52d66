/**
 * `steer.pt` of the paper's released code: a step and a matrix of one row a block, 16-bit numbers, as `torch.save` writes
 * them. Rows of zeros are blocks without a vector.
 *
 * Numbers are rounded to 16 bits when they are written (bfloat16, three digits), as training does.
 */
import { crc32 } from "node:zlib";
import { fromBufferPromise } from "yauzl";
import { ConfigError } from "../../errors.ts";
import { fromBfloat16, toBfloat16 } from "./bfloat16.ts";
import { type BlockVector, brokenAdapter } from "./block-vector.ts";
import { type Pickled, readPickle, writePickle } from "./pickle.ts";
import { floats } from "./safetensors.ts";

/** Bytes of a file. @param blocks how many the model has @throws ConfigError `adapter-unsupported` for a block it has not */
export function writeSteer({ block, values }: BlockVector, blocks: number): Uint8Array {
  if (block >= blocks) {
    throw new ConfigError(
      "adapter-unsupported",
      `The adapter is of block ${block}, and the model has ${blocks}.`,
    );
  }
  const width = values.length;
  const matrix = new Float32Array(blocks * width);
  matrix.set(values, block * width);
  const storage = ["storage", { global: "torch.BFloat16Storage" }, "0", "cpu", matrix.length];
  const tensor = {
    call: "torch._utils._rebuild_tensor_v2",
    args: [
      { reference: storage },
      0,
      [blocks, width],
      [width, 1],
      false,
      { call: "collections.OrderedDict", args: [] },
    ],
  };
  const content = new Map<Pickled, Pickled>([
    ["global_step", 0],
    ["matrix", tensor],
  ]);
  return zipOf({
    "steer/data.pkl": writePickle(content),
    "steer/byteorder": Buffer.from("little"),
    "steer/data/0": toBfloat16(matrix),
    "steer/version": Buffer.from("3\n"),
  });
}

/** The vectors of a file, by block. @throws DataError `adapter-invalid` */
export async function readSteer(bytes: Uint8Array): Promise<BlockVector[]> {
  try {
    return vectorsIn(await filesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  } catch (error) {
    throw brokenAdapter("steer-pt", (error as Error).message);
  }
}

function vectorsIn(files: ReadonlyMap<string, Buffer>): BlockVector[] {
  const pickle = [...files].find(([name]) => name.endsWith("/data.pkl"));
  if (!pickle) throw new Error("it holds no data.pkl");
  const folder = pickle[0].slice(0, -"data.pkl".length);
  const content = readPickle(pickle[1]);
  const matrix = content instanceof Map ? content.get("matrix") : undefined;
  const { key, dtype, offset, shape } = tensorOf(matrix);
  const data = files.get(`${folder}data/${key}`);
  if (!data) throw new Error("the numbers of its matrix are missing");
  const numbers = dtype === "torch.BFloat16Storage" ? fromBfloat16(data) : floats(data);
  const [blocks, width] = shape;
  if (offset + blocks * width > numbers.length) throw new Error("its matrix is cut");
  return Array.from({ length: blocks }, (_, block) => ({
    block,
    values: numbers.slice(offset + block * width, offset + (block + 1) * width),
  })).filter(({ values }) => values.some((value) => value !== 0));
}

/** A tensor as `torch.save` describes it. */
function tensorOf(matrix: Pickled | undefined) {
  const args =
    matrix && typeof matrix === "object" && "call" in matrix && /_rebuild_tensor(_v2)?$/.test(matrix.call)
      ? matrix.args
      : [];
  const [storage, offset, shape, stride] = args;
  const reference = storage && typeof storage === "object" && "reference" in storage ? storage.reference : [];
  const [, type, key] = Array.isArray(reference) ? (reference as readonly Pickled[]) : [];
  const dtype = type && typeof type === "object" && "global" in type ? type.global : "";
  const isMatrix =
    Array.isArray(shape) && shape.length === 2 && shape.every((axis) => typeof axis === "number" && axis > 0);
  if (!isMatrix || typeof key !== "string" || typeof offset !== "number")
    throw new Error("it holds no matrix");
  if (!["torch.BFloat16Storage", "torch.FloatStorage"].includes(dtype))
    throw new Error(`its numbers are ${dtype || "of no known type"}`);
  const [blocks, width] = shape as unknown as [number, number];
  if (!Array.isArray(stride) || stride[0] !== width || stride[1] !== 1)
    throw new Error("its rows are not in order");
  return { key, dtype, offset, shape: [blocks, width] as const };
}

/** Files of at most this many bytes are read: a matrix of 400 blocks of 100,000 numbers. */
const mostBytes = 80e6;

async function filesOf(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true });
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    if (entry.uncompressedSize > mostBytes) throw new Error(`${entry.fileName} is too large`);
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files.set(entry.fileName, Buffer.concat(chunks));
  }
  return files;
}

/** A zip of stored files, each with its bytes at a multiple of 64, as torch maps them. */
function zipOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, data] of Object.entries(files)) {
    const name = Buffer.from(path);
    // Version 2.0, no flags, stored, no time, 1 January 1980, checksum, both sizes, length of the name.
    const facts = Buffer.alloc(24);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x21, 8);
    facts.writeUInt32LE(crc32(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const extra = paddingField(offset + 30 + name.length);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), facts, u16(extra.length), name, extra, data);
    // No extra field, comment, disk or attributes here; then where the file begins.
    const place = Buffer.alloc(16);
    place.writeUInt32LE(offset, 12);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), facts, place, name);
    offset += 30 + name.length + extra.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const count = Object.keys(files).length;
  const end = Buffer.alloc(18);
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, Buffer.from("PK\x05\x06", "latin1"), end]);
}

/** A field that moves what follows to a multiple of 64. */
function paddingField(at: number): Buffer {
  const length = (64 - ((at + 4) % 64)) % 64;
  return Buffer.concat([Buffer.from("FB", "latin1"), u16(length), Buffer.alloc(length, "Z")]);
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
