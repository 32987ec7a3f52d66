/**
 * Which processes hold the model of a memory on a GPU. A lesson that starts by itself opens no second copy of it there: the
 * process that holds it learns, with the worker that also writes.
 *
 * A file for each of them in `workers/` of the memory's directory, named by its process id.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOf } from "../memory/folder.ts";
import { isPostgresUrl } from "../memory/place.ts";
import { makeDirectory } from "../util/directory.ts";
import { isAlive } from "../util/process-alive.ts";

const workersOf = (place: string) => join(folderOf(place), "workers");

/** Says that this process holds the model. @returns what takes it back */
export function holdModel(place: string): () => void {
  if (!isPostgresUrl(place) && !existsSync(place)) return () => {};
  const file = join(workersOf(place), String(process.pid));
  makeDirectory(workersOf(place));
  writeFileSync(file, "");
  return () => rmSync(file, { force: true });
}

/** Whether another living process holds it. */
export function isHeldElsewhere(place: string): boolean {
  if (!existsSync(workersOf(place))) return false;
  return readdirSync(workersOf(place)).some((name) => Number(name) !== process.pid && isAlive(Number(name)));
}
