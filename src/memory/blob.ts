/** Bytes with their name. */
import { sha256 } from "../util/hash.ts";

export interface Blob {
  readonly hash: string;
  readonly byteLength: number;
  /** May be read from elsewhere each time it is looked at. */
  readonly bytes: Uint8Array;
}

export function blobOf(bytes: Uint8Array): Blob {
  return { hash: sha256(bytes), byteLength: bytes.byteLength, bytes };
}
