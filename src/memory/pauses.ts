/** Streams that are paused: who watches one leaves out what comes meanwhile, and what is pushed is refused. */
import { sql } from "kysely";
import type { Db, Steps } from "./db.ts";
import { streamRow } from "./journal.ts";
import type { Pause } from "./records.ts";

/** Pauses a stream, or lets it run again with `null`; a paused one stays paused since when it was. @throws StoreError `stream-unknown` */
export function* pauseStream(db: Db, stream: string, sinceMs: number | null): Steps<void> {
  yield* db.write(function* () {
    const { row } = yield* streamRow(db, stream);
    if (sinceMs === null) yield* db.run(sql`delete from pause where stream = ${row}`);
    else
      yield* db.run(
        sql`insert into pause (stream, since_ms) values (${row}, ${sinceMs}) on conflict (stream) do nothing`,
      );
  });
}

/** Streams that are paused. */
export function* pauses(db: Db): Steps<Pause[]> {
  return yield* db.all(
    sql<Pause>`select stream.id as stream, since_ms as "sinceMs" from pause join stream on stream.row = pause.stream
      order by pause.stream`,
  );
}
