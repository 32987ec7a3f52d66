/** Questions that were asked, in the database. */
import { sql } from "kysely";
import type { Feedback, Task } from "../tasks/task.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import { unknownTask } from "./errors.ts";
import type { TaskCount, TaskList } from "./records.ts";

/** Adding a task again changes nothing. */
export function* addTask(db: Db, task: Omit<Task, "feedback">): Steps<void> {
  yield* db.write(function* () {
    const added = yield* db.run(
      build
        .insertInto("task")
        .values({
          id: task.id,
          stream: task.stream,
          asked_at_ms: task.askedAtMs,
          value: JSON.stringify(task),
          feedback: null,
        })
        .onConflict((conflict) => conflict.column("id").doNothing()),
    );
    if (added > 0) yield* logChange(db, { kind: "task", id: task.id });
  });
}

/** Tasks in the order they were asked; `newest` keeps the last `limit` of them. */
export function* tasks(db: Db, filter: TaskList): Steps<Task[]> {
  const direction = filter.newest ? "desc" : "asc";
  const all = build
    .selectFrom("task")
    .select(["value", "feedback"])
    .orderBy("asked_at_ms", direction)
    .orderBy("row", direction);
  const rows = yield* db.all(filter.limit === undefined ? all : all.limit(filter.limit));
  return (filter.newest ? rows.reverse() : rows).map(toTask);
}

export function* countTasks(db: Db, { afterMs, upTo }: TaskCount): Steps<number> {
  const last = yield* db.get(build.selectFrom("task").select(["row", "asked_at_ms"]).where("id", "=", upTo));
  if (!last) return 0;
  const { row, asked_at_ms: atMs } = last;
  const count = sql<{ n: number }>`select count(*) as n from task
    where asked_at_ms > ${afterMs} and (asked_at_ms < ${atMs} or (asked_at_ms = ${atMs} and row <= ${row}))`;
  return (yield* db.get(count))!.n;
}

export function toTask({
  value,
  feedback,
}: {
  readonly value: string;
  readonly feedback: string | null;
}): Task {
  return {
    ...parseStored<Omit<Task, "feedback">>(value, "a question"),
    feedback: feedback === null ? null : parseStored<Feedback>(feedback, "feedback on a question"),
  };
}

/** @throws StoreError `task-unknown` */
export function* addFeedback(db: Db, id: string, feedback: Feedback): Steps<void> {
  yield* db.write(function* () {
    const changed = yield* db.run(
      build
        .updateTable("task")
        .set({ feedback: JSON.stringify(feedback) })
        .where("id", "=", id),
    );
    if (changed === 0) throw unknownTask(id);
    yield* logChange(db, { kind: "feedback", id });
  });
}
