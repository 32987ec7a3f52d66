/** Pages in the database: the rows after a key, in the order of the key. */
import { type RawBuilder, type Selectable, sql } from "kysely";
import { toAdapter } from "./adapter-rows.ts";
import { type Db, parseStored, type Steps } from "./db.ts";
import { type EntryRow, entryColumns, entryCondition, toEntry } from "./entries.ts";
import { listed } from "./listed.ts";
import { defaultPageLimit, fromCursor, keyParts, listName, type PageKey, pageOf } from "./page.ts";
import type { ClipRecord, Page, Paged, PageFilters, PageOptions } from "./records.ts";
import type { AdapterTable } from "./schema.ts";
import { toTask } from "./task-rows.ts";

type Found<Item> = readonly { readonly item: Item; readonly key: PageKey }[];

/** One page of a list. @throws ConfigError `cursor-invalid` */
export function* page<List extends keyof Paged>(
  db: Db,
  list: List,
  filter: PageFilters[List],
  { cursor, limit = defaultPageLimit }: PageOptions,
): Steps<Page<Paged[List]>> {
  const name = listName(list, filter);
  const after = cursor === undefined ? null : fromCursor(name, cursor, keyParts[list]);
  const find = finders[list] as Finder<List>;
  return pageOf(name, yield* find(db, filter, after, limit + 1), limit);
}

type Finder<List extends keyof Paged> = (
  db: Db,
  filter: PageFilters[List],
  after: PageKey | null,
  limit: number,
) => Steps<Found<Paged[List]>>;

const finders: { readonly [List in keyof Paged]: Finder<List> } = {
  *entries(db, filter, after, limit) {
    const rows = yield* db.all(
      sql<EntryRow>`select ${entryColumns} from entry as e join stream as s on s.row = e.stream
        where ${entryCondition(filter, db.index)} and ${isAfter(sql`s.id, e.start_seconds, e.id`, after)}
        order by s.id, e.start_seconds, e.id limit ${limit}`,
    );
    return rows.map((row) => ({ item: toEntry(row), key: [row.stream, row.start_seconds, row.id] }));
  },

  *tasks(db, { streams }, after, limit) {
    const rows = yield* db.all(
      sql<{ row: number; asked_at_ms: number; value: string; feedback: string | null }>`
        select row, asked_at_ms, value, feedback from task
        where ${isAmong(sql`stream`, streams)} and ${isAfter(sql`asked_at_ms, row`, after)}
        order by asked_at_ms, row limit ${limit}`,
    );
    return rows.map((row) => ({ item: toTask(row), key: [row.asked_at_ms, row.row] }));
  },

  *clips(db, { streams, states }, after, limit) {
    const rows = yield* db.all(
      sql<ClipRow>`select s.id as stream, c.clip, c.state, c.start_seconds, c.end_seconds, c.failure, c.attempts, c.look
        from clip as c join stream as s on s.row = c.stream
        where ${isAmong(sql`s.id`, streams)} and ${isAmong(sql`c.state`, states)}
          and ${isAfter(sql`s.id, c.clip`, after)}
        order by s.id, c.clip limit ${limit}`,
    );
    return rows.map((row) => ({ item: toClipRecord(row), key: [row.stream, row.clip] }));
  },

  *adapters(db, { policy, state }, after, limit) {
    const rows = yield* db.all(
      sql<Selectable<AdapterTable>>`select * from adapter
        where ${isAmong(sql`policy`, policy === undefined ? undefined : [policy])}
          and ${isAmong(sql`state`, state === undefined ? undefined : [state])}
          and ${isAfter(sql`row`, after)}
        order by row limit ${limit}`,
    );
    return rows.map((row) => ({ item: toAdapter(row), key: [row.row] }));
  },
};

const isAmong = (column: RawBuilder<unknown>, values: readonly string[] | undefined): RawBuilder<boolean> =>
  values === undefined ? sql<boolean>`true` : sql<boolean>`${column} in ${listed(values)}`;

const isAfter = (columns: RawBuilder<unknown>, after: PageKey | null): RawBuilder<boolean> =>
  after === null ? sql<boolean>`true` : sql<boolean>`(${columns}) > (${sql.join(after)})`;

export interface ClipRow {
  readonly stream: string;
  readonly clip: number;
  readonly state: ClipRecord["state"];
  readonly start_seconds: number;
  readonly end_seconds: number;
  readonly failure: string | null;
  readonly attempts: number;
  readonly look: string | null;
}

/** A row of `clip` with the id of its stream. */
export function toClipRecord({ stream, clip, state, failure, attempts, look, ...span }: ClipRow): ClipRecord {
  return {
    stream,
    clip,
    state,
    startSeconds: span.start_seconds,
    endSeconds: span.end_seconds,
    failure:
      failure === null
        ? null
        : parseStored<ClipRecord["failure"]>(failure, `the failure of clip ${clip} of ${stream}`),
    attempts,
    look:
      look === null ? null : parseStored<ClipRecord["look"]>(look, `the look of clip ${clip} of ${stream}`),
  };
}
