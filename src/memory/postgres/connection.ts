/**
 * The connections of one memory in Postgres: its statements, transactions, and what is done when a connection is lost.
 *
 * The transactions of a memory that write take turns, in this process by a queue and between processes by an advisory
 * lock. So each sees all that came before it, as in SQLite, and none waits for a row of another: there is nothing that
 * could be locked in two orders. A transaction that lost its connection is run again. If the connection was lost while it
 * committed, the server is asked whether it did, so nothing acknowledged is lost and nothing is done twice.
 *
 * A connection belongs to one space: `search_path` is a parameter of its start. A pooler between has to keep sessions.
 */
import { randomUUID } from "node:crypto";
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import type { Client, Pool, PoolClient, QueryResult } from "pg";
import { StoreError } from "../../errors.ts";
import { optionalPackage } from "../../util/optional.ts";
import type { Db, Query, Steps, Store } from "../db.ts";
import type { Tables } from "../schema.ts";
import type { SearchIndex } from "../search-index.ts";
import { inPostgresWords, isLost } from "./errors.ts";
import type { PostgresUrl } from "./url.ts";
import { dropVectorIndexes } from "./vector-index.ts";

/** How long a lost server is waited for. */
const patienceMs = 30_000;
/** How long another process that writes the same memory is waited for. */
const lockTimeoutMs = 30_000;
const connectTimeoutMs = 10_000;
/** A process that asks nothing for so long within a write is frozen: the server takes the lock from it. */
const frozenMs = 20_000;
/** Rows that are fetched at once of a query whose rows are not held. */
const fetchedAtOnce = 500;
/** How far an HNSW index is searched: as wide as gives nearly what comparing all gives, and on until enough pass a filter. */
const indexSettings = ["-c hnsw.ef_search=400", "-c hnsw.iterative_scan=strict_order"];
/** Statements with more parameters are of many shapes, so they are not kept prepared. */
const mostPrepared = 40;

const compiler = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** What `build` built is compiled by its own dialect, so its tree is compiled here. */
function compiled(query: Query<unknown>): Pick<CompiledQuery, "sql" | "parameters"> {
  return compiler.getExecutor().compileQuery(query.toOperationNode(), { queryId: "" });
}

/** Statements on one connection, or on any of a pool. */
interface Asker {
  query(config: { text: string; values?: unknown[]; name?: string }): Promise<QueryResult>;
}

/** A memory's schema as the server has it. */
export interface Opened {
  readonly url: PostgresUrl;
  readonly readOnly: boolean;
}

/** The connections of a memory. */
export class Postgres implements Store {
  readonly url: PostgresUrl;
  readonly readOnly: boolean;
  readonly #pool: Pool;
  readonly #indexOf: (db: Omit<Db, "index">) => SearchIndex;
  readonly #listeners: (() => void)[] = [];
  readonly #newClient: () => Client;
  /** Connections of `aside`. */
  readonly #asides = new Set<Client>();
  /** Names of prepared statements, by their text. */
  readonly #names = new Map<string, string>();
  /** This process in the table `writer`. */
  readonly #writer = randomUUID();
  /** Writes that were begun. */
  #writes = 0;
  /** The last write of this process that waits or runs. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(
    { url, readOnly }: Opened,
    pool: Pool,
    newClient: () => Client,
    indexOf: (db: Omit<Db, "index">) => SearchIndex,
  ) {
    this.url = url;
    this.readOnly = readOnly;
    this.#pool = pool;
    this.#newClient = newClient;
    this.#indexOf = indexOf;
  }

  /** @throws ConfigError `package-missing`; StoreError `store-unreachable`, `store-unopenable` */
  static async open(opened: Opened, indexOf: (db: Omit<Db, "index">) => SearchIndex): Promise<Postgres> {
    const { default: pg } = await optionalPackage("pg", "for a memory in Postgres");
    const { url, readOnly } = opened;
    const connection = {
      connectionString: url.connection,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: "taskmem",
      keepAlive: true,
      options: [
        `-c search_path="${url.schema}",public`,
        `-c lock_timeout=${lockTimeoutMs}`,
        ...indexSettings,
        ...(readOnly ? ["-c default_transaction_read_only=on"] : []),
      ].join(" "),
      types: { getTypeParser: ((type: number, format?: "text") => parserOf(pg, type, format)) as never },
    };
    const pool = new pg.Pool({ ...connection, max: url.connections });
    // A connection that ends while no statement runs on it is told here; the next statement takes another.
    pool.on("error", () => {});
    pool.on("connect", (client) => client.on("error", () => {}));
    const postgres = new Postgres(opened, pool, () => new pg.Client(connection), indexOf);
    try {
      (await pool.connect()).release();
    } catch (error) {
      await pool.end();
      throw inPostgresWords(url.shown, error);
    }
    return postgres;
  }

