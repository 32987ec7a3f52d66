/**
 * A database with its write-ahead log as one, for disks where nothing can be written: SQLite needs a shared file there to
 * read a log, and without the log the latest memories would be missing.
 *
 * Formats: https://sqlite.org/fileformat2.html#walformat. Only whole transactions count, as SQLite does it when it
 * recovers a log.
 */

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * The database as it would be if its log were written into it, marked as one without a log.
 * @param log may be empty
 */
export function withLog(database: Buffer, log: Buffer): Buffer {
  const committed = committedPages(log);
  const pages = committed?.pages ?? new Map<number, Buffer>();
  const whole = committed ? Buffer.alloc(committed.count * committed.pageSize) : Buffer.from(database);
  if (committed) database.copy(whole, 0, 0, whole.length);
  for (const [number, page] of pages) page.copy(whole, (number - 1) * page.length);
  if (whole.length > 0) whole.fill(1, 18, 20); // the versions of reading and writing: no log
  return whole;
}

/** The newest page of each number in a log, and how many pages the database has; `null` without a whole transaction. */
function committedPages(
  log: Buffer,
): { readonly pageSize: number; readonly count: number; readonly pages: ReadonlyMap<number, Buffer> } | null {
  if (log.length < headerBytes) return null;
  const magic = log.readUInt32BE(0);
  if (magic >>> 1 !== 0x377f0682 >>> 1) return null;
  const read = (magic & 1) === 1 ? "readUInt32BE" : "readUInt32LE";
  const stored = log.readUInt32BE(8);
  const pageSize = stored === 1 ? 65_536 : stored;
  const salts = log.subarray(16, 24);
  const checksum = new Checksum(read);
  checksum.add(log.subarray(0, 24));
  if (!checksum.is(log.subarray(24, 32))) return null;
  const pages = new Map<number, Buffer>();
  let transaction = new Map<number, Buffer>();
  let count = 0;
  const frameBytes = frameHeaderBytes + pageSize;
  for (let at = headerBytes; at + frameBytes <= log.length; at += frameBytes) {
    const frame = log.subarray(at, at + frameBytes);
    const page = frame.subarray(frameHeaderBytes);
    checksum.add(frame.subarray(0, 8));
    checksum.add(page);
    if (!frame.subarray(8, 16).equals(salts) || !checksum.is(frame.subarray(16, 24))) break;
    transaction.set(frame.readUInt32BE(0), page);
    const pagesAfter = frame.readUInt32BE(4);
    if (pagesAfter === 0) continue;
    count = pagesAfter;
    for (const [number, newer] of transaction) pages.set(number, newer);
    transaction = new Map();
  }
  if (count === 0) return null;
  for (const number of pages.keys()) if (number > count) pages.delete(number);
  return { pageSize, count, pages };
}

/** The running checksum of a log, over pairs of 32-bit words. */
class Checksum {
  readonly #read: "readUInt32BE" | "readUInt32LE";
  #first = 0;
  #second = 0;

  constructor(read: "readUInt32BE" | "readUInt32LE") {
    this.#read = read;
  }

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + bytes[this.#read](at) + this.#second) >>> 0;
      this.#second = (this.#second + bytes[this.#read](at + 4) + this.#first) >>> 0;
    }
  }

  is(stored: Buffer): boolean {
    return stored.readUInt32BE(0) === this.#first && stored.readUInt32BE(4) === this.#second;
  }
}
