/**
 * A checksum in every row, so that a check finds a byte that changed on disk: SQLite itself checks how pages and rows fit
 * together, not what they say.
 *
 * Triggers write it, so no code that changes a row can leave it out. They are made again from the tables there are whenever
 * the schema changes. The text index is compared with the entries instead, and each entry keeps the checksum of its
 * vector.
 */
import { crc32 } from "node:zlib";
import type Database from "better-sqlite3";
import { sql } from "kysely";
import type { Connection } from "./database.ts";
import type { Db, Steps } from "./db.ts";
import { vectorTable } from "./schema.ts";

/** Adds the SQL functions of checksums to a connection. */
export function addChecksumFunctions(connection: Database.Database): void {
  const options = { deterministic: true, varargs: true } as const;
  connection.function("row_checksum", options, (...values: unknown[]) => crc32(JSON.stringify(values)));
  connection.function("bytes_checksum", { deterministic: true }, (bytes: Uint8Array | null) =>
    bytes === null ? null : crc32(bytes),
  );
}

/** Checksum of a vector's bytes. */
export function vectorChecksum(vector: Float32Array): number {
  return crc32(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
}

interface Table {
  readonly name: string;
  /** All columns but the checksum, sorted. */
  readonly columns: readonly string[];
  readonly hasChecksum: boolean;
  /** Columns that name a row in a trigger. */
  readonly key: readonly string[];
}

/** The tables that have checksums: all but those of SQLite, of indexes, and of a reindexing that is under way. */
function tablesOf(db: Connection): Table[] {
  const names = db.all(sql<{ name: string; wr: number }>`select name, wr from pragma_table_list
    where schema = 'main' and type = 'table' and name not like 'sqlite_%' and name not like 'entry_vector_%'
      and name not like 'reindexed_%' order by name`);
  return names.map(({ name, wr }) => {
    const columns = db.all(
      sql<{ name: string; pk: number }>`select name, pk from pragma_table_info(${name})`,
    );
    return {
      name,
      columns: columns
        .map((column) => column.name)
        .filter((column) => column !== "checksum")
        .sort(),
      hasChecksum: columns.some((column) => column.name === "checksum"),
      key: wr ? columns.filter(({ pk }) => pk > 0).map((column) => column.name) : ["rowid"],
    };
  });
}

const checksumOf = (columns: readonly string[], of = "") =>
  `row_checksum(${columns.map((column) => `${of}${column}`).join(", ")})`;

/** Removes the triggers, before the schema changes. Inside a transaction. */
export function dropChecksumTriggers(db: Connection): void {
  const triggers = db.all(sql<{ name: string }>`select name from sqlite_schema
    where type = 'trigger' and name like 'checksum_%'`);
  for (const { name } of triggers) db.exec(`drop trigger ${name}`);
}

/** Gives every table its triggers and every row its checksum. Inside a transaction. */
export function addChecksums(db: Connection): void {
  for (const { name, columns, key, hasChecksum } of tablesOf(db)) {
    if (!hasChecksum) db.exec(`alter table ${name} add column checksum integer`);
    const isRow = key.map((column) => `${column} = new.${column}`).join(" and ");
    const set = `begin update ${name} set checksum = ${checksumOf(columns, "new.")} where ${isRow}; end`;
    db.exec(`
      create trigger checksum_insert_${name} after insert on ${name} ${set};
      create trigger checksum_update_${name} after update of ${columns.join(", ")} on ${name} ${set};
      update ${name} set checksum = ${checksumOf(columns)};
    `);
  }
}

/** Gives entries without one the checksum of their vector in a space. Inside a transaction. */
export function* addVectorChecksums(db: Pick<Db, "run">, space: number): Steps<void> {
  yield* db.run(sql`update entry set vector_checksum = (select bytes_checksum(vector)
    from ${sql.table(vectorTable(space))} as v where v.rowid = entry.row)
    where has_vector and vector_checksum is null`);
}

const mostNamed = 5;

/** Rows that are not as they were written, one sentence a table. */
export function changedRows(db: Connection): string[] {
  return tablesOf(db).flatMap(({ name, columns }) => {
    const id = columns.includes("id") ? "id" : "null";
    const changed = db.all(
      sql<{ id: string | null }>`select ${sql.raw(id)} as id from ${sql.table(name)}
        where checksum is not ${sql.raw(checksumOf(columns))}`,
    );
    if (changed.length === 0) return [];
    const ids = changed.slice(0, mostNamed).flatMap((row) => row.id ?? []);
    const named = ids.length > 0 ? ` (${ids.join(", ")}${changed.length > ids.length ? ", …" : ""})` : "";
    const rows = `${changed.length} ${changed.length === 1 ? "row" : "rows"} of ${name}`;
    return [`${rows} changed on the disk: the checksum does not match${named}.`];
  });
}

/** Tables, indexes and triggers as text, to compare with those of a new memory. */
export function schemaOf(db: Connection): Set<string> {
  const columns = tablesOf(db).flatMap(({ name }) =>
    db
      .all(sql<object>`select name, type, "notnull", dflt_value, pk from pragma_table_info(${name})`)
      .map((column) => `${name} ${JSON.stringify(column)}`),
  );
  const others = db.all(sql<{ text: string }>`select type || ' ' || name || ' ' || sql as text
    from sqlite_schema where sql is not null and (type in ('index', 'trigger', 'view') or name = 'entry_text')`);
  return new Set([...columns, ...others.map(({ text }) => text)]);
}
