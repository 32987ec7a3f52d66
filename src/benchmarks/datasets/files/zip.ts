/** Zips read in place: their directory, and single entries copied out for as long as they are needed. */
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { DataError, TaskMemError } from "../../../errors.ts";

/** Names of the files in a zip. @throws DataError `zip-unreadable` */
export async function zipEntries(path: string): Promise<string[]> {
  return reading(path, async () => {
    const zip = await openZip(path);
    try {
      const names: string[] = [];
      for await (const { fileName } of zip.eachEntry()) if (!fileName.endsWith("/")) names.push(fileName);
      return names;
    } finally {
      zip.close();
    }
  });
}

/** Copies one entry to a file; a copy that fails leaves none. @throws DataError `zip-unreadable` */
export async function extractEntry(path: string, name: string, target: string): Promise<void> {
  await reading(path, async () => {
    const zip = await openZip(path);
    try {
      let found: Entry | undefined;
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName !== name) continue;
        found = entry;
        break;
      }
      if (!found) throw new Error(`it holds no ${name}`);
      await pipeline(await zip.openReadStreamPromise(found), createWriteStream(target));
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    } finally {
      zip.close();
    }
  });
}

const openZip = (path: string): Promise<ZipFile> =>
  openPromise(path, { lazyEntries: true, autoClose: false });

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof TaskMemError) throw cause;
    throw new DataError("zip-unreadable", `Expected a zip at ${path}: ${(cause as Error).message}`, {
      cause,
      details: { path },
    });
  }
}
