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
  const header = headerOf(log);
  if (!header) return null;
  const pages = new Map<number, Buffer>();
  let transaction = new Map<number, Buffer>();
  let count = 0;
  for (const { frame, isWhole } of framesOf(log, header)) {
    if (!isWhole) break;
    transaction.set(frame.readUInt32BE(0), frame.subarray(frameHeaderBytes));
    const pagesAfter = frame.readUInt32BE(4);
    if (pagesAfter === 0) continue;
    count = pagesAfter;
    for (const [number, newer] of transaction) pages.set(number, newer);
    transaction = new Map();
  }
  if (count === 0) return null;
  for (const number of pages.keys()) if (number > count) pages.delete(number);
  return { pageSize: header.pageSize, count, pages };
}

/**
 * Where a log is damaged in the middle: SQLite takes the first frame that does not match its checksum for the end, and
 * what was committed after it is gone without a word.
 *
 * A process or machine that stops leaves one transaction unfinished at most, because each is synced. So what breaks
 * before two ends of transactions was damaged later.
 * @returns bytes before the damage, and how many ends of transactions follow it; `null` for a whole log
 */
export function logDamage(log: Buffer): { readonly offset: number; readonly commits: number } | null {
  const header = headerOf(log);
  if (!header) return null;
  let offset: number | null = null;
  let commits = 0;
  for (const { frame, isWhole, isOfThisLog } of framesOf(log, header)) {
    if (!isWhole) offset ??= frame.byteOffset - log.byteOffset;
    else if (offset === null) continue;
    if (isOfThisLog && frame.readUInt32BE(4) !== 0) commits += 1;
  }
  return offset !== null && commits >= 2 ? { offset, commits } : null;
}

interface Header {
  readonly pageSize: number;
  /** Tell the frames of this log from what an earlier one left in the file. */
  readonly salts: Buffer;
  readonly checksum: Checksum;
}

function headerOf(log: Buffer): Header | null {
  if (log.length < headerBytes) return null;
  const magic = log.readUInt32BE(0);
  if (magic >>> 1 !== 0x377f0682 >>> 1) return null;
  const stored = log.readUInt32BE(8);
  const checksum = new Checksum((magic & 1) === 1 ? "readUInt32BE" : "readUInt32LE");
  checksum.add(log.subarray(0, 24));
  if (!checksum.is(log.subarray(24, headerBytes))) return null;
  return { pageSize: stored === 1 ? 65_536 : stored, salts: log.subarray(16, 24), checksum };
}

/** All frames; after the first that is not whole none is, because the checksum runs on. */
function* framesOf(log: Buffer, { pageSize, salts, checksum }: Header) {
  const frameBytes = frameHeaderBytes + pageSize;
  let isWhole = true;
  for (let at = headerBytes; at + frameBytes <= log.length; at += frameBytes) {
    const frame = log.subarray(at, at + frameBytes);
    const isOfThisLog = frame.subarray(8, 16).equals(salts);
    if (isWhole) {
      checksum.add(frame.subarray(0, 8));
      checksum.add(frame.subarray(frameHeaderBytes));
      isWhole = isOfThisLog && checksum.is(frame.subarray(16, 24));
    }
    yield { frame, isWhole, isOfThisLog };
  }
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
