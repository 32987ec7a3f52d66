/**
 * The database of a memory as all of its parts use it, whichever database that is.
 *
 * A function that uses it is a generator of `Steps`. SQLite runs it in one go, so that a transaction is one call that
 * nothing else in the process can interrupt; a database behind a connection is waited for at each statement. Kysely
 * builds and types the SQL.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { StoreError } from "../errors.ts";
import type { Tables } from "./schema.ts";
import type { SearchIndex } from "./search-index.ts";

/** Builds queries; it has no connection and cannot run one. */
export const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** A built query, or raw SQL of Kysely's `sql` tag. */
export interface Query<Row = unknown> {
  compile(builder: typeof build): CompiledQuery<Row>;
  /** What a database of another dialect compiles. */
  toOperationNode(): RootOperationNode;
}

/** What a database is asked, statement by statement, and what comes of it. It yields only what has to be waited for. */
export type Steps<Result> = Generator<() => Promise<unknown>, Result, unknown>;

/** Statements. Each sees what came before it. */
export interface Db {
  /** Where the memory is, for messages. */
  readonly file: string;
  readonly readOnly: boolean;
  /** What entries are searched by. */
  readonly index: SearchIndex;
  all<Row>(query: Query<Row>): Steps<Row[]>;
  get<Row>(query: Query<Row>): Steps<Row | undefined>;
  /** Calls back with each row, without holding all of them. */
  each<Row>(query: Query<Row>, found: (row: Row) => void): Steps<void>;
  /** @returns how many rows it changed */
  run(query: Query<unknown>): Steps<number>;
  /** Runs a transaction: everything inside commits together, synced to disk, or not at all. Other writers wait. */
  write<Result>(action: () => Steps<Result>): Steps<Result>;
  /** Runs a read transaction: everything inside sees one state of the memory. */
  read<Result>(action: () => Steps<Result>): Steps<Result>;
  /**
   * Removes what was deleted from where it may still be read, as far as the database can.
   * @throws StoreError `store-busy` or `disk-full`: what was to be forgotten is, but its bytes may still be there
   */
  wipe(): Steps<void>;
}

/** A database that runs steps. */
export interface Store {
  perform<Result>(action: (db: Db) => Steps<Result>): Result | Promise<Result>;
}

/**
 * A value that the store holds as JSON.
 * @param of what it belongs to, for the message
 * @throws StoreError `store-corrupt`
 */
export function parseStored<Value>(text: string, of: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    throw new StoreError(
      "store-corrupt",
      `The memory is damaged: ${of} is not whole (${(error as Error).message}). Restore a backup or an export; \`taskmem doctor\` says what else is damaged.`,
      { cause: error, details: { of } },
    );
  }
}
