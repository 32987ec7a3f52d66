/**
 * The search index in Postgres: a posting table for words, pgvector for vectors, spellings kept as text for names.
 *
 * bm25 is computed as FTS5 computes it (k1 1.2, b 0.75, stems and speakers together, an inverse document frequency of at
 * least 1e-6), so both databases find the same. Vectors are compared exactly by pgvector, and where there are very many by
 * its HNSW index (`vector-index.ts`); without pgvector by this process, which reads all that pass the filter.
 */
import { type RawBuilder, sql } from "kysely";
import type { Db, Steps } from "../db.ts";
import { entryCondition } from "../entries.ts";
import { mostHits } from "../fusion.ts";
import { listed } from "../listed.ts";
import type { EntryFilter } from "../records.ts";
import { vectorTable } from "../schema.ts";
import type { FoundRow, NearVector, SearchIndex } from "../search-index.ts";
import type { VectorsBy } from "../stored-memory.ts";
import { postgresNames, searchedForNames, spellingsOf } from "./names.ts";
import { halvesOf, type IndexedSpaces } from "./vector-index.ts";

type Statements = Omit<Db, "index">;

/**
 * @param db the statements of the database whose index it is
 * @param vectorsBy how its vectors are compared
 * @param indexed which of its spaces have an HNSW index
 */
export function postgresIndex(
  db: Statements,
  vectorsBy: () => VectorsBy,
  indexed: IndexedSpaces,
): SearchIndex {
  const vectorsOf = (space: number) => sql.table(vectorTable(space));
  return {
    ...postgresNames,
    putText: (row, of) => putText(db, row, of),
    dropText: (row) => dropText(db, row),
    *dropAllText() {
      yield* db.run(sql`truncate posting, entry_text, speaker_spelling`);
      yield* db.run(sql`update text_total set entries = 0, tokens = 0`);
    },
    *holdsStem(stem) {
      return (yield* db.get(sql`select 1 from posting where stem = ${stem} limit 1`)) !== undefined;
    },
    findText: (stems, query, pool) => findText(db, stems, query, pool),

    *addSpace(space, dimension) {
      const type = vectorsBy() === "pgvector" ? `vector(${dimension})` : "bytea";
      yield* db.run(sql`create table ${vectorsOf(space)} (entry bigint primary key, stream bigint not null,
        known_seconds double precision not null, closed_at_ms double precision, vector ${sql.raw(type)} not null)`);
      yield* db.run(sql`alter table ${vectorsOf(space)} alter column vector set storage plain`);
      yield* db.run(sql`create index on ${vectorsOf(space)} (stream)`);
    },
    *dropSpace(space) {
      yield* db.run(sql`drop table ${vectorsOf(space)}`);
    },
    *putVector(space, { row, stream, knownSeconds, closedAtMs, vector }) {
      const bytes = vectorsBy() === "pgvector" ? sentVector(vector) : bytesOf(vector);
      yield* db.run(sql`insert into ${vectorsOf(space)} (entry, stream, known_seconds, closed_at_ms, vector)
        values (${row}, ${stream}, ${knownSeconds}, ${closedAtMs}, ${bytes})`);
    },
    dropVector: (space, row) => db.run(sql`delete from ${vectorsOf(space)} where entry = ${row}`),
    *closeVector(space, row, atMs) {
      yield* db.run(sql`update ${vectorsOf(space)} set closed_at_ms = ${atMs} where entry = ${row}`);
    },
    // The server checks what it reads itself.
    *checksumVectors() {},
    *nearest(space, vector, query, limit) {
      const table = vectorsOf(space);
      if (vectorsBy() === "process") return yield* nearestHere(db, table, vector, query, limit);
      if (2 * limit <= mostByIndex && (yield* indexed(db, space))) {
        const found = yield* nearestByIndex(db, table, vector, query, limit);
        // Where few pass the filter, the scan ends before it finds them.
        if (found.length === limit) return found;
      }
      return yield* db.all(sql<NearVector>`select entry as row, vector <-> ${sentVector(vector)} as distance
        from ${table} where ${vectorCondition(query)} order by distance, entry limit ${limit}`);
    },
  };
}

function* putText(db: Statements, row: number, of: Parameters<SearchIndex["putText"]>[1]): Steps<void> {
  const { stems, speakers, text, names } = of;
  const words = `${stems} ${speakers}`.split(" ").filter((word) => word !== "");
  const times = new Map<string, number>();
  for (const word of words) times.set(word, (times.get(word) ?? 0) + 1);
  yield* db.run(sql`insert into entry_text (entry, stems, speakers, tokens, names)
    values (${row}, ${stems}, ${speakers}, ${words.length}, ${searchedForNames(text)})`);
  yield* db.run(sql`update text_total set entries = entries + 1, tokens = tokens + ${words.length}`);
  if (times.size > 0) {
    const counts = JSON.stringify([...times.values()]);
    yield* db.run(sql`insert into posting (stem, entry, times)
      select stem.value, ${row}, cast(counted.value as bigint) from json_each(${JSON.stringify([...times.keys()])}) as stem
      join json_each(${counts}) as counted on counted.key = stem.key`);
  }
  const spelled = names.flatMap((name) => spellingsOf(name).map((spelling) => [spelling, name] as const));
  for (const [spelling, name] of spelled)
    yield* db.run(sql`insert into speaker_spelling (spelling, name, entry) values (${spelling}, ${name}, ${row})
      on conflict do nothing`);
}

