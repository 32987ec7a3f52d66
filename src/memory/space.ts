/**
 * The index of a memory: one word space for text, one embedder for vectors. Vectors of two embedders are never
 * compared, so a memory opened with another embedder can be read, but not written or searched until it is reindexed.
 */
import { sql } from "kysely";
import type { Embedder, WordSpace } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { turn } from "../util/async.ts";
import { build, type Db, parseStored, type Steps, type Store } from "./db.ts";
import { insertText } from "./entries.ts";
import { embedAll } from "./statements.ts";
import { passageOf } from "./surrounding-rows.ts";

export interface Indexing {
  readonly words: WordSpace;
  readonly embedder: Embedder;
}

/** What of an index names its space. */
export interface SpaceIds {
  readonly words: Pick<WordSpace, "id">;
  readonly embedder: Pick<Embedder, "id" | "dimension">;
}

const batchSize = 256;
/** Sentences take an encoder longer, and what is done is kept between batches. */
const meantBatchSize = 32;

function* spaceNow(db: Db) {
  return yield* db.get(build.selectFrom("space").selectAll().where("current", "=", 1));
}

/** Rows of all spaces, including one being built: deletes must reach all of them. */
export function* spaceRows(db: Db): Steps<number[]> {
  return (yield* db.all(build.selectFrom("space").select("row"))).map(({ row }) => row);
}

function* addSpace(db: Db, { words, embedder }: Indexing, current: 0 | 1): Steps<number> {
  const added = yield* db.get(
    build
      .insertInto("space")
      .values({ words: words.id, embedder: embedder.id, dimension: embedder.dimension, current })
      .returning("row"),
  );
  const { row } = added!;
  yield* db.index.addSpace(row, embedder.dimension);
  return row;
}

/** Takes entries out of an index that is being built, which then embeds them again. Inside a transaction. */
export function* takeOut(db: Db, rows: readonly number[]): Steps<void> {
  for (const { row: space } of yield* db.all(
    build.selectFrom("space").select("row").where("current", "=", 0),
  )) {
    for (const row of rows) {
      yield* db.index.dropVector(space, row);
      yield* db.run(sql`delete from ${sql.table(doneTable(space))} where entry = ${row}`);
    }
  }
}

function* dropSpace(db: Db, row: number): Steps<void> {
  yield* db.index.dropSpace(row);
  yield* db.run(sql`drop table if exists ${sql.table(doneTable(row))}`);
  yield* db.run(build.deleteFrom("space").where("row", "=", row));
}

/** Sets the space of a new or empty memory. */
export function* openSpace(db: Db, indexing: Indexing): Steps<void> {
  if (db.readOnly || (yield* fitsOrHolds(db, indexing))) return;
  yield* db.write(function* () {
    if (yield* fitsOrHolds(db, indexing)) return;
    for (const row of yield* spaceRows(db)) yield* dropSpace(db, row);
    yield* addSpace(db, indexing, 1);
  });
}

/** Whether there is a space that fits, or that must stay because it holds something. */
function* fitsOrHolds(db: Db, indexing: Indexing): Steps<boolean> {
  const space = yield* spaceNow(db);
  if (space === undefined) return false;
  if (difference(space, indexing) === null) return true;
  return (yield* db.get(build.selectFrom("entry").select("row").limit(1))) !== undefined;
}

function difference(
  space: { readonly words: string; readonly embedder: string; readonly dimension: number },
  { words, embedder }: SpaceIds,
): string | null {
  if (space.words !== words.id) return `the word space ${space.words}, not with ${words.id}`;
  if (space.embedder !== embedder.id) return `the embedder ${space.embedder}, not with ${embedder.id}`;
  if (space.dimension !== embedder.dimension)
    return `${space.dimension} dimensions of ${space.embedder}, not with ${embedder.dimension}`;
  return null;
}

/**
 * The row of the current space.
 *
 * @throws StoreError `space-mismatch` if the memory is indexed with another space than it was opened with
 */
export function* requireSpace(db: Db, indexing: SpaceIds): Steps<number> {
  const space = yield* spaceNow(db);
  const found = space ? difference(space, indexing) : "nothing yet";
  if (space && found === null) return space.row;
  throw new StoreError(
    "space-mismatch",
    `${db.file} is indexed with ${found}. Open it with the same word space and embedder, or index it again with \`taskmem reindex\`.`,
    { details: { space, words: indexing.words.id, embedder: indexing.embedder.id } },
  );
}

/**
 * Embeds and indexes every entry again from its text, in the space the memory was opened with.
 *
 * The old index is used until the new one is complete. Batches are committed, so an interrupted call resumes when it is
 * repeated.
 * @returns how many entries this call embedded
 */
