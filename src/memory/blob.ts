/** Bytes and the hash they are stored under. */
import { sha256 } from "../util/hash.ts";

/** Bytes with their content hash. */
export interface Blob {
  readonly hash: string;
  readonly byteLength: number;
  /** May be read from disk at each access. */
  readonly bytes: Uint8Array;
}

/** A blob of the given bytes. */
export function blobOf(bytes: Uint8Array): Blob {
  return { hash: sha256(bytes), byteLength: bytes.byteLength, bytes };
}
