/**
 * Bytes by content hash, wherever a database keeps them: `blobs.ts` in files, `postgres/blobs.ts` in a table.
 *
 * A blob is kept before the row that names it commits, and is deleted only after the rows that named it are gone. In
 * between, its hash is in `loose_blob`, so a later sweep finds what a crash leaves behind. The sweep deletes under the
 * database's write lock, and a writer checks again under the same lock before it commits a reference, so the two never
 * cross.
 */
import { sql } from "kysely";
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
  /** Deletes the bytes of a blob. Inside a transaction. @returns how many there were; `null` without any */
  drop(db: Db, hash: string): Steps<number | null>;
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

/** Deletes the bytes of loose blobs that no row names, and what a crash left half-written. */
export function* sweepBlobs(
  db: Db,
  store: BlobStore,
): Steps<{ readonly blobs: number; readonly bytes: number }> {
  if (db.readOnly || !(yield* db.get(build.selectFrom("loose_blob").select("hash").limit(1))))
    return { blobs: 0, bytes: 0 };
  return yield* db.write(function* () {
    let blobs = 0;
    let bytes = 0;
    for (const { hash } of yield* db.all(build.selectFrom("loose_blob").select("hash")))
      store.dropPartials(hash);
    for (const { hash } of yield* db.all(unreferencedLoose())) {
      const size = yield* store.drop(db, hash);
      if (size !== null) {
        blobs += 1;
        bytes += size;
      }
      yield* db.run(build.deleteFrom("blob").where("hash", "=", hash));
    }
    yield* db.run(build.deleteFrom("loose_blob"));
    return { blobs, bytes };
  });
}

function unreferencedLoose() {
  return sql<{ hash: string }>`select hash from loose_blob as loose
    where not exists (select 1 from entry_frame where hash = loose.hash)
      and not exists (select 1 from observation_frame where hash = loose.hash)
      and not exists (select 1 from face where crop = loose.hash)`;
}
