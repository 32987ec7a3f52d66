/**
 * Blobs in a table of the memory. Their bytes commit with the row that names them.
 *
 * Pictures of an observation are read with it, or by `load` where many observations wait.
 */
import { sql } from "kysely";
import { StoreError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import type { BlobStore } from "../blob-store.ts";
import type { Db, Steps } from "../db.ts";
import { listed } from "../listed.ts";
import { hashesIn, unpackObservation } from "../packed.ts";
import type { PackedObservation } from "../records.ts";
import type { Postgres } from "./connection.ts";

/** Blobs that are read by one statement. */
const readAtOnce = 32;

export function tableBlobs(postgres: Postgres): BlobStore {
  /** Observations whose pictures are not in working memory. */
  const unread = new WeakMap<Observation, PackedObservation>();
  const loaded = async (packed: PackedObservation) => {
    const bytes = await readAll(postgres, hashesIn(packed));
    return unpackObservation(packed, (hash) => bytes.get(hash) ?? gone(hash));
  };
  const waiting = (packed: PackedObservation) => {
    const observation = unpackObservation(packed, notLoaded);
    unread.set(observation, packed);
    return observation;
  };
  return {
    write: async () => {},
    *keep(db, { hash, ...blob }) {
      const known = sql`select 1 from blob_bytes where hash = ${hash}`;
      if (yield* db.get(known)) return;
      yield* db.run(sql`insert into blob_bytes (hash, bytes) values (${hash}, ${Buffer.from(blob.bytes)})`);
    },
    *drop(db, hash) {
      const dropped = sql<{ bytes: number }>`delete from blob_bytes where hash = ${hash}
        returning octet_length(bytes) as bytes`;
      return (yield* db.get(dropped))?.bytes ?? null;
    },
    dropPartials: () => {},
    read: async (hash) => (await readAll(postgres, [hash])).get(hash) ?? null,
    unpack: async (observations, few) => {
      const unpacked: Observation[] = [];
      for (const [i, packed] of observations.entries())
        unpacked.push(i < few ? await loaded(packed) : waiting(packed));
      return unpacked;
    },
    load: async (observation) => {
      const packed = unread.get(observation);
      return packed ? loaded(packed) : observation;
    },
  };
}

async function readAll(postgres: Postgres, hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
  const wanted = [...new Set(hashes)];
  const found = new Map<string, Uint8Array>();
  for (let from = 0; from < wanted.length; from += readAtOnce) {
    const some = wanted.slice(from, from + readAtOnce);
    const rows = await postgres.perform((db) => bytesOf(db, some));
    for (const { hash, bytes } of rows) found.set(hash, bytes);
  }
  return found;
}

const bytesOf = (db: Db, hashes: readonly string[]): Steps<{ hash: string; bytes: Uint8Array }[]> =>
  db.all(
    sql<{
      hash: string;
      bytes: Uint8Array;
    }>`select hash, bytes from blob_bytes where hash in ${listed(hashes)}`,
  );

function gone(hash: string): never {
  throw new StoreError("blob-missing", `The blob ${hash} is gone: it was deleted or forgotten.`);
}

function notLoaded(hash: string): never {
  throw new StoreError(
    "blob-missing",
    `The blob ${hash} is in the database: load the pictures of the observation first (\`loadFrames\`).`,
  );
}