  /** Calls a listener after each committed write of this process. */
  onWrite(listener: () => void): void {
    this.#listeners.push(listener);
  }

  perform<Result>(action: (db: Db) => Steps<Result>): Promise<Result> {
    return driven(action(this.#steps(null)));
  }

  /** Runs a text of several statements without parameters. */
  async execute(text: string): Promise<QueryResult[]> {
    try {
      return [await this.#pool.query(text)].flat();
    } catch (error) {
      throw inPostgresWords(this.url.shown, error);
    }
  }

  /**
   * Runs what takes minutes on a connection of its own, so that nothing else waits for it. Closing the memory ends the
   * connection, and leaves to the server what it was told.
   */
  async aside<Result>(run: (client: Client) => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    const client = this.#newClient();
    client.on("error", () => {});
    this.#asides.add(client);
    try {
      await client.connect();
      return await run(client);
    } catch (error) {
      throw inPostgresWords(this.url.shown, error);
    } finally {
      this.#asides.delete(client);
      await client.end();
    }
  }

  /** Waits until the writes of this process that were begun have ended, then asks. */
  async afterWrites<Result>(ask: () => Promise<Result>): Promise<Result> {
    const free = await this.#takeTurn();
    try {
      return await ask();
    } finally {
      free();
    }
  }

  /** The memory as of now, on a connection of its own. */
  async snapshot() {
    const client = await this.#connect();
    await client.query("begin isolation level repeatable read read only");
    const performing = <Result>(action: (db: Db) => Steps<Result>) => driven(action(this.#steps(client)));
    return {
      perform: performing,
      iterate: <Row>(query: Query<Row>) => this.#fetched<Row>(client, query),
      close: async () => {
        await client.query("commit").catch(() => {});
        client.release();
      },
    };
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#turn;
    this.#closed = true;
    await Promise.all([...this.#asides].map((client) => client.end()));
    await this.#pool.end();
  }

  /** @param given the connection of a transaction that is open already */
  #steps(given: PoolClient | null): Db {
    let client = given;
    const { shown: file } = this.url;
    const { readOnly } = this;
    const within = <Result>(begin: () => Promise<Begun>, action: () => Steps<Result>) =>
      client
        ? action()
        : this.#transaction(begin, action, (now) => {
            client = now;
          });
    const asked = function* (query: Query<unknown>, ask: (query: Query<unknown>) => Promise<QueryResult>) {
      return (yield () => ask(query)) as QueryResult;
    };
    const ask = (query: Query<unknown>) =>
      client ? this.#ask(client, query) : this.#again(() => this.#ask(this.#pool, query));
    const own: Omit<Db, "index"> = {
      ...{ file, readOnly },
      *all<Row>(query: Query<Row>) {
        return (yield* asked(query, ask)).rows as Row[];
      },
      *get<Row>(query: Query<Row>) {
        return (yield* asked(query, ask)).rows[0] as Row | undefined;
      },
      each: <Row>(query: Query<Row>, found: (row: Row) => void) =>
        within(
          () => this.#beginReading(),
          () => this.#each(() => client!, query, found),
        ),
      run: (query) =>
        within(
          () => this.#beginWriting(),
          function* () {
            return (yield* asked(query, ask)).rowCount ?? 0;
          },
        ),
      write: (action) => within(() => this.#beginWriting(), action),
      read: (action) => within(() => this.#beginReading(), action),
      wipe: () => this.#wipe(),
    };
    return { ...own, index: this.#indexOf(own) };
  }

  async #ask(asker: Asker, query: Query<unknown>): Promise<QueryResult> {
    const { sql: text, parameters } = compiled(query);
    const values = parameters.map(toParameter);
    const name = values.length <= mostPrepared ? this.#nameOf(text) : undefined;
    return await asker.query({ text, values, ...(name !== undefined && { name }) });
  }

  #nameOf(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = `t${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  *#each<Row>(clientOf: () => PoolClient, query: Query<Row>, found: (row: Row) => void): Steps<void> {
    yield async () => {
      for await (const row of this.#fetched<Row>(clientOf(), query)) found(row);
    };
  }

  async *#fetched<Row>(client: PoolClient, query: Query<Row>): AsyncGenerator<Row> {
    const { sql: text, parameters } = compiled(query);
    const cursor = `c${++this.#cursors}`;
    try {
      await client.query(`declare ${cursor} no scroll cursor for ${text}`, parameters.map(toParameter));
      for (;;) {
        const { rows } = await client.query(`fetch ${fetchedAtOnce} from ${cursor}`);
        for (const row of rows) yield row as Row;
        if (rows.length < fetchedAtOnce) break;
      }
      await client.query(`close ${cursor}`);
    } catch (error) {
      throw inPostgresWords(this.url.shown, error);
    }
  }
  #cursors = 0;

  async #connect(): Promise<PoolClient> {
    this.#assertOpen();
    return this.#pool.connect();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError("store-closed", `The memory ${this.url.shown} was closed.`);
  }

  /** Waits for the writes before. @returns what lets the next begin */
  async #takeTurn(): Promise<() => void> {
    const before = this.#turn;
    let free = () => {};
    this.#turn = new Promise((resolve) => {
      free = resolve;
    });
    await before;
    return free;
  }

  async #beginReading(): Promise<Begun> {
    const client = await this.#connect();
    try {
      await client.query("begin isolation level repeatable read read only");
    } catch (error) {
      client.release(true);
      throw error;
    }
    return { client, write: null, free: () => {} };
  }

