/** The search index in SQLite: FTS5 for words, sqlite-vec for vectors, functions of this process for names. */
import { type RawBuilder, sql } from "kysely";
import { addVectorChecksums } from "./checksums.ts";
import type { Db, Steps } from "./db.ts";
import { entryCondition, noTime, toBuffer } from "./entries.ts";
import { mostHits } from "./fusion.ts";
import { listed } from "./listed.ts";
import type { EntryFilter } from "./records.ts";
import { vectorTable, vectorTableSql } from "./schema.ts";
import type { FoundRow, NameConditions, NearVector, SearchIndex } from "./search-index.ts";

/** Names by the SQL functions that `database.ts` adds. Few names are compared, however many entries there are. */
export const sqliteNames: NameConditions = {
  mentions: (names) => sql<boolean>`mentions(e.text, ${JSON.stringify(names)})`,
  spellingsOf: (names) =>
    sql`(select name from (select distinct name from entry_speaker) where is_named(name, ${JSON.stringify(names)}))`,
};

/** Hits looked up first, per place in the pool. */
const leadersPerPlace = 4;

const quoted = (stem: string) => `"${stem.replaceAll('"', '""')}"`;

/** @param db the statements of the database whose index it is */
export function sqliteIndex(db: Omit<Db, "index">): SearchIndex {
  const vectorsOf = (space: number) => sql.table(vectorTable(space));
  return {
    ...sqliteNames,
    *putText(row, { stems, speakers }) {
      yield* db.run(
        sql`insert into entry_text (rowid, stems, speakers) values (${row}, ${stems}, ${speakers})`,
      );
    },
    *dropText(row) {
      yield* db.run(sql`delete from entry_text where rowid = ${row}`);
    },
    *dropAllText() {
      yield* db.run(sql`delete from entry_text`);
    },
    *holdsStem(stem) {
      const holding = sql`select 1 from entry_text where entry_text match ${quoted(stem)} limit 1`;
      return (yield* db.get(holding)) !== undefined;
    },
    *findText(stems, query, pool) {
      const match = (yield* tellingTerms(db, stems.map(quoted))).join(" OR ");
      const passes = entryCondition(query, sqliteNames);
      // The best hits usually pass the filter, so they are looked up first, and all hits only if too few do.
      const leaders = yield* db.all(sql<FoundRow & { readonly passes: number }>`
        select e.row, best.score, ${passes} as passes
        from (select rowid, -rank as score from entry_text where entry_text match ${match}
          order by rank limit ${leadersPerPlace * pool}) as best
        cross join entry as e on e.row = best.rowid order by best.score desc, e.start_seconds, e.id`);
      const passing = leaders.filter((one) => one.passes === 1);
      if (passing.length >= pool || leaders.length < leadersPerPlace * pool) return passing.slice(0, pool);
      // CROSS JOIN fixes the order: search first, then look each hit up.
      return yield* db.all(sql<FoundRow>`select e.row, -bm25(entry_text) as score
        from entry_text cross join entry as e on e.row = entry_text.rowid
        where entry_text match ${match} and ${passes}
        order by score desc, e.start_seconds, e.id limit ${pool}`);
    },

    *addSpace(space, dimension) {
      yield* db.run(sql.raw(vectorTableSql(vectorTable(space), dimension)));
    },
    *dropSpace(space) {
      yield* db.run(sql`drop table ${vectorsOf(space)}`);
    },
    *putVector(space, { row, stream, knownSeconds, closedAtMs, vector }) {
      const closed = closedAtMs === null ? noTime : BigInt(closedAtMs);
      yield* db.run(sql`insert into ${vectorsOf(space)} (rowid, stream, known_seconds, closed_at_ms, vector)
        values (${BigInt(row)}, ${BigInt(stream)}, ${knownSeconds}, ${closed}, ${toBuffer(vector)})`);
    },
    dropVector: (space, row) => db.run(sql`delete from ${vectorsOf(space)} where rowid = ${BigInt(row)}`),
    *closeVector(space, row, atMs) {
      yield* db.run(
        sql`update ${vectorsOf(space)} set closed_at_ms = ${BigInt(atMs)} where rowid = ${BigInt(row)}`,
      );
    },
    checksumVectors: (space) => addVectorChecksums(db, space),
    nearest: (space, vector, query, limit) =>
      db.all(sql<NearVector>`select rowid as row, distance from ${vectorsOf(space)}
        where vector match ${toBuffer(vector)} and k = ${Math.min(limit, 4096)} and ${vectorCondition(query)}`),
  };
}

/** Terms without those that too many entries hold, unless all are such. */
function* tellingTerms(db: Omit<Db, "index">, terms: readonly string[]): Steps<readonly string[]> {
  // The last row's number is fast to find and never below the count, so no selective term is left out.
  const newest = sql<{ entries: number }>`select coalesce(max(row), 0) as entries from entry`;
  const { entries } = (yield* db.get(newest))!;
  const most = mostHits(entries);
  if (entries <= most) return terms;
  const telling: string[] = [];
  for (const term of terms) {
    const hits = sql`select 1 from entry_text where entry_text match ${term} limit ${most + 1}`;
    const { n } = (yield* db.get(sql<{ n: number }>`select count(*) as n from (${hits})`))!;
    if (n <= most) telling.push(term);
  }
  return telling.length > 0 ? telling : terms;
}

/** The filter in vec0's terms: streams by partition, "as of" and closing inside the scan, anything else by row. */
function vectorCondition(query: EntryFilter): RawBuilder<boolean> {
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (query.streams) {
    conditions.push(sql`stream in (select row from stream where id in ${listed(query.streams)})`);
  }
  if (query.asOfSeconds !== undefined) conditions.push(sql`known_seconds <= ${query.asOfSeconds}`);
  const { writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips } = query;
  if ([writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips].some((given) => given !== undefined)) {
    conditions.push(sql`rowid in (select e.row from entry as e where ${entryCondition(query, sqliteNames)})`);
  } else if (!query.includeClosed) {
    conditions.push(sql`closed_at_ms = ${noTime}`);
  }
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}
