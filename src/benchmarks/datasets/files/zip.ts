/** Zips read in place: their directory, and single entries copied out for as long as they are needed. */
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Entry } from "yauzl";
import { DataError } from "../../../errors.ts";

/** Loaded when there is a zip to read. */
const loadYauzl = () => import("yauzl");
const openOptions = { lazyEntries: true, autoClose: false };

/** Names of the files in a zip. @throws DataError `zip-unreadable` */
export async function zipEntries(path: string): Promise<string[]> {
  const { openPromise } = await loadYauzl();
  return reading(path, async () => {
    const zip = await openPromise(path, openOptions);
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
  const { openPromise } = await loadYauzl();
  await reading(path, async () => {
    const zip = await openPromise(path, openOptions);
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

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new DataError("zip-unreadable", `Expected a zip at ${path}: ${(cause as Error).message}`, {
      cause,
      details: { path },
    });
  }
}
