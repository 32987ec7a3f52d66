/** A name for where the spaces are, by which workers of other places are told apart; of a directory it is kept in it. */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isPostgresUrl } from "../memory/place.ts";
import { makeDirectory } from "../util/directory.ts";
import { sha256 } from "../util/hash.ts";

/** The name of a root; the first who asks gives it one. */
export function rootId(root: string): string {
  if (isPostgresUrl(root)) {
    const { host, pathname, searchParams } = new URL(root);
    return sha256(`${host}${searchParams.get("host") ?? ""}${pathname}`).slice(0, 8);
  }
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
