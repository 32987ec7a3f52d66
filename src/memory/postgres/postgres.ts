/**
 * Memory in a space of a Postgres database, which several machines may open at once.
 *
 * Version 15 or later; vectors are compared by pgvector from version 0.8 on, or without it in this process. This file only
 * combines the parts, each in a file named for it.
 */
import { sql } from "kysely";
import { StoreError } from "../../errors.ts";
import { sweepBlobs } from "../blob-store.ts";
import { ChangeFeed } from "../change-feed.ts";
import { selectEntries, selectSpeakers, toEntry } from "../entries.ts";
import { memoryRows } from "../exported-rows.ts";
import { folderOf } from "../folder.ts";
import type { IndexedBy } from "../index-of.ts";
import { distinctNames } from "../names.ts";
import { recallEntries } from "../recall.ts";
import { openSpace, requireSpace } from "../space.ts";
import { type Searches, type StoredMemory, type StoredOptions, storedMemory } from "../stored-memory.ts";
import { blobPlace, bucketOf } from "./blob-place.ts";
import { tableBlobs } from "./blobs.ts";
import { postgresChangeLog } from "./change-log.ts";
import { checkPostgres, postgresStats } from "./check.ts";
import { Postgres } from "./connection.ts";
import { objectBlobs, removeObjects } from "./object-blobs.ts";
import { openSchema, type Settings, settingsOf } from "./open-schema.ts";
import { postgresIndex } from "./search.ts";
import { type PostgresUrl, parsePostgresUrl } from "./url.ts";
import { buildVectorIndex, indexedSpaces, mostExact, stopBuilding, vectorSearch } from "./vector-index.ts";

/** How a memory in Postgres is opened. */
export interface PostgresMemoryOptions extends StoredOptions {
  /**
   * Whether to open it without writing; a missing memory is then not created. `"if-needed"` does so where it exists and
   * the server or the user's rights allow nothing else. @default false
   */
  readonly readOnly?: boolean | "if-needed";
  /** Vectors up to which all are compared; an HNSW index finds the nearest of more. @default 300,000 */
  readonly mostExact?: number;
}

/**
 * Opens the memory of a URL, `postgres://user@host/database?space=kitchen`; a missing space is created.
 *
 * @throws ConfigError `memory-url-invalid`, `package-missing`
 * @throws StoreError `store-unreachable`, `store-unopenable`, `store-foreign`, `store-newer`, `store-missing`,
 * `store-read-only`
 */
export async function openPostgresMemory(url: string, options: PostgresMemoryOptions): Promise<StoredMemory> {
  const { readOnly = false } = options;
  if (readOnly !== "if-needed") return openAs(url, options, readOnly);
  try {
    return await openAs(url, options, false);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "store-read-only") throw error;
    return openAs(url, options, true);
  }
}

/** The embedder of the memory of a URL that holds entries; `null` for an empty or missing one. @throws StoreError */
export async function postgresIndexOf(url: string): Promise<IndexedBy | null> {
  const held = sql<IndexedBy>`select embedder, dimension from space
    where current = 1 and exists (select 1 from entry)`;
  return asked(url, async (db) => (await db.perform((steps) => steps.get(held))) ?? null);
}

/** Whether there is a memory at a URL. @throws StoreError `store-unreachable` */
export async function hasPostgresMemory(url: string): Promise<boolean> {
  return (await asked(url, async () => true)) ?? false;
}

/** Makes the schema of a space; its memory is set up when it is first opened. @returns false if there is one */
export function createPostgresMemory(url: string): Promise<boolean> {
  return briefly(url, false, async (db) => {
    if ((await settingsOf(db)) !== null) return false;
    await openSchema(db);
    return true;
  });
}

/** Forgets a whole space: its schema is dropped. @returns false if there was none */
export function dropPostgresMemory(url: string): Promise<boolean> {
  return briefly(url, false, async (db) => {
    const settings = await settingsOf(db);
    if (settings === null) return false;
    // Their keys are in the schema: if this is cut off, it is repeated.
    if (settings.blobs !== null) await removeObjects(db, bucketOf(db, settings.blobs));
    await db.execute(stopBuilding(db.url.schema));
    await db.execute(`drop schema "${db.url.schema}" cascade`);
    return true;
  });
}

