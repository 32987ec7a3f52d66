/**
 * Sessions of workers: a connection of each to the queue's Postgres, which holds an advisory lock for every job in hand. The
 * server frees the locks of a process the moment that it dies, long before its heartbeat is missed, and lists who has what.
 * So no table is kept of workers, and none can be out of date.
 *
 * What a session cannot tell is a machine that lost its power or a process that hangs: these are found by the heartbeat of
 * their jobs.
 */
import { hostname } from "node:os";
import type { Client } from "pg";
import type { JobAttempt } from "pg-boss";
import { sha256 } from "../util/hash.ts";
import { optionalPackage } from "../util/optional.ts";

/** A worker as its session shows it. */
export interface WorkerSession {
  /** Number of the session. */
  readonly session: number;
  readonly host: string;
  readonly pid: number;
  readonly sinceMs: number;
  /** Most streams that it watches at once; 0 while it is drained. */
  readonly streams: number;
  /** Whether it was heard from in the last ten seconds. */
  readonly isHeard: boolean;
}

const name = "taskmem-worker";

/** The key that a job is locked by, a signed number of 64 bits. */
export const lockKeyOf = (job: string): string =>
  BigInt.asIntN(64, BigInt(`0x${sha256(job).slice(0, 16)}`)).toString();

/** Asks a Postgres something. */
export type Ask = (text: string, values: unknown[]) => Promise<{ readonly rows: readonly unknown[] }>;

/** The workers of a root, oldest first. */
export async function workersOf(ask: Ask, root: string): Promise<WorkerSession[]> {
  const { rows } = await ask(
    `select pid, application_name as name, extract(epoch from backend_start)::float8 * 1000 as since,
       state_change > clock_timestamp() - interval '10 s' as heard
     from pg_stat_activity
     where datname = current_database() and starts_with(application_name, $1) order by backend_start`,
    [`${name}:${root}:`],
  );
  return (rows as { pid: number; name: string; since: number; heard: boolean }[]).map((row) => {
    const [, , streams, pid, host = ""] = row.name.split(":");
    return {
      ...{ session: row.pid, host, pid: Number(pid), sinceMs: Math.round(row.since) },
      ...{ streams: Number(streams), isHeard: row.heard },
    };
  });
}

/** Which session has which job, by the keys of the jobs. */
export async function holdersOf(ask: Ask): Promise<ReadonlyMap<string, number>> {
  const { rows } = await ask(
    `select pid, (classid::bigint << 32 | objid::bigint)::text as key from pg_locks
     where locktype = 'advisory' and objsubid = 1 and granted
       and database = (select oid from pg_database where datname = current_database())`,
    [],
  );
  return new Map((rows as { pid: number; key: string }[]).map(({ pid, key }) => [key, pid]));
}

/** The session of a worker. It connects again when its connection was lost, and locks again what it holds. */
export class OwnSession {
  readonly #url: string;
  readonly #root: string;
  /** Ids of the jobs in hand, by what tells each taking. The server counts how often a lock is held. */
  readonly #jobs = new Map<string, string>();
  #streams: number;
  #client: Promise<Client> | null = null;
  #sinceMs = 0;
  #leads = false;

  /** @param streams most streams that the worker watches */
  constructor(url: string, root: string, streams: number) {
    this.#url = url;
    this.#root = root;
    this.#streams = streams;
  }

  /** How long it has been connected without a break, in milliseconds. */
  get ageMs(): number {
    return this.#client === null ? 0 : performance.now() - this.#sinceMs;
  }

  /** Asks the server something on this connection, by which it also hears from the worker. */
  async ask(text: string, values: unknown[] = []): Promise<{ readonly rows: readonly unknown[] }> {
    this.#client ??= this.#connect();
    const client = this.#client;
    try {
      return await (await client).query(text, values);
    } catch (error) {
      if (!isRefusal(error)) this.#drop(client);
      throw error;
    }
  }

  /** Whether this worker leads those of the root: the first that asks, until its session ends. */
  async leads(): Promise<boolean> {
    if (this.#client !== null && this.#leads) return true;
    const lock = "select pg_try_advisory_lock($1) as leads";
    const { rows } = await this.ask(lock, [lockKeyOf(`leads ${this.#root}`)]);
    this.#leads = (rows[0] as { leads: boolean }).leads;
    return this.#leads;
  }

  /** Takes the lock of a job. Where its last worker's lock has outlived it, the heartbeat alone tells of this one. */
  async hold(attempt: JobAttempt): Promise<void> {
    this.#jobs.set(tokenOf(attempt), attempt.id);
    await this.ask("select pg_try_advisory_lock($1)", [lockKeyOf(attempt.id)]);
  }

  async release(attempt: JobAttempt): Promise<void> {
    if (this.#jobs.delete(tokenOf(attempt)))
      await this.ask("select pg_advisory_unlock($1)", [lockKeyOf(attempt.id)]);
  }

  /** Takes no more streams, and says so. */
  async drain(): Promise<void> {
    this.#streams = 0;
    await this.ask("select set_config('application_name', $1, false)", [this.#name()]);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.then((one) => one.end()).catch(() => {});
  }

  /** The server cuts it to 63 bytes, at the end of the host. */
  #name(): string {
    return [name, this.#root, this.#streams, process.pid, hostname()].join(":").slice(0, 63);
  }

  async #connect(): Promise<Client> {
    const { default: pg } = await optionalPackage("pg", "for the session of a worker");
    const client = new pg.Client({
      ...{ connectionString: this.#url, application_name: this.#name(), keepAlive: true },
      ...{ connectionTimeoutMillis: 5000 },
      // A machine that is gone is noticed by the server within half a minute, and its locks are freed.
      options: "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
    });
    client.on("error", () => this.#drop());
    await client.connect();
    this.#sinceMs = performance.now();
    this.#leads = false;
    if (this.#jobs.size > 0) {
      const keys = [...this.#jobs.values()].map(lockKeyOf);
      await client.query("select pg_try_advisory_lock(key) from unnest($1::bigint[]) as key", [keys]);
    }
    return client;
  }

  /** Forgets a connection; the next question makes another. */
  #drop(client = this.#client): void {
    if (this.#client === client) this.#client = null;
    void client?.then((one) => one.end()).catch(() => {});
  }
}

const tokenOf = ({ id, retryCount }: JobAttempt) => `${id} ${retryCount}`;

/** Whether the server answered, with an error of SQL. */
const isRefusal = (error: unknown) =>
  /^(?!57|08)[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code));
