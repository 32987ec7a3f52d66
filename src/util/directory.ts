/** Directories that may have to be made. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and what is missing above it, readable by its owner only.
 *
 * Step by step, because Node's own `recursive` never returns on file systems that answer "no such file" to a
 * directory they will not make (/proc).
 * @throws the system's error
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // made by another process meanwhile
  }
}
