/**
 * Cursors: where the next page of a list begins, or which change was read last.
 *
 * A cursor holds the key of the last item, so writes between two pages shift nothing. It also holds its list and
 * filter: a cursor of another list or filter is refused instead of returning wrong items.
 */
import { ConfigError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import type { Page } from "./records.ts";

/** Key that orders the items of a list, most significant part first. */
export type PageKey = readonly (string | number)[];

/** Items of a page by default. */
export const defaultPageLimit = 100;

/** The name of a list under a filter; the order of the filter's keys does not matter. */
export function listName(list: string, filter: object): string {
  const given = Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return given.length === 0 ? list : `${list} ${sha256(JSON.stringify(given)).slice(0, 12)}`;
}

/** The cursor after an item of a list. */
export function toCursor(list: string, key: PageKey): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString("base64url");
}

/**
 * The key a cursor holds.
 * @param parts types of the key's parts
 * @throws ConfigError `cursor-invalid`
 */
export function fromCursor(list: string, cursor: string, parts: readonly ("string" | "number")[]): PageKey {
  const [from, ...key] = parsed(cursor);
  const isKey = key.length === parts.length && parts.every((type, i) => typeof key[i] === type);
  if (from === list && isKey) return key as (string | number)[];
  throw new ConfigError(
    "cursor-invalid",
    `Expected a cursor of ${list.split(" ")[0]} under this filter, got ${JSON.stringify(cursor)}. Begin without a cursor.`,
    { details: { cursor } },
  );
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Types of the key of each list that can be paged through. */
export const keyParts = {
  /** Stream, start, id. */
  entries: ["string", "number", "string"],
  /** Time asked, then place among tasks of the same time. */
  tasks: ["number", "number"],
  /** Stream, number. */
  clips: ["string", "number"],
  /** Place. */
  adapters: ["number"],
} as const;

/** A page of the items found. Callers look for one item more than the limit: if it is there, there is a next page. */
export function pageOf<Item>(
  list: string,
  found: readonly { readonly item: Item; readonly key: PageKey }[],
  limit: number,
): Page<Item> {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ item }) => item),
    next: last && found.length > limit ? toCursor(list, last.key) : null,
  };
}
