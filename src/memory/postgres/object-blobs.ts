/**
 * Blobs as objects of a bucket, outside the database.
 *
 * Each time a blob is written it gets a key of its own: first a row of `loose_object` names the key, then the object is put,
 * then `blob_object` names it in the transaction that names the blob. So a process that is killed in between leaves an object
 * whose key is known, which a later purge deletes. A blob that is dropped moves its key back to `loose_object` in the
 * transaction that drops it, and its object is deleted after. No key is used twice, so a deletion never meets a writer.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { mapConcurrently } from "../../util/async.ts";
import type { Blob, BlobStore } from "../blob-store.ts";
import { listed } from "../listed.ts";
import type { Bucket } from "./bucket.ts";
import type { Postgres } from "./connection.ts";
import { fetchedBlobs } from "./fetched-blobs.ts";

/** Requests to a bucket at once. */
const concurrency = 16;
/** An object that no row names is being written, for at most so long. */
const inFlight = sql`interval '1 hour'`;

export function objectBlobs(postgres: Postgres, bucket: Bucket): BlobStore {
  /** Keys of blobs whose object is there. */
  const keys = new WeakMap<Blob, string>();
  const put = async (blobs: readonly Blob[]) => {
    const made = blobs.map((blob) => ({
      blob,
      key: `${blob.hash.slice(0, 2)}/${blob.hash}.${randomUUID()}`,
    }));
    const named = sql`insert into loose_object (key, since)
      select key, now() from ${listed(made.map(({ key }) => key))} as made (key) on conflict do nothing returning key`;
    await postgres.perform((db) => db.all(named));
    await mapConcurrently(made, { concurrency }, async ({ blob, key }) => {
      await bucket.put(key, blob);
      keys.set(blob, key);
    });
  };
  const claimed = (key: string) => sql`delete from loose_object where key = ${key} and not doomed`;
  return {
    ...fetchedBlobs(async (hashes) => {
      const found = new Map<string, Uint8Array>();
      await mapConcurrently(await keysOf(postgres, hashes), { concurrency }, async ({ hash, key }) => {
        const bytes = await bucket.get(key);
        if (bytes !== null) found.set(hash, bytes);
      });
      return found;
    }),
    write: async (_, blobs) => {
      const known = await keysOf(
        postgres,
        blobs.map(({ hash }) => hash),
      );
      const isKnown = new Set(known.map(({ hash }) => hash));
      const fresh = new Map(blobs.flatMap((blob) => (isKnown.has(blob.hash) ? [] : [[blob.hash, blob]])));
      if (fresh.size > 0) await put([...fresh.values()]);
    },
    *keep(db, blob) {
      if (yield* db.get(sql`select 1 from blob_object where hash = ${blob.hash}`)) return;
      const written = keys.get(blob);
      if (written === undefined || (yield* db.run(claimed(written))) === 0) {
        // Forgotten since it was written, or taken for what a killed process left.
        yield () => put([blob]);
        yield* db.run(claimed(keys.get(blob)!));
      }
      yield* db.run(sql`insert into blob_object (hash, key) values (${blob.hash}, ${keys.get(blob)!})`);
    },
    *drop(db, hash) {
      const gone = sql<{ key: string }>`delete from blob_object where hash = ${hash} returning key`;
      for (const { key } of yield* db.all(gone))
        yield* db.run(sql`insert into loose_object (key, since, doomed) values (${key}, 'epoch', true)`);
    },
    dropPartials: () => {},
    *purge(db, which) {
      const isDue = which === "all" ? sql`true` : sql`(doomed or since < now() - ${inFlight})`;
      if (!(yield* db.get(sql`select 1 from loose_object where ${isDue} limit 1`))) return;
      yield* db.run(sql`update loose_object set doomed = true where ${isDue}`);
      const doomed = (yield* db.all(sql<{ key: string }>`select key from loose_object where doomed`)).map(
        ({ key }) => key,
      );
      yield () => mapConcurrently(doomed, { concurrency }, bucket.remove);
      // One that was being written may come yet: it is deleted again until it cannot.
      yield* db.run(
        sql`delete from loose_object where key in ${listed(doomed)} and since < now() - ${inFlight}`,
      );
    },
  };
}

/** Deletes all objects of a memory. */
export async function removeObjects(postgres: Postgres, bucket: Bucket): Promise<void> {
  const [found] = await postgres.execute(
    "select key from blob_object union all select key from loose_object",
  );
  await mapConcurrently(found!.rows as { key: string }[], { concurrency }, ({ key }) => bucket.remove(key));
}

const keysOf = (postgres: Postgres, hashes: readonly string[]) =>
  postgres.perform((db) =>
    db.all(
      sql<{ hash: string; key: string }>`select hash, key from blob_object where hash in ${listed(hashes)}`,
    ),
  );
