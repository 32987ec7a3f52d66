/** The embedder a memory is indexed with, read before the memory is opened, whatever version wrote it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

/** What the vectors of a memory were made by, and how many numbers they have. */
export interface IndexedBy {
  readonly embedder: string;
  readonly dimension: number;
}

/** Of a memory that holds entries; `null` for an empty or missing one, or one that cannot be read. */
export function indexOfFile(directory: string): IndexedBy | null {
  const file = join(directory, "memory.db");
  if (!existsSync(file)) return null;
  try {
    const connection = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const found = connection
        .prepare("select embedder, dimension from space where current = 1 and exists (select 1 from entry)")
        .get() as IndexedBy | undefined;
      return found ?? null;
    } finally {
      connection.close();
    }
  } catch {
    // What is wrong with it is told when it is opened.
    return null;
  }
}
