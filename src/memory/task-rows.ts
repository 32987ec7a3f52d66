/** Questions that were asked, in the database. */
import { StoreError } from "../errors.ts";
import type { Feedback, Task } from "../tasks/task.ts";
import { build, type Db } from "./database.ts";

/** Adding a task again changes nothing. */
export function addTask(db: Db, task: Omit<Task, "feedback">): void {
  db.run(
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
}

/** Tasks in the order they were asked; `newest` keeps the last `limit` of them. */
export function tasks(db: Db, filter: { readonly limit?: number; readonly newest?: boolean }): Task[] {
  const direction = filter.newest ? "desc" : "asc";
  const rows = db.all(
    build
      .selectFrom("task")
      .select(["value", "feedback"])
      .orderBy("asked_at_ms", direction)
      .orderBy("row", direction)
      .limit(filter.limit ?? -1),
  );
  return (filter.newest ? rows.reverse() : rows).map(toTask);
}

export function toTask({
  value,
  feedback,
}: {
  readonly value: string;
  readonly feedback: string | null;
}): Task {
  return {
    ...(JSON.parse(value) as Omit<Task, "feedback">),
    feedback: feedback === null ? null : (JSON.parse(feedback) as Feedback),
  };
}

/** @throws StoreError `task-unknown` */
export function addFeedback(db: Db, id: string, feedback: Feedback): void {
  const changed = db.run(
    build
      .updateTable("task")
      .set({ feedback: JSON.stringify(feedback) })
      .where("id", "=", id),
  );
  if (changed.changes > 0) return;
  throw new StoreError("task-unknown", `Expected a task of this memory, got ${id}`);
}