  async #beginWriting(): Promise<Begun> {
    this.#assertOpen();
    const free = await this.#takeTurn();
    let client: PoolClient | null = null;
    try {
      client = await this.#connect();
      await client.query(`begin; set local idle_in_transaction_session_timeout = ${frozenMs}; ${this.#lock}`);
      return { client, write: ++this.#writes, free };
    } catch (error) {
      client?.release(true);
      free();
      throw error;
    }
  }

  *#transaction<Result>(
    begin: () => Promise<Begun>,
    action: () => Steps<Result>,
    use: (client: PoolClient | null) => void,
  ): Steps<Result> {
    for (let patience = new Patience(); ; ) {
      const begun = (yield () => this.#again(begin, patience)) as Begun;
      use(begun.client);
      let result: Result;
      try {
        result = yield* action();
      } catch (error) {
        use(null);
        yield () => this.#rollBack(begun, error);
        if (isLost(error) && patience.isLeft) continue;
        throw inPostgresWords(this.url.shown, error);
      }
      use(null);
      if (yield () => this.#commit(begun)) return result;
    }
  }

  async #rollBack({ client, free }: Begun, error: unknown): Promise<void> {
    try {
      if (isLost(error)) client.release(true);
      else {
        await client.query("rollback");
        client.release();
      }
    } catch {
      client.release(true);
    } finally {
      free();
    }
  }

  /** @returns whether it committed; if not, it has to be run again */
  async #commit({ client, write, free }: Begun): Promise<boolean> {
    try {
      try {
        await client.query(write === null ? "commit" : `${this.#mark(write)}; commit`);
        client.release();
      } catch (error) {
        client.release(true);
        if (!isLost(error)) throw inPostgresWords(this.url.shown, error);
        if (write !== null && !(await this.#again(() => this.#didCommit(write)))) return false;
      }
    } finally {
      free();
    }
    if (write !== null) for (const listener of this.#listeners) listener();
    return true;
  }

  /** Waits for the writes of other processes. */
  get #lock(): string {
    return `select pg_advisory_xact_lock(hashtextextended('${this.url.schema}', 0))`;
  }

  /** What a write leaves behind; the first one clears away what processes left that are long gone. */
  #mark(write: number): string {
    const mark = `insert into writer (id, last) values ('${this.#writer}', ${write})
      on conflict (id) do update set last = excluded.last, at = excluded.at`;
    return write === 1 ? `delete from writer where at < now() - interval '1 day'; ${mark}` : mark;
  }

  /** Whether a write committed whose connection was lost while it did. It has the lock until it did or did not. */
  async #didCommit(write: number): Promise<boolean> {
    const client = await this.#connect();
    try {
      const last = `select last from writer where id = '${this.#writer}'`;
      const ask = `begin; set local lock_timeout = 0; ${this.#lock}; ${last}; commit`;
      const said = (await client.query(ask)) as unknown as QueryResult<{ last: number }>[];
      client.release();
      return said.at(-2)!.rows[0]?.last === write;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Asks again while the server cannot be reached. */
  async #again<Result>(ask: () => Promise<Result>, patience = new Patience()): Promise<Result> {
    for (;;) {
      this.#assertOpen();
      try {
        return await ask();
      } catch (error) {
        if (!isLost(error) || !patience.isLeft) throw inPostgresWords(this.url.shown, error);
        await patience.wait();
      }
    }
  }

  /** Rewrites the tables, so that none holds what was deleted. Logs and backups of the server are not reached. */
  *#wipe(): Steps<void> {
    yield async () => {
      const { rows } = await this.#pool.query(
        "select quote_ident(tablename) as name from pg_tables where schemaname = $1",
        [this.url.schema],
      );
      const names = (rows as { name: string }[]).map(({ name }) => `"${this.url.schema}".${name}`);
      try {
        await this.#pool.query(dropVectorIndexes(this.url.schema));
        await this.#pool.query(`vacuum (full) ${names.join(", ")}`);
      } catch (error) {
        const { code, message, details } = inPostgresWords(this.url.shown, error) as StoreError;
        throw new StoreError(
          code,
          `The memories are forgotten, but the tables of ${this.url.shown} could not be rewritten, so they may still hold them. ${message} Then run the same forget again.`,
          { cause: error, details },
        );
      }
    };
  }
}