export async function reindex(
  store: Store,
  indexing: Indexing,
  signal?: AbortSignal,
  onProgress: (entries: number) => void = () => {},
): Promise<{ readonly entries: number }> {
  const isByMeaning = indexing.embedder.meaning !== undefined;
  const space = await store.perform((db) => db.write(() => buildingSpace(db, indexing)));
  let entries = 0;
  while (true) {
    await turn(signal);
    const missing = missingFrom(space, isByMeaning ? meantBatchSize : batchSize);
    const batch = await store.perform((db) => db.all(missing));
    if (batch.length === 0) {
      if (await store.perform((db) => db.write(() => changeOver(db, space, indexing)))) return { entries };
      continue;
    }
    const contexts = await store.perform((db) => contextsOf(db, batch));
    const vectors = await embedAll(
      indexing.embedder,
      batch.map(({ text }) => text),
      { signal, ...(isByMeaning && { contexts }) },
    );
    await store.perform((db) =>
      db.write(function* () {
        // What changed meanwhile is embedded again.
        const now = yield* contextsOf(db, batch);
        const kept = [...batch.keys()].filter((i) => now[i] === contexts[i]);
        yield* addVectors(
          db,
          space,
          kept.map((i) => batch[i]!),
          kept.map((i) => vectors[i]!),
        );
      }),
    );
    entries += batch.length;
    onProgress(entries);
  }
}

/**
 * The unfinished space of an earlier call with the same word space and embedder, or a new one. Other unfinished ones
 * are deleted.
 */
function* buildingSpace(db: Db, indexing: Indexing): Steps<number> {
  let found: number | undefined;
  for (const space of yield* db.all(build.selectFrom("space").selectAll().where("current", "=", 0))) {
    if (found === undefined && difference(space, indexing) === null) found = space.row;
    else yield* dropSpace(db, space.row);
  }
  if (found !== undefined) return found;
  const row = yield* addSpace(db, indexing, 0);
  yield* db.run(sql`create table ${sql.table(doneTable(row))}
    (entry integer primary key, has_vector integer not null)`);
  return row;
}

/** Entries embedded so far, including texts with nothing to embed. */
const doneTable = (space: number) => `reindexed_${space}`;

function* contextsOf(db: Db, batch: readonly Unembedded[]): Steps<string[]> {
  const contexts: string[] = [];
  for (const { row } of batch) contexts.push((yield* passageOf(db, row))?.context ?? "");
  return contexts;
}

interface Unembedded {
  readonly row: number;
  readonly stream: number;
  readonly known_seconds: number;
  readonly closed_at_ms: number | null;
  readonly text: string;
}

function missingFrom(space: number, limit: number) {
  return sql<Unembedded>`select row, stream, known_seconds, closed_at_ms, text from entry
    where row not in (select entry from ${sql.table(doneTable(space))}) order by row limit ${limit}`;
}

function* addVectors(
  db: Db,
  space: number,
  batch: readonly Unembedded[],
  vectors: readonly Float32Array[],
): Steps<void> {
  const done = sql.table(doneTable(space));
  for (const [i, entry] of batch.entries()) {
    const vector = vectors[i]!;
    // forgotten, closed or embedded by another process while the embedder ran
    const now = yield* db.get(build.selectFrom("entry").select("closed_at_ms").where("row", "=", entry.row));
    if (!now) continue;
    const hasVector = vector.some((value) => value !== 0);
    const added = yield* db.run(
      sql`insert into ${done} values (${entry.row}, ${hasVector ? 1 : 0}) on conflict do nothing`,
    );
    if (added === 0 || !hasVector) continue;
    yield* db.index.putVector(space, {
      row: entry.row,
      stream: entry.stream,
      knownSeconds: entry.known_seconds,
      closedAtMs: now.closed_at_ms,
      vector,
    });
  }
}

/** Makes the new space current. @returns false if entries were added meanwhile */
function* changeOver(db: Db, space: number, { words }: Indexing): Steps<boolean> {
  if ((yield* db.all(missingFrom(space, 1))).length > 0) return false;
  const done = sql.table(doneTable(space));
  yield* db.run(sql`update entry set vector_checksum = null,
    has_vector = (select has_vector from ${done} where ${done}.entry = entry.row)`);
  yield* db.index.checksumVectors(space);
  for (const row of yield* spaceRows(db)) if (row !== space) yield* dropSpace(db, row);
  yield* db.run(sql`delete from waiting_vector`);
  yield* db.run(build.updateTable("space").set({ current: 1 }).where("row", "=", space));
  yield* db.run(sql`drop table ${done}`);
  yield* db.index.dropAllText();
  for (const entry of yield* db.all(build.selectFrom("entry").select(["row", "text", "speakers"]))) {
    yield* insertText(
      db,
      entry.row,
      { text: entry.text, speakers: parseStored<string[]>(entry.speakers, "the speakers of an entry") },
      words,
    );
  }
  return true;
}
