/** A name for the directory of spaces, kept in it, by which workers of other directories are told apart. */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../util/directory.ts";

/** The name of a root; the first who asks gives it one. */
export function rootId(root: string): string {
  makeDirectory(root);
  const path = join(root, "root-id");
  const id = randomUUID().slice(0, 8);
  const own = `${path}.${id}`;
  try {
    writeFileSync(own, id, { mode: 0o600 });
    linkSync(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another process gave it one
  } finally {
    rmSync(own, { force: true });
  }
  return readFileSync(path, "utf8").trim();
}