/** A transaction that began. */
interface Begun {
  readonly client: PoolClient;
  /** Its number among this process's writes; `null` for one that only reads. */
  readonly write: number | null;
  /** Lets the next write of this process begin. */
  free(): void;
}

/** How long is waited for a server that cannot be reached. */
class Patience {
  readonly #endMs = performance.now() + patienceMs;
  #pauseMs = 50;

  get isLeft(): boolean {
    return performance.now() < this.#endMs;
  }

  async wait(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(1000, 2 * ms);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** Runs steps to their end. */
async function driven<Result>(steps: Steps<Result>): Promise<Result> {
  let next = steps.next();
  while (!next.done) {
    let answer: unknown;
    let failure: { readonly error: unknown } | null = null;
    try {
      answer = await next.value();
    } catch (error) {
      failure = { error };
    }
    next = failure ? steps.throw(failure.error) : steps.next(answer);
  }
  return next.value;
}

/** Types of Postgres that are numbers here: int8 and numeric. */
const numbers = new Set([20, 1700]);

function parserOf(pg: Pick<typeof import("pg"), "types">, type: number, format: "text" | undefined): unknown {
  return numbers.has(type) ? Number : pg.types.getTypeParser(type, format);
}

/** A value as the driver takes it. A text of Postgres cannot hold the character 0. */
function toParameter(value: unknown): unknown {
  if (typeof value === "string") return value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
  return typeof value === "bigint" ? Number(value) : value;
}
