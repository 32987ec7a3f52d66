/** Entries around an entry, as the database has them. */
import { sql } from "kysely";
import { build, type Db, type Steps } from "./db.ts";
import { surroundings, textAround } from "./surroundings.ts";

interface Placed {
  readonly row: number;
  readonly startSeconds: number;
  readonly text: string;
}

/** An entry's neighbours in time order, itself among them, as far as `before` and `after` reach; `null` without it. */
function* neighbours(db: Db, row: number, before: number, after: number): Steps<Placed[] | null> {
  const own = yield* db.get(
    build.selectFrom("entry").select(["stream", "id", "start_seconds", "text"]).where("row", "=", row),
  );
  if (!own) return null;
  const { stream, id, start_seconds: startSeconds, text } = own;
  const { seconds } = surroundings;
  const earlier = yield* db.all(sql<Placed>`select row, start_seconds as "startSeconds", text from entry
    where stream = ${stream} and (start_seconds, id) < (${startSeconds}, ${id})
      and start_seconds >= ${startSeconds - seconds} order by start_seconds desc, id desc limit ${before}`);
  const later = yield* db.all(sql<Placed>`select row, start_seconds as "startSeconds", text from entry
    where stream = ${stream} and (start_seconds, id) > (${startSeconds}, ${id})
      and start_seconds <= ${startSeconds + seconds} order by start_seconds, id limit ${after}`);
  return [...earlier.reverse(), { row, startSeconds, text }, ...later];
}

/** An entry's text and the text around it; `null` where it is no longer there. */
export function* passageOf(
  db: Db,
  row: number,
): Steps<{ readonly text: string; readonly context: string } | null> {
  const found = yield* neighbours(db, row, surroundings.before, surroundings.after);
  if (!found) return null;
  const at = found.findIndex((one) => one.row === row);
  return { text: found[at]!.text, context: textAround(found, at) };
}

/** Other entries whose surroundings hold one of these: what it is to them is the reverse of what they are to it. */
export function* entriesAround(db: Db, rows: readonly number[]): Steps<number[]> {
  const found = new Set<number>();
  for (const row of rows) {
    const around = yield* neighbours(db, row, surroundings.after, surroundings.before);
    for (const one of around ?? []) found.add(one.row);
  }
  return [...found].filter((row) => !rows.includes(row));
}
