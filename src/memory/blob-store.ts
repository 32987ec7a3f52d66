/**
 * Bytes by content hash, wherever a memory keeps them: `blobs.ts` in files, `postgres/blobs.ts` in a table,
 * `postgres/object-blobs.ts` in a bucket.
 *
 * A blob is kept before the row that names it commits, and is deleted only after the rows that named it are gone. In
 * between, its hash is in `loose_blob`, so a later sweep finds what a crash leaves behind. The sweep deletes under the
 * database's write lock, and a writer checks again under the same lock before it commits a reference, so the two never
 * cross.
 */
import { sql } from "kysely";
import { StoreError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import type { Blob } from "./blob.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";
import type { PackedObservation } from "./records.ts";

export { type Blob, blobOf } from "./blob.ts";

/** Where the bytes of a memory's blobs are. */
export interface BlobStore {
  /** Writes blobs before the transaction that names them, in which `claimBlobs` must follow. */
  write(store: Store, blobs: readonly Blob[]): Promise<void>;
  /** Makes sure, inside the transaction that names a blob, that its bytes are there. */
  keep(db: Db, blob: Blob): Steps<void>;
  /** Deletes the bytes of a blob, or lets the next `purge` do it. Inside a transaction. */
  drop(db: Db, hash: string): Steps<void>;
  /**
   * Deletes what was dropped and is outside the database, and what a crash left there; `all` also what is just being
   * written. Outside transactions. @throws StoreError `blobs-unreachable`, `blobs-refused`
   */
  purge(db: Db, which: "left" | "all"): Steps<void>;
  /** Deletes what a crash left of a blob that was being written. */
  dropPartials(hash: string): void;
  /** The bytes of a blob, or `null`. */
  read(hash: string): Promise<Uint8Array | null>;
  /** Observations with their pictures and sound, those of the first `loaded` in working memory if they cannot wait. */
  unpack(observations: readonly PackedObservation[], loaded: number): Promise<Observation[]>;
  /** An observation of `unpack` whose pictures and sound can be read at once. @throws StoreError `blob-missing` */
  load(observation: Observation): Promise<Observation>;
}

/** Registers blobs, inside the transaction that refers to them. */
export function* claimBlobs(db: Db, store: BlobStore, blobs: readonly Blob[]): Steps<void> {
  for (const blob of blobs) {
    const { hash, byteLength } = blob;
    yield* store.keep(db, blob);
    yield* db.run(
      build
        .insertInto("blob")
        .values({ hash, bytes: byteLength })
        .onConflict((conflict) => conflict.doNothing()),
    );
    yield* db.run(build.deleteFrom("loose_blob").where("hash", "=", hash));
  }
}

/** Marks blobs that perhaps no row names, for the next sweep. */
export function* markLoose(db: Db, hashes: readonly string[]): Steps<void> {
  yield* db.run(
    sql`insert into loose_blob (hash) select hash from (select value as hash from json_each(cast(${JSON.stringify(hashes)} as text)) as each_hash) as loose
      where true on conflict do nothing`,
  );
}

/**
 * Deletes the bytes of loose blobs that no row names, and what a crash left half-written. What cannot be deleted now is by a
 * later sweep.
 */
export function* sweepBlobs(db: Db, store: BlobStore): Steps<void> {
  if (db.readOnly) return;
  yield* dropLoose(db, store);
  try {
    yield* store.purge(db, "left");
  } catch (error) {
    if (!(error instanceof StoreError && error.code.startsWith("blobs-"))) throw error;
  }
}

function* dropLoose(db: Db, store: BlobStore): Steps<void> {
  if (!(yield* db.get(build.selectFrom("loose_blob").select("hash").limit(1)))) return;
  yield* db.write(function* () {
    for (const { hash } of yield* db.all(build.selectFrom("loose_blob").select("hash")))
      store.dropPartials(hash);
    for (const { hash } of yield* db.all(unreferencedLoose())) {
      yield* store.drop(db, hash);
      yield* db.run(build.deleteFrom("blob").where("hash", "=", hash));
    }
    yield* db.run(build.deleteFrom("loose_blob"));
  });
}

function unreferencedLoose() {
  return sql<{ hash: string }>`select hash from loose_blob as loose
    where not exists (select 1 from entry_frame where hash = loose.hash)
      and not exists (select 1 from observation_frame where hash = loose.hash)
      and not exists (select 1 from face where crop = loose.hash)`;
}
