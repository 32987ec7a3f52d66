/** Checks a memory: what it holds, and whether rows, text index, vectors and blobs are whole and agree. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { crc32 } from "node:zlib";
import { sql } from "kysely";
import type { WordSpace } from "../engine.ts";
import { sha256 } from "../util/hash.ts";
import { blobPath } from "./blobs.ts";
import { changedRows, schemaOf } from "./checksums.ts";
import { type Connection, inOurWords, newSchema } from "./database.ts";
import { build, parseStored } from "./db.ts";
import { indexedText, noTime } from "./entries.ts";
import { waits } from "./journal.ts";
import type { MemoryStats } from "./memory.ts";
import { chunkedVectors, vectorPart } from "./vector-chunks.ts";

const count = (db: Connection, from: ReturnType<typeof sql>) =>
  db.get(sql<{ n: number }>`select count(*) as n from ${from}`)!.n;

/** What a memory holds, in numbers. */
export function memoryStats(db: Connection): MemoryStats {
  return db.read(() => ({
    streams: count(db, sql`stream`),
    clips: count(db, sql`clip`),
    failedClips: count(db, sql`clip where state = 'failed'`),
    waitingClips: count(db, sql`clip where ${waits}`),
    entries: count(db, sql`entry`),
    gaps: count(db, sql`gap`),
    tasks: count(db, sql`task`),
    blobs: count(db, sql`blob`),
    waitingVectors: count(db, sql`waiting_vector`),
    databaseBytes: ["", "-wal"]
      .map((end) => statSync(db.file + end, { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, size) => sum + size),
    blobBytes: db.get(sql<{ n: number }>`select coalesce(sum(bytes), 0) as n from blob`)!.n,
  }));
}

/**
 * Problems, one sentence each; empty if there are none.
 *
 * It reads everything: every row and vector against its checksum, the text index against the entries, every blob against
 * its hash. So it finds any byte that changed on the disk and that an answer or an export could depend on.
 */
export function checkMemory(db: Connection, blobFolder: string, words: WordSpace): string[] {
  return db.read(() => {
    const torn = [...integrityProblems(db), ...schemaProblems(db)];
    if (torn.length > 0) return torn; // what else is read of such a file means nothing
    return [
      ...changedRows(db),
      ...textProblems(db, words),
      ...vectorProblems(db),
      ...referenceProblems(db),
      ...blobProblems(db, blobFolder),
    ];
  });
}

function integrityProblems(db: Connection): string[] {
  const found = db
    .all(sql<{ integrity_check: string }>`pragma integrity_check`)
    .map((row) => row.integrity_check)
    .filter((line) => line !== "ok");
  return found.map((line) => `The database file is damaged: ${line}`);
}

function schemaProblems(db: Connection): string[] {
  const [own, expected] = [schemaOf(db), newSchema()];
  const differs = [
    ...[...expected].filter((text) => !own.has(text)),
    ...[...own].filter((text) => !expected.has(text)),
  ];
  return differs.length > 0 ? [`The database's tables are not those of this version: ${differs[0]}.`] : [];
}

function textProblems(db: Connection, words: WordSpace): string[] {
  const space = db.get(build.selectFrom("space").select("words").where("current", "=", 1));
  let differ = 0;
  const indexed = sql<{ text: string; speakers: string; stems: string | null; names: string | null }>`
    select e.text, e.speakers, t.stems, t.speakers as names
    from entry as e left join entry_text as t on t.rowid = e.row`;
  for (const { text, speakers, stems, names } of db.iterate(indexed)) {
    if (stems === null) differ += 1;
    else if (space?.words === words.id) {
      const expected = indexedText(
        { text, speakers: parseStored<string[]>(speakers, "the speakers of an entry") },
        words,
      );
      if (stems !== expected.stems || names !== expected.speakers) differ += 1;
    }
  }
  const extra = count(db, sql`entry_text where rowid not in (select row from entry)`);
  return [
    ...(differ > 0 ? [`${differ} entries are not in the text index as they are. Reindex the memory.`] : []),
    ...(extra > 0 ? [`The text index holds ${extra} deleted entries. Reindex the memory.`] : []),
  ];
}

/** Compares the tables of the vector index, which sqlite-vec searches chunk by chunk, with the entries. */
function vectorProblems(db: Connection): string[] {
  const space = db.get(build.selectFrom("space").select(["row", "dimension"]).where("current", "=", 1));
  if (!space) return ["The memory has no index. Reindex the memory."];
  const entries = new Map(
    db
      .all(sql<{
        row: number;
        stream: number;
        known_seconds: number;
        closed_at_ms: number | null;
        vector_checksum: number;
        place: string | null;
      }>`
        select e.row, e.stream, e.known_seconds, e.closed_at_ms, e.vector_checksum,
          r.chunk_id || '/' || r.chunk_offset as place
        from entry as e left join ${vectorPart(space.row, "rowids")} as r on r.rowid = e.row where e.has_vector`)
      .map((entry) => [entry.row, entry]),
  );
  let extra = 0;
  let differ = 0;
  for (const vector of chunkedVectors(db, space)) {
    const entry = entries.get(vector.row);
    if (!entry) {
      extra += 1;
      continue;
    }
    entries.delete(vector.row);
    const isSame =
      entry.place === `${vector.chunk}/${vector.place}` &&
      entry.stream === vector.stream &&
      entry.known_seconds === vector.knownSeconds &&
      (entry.closed_at_ms === null ? noTime : BigInt(entry.closed_at_ms)) === vector.closedAtMs &&
      entry.vector_checksum === crc32(vector.bytes);
    if (!isSame) differ += 1;
  }
  return [
    ...(differ > 0 ? [`${differ} vectors changed on the disk. Reindex the memory.`] : []),
    ...(entries.size > 0 ? [`${entries.size} entries have no vector. Reindex the memory.`] : []),
    ...(extra > 0 ? [`${extra} vectors belong to deleted entries. Reindex the memory.`] : []),
  ];
}

function referenceProblems(db: Connection): string[] {
  const broken = db.all(sql<{ table: string }>`select "table" from pragma_foreign_key_check`);
  const lost = count(db, sql`clip where ${waits} and row not in (select clip from observation)`);
  return [
    ...[...new Set(broken.map(({ table }) => table))].map(
      (table) => `Rows of ${table} refer to missing rows.`,
    ),
    ...(lost > 0 ? [`${lost} undecided clips have no observation.`] : []),
  ];
}

function blobProblems(db: Connection, blobFolder: string): string[] {
  const problems: string[] = [];
  const named = sql<{ hash: string; bytes: number | null }>`
    select used.hash, blob.bytes from
      (select hash from entry_frame union select hash from observation_frame
        union select crop from face where crop is not null) as used
      left join blob on blob.hash = used.hash`;
  for (const { hash, bytes } of db.iterate(named)) {
    const path = blobPath(blobFolder, hash);
    if (bytes === null) problems.push(`The frame ${hash} is used but not registered.`);
    else if (!existsSync(path)) problems.push(`The blob ${path} is missing.`);
    else if (sha256(inOurWords(path, () => readFileSync(path))) !== hash)
      problems.push(`The blob ${path} changed on the disk: its bytes do not match its name.`);
  }
  return problems;
}
