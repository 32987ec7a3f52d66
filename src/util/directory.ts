/** Creating directories, and working in one. */
import { existsSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

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

/** Works in a directory, made where it is not there, or where none is given in one that is removed afterwards. */
export async function inDirectory<T>(
  directory: string | undefined,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  if (directory !== undefined) {
    makeDirectory(directory);
    return work(directory);
  }
  const temporary = await mkdtemp(join(tmpdir(), "taskmem-"));
  return work(temporary).finally(() => rm(temporary, { recursive: true, force: true }));
}
