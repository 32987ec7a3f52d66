/**
 * Which processes hold the model of a memory on a GPU. A lesson that starts by itself opens no second copy of it there: the
 * process that holds it learns, with the worker that also writes.
 *
 * A file for each of them in `workers/` of the memory's directory, named by its process id.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../util/directory.ts";
import { isAlive } from "../util/process-alive.ts";

const folderOf = (directory: string) => join(directory, "workers");

/** Says that this process holds the model. @returns what takes it back */
export function holdModel(directory: string): () => void {
  if (!existsSync(directory)) return () => {};
  const file = join(folderOf(directory), String(process.pid));
  makeDirectory(folderOf(directory));
  writeFileSync(file, "");
  return () => rmSync(file, { force: true });
}

/** Whether another living process holds it. */
export function isHeldElsewhere(directory: string): boolean {
  if (!existsSync(folderOf(directory))) return false;
  return readdirSync(folderOf(directory)).some(
    (name) => Number(name) !== process.pid && isAlive(Number(name)),
  );
}
