/** Blobs in a table of the memory. Their bytes commit with the row that names them. */
import { sql } from "kysely";
import type { BlobStore } from "../blob-store.ts";
import { listed } from "../listed.ts";
import type { Postgres } from "./connection.ts";
import { fetchedBlobs } from "./fetched-blobs.ts";

/** Blobs that are read by one statement. */
const readAtOnce = 32;

export function tableBlobs(postgres: Postgres): BlobStore {
  return {
    ...fetchedBlobs((hashes) => readAll(postgres, hashes)),
    write: async () => {},
    *keep(db, { hash, ...blob }) {
      const known = sql`select 1 from blob_bytes where hash = ${hash}`;
      if (yield* db.get(known)) return;
      yield* db.run(sql`insert into blob_bytes (hash, bytes) values (${hash}, ${Buffer.from(blob.bytes)})`);
    },
    *drop(db, hash) {
      yield* db.run(sql`delete from blob_bytes where hash = ${hash}`);
    },
    dropPartials: () => {},
    *purge() {},
  };
}

async function readAll(postgres: Postgres, hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (let from = 0; from < hashes.length; from += readAtOnce) {
    const some = sql<{ hash: string; bytes: Uint8Array }>`select hash, bytes from blob_bytes
      where hash in ${listed(hashes.slice(from, from + readAtOnce))}`;
    for (const { hash, bytes } of await postgres.perform((db) => db.all(some))) found.set(hash, bytes);
  }
  return found;
}
