/**
 * What tells a file again when it has another name, has grown, or was replaced: samples of its head.
 *
 * A sample is a KiB at the start and at 1, 2, 4, … 512 KiB, as far as the file reached when it was first seen, so that a
 * file which grows keeps its identity. A recorder may write sizes and lengths into the first KiBs when it ends, so those
 * may differ where enough others agree.
 */
import { type FileHandle, open } from "node:fs/promises";
import { sha256 } from "../../util/hash.ts";

const sampleBytes = 1024;
const offsets = [0, ...Array.from({ length: 10 }, (_, i) => sampleBytes * 2 ** i)];

/** How well a file fits an identity: all samples agree, or all but those of the header. */
export type Likeness = "equal" | "but-header" | null;

/** The head of a file. */
export interface FileHead {
  /** Its identity: the number of bytes if it is shorter than a sample, and the hashes of its samples. */
  readonly id: string;
  /** Every `keysOf` that an identity of it can have, so that it is found among thousands. */
  readonly keys: readonly string[];
  /** How well it fits the identity of a file that was seen before. */
  likeness(id: string): Likeness;
}

/** Reads the head of a file. @param bytes its size */
export async function readHead(path: string, bytes: number): Promise<FileHead> {
  const file = await open(path);
  try {
    return await headOf(file, bytes);
  } finally {
    await file.close();
  }
}

/** The head of a file that is open. @param bytes its size */
export async function headOf(file: FileHandle, bytes: number): Promise<FileHead> {
  const first = await readAt(file, 0, Math.min(bytes, sampleBytes));
  const hashes = [shortHash(first)];
  for (const offset of offsets.slice(1)) {
    if (offset + sampleBytes > bytes) break;
    hashes.push(shortHash(await readAt(file, offset, sampleBytes)));
  }
  const id = `${first.length}.${hashes.join(".")}`;
  const keys = hashes.flatMap((_, i) => keysOf(`${sampleBytes}.${hashes.slice(0, i + 1).join(".")}`));
  return { id, keys, likeness: (known) => likeness(known, hashes, first) };
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

const shortHash = (bytes: Uint8Array) => sha256(bytes).slice(0, 10);

/** By what an identity is looked up: all its samples, and those beyond the header. None for a file shorter than a sample. */
export function keysOf(id: string): string[] {
  const [length, ...hashes] = samplesOf(id);
  if (Number(length) < sampleBytes) return [];
  const beyond = hashes.slice(headerSamples(hashes.length));
  return [hashes.join("."), `${hashes.length} ${beyond.join(".")}`];
}

/** The length of the first sample, and the hashes. */
const samplesOf = (id: string): string[] => id.replace(/-\d+$/, "").split(".");

/** How many of so many samples may belong to a header. */
const headerSamples = (samples: number) => (samples >= 4 ? 2 : samples >= 2 ? 1 : 0);

function likeness(id: string, hashes: readonly string[], first: Uint8Array): Likeness {
  const [length, ...known] = samplesOf(id);
  if (Number(length) < sampleBytes)
    return Number(length) <= first.length && shortHash(first.subarray(0, Number(length))) === known[0]
      ? "equal"
      : null;
  if (first.length < sampleBytes || hashes.length < known.length) return null;
  const differ = known.flatMap((hash, i) => (hash === hashes[i] ? [] : [i]));
  if (differ.length === 0) return "equal";
  return differ.every((i) => i < headerSamples(known.length)) ? "but-header" : null;
}

/** Whether two files of one size and head hold the same in their middle and end too. */
export async function sameContent(a: string, b: string, bytes: number): Promise<boolean> {
  const probe = 64 * sampleBytes;
  for (const offset of [0, Math.floor(bytes / 2), Math.max(0, bytes - probe)]) {
    const [one, other] = await Promise.all([a, b].map((path) => readBytes(path, offset, probe)));
    if (!one!.equals(other!)) return false;
  }
  return true;
}

/** Bytes of a file, as many as there are. */
export async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    return Buffer.from(await readAt(file, offset, length));
  } finally {
    await file.close();
  }
}
