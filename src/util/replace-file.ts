/** Files that are written whole or not at all. */
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Writes a file, readable by its owner only: a temporary file is written beside it, synced to disk, then renamed. A
 * crash leaves the old file or the new one.
 * @throws the system's error
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${randomUUID()}.part`;
  try {
    const file = openSync(beside, "wx", 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
}
