/** What blobs have in common that have to be waited for: where many observations wait, their pictures stay where they are. */
import { StoreError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import type { BlobStore } from "../blob-store.ts";
import { hashesIn, unpackObservation } from "../packed.ts";
import type { PackedObservation } from "../records.ts";

/** @param readAll the bytes of blobs by hash, without those that are gone */
export function fetchedBlobs(
  readAll: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>,
): Pick<BlobStore, "read" | "unpack" | "load"> {
  /** Observations whose pictures are not in working memory. */
  const unread = new WeakMap<Observation, PackedObservation>();
  const loaded = async (packed: PackedObservation) => {
    const bytes = await readAll([...new Set(hashesIn(packed))]);
    return unpackObservation(packed, (hash) => bytes.get(hash) ?? gone(hash));
  };
  const waiting = (packed: PackedObservation) => {
    const observation = unpackObservation(packed, notLoaded);
    unread.set(observation, packed);
    return observation;
  };
  return {
    read: async (hash) => (await readAll([hash])).get(hash) ?? null,
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

function gone(hash: string): never {
  throw new StoreError("blob-missing", `The blob ${hash} is gone: it was deleted or forgotten.`);
}

function notLoaded(hash: string): never {
  throw new StoreError(
    "blob-missing",
    `The blob ${hash} is not in working memory: load the pictures of the observation first (\`loadFrames\`).`,
  );
}
