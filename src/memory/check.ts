/** Checks a memory: what it holds, and whether rows, text index, vectors and blobs agree. */
import { existsSync, statSync } from "node:fs";
import { sql } from "kysely";
import { blobPath } from "./blobs.ts";
import { build, type Db } from "./database.ts";
import { waits } from "./journal.ts";
import type { MemoryStats } from "./memory.ts";
import { vectorTable } from "./schema.ts";

const count = (db: Db, from: ReturnType<typeof sql>) =>
  db.get(sql<{ n: number }>`select count(*) as n from ${from}`)!.n;

/** What a memory holds, in numbers. */
export function memoryStats(db: Db): MemoryStats {
  return db.read(() => ({
    streams: count(db, sql`stream`),
    clips: count(db, sql`clip`),
    failedClips: count(db, sql`clip where state = 'failed'`),
    entries: count(db, sql`entry`),
    gaps: count(db, sql`gap`),
    tasks: count(db, sql`task`),
    blobs: count(db, sql`blob`),
    databaseBytes: ["", "-wal"]
      .map((end) => statSync(db.file + end, { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, size) => sum + size),
    blobBytes: db.get(sql<{ n: number }>`select coalesce(sum(bytes), 0) as n from blob`)!.n,
  }));
}

/** Problems, one sentence each; empty if there are none. */
export function checkMemory(db: Db, blobFolder: string): string[] {
  return db.read(() => [
    ...integrityProblems(db),
    ...textProblems(db),
    ...vectorProblems(db),
    ...referenceProblems(db),
    ...blobProblems(db, blobFolder),
  ]);
}

function integrityProblems(db: Db): string[] {
  const found = db
    .all(sql<{ integrity_check: string }>`pragma integrity_check`)
    .map((row) => row.integrity_check)
    .filter((line) => line !== "ok");
  return found.map((line) => `The database file is damaged: ${line}`);
}

function textProblems(db: Db): string[] {
  const missing = count(db, sql`entry where row not in (select rowid from entry_text)`);
  const extra = count(db, sql`entry_text where rowid not in (select row from entry)`);
  return [
    ...(missing > 0 ? [`${missing} entries are not in the text index. Reindex the memory.`] : []),
    ...(extra > 0 ? [`The text index holds ${extra} deleted entries. Reindex the memory.`] : []),
  ];
}

function vectorProblems(db: Db): string[] {
  const space = db.get(build.selectFrom("space").select("row").where("current", "=", 1));
  if (!space) return ["The memory has no index. Reindex the memory."];
  const vectors = sql.table(vectorTable(space.row));
  const missing = count(db, sql`entry where has_vector and row not in (select rowid from ${vectors})`);
  const extra = count(db, sql`${vectors} where rowid not in (select row from entry where has_vector)`);
  return [
    ...(missing > 0 ? [`${missing} entries have no vector. Reindex the memory.`] : []),
    ...(extra > 0 ? [`${extra} vectors belong to deleted entries. Reindex the memory.`] : []),
  ];
}

function referenceProblems(db: Db): string[] {
  const broken = db.all(sql<{ table: string }>`select "table" from pragma_foreign_key_check`);
  const lost = count(db, sql`clip where ${waits} and row not in (select clip from observation)`);
  return [
    ...[...new Set(broken.map(({ table }) => table))].map(
      (table) => `Rows of ${table} refer to missing rows.`,
    ),
    ...(lost > 0 ? [`${lost} undecided clips have no observation.`] : []),
  ];
}

function blobProblems(db: Db, blobFolder: string): string[] {
  const problems: string[] = [];
  const named = sql<{ hash: string; bytes: number | null }>`
    select used.hash, blob.bytes from
      (select hash from entry_frame union select hash from observation_frame) as used
      left join blob on blob.hash = used.hash`;
  for (const { hash, bytes } of db.iterate(named)) {
    const path = blobPath(blobFolder, hash);
    if (bytes === null) problems.push(`The frame ${hash} is used but not registered.`);
    else if (!existsSync(path)) problems.push(`The blob ${path} is missing.`);
    else if (statSync(path).size !== bytes)
      problems.push(`The blob ${path} has ${statSync(path).size} bytes instead of ${bytes}.`);
  }
  return problems;
}
