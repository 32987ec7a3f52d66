/** Where a memory is: a directory, or a URL of Postgres. What has to differ for the two is decided here. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type IndexedBy, indexOfFile } from "./index-of.ts";
import { isPostgresUrl, parsePostgresUrl } from "./postgres/url.ts";
import type { SqliteMemoryOptions } from "./sqlite.ts";
import type { StoredMemory } from "./stored-memory.ts";

export { isPostgresUrl } from "./postgres/url.ts";

/** Opens the memory of a place; a missing one is created. @throws StoreError, ConfigError as its kind of memory */
export async function openPlace(place: string, options: SqliteMemoryOptions): Promise<StoredMemory> {
  if (isPostgresUrl(place))
    return (await import("./postgres/postgres.ts")).openPostgresMemory(place, options);
  return (await import("./sqlite.ts")).openSqliteMemory(place, options);
}

/** Whether there is a memory. @throws StoreError `store-unreachable` */
export async function hasMemory(place: string): Promise<boolean> {
  if (isPostgresUrl(place)) return (await import("./postgres/postgres.ts")).hasPostgresMemory(place);
  return existsSync(join(place, "memory.db"));
}

/** What a memory is indexed by, read before it is opened; `null` for an empty or missing one, or one that cannot be read. */
export async function indexOf(place: string): Promise<IndexedBy | null> {
  if (!isPostgresUrl(place)) return indexOfFile(place);
  // What is wrong with it is told when it is opened.
  return (await import("./postgres/postgres.ts")).postgresIndexOf(place).catch(() => null);
}

/** The place as messages name it: without a password. */
export const shownPlace = (place: string): string =>
  isPostgresUrl(place) ? parsePostgresUrl(place).shown : place;
