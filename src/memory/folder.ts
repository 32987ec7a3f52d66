/** The folder on this machine of what is beside a memory. */
import { homedir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../util/hash.ts";
import { isPostgresUrl, parsePostgresUrl } from "./postgres/url.ts";

/**
 * The folder of records of training and matrices of adapters. It is the directory of the memory itself; for one in
 * Postgres, a folder in the user's own state.
 */
export function folderOf(place: string): string {
  if (!isPostgresUrl(place)) return place;
  const { shown, space } = parsePostgresUrl(place);
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state");
  return join(state, "taskmem", `${space}-${sha256(shown).slice(0, 12)}`);
}
