/** Spaces of a Postgres, each a schema `taskmem_NAME`. What its servers share is in the schema `taskmem`. */
import { sql } from "kysely";
import { assertSpaceName, isSpaceName, type Root, type SharedTexts } from "../root.ts";
import type { Postgres } from "./connection.ts";
import { createPostgresMemory, dropPostgresMemory, openConnections } from "./postgres.ts";
import { writerTable } from "./schema.ts";
import { parsePostgresUrl } from "./url.ts";

/** Of servers and workers, which ask little. */
const connections = 4;
const schemaOf = (space: string) => `taskmem_${space}`;

/** The spaces of a database. */
export class PostgresRoot implements Root {
  readonly texts: SharedTexts;
  readonly #place: string;
  readonly #db: Postgres;

  private constructor(place: string, db: Postgres) {
    this.#place = place;
    this.#db = db;
    this.texts = new Rows(db);
  }

  /** @throws ConfigError `memory-url-invalid`, `package-missing`; StoreError `store-unreachable` */
  static async open(place: string): Promise<PostgresRoot> {
    const db = await openConnections({ ...parsePostgresUrl(place), schema: "taskmem", connections });
    try {
      // Two processes that make them at once fail, so they take turns.
      await db.execute(`begin; select pg_advisory_xact_lock(hashtextextended('taskmem', 0));
        create schema if not exists taskmem; ${writerTable};
        create table if not exists taskmem.shared_text (name text primary key, content text not null); commit`);
    } catch (error) {
      await db.close();
      throw error;
    }
    return new PostgresRoot(place, db);
  }

  placeOf(space: string): string {
    const url = new URL(this.#place);
    url.searchParams.set("space", space);
    return url.href;
  }

  async list(): Promise<string[]> {
    const named = sql<{ name: string }>`select nspname as name from pg_namespace
      where starts_with(nspname, 'taskmem_') and to_regclass(quote_ident(nspname) || '.setting') is not null`;
    const found = await this.#db.perform((db) => db.all(named));
    return found.map(({ name }) => name.slice(schemaOf("").length)).sort();
  }

  async identity(space: string): Promise<string | null> {
    if (!isSpaceName(space, "postgres")) return null;
    const setting = `"${schemaOf(space)}".setting`;
    const asked = sql<{ id: string | null }>`select to_regclass(${setting})::oid::text as id`;
    return (await this.#db.perform((db) => db.get(asked)))!.id;
  }

  async create(space: string): Promise<boolean> {
    assertSpaceName(space, "postgres");
    return createPostgresMemory(this.placeOf(space));
  }

  async remove(space: string): Promise<void> {
    if (!isSpaceName(space, "postgres")) return;
    await dropPostgresMemory(this.placeOf(space));
    const texts = sql`delete from taskmem.shared_text where starts_with(name, ${`${space}/`})`;
    await this.#db.perform((db) => db.run(texts));
  }

  async troubles(): Promise<string[]> {
    const asked = sql<{ standby: boolean }>`select pg_is_in_recovery() as standby`;
    try {
      const found = await this.#db.perform((db) => db.get(asked));
      return found!.standby ? ["Nothing can be written to the spaces: their Postgres is a standby."] : [];
    } catch {
      return ["The Postgres of the spaces cannot be reached."];
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Texts as rows of a table. */
class Rows implements SharedTexts {
  readonly shown: string;
  readonly #db: Postgres;

  constructor(db: Postgres) {
    this.#db = db;
    this.shown = db.url.shown;
  }

  async read(name: string): Promise<string | null> {
    return (await this.#db.perform((db) => db.get(textOf(name))))?.content ?? null;
  }

  change(name: string, change: (text: string | null) => string | null): Promise<void> {
    return this.#db.perform((db) =>
      db.write(function* () {
        const text = change((yield* db.get(textOf(name)))?.content ?? null);
        yield* db.run(
          text === null
            ? sql`delete from taskmem.shared_text where name = ${name}`
            : sql`insert into taskmem.shared_text values (${name}, ${text})
                on conflict (name) do update set content = excluded.content`,
        );
      }),
    );
  }

  async list(folder: string): Promise<string[]> {
    const within = `${folder}/`;
    const named = sql<{
      name: string;
    }>`select name from taskmem.shared_text where starts_with(name, ${within})`;
    const found = await this.#db.perform((db) => db.all(named));
    return found.map(({ name }) => name.slice(within.length)).sort();
  }
}

const textOf = (name: string) =>
  sql<{ content: string }>`select content from taskmem.shared_text where name = ${name}`;
