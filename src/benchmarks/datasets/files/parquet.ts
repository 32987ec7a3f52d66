/**
 * Rows of a Parquet file as plain objects: text columns, dictionary-encoded or not, and lists of text.
 *
 * A damaged file can make its reader loop, take all memory or fail outside any call, so it is read in a thread that is
 * ended when it stops making progress or takes too much.
 */
import { Worker } from "node:worker_threads";
import { DataError } from "../../../errors.ts";
import { optionalPackage } from "../../../util/optional.ts";
import type { Fields } from "./annotations.ts";
import type { ReadColumn } from "./parquet-worker.ts";

/** Without a column for this long, the file is given up. */
const patienceMs = 3000;
/** A file may take this much memory beyond what the process has, its arrays included. */
const mostBytes = 512 * 2 ** 20;

/** @throws DataError `annotations-unreadable` for what is no Parquet, is damaged, or is packed in a way this cannot unpack */
export async function readParquet(path: string): Promise<Fields[]> {
  await optionalPackage("hyparquet", "to read Parquet");
  try {
    return rowsOf(await readColumns(path));
  } catch (cause) {
    throw new DataError(
      "annotations-unreadable",
      `Expected Parquet (plain or snappy) in ${path}: ${(cause as Error).message}`,
      { cause, details: { path } },
    );
  }
}

/** The values of each column, as the thread sends them. */
async function readColumns(path: string): Promise<Map<string, unknown[]>> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const file = import.meta.url.endsWith(".ts") ? "./parquet-worker.ts" : "./parquet-worker.js";
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: path,
    resourceLimits: { maxOldGenerationSizeMb: mostBytes / 2 ** 20 },
    stderr: true,
  });
  const columns = new Map<string, unknown[]>();
  const silence = setTimeout(() => reject(new Error("its values do not end")), patienceMs);
  const bytesBefore = process.memoryUsage.rss();
  const watching = setInterval(() => {
    if (process.memoryUsage.rss() - bytesBefore > mostBytes) reject(new Error("it takes too much memory"));
  }, 50);
  worker.on("message", ({ name, values }: ReadColumn) => {
    silence.refresh();
    const column = columns.get(name) ?? [];
    for (const value of values) column.push(value);
    columns.set(name, column);
  });
  worker.on("error", reject);
  worker.on("exit", () => resolve());
  try {
    await promise;
    return columns;
  } finally {
    clearTimeout(silence);
    clearInterval(watching);
    await worker.terminate();
  }
}

function rowsOf(columns: ReadonlyMap<string, readonly unknown[]>): Fields[] {
  const [first = []] = columns.values();
  return first.map((_, row) => Object.fromEntries([...columns].map(([name, values]) => [name, values[row]])));
}
