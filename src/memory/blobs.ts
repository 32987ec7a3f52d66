/**
 * Bytes by content hash: `blobs/ab/<sha256>` beside the memory file.
 *
 * A blob is on disk, synced, before the row that names it commits, and is deleted only after the rows that named it are
 * gone. In between, its hash is in `loose_blob`, so a later sweep finds what a crash leaves behind. The sweep deletes
 * under the database's write lock, and a writer checks again under the same lock before it commits a reference, so the
 * two never cross.
 */
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
  statSync,
  writeSync,
} from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sql } from "kysely";
import { StoreError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import type { Blob } from "./blob.ts";
import { inOurWords, toStoreError } from "./database.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";

export { type Blob, blobOf } from "./blob.ts";

/** Path of a blob's file. */
export function blobPath(folder: string, hash: string): string {
  return join(folder, hash.slice(0, 2), hash);
}

/** The bytes of a blob, or `null` if there is no such file. */
export async function readBlob(folder: string, hash: string): Promise<Uint8Array | null> {
  const path = blobPath(folder, hash);
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw toStoreError(path, error);
  }
}

/** The bytes of a blob, read synchronously. @throws StoreError `blob-missing` */
export function readBlobNow(folder: string, hash: string): Uint8Array {
  const path = blobPath(folder, hash);
  if (existsSync(path)) return inOurWords(path, () => readFileSync(path));
  throw new StoreError("blob-missing", `The blob ${path} is gone: it was deleted or forgotten.`);
}

/** Writes blobs to disk and marks them loose. `claimBlobs` must follow in the transaction that names them. */
export async function writeBlobs(store: Store, folder: string, blobs: readonly Blob[]): Promise<void> {
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

/** Registers blobs, inside the transaction that refers to them, and writes files again that a sweep has deleted. */
export function* claimBlobs(db: Db, folder: string, blobs: readonly Blob[]): Steps<void> {
  for (const blob of blobs) {
    const { hash, byteLength } = blob;
    const path = blobPath(folder, hash);
    if (!existsSync(path)) writeBlobNow(path, blob.bytes);
    yield* db.run(
      build
        .insertInto("blob")
        .values({ hash, bytes: byteLength })
        .onConflict((conflict) => conflict.doNothing()),
    );
    yield* db.run(build.deleteFrom("loose_blob").where("hash", "=", hash));
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

/** Marks blobs that perhaps no row names, for the next sweep. */
export function* markLoose(db: Db, hashes: readonly string[]): Steps<void> {
  yield* db.run(
    sql`insert into loose_blob (hash) select hash from (select value as hash from json_each(cast(${JSON.stringify(hashes)} as text)) as each_hash) as loose
      where true on conflict do nothing`,
  );
}

/** Deletes the files of loose blobs that no row names, and half-written files that a crash left. */
export function* sweepBlobs(
  db: Db,
  folder: string,
): Steps<{ readonly blobs: number; readonly bytes: number }> {
  if (db.readOnly || !(yield* db.get(build.selectFrom("loose_blob").select("hash").limit(1))))
    return { blobs: 0, bytes: 0 };
  return yield* db.write(function* () {
    let blobs = 0;
    let bytes = 0;
    for (const { hash } of yield* db.all(build.selectFrom("loose_blob").select("hash"))) {
      removePartials(blobPath(folder, hash));
    }
    for (const { hash } of yield* db.all(unreferencedLoose())) {
      const path = blobPath(folder, hash);
      inOurWords(path, () => {
        const size = statSync(path, { throwIfNoEntry: false })?.size;
        if (size === undefined) return;
        rmSync(path);
        blobs += 1;
        bytes += size;
      });
      yield* db.run(build.deleteFrom("blob").where("hash", "=", hash));
    }
    yield* db.run(build.deleteFrom("loose_blob"));
    return { blobs, bytes };
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

function unreferencedLoose() {
  return sql<{ hash: string }>`select hash from loose_blob as loose
    where not exists (select 1 from entry_frame where hash = loose.hash)
      and not exists (select 1 from observation_frame where hash = loose.hash)
      and not exists (select 1 from face where crop = loose.hash)`;
}