function asked<Result>(url: string, ask: (db: Postgres) => Promise<Result>): Promise<Result | null> {
  return briefly(url, true, async (db) => ((await settingsOf(db)) === null ? null : ask(db)));
}

async function briefly<Result>(
  url: string,
  readOnly: boolean,
  action: (db: Postgres) => Promise<Result>,
): Promise<Result> {
  const db = await openConnections({ ...parsePostgresUrl(url), connections: 2 }, readOnly);
  try {
    return await action(db);
  } finally {
    await db.close();
  }
}

/** Connections for what searches nothing. @throws ConfigError `package-missing`; StoreError `store-unreachable` */
export const openConnections = (url: PostgresUrl, readOnly = false): Promise<Postgres> =>
  Postgres.open({ url, readOnly }, (db) => postgresIndex(db, () => "process", indexedSpaces()));

async function openAs(
  text: string,
  options: PostgresMemoryOptions,
  readOnly: boolean,
): Promise<StoredMemory> {
  const url = parsePostgresUrl(text);
  const { mostExact: most = mostExact } = options;
  let settings: Settings | null = null;
  const vectorsBy = () => settings!.vectors;
  const indexed = indexedSpaces();
  const postgres = await Postgres.open({ url, readOnly }, (db) => postgresIndex(db, vectorsBy, indexed));
  try {
    settings = await openSchema(postgres);
    const place = await blobPlace(postgres, settings);
    const blobs = place === null ? tableBlobs(postgres) : objectBlobs(postgres, bucketOf(postgres, place));
    await postgres.perform((db) => openSpace(db, options));
    await postgres.perform((db) => sweepBlobs(db, blobs));
    const feed = new ChangeFeed(postgresChangeLog(postgres));
    postgres.onWrite(() => feed.wake());
    return storedMemory(
      {
        ...{ directory: url.shown, folder: folderOf(text), store: postgres, blobs, feed },
        leaseNow: await clockOf(postgres, options.now),
        searches: searchesOf(postgres, options),
        bucket: place,
        vectorSearch: () => postgres.perform((db) => vectorSearch(db, vectorsBy(), most)),
        indexVectors: onceAtATime(async () => {
          if (vectorsBy() === "pgvector" && !readOnly) await buildVectorIndex(postgres, most);
        }),
        rows: () => memoryRows(() => postgres.snapshot()),
        stats: () => postgres.perform(postgresStats),
        check: () => postgres.perform((db) => checkPostgres(db, options.words, blobs)),
        close: () => postgres.close(),
      },
      options,
    );
  } catch (error) {
    await postgres.close();
    throw error;
  }
}

/** An action that whoever calls it while it runs waits for. */
function onceAtATime(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= action().finally(() => {
      running = null;
    });
    return running;
  };
}

/** The server's clock, so that writers on machines whose clocks differ agree on who was heard from. */
async function clockOf(postgres: Postgres, now: () => number): Promise<() => number> {
  const [asked] = await postgres.execute("select extract(epoch from clock_timestamp()) * 1000 as ms");
  const ahead = (asked!.rows[0] as { ms: number }).ms - now();
  return () => now() + ahead;
}

function searchesOf(postgres: Postgres, indexing: StoredOptions): Searches {
  const { words, embedder } = indexing;
  const { meaning = 0 } = embedder;
  return {
    recall: (query, vector) =>
      postgres.perform((db) =>
        db.read(function* () {
          const space = yield* requireSpace(db, indexing);
          return yield* recallEntries({ db, words, space, vector, meaning }, query);
        }),
      ),
    entries: async (filter) => {
      const rows = await postgres.perform((db) => db.all(selectEntries(filter, db.index)));
      return rows.map(toEntry);
    },
    speakers: async () => {
      const rows = await postgres.perform((db) => db.all(selectSpeakers()));
      return distinctNames(rows.map(({ name }) => name));
    },
    end: async () => {},
  };
}
