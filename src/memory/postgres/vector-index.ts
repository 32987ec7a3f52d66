/**
 * The HNSW index over the vectors of a large memory, by pgvector.
 *
 * Up to `mostExact` vectors all that pass a filter are compared, which finds the nearest for certain. Above that an index
 * is built over their halves (16-bit numbers), on a connection of its own, while others read and write. It is searched as
 * wide as `connection.ts` sets, further where a filter lets few pass, and what it finds is ordered in full precision; where
 * it finds too few, all are compared. A space that is indexed again gets an index of its own when it is current.
 */
import { sql } from "kysely";
import type { Client } from "pg";
import type { Db, Steps } from "../db.ts";
import { vectorTable } from "../schema.ts";
import type { VectorSearch } from "../stored-memory.ts";
import type { Postgres } from "./connection.ts";

/** Vectors up to which all are compared. */
export const mostExact = 300_000;
/** Numbers that an index of halves takes. */
const mostDimensions = 4000;
/** How long an index is known to be there, or not. */
const knownMs = 10_000;
/** Memory for a build, in MB: what the graph takes, at most this. */
const mostMemory = 1024;
/** A statement that was cancelled. */
const cancelled = "57014";

/** Whether the vectors of a space have an index that is complete. */
export type IndexedSpaces = (db: Pick<Db, "get">, space: number) => Steps<boolean>;

/** The type of vectors as the index holds them. */
export const halvesOf = (dimension: number): string => `halfvec(${dimension})`;

/** Looks an index up, and remembers for some seconds what it found. */
export function indexedSpaces(): IndexedSpaces {
  let known: { readonly space: number; readonly isThere: boolean; readonly untilMs: number } | null = null;
  return function* (db, space) {
    if (known?.space === space && performance.now() < known.untilMs) return known.isThere;
    const isThere = (yield* db.get(indexOf(space, sql`i.indisvalid`))) !== undefined;
    known = { space, isThere, untilMs: performance.now() + knownMs };
    return isThere;
  };
}

/** The names of a space's HNSW indexes. */
function indexOf(space: number, condition = sql`true`) {
  return sql<{
    name: string;
    valid: boolean;
  }>`select c.relname as name, i.indisvalid as valid from pg_index as i
    join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam and a.amname = 'hnsw'
    where i.indrelid = to_regclass(${vectorTable(space)}) and ${condition}`;
}

interface Current {
  readonly row: number;
  readonly dimension: number;
  /** Entries, of which nearly all have a vector. */
  readonly entries: number;
  readonly failure: string | null;
}

const currentSpace = sql<Current>`select space.row, space.dimension, text_total.entries, setting.index_failure as failure
  from space cross join text_total cross join setting where space.current = 1`;

/**
 * Builds the index of a memory that needs one and has none, unless another process builds it.
 *
 * @throws StoreError why it cannot be built; vectors are compared exactly until it is
 */
export async function buildVectorIndex(postgres: Postgres, most: number): Promise<void> {
  const current = await postgres.perform((db) => db.get(currentSpace));
  if (!current || current.entries <= most || current.dimension > mostDimensions) return;
  if (await postgres.perform((db) => db.get(indexOf(current.row, sql`i.indisvalid`)))) return;
  try {
    await postgres.aside((client) => build(client, postgres.url.schema, current));
    if (current.failure !== null) await postgres.perform((db) => db.run(keepFailure(null)));
  } catch (error) {
    const { message, details } = error as Error & { details?: { code?: unknown } };
    if (postgres.isClosed || details?.code === cancelled) return;
    await postgres.perform((db) => db.run(keepFailure(message)));
    throw error;
  }
}

const keepFailure = (why: string | null) => sql`update setting set index_failure = ${why}`;

async function build(client: Client, schema: string, { row, dimension, entries }: Current): Promise<void> {
  const lock = `select pg_try_advisory_lock(hashtextextended('${schema} index', 0)) as taken`;
  if (!(await client.query<{ taken: boolean }>(lock)).rows[0]!.taken) return;
  const table = `"${schema}".${vectorTable(row)}`;
  const name = `${vectorTable(row)}_hnsw`;
  const state = await client.query<{ valid: boolean }>(
    `select indisvalid as valid from pg_index where indexrelid = to_regclass('"${schema}".${name}')`,
  );
  if (state.rows[0]?.valid) return;
  const megabytes = Math.min(mostMemory, Math.ceil(((2 * dimension + 700) * entries) / 1e6) + 64);
  // It waits for transactions that began before it, as long as they take. Workers would need shared memory of this size,
  // which a container has less of.
  await client.query(`set lock_timeout = 0; set max_parallel_maintenance_workers = 0;
    select set_config('maintenance_work_mem', greatest(setting::bigint, ${megabytes * 1024}) || 'kB', false)
      from pg_settings where name = 'maintenance_work_mem'`);
  // What a killed build left is not complete.
  if (state.rows.length > 0) await client.query(`drop index concurrently "${schema}".${name}`);
  await client.query(
    `create index concurrently ${name} on ${table} using hnsw ((vector::${halvesOf(dimension)}) halfvec_l2_ops)`,
  );
}

/** Ends builds and takes the indexes of a schema away, whose pages hold vectors that were deleted. */
export const dropVectorIndexes = (schema: string): string => `${stopBuilding(schema)};
  do $taskmem_indexes$ declare name text; begin
    for name in select c.oid::regclass::text from pg_class as c join pg_am as a on a.oid = c.relam
      where a.amname = 'hnsw' and c.relnamespace = to_regnamespace('"${schema}"')
    loop execute 'drop index ' || name; end loop;
  end $taskmem_indexes$`;

/** Ends builds in a schema, for whose end its tables could not be dropped. */
export const stopBuilding = (schema: string): string => `select pg_cancel_backend(p.pid)
  from pg_stat_progress_create_index as p join pg_class as c on c.oid = p.relid
  where p.datname = current_database() and c.relnamespace = to_regnamespace('"${schema}"')
    and p.command = 'CREATE INDEX CONCURRENTLY'`;

/** How a memory compares vectors. */
export function* vectorSearch(db: Db, by: "pgvector" | "process", most: number): Steps<VectorSearch> {
  const current = yield* db.get(currentSpace);
  if (!current) return { by, vectors: 0, isApproximate: false, lacksIndex: null };
  const { row, dimension, entries, failure } = current;
  const table = sql.table(vectorTable(row));
  const vectors = (yield* db.get(sql<{ n: number }>`select count(*) as n from ${table}`))!.n;
  const isApproximate = (yield* db.get(indexOf(row, sql`i.indisvalid`))) !== undefined;
  const shouldBe = by === "pgvector" && entries > most && !isApproximate;
  const why =
    dimension > mostDimensions ? `an index takes up to ${mostDimensions} numbers a vector` : failure;
  return { by, vectors, isApproximate, lacksIndex: shouldBe ? (why ?? "it is being built") : null };
}
