/**
 * Checks a memory in Postgres: whether the text index, the vectors and the blobs agree with the entries. The bytes on its
 * disk are the server's to check (`initdb --data-checksums`), and rows refer to rows that are there by their keys.
 */
import { sql } from "kysely";
import type { WordSpace } from "../../engine.ts";
import { sha256 } from "../../util/hash.ts";
import type { BlobStore } from "../blob-store.ts";
import { build, type Db, parseStored, type Steps } from "../db.ts";
import { indexedText } from "../entries.ts";
import { waits } from "../journal.ts";
import type { MemoryStats } from "../records.ts";
import { vectorTable } from "../schema.ts";

function* count(db: Db, from: ReturnType<typeof sql>): Steps<number> {
  return (yield* db.get(sql<{ n: number }>`select count(*) as n from ${from}`))!.n;
}

/** What a memory holds, in numbers. */
export function* postgresStats(db: Db): Steps<MemoryStats> {
  return yield* db.read(function* () {
    const size = sql<{
      n: number;
    }>`select coalesce(sum(pg_total_relation_size(c.oid)), 0) as n from pg_class as c
      where c.relnamespace = to_regnamespace(quote_ident(current_schema())) and c.relkind = 'r'
        and c.relname <> 'blob_bytes'`;
    return {
      streams: yield* count(db, sql`stream`),
      clips: yield* count(db, sql`clip`),
      failedClips: yield* count(db, sql`clip where state = 'failed'`),
      waitingClips: yield* count(db, sql`clip where ${waits}`),
      entries: yield* count(db, sql`entry`),
      gaps: yield* count(db, sql`gap`),
      tasks: yield* count(db, sql`task`),
      blobs: yield* count(db, sql`blob`),
      waitingVectors: yield* count(db, sql`waiting_vector`),
      databaseBytes: (yield* db.get(size))!.n,
      blobBytes: (yield* db.get(sql<{ n: number }>`select coalesce(sum(bytes), 0) as n from blob`))!.n,
    };
  });
}

/** Problems, one sentence each; empty if there are none. */
export function* checkPostgres(db: Db, words: WordSpace, blobs: Pick<BlobStore, "read">): Steps<string[]> {
  const problems = yield* db.read(function* () {
    return [
      ...(yield* textProblems(db, words)),
      ...(yield* vectorProblems(db)),
      ...(yield* referenceProblems(db)),
    ];
  });
  return [...problems, ...(yield* blobProblems(db, blobs))];
}

function* textProblems(db: Db, words: WordSpace): Steps<string[]> {
  const space = yield* db.get(build.selectFrom("space").select("words").where("current", "=", 1));
  const indexed = sql<{ text: string; speakers: string; stems: string | null; names: string | null }>`
    select e.text, e.speakers, t.stems, t.speakers as names
    from entry as e left join entry_text as t on t.entry = e.row`;
  let differ = 0;
  yield* db.each(indexed, ({ text, speakers, stems, names }) => {
    if (stems !== null && space?.words !== words.id) return;
    const spoken = parseStored<string[]>(speakers, "the speakers of an entry");
    const expected = indexedText({ text, speakers: spoken }, words);
    if (stems !== expected.stems || names !== expected.speakers) differ += 1;
  });
  const extra = yield* count(db, sql`entry_text where entry not in (select row from entry)`);
  const postings = yield* db.get(sql<{ posted: number; indexed: number; total: number }>`
    select (select coalesce(sum(times), 0) from posting) as posted,
      (select coalesce(sum(tokens), 0) from entry_text) as indexed, (select tokens from text_total) as total`);
  const { posted, indexed: held, total } = postings!;
  return [
    ...(differ > 0 ? [`${differ} entries are not in the text index as they are. Reindex the memory.`] : []),
    ...(extra > 0 ? [`The text index holds ${extra} deleted entries. Reindex the memory.`] : []),
    ...(posted !== held || held !== total
      ? ["The text index counts other words than it holds. Reindex the memory."]
      : []),
  ];
}

function* vectorProblems(db: Db): Steps<string[]> {
  const space = yield* db.get(build.selectFrom("space").select("row").where("current", "=", 1));
  if (!space) return ["The memory has no index. Reindex the memory."];
  const table = sql.table(vectorTable(space.row));
  const missing = yield* count(
    db,
    sql`entry where has_vector = 1 and row not in (select entry from ${table})`,
  );
  const extra = yield* count(
    db,
    sql`${table} where entry not in (select row from entry where has_vector = 1)`,
  );
  const differ = yield* count(
    db,
    sql`${table} as v join entry as e on e.row = v.entry where v.stream <> e.stream
      or v.known_seconds <> e.known_seconds or v.closed_at_ms is distinct from e.closed_at_ms`,
  );
  return [
    ...(differ > 0 ? [`${differ} vectors differ from their entries. Reindex the memory.`] : []),
    ...(missing > 0 ? [`${missing} entries have no vector. Reindex the memory.`] : []),
    ...(extra > 0 ? [`${extra} vectors belong to deleted entries. Reindex the memory.`] : []),
  ];
}

function* referenceProblems(db: Db): Steps<string[]> {
  const lost = yield* count(db, sql`clip where ${waits} and row not in (select clip from observation)`);
  return lost > 0 ? [`${lost} undecided clips have no observation.`] : [];
}

const usedBlobs = sql`(select hash from entry_frame union select hash from observation_frame
  union select crop from face where crop is not null) as used`;

/** Reads each blob where it is. One that is forgotten meanwhile is no problem. */
function* blobProblems(db: Db, blobs: Pick<BlobStore, "read">): Steps<string[]> {
  const problems: string[] = [];
  const named = sql<{ hash: string; bytes: number | null }>`select used.hash, blob.bytes from ${usedBlobs}
    left join blob on blob.hash = used.hash order by used.hash`;
  for (const { hash, bytes } of yield* db.all(named)) {
    if (bytes === null) problems.push(`The frame ${hash} is used but not registered.`);
    const held = (yield () => blobs.read(hash)) as Uint8Array | null;
    if (held !== null && sha256(held) !== hash)
      problems.push(`The blob ${hash} changed: its bytes do not match its name.`);
    if (held === null && (yield* db.get(sql`select 1 from ${usedBlobs} where hash = ${hash}`)))
      problems.push(`The blob ${hash} is missing.`);
  }
  return problems;
}
