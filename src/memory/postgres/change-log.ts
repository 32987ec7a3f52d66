/** The change log of a memory in Postgres as listeners read it. */
import { sql } from "kysely";
import type { ChangeLog } from "../change-feed.ts";
import { changesAfter } from "../change-log.ts";
import type { Postgres } from "./connection.ts";

export function postgresChangeLog(postgres: Postgres): ChangeLog {
  // Whatever deletes changes logs another behind them, so the last row is the last change.
  const last = async () => {
    const newest = sql<{ row: number }>`select coalesce(max(row), 0) as row from change`;
    return (await postgres.perform((db) => db.get(newest)))!.row;
  };
  let seen: number | undefined;
  return {
    last: async () => {
      // A change that was begun before belongs to the time before.
      seen = await postgres.afterWrites(last);
      return seen;
    },
    after: (number) => postgres.perform((db) => changesAfter(db, number)),
    wroteElsewhere: async () => {
      const before = seen;
      seen = await last();
      return seen !== before;
    },
  };
}
