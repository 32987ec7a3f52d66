/** Creating directories. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Creates a directory and its missing parents, readable by the owner only.
 *
 * It goes step by step, because Node's `recursive` never returns on file systems that answer "no such file" for a
 * directory they refuse to create (/proc).
 * @throws the system's error
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another process created it meanwhile
  }
}
