/** Finding, creating and migrating the schema of a memory in Postgres. */
import { StoreError } from "../../errors.ts";
import type { VectorsBy } from "../stored-memory.ts";
import type { Postgres } from "./connection.ts";
import { migrations } from "./schema.ts";

/** What is known of a schema. */
export interface Settings {
  readonly version: number;
  readonly vectors: VectorsBy;
  /** Where pictures are, a URL of S3; `null` for the database. */
  readonly blobs: string | null;
}

/** The settings of a memory; `null` where there is none. @throws StoreError `store-foreign`, `store-newer` */
export async function settingsOf(db: Postgres): Promise<Settings | null> {
  const { schema, shown } = db.url;
  const [found] = await db.execute(
    `select to_regclass('"${schema}".setting') as setting, to_regnamespace('"${schema}"') as schema`,
  );
  const { setting, schema: isThere } = found!.rows[0] as { setting: string | null; schema: string | null };
  if (setting === null) {
    if (isThere === null || (await isEmpty(db))) return null;
    throw new StoreError(
      "store-foreign",
      `The schema ${schema} of ${shown} is another program's, not a TaskMem memory. Name another space.`,
    );
  }
  // The first version has no column `blobs`.
  const [settings] = await db.execute(`select version, vectors, to_jsonb(setting) ->> 'blobs' as blobs
    from "${schema}".setting`);
  const { version, vectors, blobs } = settings!.rows[0] as Settings;
  if (version > migrations.length) {
    throw new StoreError(
      "store-newer",
      `${shown} has schema version ${version}; this TaskMem reads versions up to ${migrations.length}. A newer TaskMem wrote it: update this one.`,
    );
  }
  return { version, vectors, blobs };
}

async function isEmpty(db: Postgres): Promise<boolean> {
  const [found] = await db.execute(`select 1 from pg_tables where schemaname = '${db.url.schema}' limit 1`);
  return found!.rows.length === 0;
}

/** The settings of a memory that is created or migrated where that is needed. @throws StoreError */
export async function openSchema(db: Postgres): Promise<Settings> {
  const { schema, shown } = db.url;
  const known = await settingsOf(db);
  if (known?.version === migrations.length) return known;
  if (db.readOnly) {
    if (known === null)
      throw new StoreError("store-missing", `There is no memory in ${shown}: it has no schema ${schema}.`);
    throw new StoreError(
      "store-read-only",
      `${shown} has schema version ${known.version} and cannot be migrated while it is only read. Open it for writing once.`,
    );
  }
  const vectors = known?.vectors ?? (await vectorsBy(db));
  const lock = `select pg_advisory_xact_lock(hashtextextended('${schema}', 0));`;
  const mark = `create table if not exists "${schema}".setting (version integer not null, vectors text not null);
    insert into "${schema}".setting select 0, '${vectors}' where not exists (select 1 from "${schema}".setting);`;
  await db.execute(`begin; ${lock} create schema if not exists "${schema}"; ${mark} commit`);
  for (let from = (await settingsOf(db))!.version; from < migrations.length; from++)
    await migrateFrom(db, from, lock);
  return (await settingsOf(db))!;
}

/** Takes a schema one version further, unless another process did. */
async function migrateFrom(db: Postgres, version: number, lock: string): Promise<void> {
  const tag = "$taskmem_migration$";
  await db.execute(`begin; ${lock} do ${tag} begin
    if (select version from setting) = ${version} then
      ${migrations[version]!}
      update setting set version = ${version + 1};
    end if; end ${tag}; commit`);
}

/** The least version of pgvector that is used. */
const leastVector = [0, 8];

/** How vectors of a new memory are kept: by pgvector where the server has it, or may get it, in a version from 0.8 on. */
async function vectorsBy(db: Postgres): Promise<VectorsBy> {
  try {
    await db.execute("create extension if not exists vector with schema public");
  } catch {
    // not there, or no right to add it: it may have been added by someone else
  }
  const [found] = await db.execute("select extversion from pg_extension where extname = 'vector'");
  const version = (found!.rows[0] as { extversion: string } | undefined)?.extversion;
  if (version === undefined) return "process";
  const [major, minor] = version.split(".").map(Number);
  const isEnough = major! > leastVector[0]! || (major === leastVector[0] && minor! >= leastVector[1]!);
  return isEnough ? "pgvector" : "process";
}
