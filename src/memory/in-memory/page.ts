/** Pages of the in-memory store: the items after a key, in the order of the key. */
import { defaultPageLimit, fromCursor, keyParts, listName, type PageKey, pageOf } from "../page.ts";
import type { Page, Paged, PageFilters, PageOptions } from "../records.ts";
import { entriesPassing, type State, toClipRecord } from "./state.ts";

type Found<Item> = { readonly item: Item; readonly key: PageKey }[];

/** One page of a list. @throws ConfigError `cursor-invalid` */
export function page<List extends keyof Paged>(
  state: State,
  list: List,
  filter: PageFilters[List],
  { cursor, limit = defaultPageLimit }: PageOptions,
): Page<Paged[List]> {
  const name = listName(list, filter);
  const after = cursor === undefined ? null : fromCursor(name, cursor, keyParts[list]);
  const find = finders[list] as (state: State, filter: PageFilters[List]) => Found<Paged[List]>;
  const found = find(state, filter)
    .sort((a, b) => compareKeys(a.key, b.key))
    .filter(({ key }) => after === null || compareKeys(key, after) > 0);
  return pageOf(name, found, limit);
}

const finders: {
  readonly [List in keyof Paged]: (state: State, filter: PageFilters[List]) => Found<Paged[List]>;
} = {
  entries: (state, filter) =>
    entriesPassing(state, filter).map(({ entry }) => ({
      item: entry,
      key: [entry.stream, entry.startSeconds, entry.id],
    })),
  tasks: (state, { streams }) =>
    [...state.tasks.values()]
      .map(({ item, row }) => ({ item, key: [item.askedAtMs, row] }))
      .filter(({ item }) => streams === undefined || (item.stream !== null && streams.includes(item.stream))),
  clips: (state, { streams, states }) =>
    [...state.clips.values()]
      .filter((clip) => (streams?.includes(clip.stream) ?? true) && (states?.includes(clip.state) ?? true))
      .map((clip) => ({ item: toClipRecord(clip), key: [clip.stream, clip.clip] })),
  adapters: (state, filter) =>
    [...state.adapters.values()]
      .map(({ item, row }) => ({ item, key: [row] }))
      .filter(
        ({ item }) =>
          (filter.policy === undefined || item.policy === filter.policy) &&
          (filter.state === undefined || item.state === filter.state),
      ),
};

function compareKeys(one: PageKey, other: PageKey): number {
  for (const [i, part] of one.entries()) {
    const than = other[i]!;
    if (part !== than) return part < than ? -1 : 1;
  }
  return 0;
}
