/**
 * Cursors: where the next page of a list begins, or which change was seen last.
 *
 * A cursor holds the key of the last item, so a page is found by comparing and what is written in between shifts nothing.
 * It also holds what it is for: one of another list or filter is refused instead of giving other items.
 */
import { ConfigError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import type { Page } from "./records.ts";

/** What orders the items of a list, the most telling part first. */
export type PageKey = readonly (string | number)[];

export const defaultPageLimit = 100;

/** The name of a list under a filter; the order of the filter's keys does not matter. */
export function listName(list: string, filter: object): string {
  const given = Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return given.length === 0 ? list : `${list} ${sha256(JSON.stringify(given)).slice(0, 12)}`;
}

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
    `Expected a cursor of ${list.split(" ")[0]} under this filter, got ${JSON.stringify(cursor)}: begin without one`,
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

/** What orders each list that can be paged through. */
export const keyParts = {
  /** Stream, start, id. */
  entries: ["string", "number", "string"],
  /** Moment asked, place among those of one moment. */
  tasks: ["number", "number"],
  /** Stream, number. */
  clips: ["string", "number"],
  /** Place. */
  adapters: ["number"],
} as const;

/** A page of what was found: one item more than its limit tells that there is another. */
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
