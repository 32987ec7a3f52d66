/**
 * The change log in the database. Each change is logged in the transaction that makes it, so it is in the log if and
 * only if it happened.
 */
import { sql } from "kysely";
import { type ChangeLog, keptChanges, type LoggedChange, mostForgotten } from "./change-feed.ts";
import type { Connection } from "./database.ts";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import { listed, numbered } from "./listed.ts";
import type { AdapterState } from "./records.ts";

const atOnce = 256;
/** Old changes are deleted after this many new ones. */
const trimEvery = 100;

interface Logged {
  readonly kind: LoggedChange["kind"];
  readonly id?: string;
  readonly stream?: number;
  readonly clip?: number;
  readonly value?: unknown;
}

/** Logs a change, inside the transaction that makes it. */
export function* logChange(db: Db, { kind, id, stream, clip, value }: Logged): Steps<void> {
  const added = yield* db.get(
    build
      .insertInto("change")
      .returning("row")
      .values({
        kind,
        id: id ?? null,
        stream: stream ?? null,
        clip: clip ?? null,
        value: value === undefined ? null : JSON.stringify(value),
      }),
  );
  const { row } = added!;
  if (row % trimEvery === 0) yield* db.run(build.deleteFrom("change").where("row", "<=", row - keptChanges));
}

/** Removes what was forgotten from the log, and logs that it was forgotten. Inside a transaction. */
export function* logForgotten(
  db: Db,
  gone: {
    readonly entries: readonly string[];
    readonly tasks: readonly string[];
    readonly adapters: readonly string[];
    /** Rows of streams that were forgotten whole. */
    readonly streams: readonly number[];
  },
): Steps<void> {
  const { streams, ...value } = gone;
  const ids = [...gone.entries, ...gone.tasks, ...gone.adapters];
  if (ids.length === 0 && streams.length === 0) return;
  yield* db.run(sql`delete from change where stream in ${numbered(streams)}`);
  if (ids.length > mostForgotten) {
    yield* db.run(build.deleteFrom("change"));
    yield* logChange(db, { kind: "reset" });
    return;
  }
  yield* db.run(sql`delete from change where id in ${listed(ids)}`);
  yield* logChange(db, { kind: "forgotten", value });
}

interface ChangeRow {
  readonly row: number;
  readonly kind: LoggedChange["kind"];
  readonly id: string | null;
  readonly stream: string | null;
  readonly clip: number | null;
  readonly value: string | null;
}

/** The log as listeners read it. */
export function changeLog(db: Connection): ChangeLog {
  let version: unknown;
  return {
    last: () => db.get(sql<{ seq: number }>`select seq from sqlite_sequence where name = 'change'`)?.seq ?? 0,
    after: (number) => db.perform((steps) => changesAfter(steps, number)),
    wroteElsewhere: () => {
      const before = version;
      version = db.pragma("data_version");
      return version !== before;
    },
  };
}

/** The first changes after a number. */
export function* changesAfter(
  db: Db,
  number: number,
): Steps<{ readonly number: number; readonly change: LoggedChange }[]> {
  const rows = yield* db.all(
    sql<ChangeRow>`select c.row, c.kind, c.id, s.id as stream, c.clip, c.value from change as c
      left join stream as s on s.row = c.stream where c.row > ${number} order by c.row limit ${atOnce}`,
  );
  return rows.map((row) => ({ number: row.row, change: toChange(row) }));
}

function toChange({ kind, id, stream, clip, value }: ChangeRow): LoggedChange {
  const more = value === null ? undefined : parseStored<never>(value, "a logged change");
  switch (kind) {
    case "entry":
      return { kind, entry: id!, stream: stream!, clip: clip! };
    case "entry-closed":
      return { kind, entry: id! };
    case "task":
    case "feedback":
      return { kind, task: id! };
    case "adapter":
      return { kind, adapter: id!, ...(more! as { policy: string; state: AdapterState }) };
    case "clip":
      return { kind, stream: stream!, clip: clip!, ...(more! as { state: "stored" | "failed" }) };
    case "gap":
      return { kind, stream: stream!, ...(more! as { startSeconds: number; endSeconds: number }) };
    case "forgotten":
      return { kind, ...(more! as { entries: string[]; tasks: string[]; adapters: string[] }) };
    case "people":
      return { kind, ...(more! as { people: number[] }) };
    case "reset":
      return { kind };
  }
}