function* dropText(db: Statements, row: number): Steps<void> {
  const held = yield* db.get(
    sql<{ tokens: number }>`delete from entry_text where entry = ${row} returning tokens`,
  );
  if (!held) return;
  yield* db.run(sql`update text_total set entries = entries - 1, tokens = tokens - ${held.tokens}`);
  yield* db.run(sql`delete from posting where entry = ${row}`);
  yield* db.run(sql`delete from speaker_spelling where entry = ${row}`);
}

function* findText(
  db: Statements,
  stems: readonly string[],
  query: EntryFilter,
  pool: number,
): Steps<FoundRow[]> {
  const asked = yield* tellingStems(db, stems);
  const of = (values: readonly unknown[]) => sql`json_each(${JSON.stringify(values)})`;
  // Scores are summed in the order of the question's words, so that equal ones are equal to the last bit.
  return yield* db.all(sql<FoundRow>`
    with total as (select entries, cast(tokens as double precision) / entries as average from text_total),
    asked as (
      select stem.key as place, stem.value as stem,
        case when cast(hits.value as double precision) * 2 >= total.entries then 1e-6::double precision else
          ln((total.entries - cast(hits.value as double precision) + 0.5::double precision)
            / (cast(hits.value as double precision) + 0.5::double precision)) end as idf
      from ${of(asked.map(({ stem }) => stem))} as stem
      join ${of(asked.map(({ hits }) => hits))} as hits on hits.key = stem.key cross join total
    ),
    scored as (
      select posting.entry, sum(asked.idf * ((posting.times * 2.2::double precision)
          / (posting.times + 1.2::double precision * (0.25::double precision
            + 0.75::double precision * held.tokens / total.average))) order by asked.place) as score
      from asked join posting on posting.stem = asked.stem join entry_text as held on held.entry = posting.entry
      cross join total group by posting.entry
    )
    select e.row, scored.score from scored join entry as e on e.row = scored.entry
    where ${entryCondition(query, postgresNames)}
    order by scored.score desc, e.start_seconds, e.id limit ${pool}`);
}

interface Stem {
  readonly stem: string;
  /** Entries that hold it. */
  readonly hits: number;
}

/** Stems without those that no entry holds, and those that too many hold unless all are such. */
function* tellingStems(db: Statements, stems: readonly string[]): Steps<Stem[]> {
  const counted = (limit: RawBuilder<unknown>) => sql<Stem>`select asked.value as stem,
      (select count(*) from (select 1 from posting where stem = asked.value ${limit}) as held) as hits
    from json_each(${JSON.stringify(stems)}) as asked order by asked.key`;
  const newest = sql<{ entries: number }>`select coalesce(max(row), 0) as entries from entry`;
  const most = mostHits((yield* db.get(newest))!.entries);
  const found = (yield* db.all(counted(sql`limit ${most + 1}`))).filter(({ hits }) => hits > 0);
  const telling = found.filter(({ hits }) => hits <= most);
  if (telling.length > 0) return telling;
  return (yield* db.all(counted(sql``))).filter(({ hits }) => hits > 0);
}

/** The filter in terms of a table of vectors: streams, "as of" and closing by its columns, anything else by row. */
function vectorCondition(query: EntryFilter): RawBuilder<boolean> {
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (query.streams)
    conditions.push(sql`stream in (select row from stream where id in ${listed(query.streams)})`);
  if (query.asOfSeconds !== undefined) conditions.push(sql`known_seconds <= ${query.asOfSeconds}`);
  const { writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips } = query;
  if ([writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips].some((given) => given !== undefined))
    conditions.push(
      sql`entry in (select e.row from entry as e where ${entryCondition(query, postgresNames)})`,
    );
  else if (!query.includeClosed) conditions.push(sql`closed_at_ms is null`);
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

/** Candidates that an index is asked for at most: more are found sooner by comparing all. */
const mostByIndex = 1000;

/** The nearest vectors by an HNSW index in half precision; twice as many are found, and ordered in full precision. */
function nearestByIndex(
  db: Statements,
  table: RawBuilder<unknown>,
  vector: Float32Array,
  query: EntryFilter,
  limit: number,
): Steps<NearVector[]> {
  const halves = sql.raw(halvesOf(vector.length));
  const asked = sentVector(vector);
  return db.all(sql<NearVector>`select entry as row, distance from (
      select entry, vector <-> ${asked} as distance from ${table} where ${vectorCondition(query)}
      order by vector::${halves} <-> cast(${asked} as vector)::${halves} limit ${sql.raw(String(2 * limit))}
    ) as near order by distance, entry limit ${limit}`);
}

/** The nearest vectors, all of which are read. */
function* nearestHere(
  db: Statements,
  table: RawBuilder<unknown>,
  vector: Float32Array,
  query: EntryFilter,
  limit: number,
): Steps<NearVector[]> {
  const found: NearVector[] = [];
  const all = sql<{ row: number; vector: Uint8Array }>`select entry as row, vector from ${table}
    where ${vectorCondition(query)}`;
  yield* db.each(all, ({ row, vector: bytes }) => {
    const other = new Float32Array(Uint8Array.from(bytes).buffer);
    let squares = 0;
    for (let i = 0; i < vector.length; i++) squares += (vector[i]! - other[i]!) ** 2;
    found.push({ row, distance: Math.sqrt(squares) });
  });
  return found.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, limit);
}

const bytesOf = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);

/** A vector as pgvector receives it: its length, a number that is not used, 32-bit numbers, big-endian. */
export function sentVector(vector: Float32Array): Buffer {
  const sent = Buffer.alloc(4 + 4 * vector.length);
  sent.writeInt16BE(vector.length, 0);
  for (const [i, value] of vector.entries()) sent.writeFloatBE(value, 4 + 4 * i);
  return sent;
}
