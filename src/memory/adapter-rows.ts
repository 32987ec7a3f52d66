/**
 * Adapters trained on this memory's tasks, in the database: kept with the verdict on each, at most one active a policy.
 *
 * Putting one in force is one row change in one transaction, so there is never half an adapter, nor two.
 */
import { type Selectable, sql } from "kysely";
import { StoreError } from "../errors.ts";
import { build, type Db } from "./database.ts";
import { listed } from "./entries.ts";
import type { AdapterState, KeptAdapter } from "./memory.ts";
import type { AdapterTable } from "./schema.ts";

/**
 * @returns false for an adapter of that id that is kept already
 * @throws StoreError `task-unknown` where a task it was trained on is not there, forgotten while it was trained: what it
 * taught must not come back
 */
export function addAdapter(db: Db, { atMs, tasks, ...adapter }: KeptAdapter): boolean {
  return db.write(() => {
    if (db.get(build.selectFrom("adapter").select("row").where("id", "=", adapter.id))) return false;
    const gone = db.get(
      sql<{ id: string }>`select value as id from json_each(${JSON.stringify(tasks)})
        where value not in (select id from task) limit 1`,
    );
    if (gone) {
      throw new StoreError(
        "task-unknown",
        `Expected all tasks of the adapter ${adapter.revision} to be in this memory, got ${gone.id}, which was forgotten: learn anew from those that are left`,
      );
    }
    if (adapter.state === "active") retireActive(db, adapter.policy, `replaced by ${adapter.revision}`, atMs);
    db.run(build.insertInto("adapter").values({ ...adapter, at_ms: atMs, tasks: JSON.stringify(tasks) }));
    return true;
  });
}

/** In the order they were trained. */
export function adapters(
  db: Db,
  { policy, state }: { readonly policy?: string; readonly state?: AdapterState } = {},
): KeptAdapter[] {
  let all = build.selectFrom("adapter").selectAll().orderBy("row");
  if (policy !== undefined) all = all.where("policy", "=", policy);
  if (state !== undefined) all = all.where("state", "=", state);
  return db.all(all).map(toAdapter);
}

/**
 * Puts an adapter in force instead of the active one, or none.
 * @throws StoreError `adapter-unknown`
 */
export function activateAdapter(
  db: Db,
  policy: string,
  { id, reason, atMs }: { readonly id: string | null; readonly reason: string; readonly atMs: number },
): void {
  db.write(() => {
    retireActive(db, policy, reason, atMs);
    if (id === null) return;
    const changed = db.run(
      build
        .updateTable("adapter")
        .set({ state: "active", reason, at_ms: atMs })
        .where("id", "=", id)
        .where("policy", "=", policy),
    );
    if (changed.changes > 0) return;
    throw new StoreError(
      "adapter-unknown",
      `Expected an adapter of the ${policy} policy in this memory, got ${id}`,
    );
  });
}

function retireActive(db: Db, policy: string, reason: string, atMs: number): void {
  db.run(
    build
      .updateTable("adapter")
      .set({ state: "retired", reason, at_ms: atMs })
      .where("policy", "=", policy)
      .where("state", "=", "active"),
  );
}

/** Deletes adapters that were trained on any of these tasks. Inside a transaction. @returns how many */
export function deleteAdaptersOf(db: Db, tasks: readonly string[]): number {
  return db.run(sql`delete from adapter
    where exists (select 1 from json_each(adapter.tasks) where value in ${listed(tasks)})`).changes;
}

export function toAdapter({ row: _, at_ms, tasks, ...adapter }: Selectable<AdapterTable>): KeptAdapter {
  return { ...adapter, atMs: at_ms, tasks: JSON.parse(tasks) as string[] };
}
