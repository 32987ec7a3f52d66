/** Content hashes, which name blobs, prompts and streams. */
import { createHash } from "node:crypto";

/** SHA-256 of bytes or UTF-8 text, 64 hex digits. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A short readable id: a prefix and the first 12 hex digits of the hash of its parts. */
export function shortId(prefix: string, ...parts: readonly (string | number)[]): string {
  return `${prefix}_${sha256(JSON.stringify(parts)).slice(0, 12)}`;
}
