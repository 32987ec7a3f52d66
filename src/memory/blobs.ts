/** Blobs in files beside a memory file: `blobs/ab/<sha256>`, each on disk and synced before a row names it. */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StoreError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import type { Blob } from "./blob.ts";
import { type BlobStore, markLoose } from "./blob-store.ts";
import { inOurWords, toStoreError } from "./database.ts";
import type { Store } from "./db.ts";
import { unpackObservation } from "./packed.ts";

/** Path of a blob's file. */
export function blobPath(folder: string, hash: string): string {
  return join(folder, hash.slice(0, 2), hash);
}

/** The blobs of a memory file, below a folder. */
export function folderBlobs(folder: string): BlobStore {
  const readNow = (hash: string) => readBlobNow(folder, hash);
  return {
    write: (store, blobs) => writeBlobs(store, folder, blobs),
    // biome-ignore lint/correctness/useYield: there is nothing to wait for.
    *keep(_, { hash, ...blob }) {
      const path = blobPath(folder, hash);
      if (!existsSync(path)) writeBlobNow(path, blob.bytes);
    },
    *drop(_, hash) {
      const path = blobPath(folder, hash);
      inOurWords(path, () => rmSync(path, { force: true }));
    },
    dropPartials: (hash) => removePartials(blobPath(folder, hash)),
    *purge() {},
    read: (hash) => readBlob(folder, hash),
    unpack: async (observations) => observations.map((packed) => unpackObservation(packed, readNow)),
    load: async (observation) => observation,
  };
}

async function readBlob(folder: string, hash: string): Promise<Uint8Array | null> {
  const path = blobPath(folder, hash);
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw toStoreError(path, error);
  }
}

/** @throws StoreError `blob-missing` */
function readBlobNow(folder: string, hash: string): Uint8Array {
  const path = blobPath(folder, hash);
  if (existsSync(path)) return inOurWords(path, () => readFileSync(path));
  throw new StoreError("blob-missing", `The blob ${path} is gone: it was deleted or forgotten.`);
}

/** Writes blobs to disk and marks them loose. */
async function writeBlobs(store: Store, folder: string, blobs: readonly Blob[]): Promise<void> {
  const missing = [...new Map(blobs.map((blob) => [blob.hash, blob])).values()].filter(
    ({ hash }) => !existsSync(blobPath(folder, hash)),
  );
  if (missing.length === 0) return;
  const hashes = missing.map(({ hash }) => hash);
  await store.perform((db) => db.write(() => markLoose(db, hashes)));
  try {
    await Promise.all(missing.map((blob) => writeBlob(folder, blob)));
    const folders = new Set(missing.map(({ hash }) => dirname(blobPath(folder, hash))));
    for (const changed of [...folders, folder]) syncFolder(changed);
  } catch (error) {
    throw toStoreError(folder, error);
  }
}

async function writeBlob(folder: string, { hash, bytes }: Blob): Promise<void> {
  const path = blobPath(folder, hash);
  makeDirectory(dirname(path));
  const partial = `${path}.${randomUUID()}.partial`;
  const handle = await open(partial, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  try {
    await rename(partial, path);
  } catch (error) {
    // another process swept it as left by a crash: `claimBlobs` writes it again
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Without this a rename may not survive a power cut. Windows has no such call and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writeBlobNow(path: string, bytes: Uint8Array): void {
  inOurWords(path, () => {
    makeDirectory(dirname(path));
    const partial = `${path}.${randomUUID()}.partial`;
    const handle = openSync(partial, "wx", 0o600);
    try {
      writeSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(partial, path);
    syncFolder(dirname(path));
  });
}

function removePartials(path: string): void {
  if (!existsSync(dirname(path))) return;
  inOurWords(path, () => {
    for (const name of readdirSync(dirname(path))) {
      if (name.startsWith(`${basename(path)}.`)) rmSync(join(dirname(path), name), { force: true });
    }
  });
}
