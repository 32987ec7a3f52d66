/**
 * Vectors that take in what is around an entry (`surroundings.ts`) are made after it is stored: an entry waits for its
 * vector where it is new, where its neighbours changed, or where one of them was forgotten. A process that ends before
 * leaves it waiting, and a later one makes it.
 */
import { sql } from "kysely";
import { vectorChecksum } from "./checksums.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";
import { numbered } from "./listed.ts";
import type { Making } from "./settling.ts";
import { type Indexing, requireSpace, takeOut } from "./space.ts";
import { embedAll } from "./statements.ts";
import { passageOf } from "./surrounding-rows.ts";

/** Entries embedded between two transactions. */
const batchSize = 32;

/** Lets entries wait for a vector; the one they have stays until then. Inside a transaction. */
export function* letWait(db: Db, rows: readonly number[]): Steps<void> {
  for (const row of rows)
    yield* db.run(sql`insert into waiting_vector (entry) values (${row}) on conflict do nothing`);
  yield* takeOut(db, rows);
}

/** Takes the vectors of entries away, which hold words that are forgotten, and lets them wait. Inside a transaction. */
export function* dropVectors(db: Db, rows: readonly number[]): Steps<void> {
  for (const { row: space } of yield* db.all(
    build.selectFrom("space").select("row").where("current", "=", 1),
  )) {
    for (const row of rows) yield* db.index.dropVector(space, row);
  }
  yield* db.run(sql`update entry set has_vector = 0, vector_checksum = null where row in ${numbered(rows)}`);
  yield* letWait(db, rows);
}

/** Makes the vectors that entries wait for. @throws EngineError; the rest keep waiting */
export async function makeWaitingVectors(
  store: Store,
  indexing: Indexing,
  { signal, once, onBatch }: Making,
): Promise<void> {
  const { embedder } = indexing;
  while (true) {
    const batch = await store.perform(waitingPassages);
    if (batch.length === 0) return;
    const vectors = await embedAll(
      embedder,
      batch.map(({ text }) => text),
      { contexts: batch.map(({ context }) => context), signal, once },
    );
    await store.perform((db) =>
      db.write(function* () {
        const space = yield* requireSpace(db, indexing);
        for (const [i, { row, context }] of batch.entries()) {
          // What was forgotten or came meanwhile changes it: it is made again.
          if ((yield* passageOf(db, row))?.context === context) yield* setVector(db, space, row, vectors[i]!);
        }
      }),
    );
    onBatch();
  }
}

interface WaitingPassage {
  readonly row: number;
  readonly text: string;
  readonly context: string;
}

/** The next entries that wait, with what their vectors are made of; none where nothing can be written. */
function* waitingPassages(db: Db): Steps<WaitingPassage[]> {
  if (db.readOnly) return [];
  return yield* db.read(function* () {
    const waiting = sql<{
      entry: number;
    }>`select entry from waiting_vector order by entry limit ${batchSize}`;
    const passages: WaitingPassage[] = [];
    for (const { entry } of yield* db.all(waiting))
      passages.push({ row: entry, ...(yield* passageOf(db, entry))! });
    return passages;
  });
}

/** Gives an entry a vector in place of the one it has. Inside a transaction. */
export function* setVector(db: Db, space: number, row: number, vector: Float32Array): Steps<void> {
  const entry = (yield* db.get(
    build.selectFrom("entry").select(["stream", "known_seconds", "closed_at_ms"]).where("row", "=", row),
  ))!;
  const hasVector = vector.some((value) => value !== 0);
  yield* db.index.dropVector(space, row);
  if (hasVector) {
    yield* db.index.putVector(space, {
      ...{ row, stream: entry.stream, vector },
      knownSeconds: entry.known_seconds,
      closedAtMs: entry.closed_at_ms,
    });
  }
  yield* db.run(
    build
      .updateTable("entry")
      .set({ has_vector: hasVector ? 1 : 0, vector_checksum: hasVector ? vectorChecksum(vector) : null })
      .where("row", "=", row),
  );
  yield* db.run(sql`delete from waiting_vector where entry = ${row}`);
}
