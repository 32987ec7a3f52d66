/**
 * Adapters trained on this memory's tasks, in the database, each with its verdict and its history.
 *
 * `adapter-history.ts` decides what changes, and one transaction writes it, so there is never half an adapter or two
 * active ones.
 */
import { type Selectable, sql } from "kysely";
import { activated, added, assertTasksHeld, onCanary, rolledBackFrom } from "./adapter-history.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import { listed } from "./listed.ts";
import type { AdapterChange, AdapterFilter, KeptAdapter } from "./records.ts";
import type { AdapterTable } from "./schema.ts";

/**
 * Keeps an adapter. @returns false if one with its id is already kept
 * @throws StoreError `task-unknown` if a task it was trained on was forgotten meanwhile
 */
export function* addAdapter(db: Db, adapter: KeptAdapter): Steps<boolean> {
  return yield* db.write(function* () {
    const isKept = yield* db.get(build.selectFrom("adapter").select("row").where("id", "=", adapter.id));
    if (isKept) return false;
    const tasks = sql<{ id: string }>`select id from task where id in ${listed(adapter.tasks)}`;
    const held = new Set((yield* db.all(tasks)).map(({ id }) => id));
    assertTasksHeld(adapter, (task) => held.has(task));
    for (const one of added(yield* adapters(db, { policy: adapter.policy }), adapter)) yield* put(db, one);
    return true;
  });
}

/** Adapters that pass a filter, in the order they were trained. */
export function* adapters(db: Db, { policy, state }: AdapterFilter = {}): Steps<KeptAdapter[]> {
  let all = build.selectFrom("adapter").selectAll().orderBy("row");
  if (policy !== undefined) all = all.where("policy", "=", policy);
  if (state !== undefined) all = all.where("state", "=", state);
  return (yield* db.all(all)).map(toAdapter);
}

/**
 * Makes an adapter active instead of the present one, or none. Nothing changes if it is already active.
 * @throws StoreError `adapter-unknown`
 */
export function* activateAdapter(
  db: Db,
  policy: string,
  how: { readonly id: string | null; readonly reason: string; readonly atMs: number },
): Steps<void> {
  yield* db.write(function* () {
    for (const one of activated(yield* adapters(db, { policy }), policy, how)) yield* put(db, one);
  });
}

/** Puts an adapter on canary, or takes the present one off it. @throws StoreError `adapter-unknown` */
export function* canaryAdapter(db: Db, policy: string, how: Parameters<typeof onCanary>[2]): Steps<void> {
  yield* db.write(function* () {
    for (const one of onCanary(yield* adapters(db, { policy }), policy, how)) yield* put(db, one);
  });
}

/** Undoes the last activation. @returns the id of the adapter that is active again, or `null` */
export function* rollbackAdapter(db: Db, policy: string, atMs: number): Steps<string | null> {
  return yield* db.write(function* () {
    const { changed, active } = rolledBackFrom(yield* adapters(db, { policy }), atMs);
    for (const one of changed) yield* put(db, one);
    return active;
  });
}

/** Writes an adapter, inside a transaction. If it is already kept, only its state and history change. */
function* put(
  db: Db,
  { id, policy, revision, state, reason, atMs, tasks, file, history }: KeptAdapter,
): Steps<void> {
  const now = { state, reason, at_ms: atMs, history: JSON.stringify(history) };
  yield* db.run(
    build
      .insertInto("adapter")
      .values({ id, policy, revision, tasks: JSON.stringify(tasks), file, ...now })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(now)),
  );
  yield* logChange(db, { kind: "adapter", id, value: { policy, state } });
}

/** Deletes adapters that were trained on any of these tasks, inside a transaction. @returns their ids */
export function* deleteAdaptersOf(db: Db, tasks: readonly string[]): Steps<string[]> {
  return (yield* db.all(
    sql<{ id: string }>`delete from adapter
        where exists (select 1 from json_each(adapter.tasks) where value in ${listed(tasks)}) returning id`,
  )).map(({ id }) => id);
}

/** An adapter from its row. */
export function toAdapter(row: Selectable<AdapterTable>): KeptAdapter {
  const { id, policy, revision, state, reason, at_ms: atMs, file } = row;
  const changes = parseStored<AdapterChange[]>(row.history, `the history of adapter ${id}`);
  return {
    ...{ id, policy, revision, state, reason, atMs, file },
    tasks: parseStored<string[]>(row.tasks, `adapter ${id}`),
    history: changes.length > 0 ? changes : [{ state, reason, atMs }],
  };
}
