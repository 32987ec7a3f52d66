/**
 * Memory in one directory: `memory.db` (SQLite, write-ahead log, every commit synced to disk) and `blobs/`.
 *
 * Several processes may open it at once. This file only combines the parts, each in a file named for it. Statements run
 * synchronously on one connection; a promise resolves when the data is on disk.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { StoreError } from "../errors.ts";
import { type BlobStore, sweepBlobs } from "./blob-store.ts";
import { folderBlobs } from "./blobs.ts";
import { ChangeFeed } from "./change-feed.ts";
import { changeLog } from "./change-log.ts";
import { checkMemory, memoryStats } from "./check.ts";
import { type Connection, openDatabase } from "./database.ts";
import { fileSnapshot, memoryRows } from "./exported-rows.ts";
import { Forgetter } from "./forget-apart.ts";
import { Searcher } from "./searcher.ts";
import { openSpace } from "./space.ts";
import { type StoredMemory, type StoredOptions, storedMemory } from "./stored-memory.ts";

/** How a memory on disk is opened. */
export interface SqliteMemoryOptions extends StoredOptions {
  /**
   * Whether to open it without writing; a missing memory is then not created. `"if-needed"` does so where it exists and
   * the disk is read-only or full. A memory that cannot be shared there is read into working memory, with its log.
   * @default false
   */
  readonly readOnly?: boolean | "if-needed";
  /**
   * Program of the thread in which a large memory forgets, without an ending: it calls `answerForgetting` with the word space.
   * @default it forgets in the caller's thread
   */
  readonly forgetProgram?: URL;
}

/**
 * Opens the memory of a directory; a missing one is created.
 *
 * @throws StoreError for a damaged, foreign or newer file, or a read-only or full disk
 */
export async function openSqliteMemory(
  directory: string,
  options: SqliteMemoryOptions,
): Promise<StoredMemory> {
  const { readOnly = false } = options;
  if (readOnly !== "if-needed") return openAs(directory, options, readOnly);
  try {
    return openAs(directory, options, false);
  } catch (error) {
    const isUnwritable = error instanceof StoreError && unwritableCodes.includes(error.code);
    if (!isUnwritable || !existsSync(join(directory, "memory.db"))) throw error;
    return openAs(directory, options, true);
  }
}

/** Codes of opening for writing where a memory may still be readable. */
const unwritableCodes = ["store-read-only", "disk-full", "store-unopenable", "store-io"];

function openAs(directory: string, options: SqliteMemoryOptions, readOnly: boolean): StoredMemory {
  const connection = openDatabase(directory, { readOnly });
  try {
    connection.perform((db) => openSpace(db, options));
    const blobs = folderBlobs(join(directory, "blobs"));
    connection.perform((db) => sweepBlobs(db, blobs));
    return sqliteMemory(directory, connection, blobs, options);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function sqliteMemory(
  directory: string,
  connection: Connection,
  blobs: BlobStore,
  options: SqliteMemoryOptions,
): StoredMemory {
  const feed = new ChangeFeed(changeLog(connection));
  connection.onWrite(() => feed.wake());
  const forgetter = new Forgetter(connection, directory, options, options.forgetProgram);
  return storedMemory(
    {
      ...{ directory, folder: directory, store: forgetter, blobs, feed, leaseNow: options.now },
      searches: new Searcher(connection, directory, options),
      vectorSearch: async () => {
        const held = sql<{ vectors: number }>`select count(*) as vectors from entry where has_vector`;
        return { by: "sqlite-vec", ...connection.get(held)!, isApproximate: false, lacksIndex: null };
      },
      indexVectors: async () => {},
      bucket: null,
      rows: () => memoryRows(() => fileSnapshot(directory)),
      stats: async () => memoryStats(connection),
      check: async () => checkMemory(connection, join(directory, "blobs"), options.words),
      forgetApart: async (request, dryRun) => {
        const report = await forgetter.forget(request, dryRun);
        if (report !== null) feed.wake();
        return report;
      },
      close: async () => {
        await forgetter.end();
        connection.close();
      },
    },
    options,
  );
}
