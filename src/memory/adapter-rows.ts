/**
 * Adapters trained on this memory's tasks, in the database: kept with the verdict on each and all that became of it since, at
 * most one active a policy.
 *
 * Putting one in force is one transaction, so there is never half an adapter, nor two.
 */
import { type Selectable, sql } from "kysely";
import { StoreError } from "../errors.ts";
import { build, type Db } from "./database.ts";
import { listed } from "./entries.ts";
import type { AdapterChange, AdapterState, KeptAdapter } from "./memory.ts";
import type { AdapterTable } from "./schema.ts";

/**
 * @returns false for an adapter of that id that is kept already
 * @throws StoreError `task-unknown` where a task it was trained on is not there, forgotten while it was trained: what it
 * taught must not come back
 */
export function addAdapter(db: Db, { atMs, tasks, history, ...adapter }: KeptAdapter): boolean {
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
    const { state, reason } = adapter;
    db.run(
      build.insertInto("adapter").values({
        ...{ ...adapter, at_ms: atMs, tasks: JSON.stringify(tasks) },
        history: JSON.stringify(history ?? [{ state, reason, atMs: nextMs(db, adapter.policy, atMs) }]),
      }),
    );
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
 * Puts an adapter in force instead of the active one, or none; nothing changes where it is in force already.
 * @throws StoreError `adapter-unknown`
 */
export function activateAdapter(
  db: Db,
  policy: string,
  { id, reason, atMs }: { readonly id: string | null; readonly reason: string; readonly atMs: number },
): void {
  db.write(() => {
    const next = adapters(db, { policy }).find((adapter) => adapter.id === id);
    if (id !== null && !next) {
      throw new StoreError(
        "adapter-unknown",
        `Expected an adapter of the ${policy} policy in this memory, got ${id}`,
      );
    }
    if (next?.state === "active") return;
    retireActive(db, policy, next ? `replaced by ${next.revision}` : reason, atMs);
    if (next) change(db, next, { state: "active", reason, atMs });
  });
}

const rolledBack = "rolled back";

/** Takes back what was put in force last. @returns the id of the adapter that is in force again, or `null` */
export function rollbackAdapter(db: Db, policy: string, atMs: number): string | null {
  return db.write(() => {
    const before = activations(adapters(db, { policy })).at(-2) ?? null;
    retireActive(db, policy, rolledBack, atMs);
    if (before) change(db, before, { state: "active", reason: rolledBack, atMs });
    return before?.id ?? null;
  });
}

/** What was put in force and not taken back, oldest first, but for what was forgotten. */
function activations(kept: readonly KeptAdapter[]): KeptAdapter[] {
  const changes = kept
    .flatMap((adapter) => adapter.history!.map((one) => ({ adapter, ...one })))
    .sort((a, b) => a.atMs - b.atMs);
  const stack: KeptAdapter[] = [];
  for (const { adapter, state, reason } of changes) {
    if (state === "active" && reason !== rolledBack) stack.push(adapter);
    const place = stack.lastIndexOf(adapter);
    if (state === "retired" && reason === rolledBack && place >= 0) stack.splice(place, 1);
  }
  return stack;
}

/** Now, or just after the last change where the clock was set back: their order tells what to go back to. */
function nextMs(db: Db, policy: string, nowMs: number): number {
  const past = adapters(db, { policy }).flatMap(({ history }) => history!.map(({ atMs }) => atMs + 1));
  return Math.max(nowMs, ...past);
}

function retireActive(db: Db, policy: string, reason: string, atMs: number): void {
  for (const adapter of adapters(db, { policy, state: "active" }))
    change(db, adapter, { state: "retired", reason, atMs });
}

function change(
  db: Db,
  { id, policy, history }: KeptAdapter,
  { state, reason, ...now }: AdapterChange,
): void {
  const atMs = nextMs(db, policy, now.atMs);
  db.run(
    build
      .updateTable("adapter")
      .set({ state, reason, at_ms: atMs, history: JSON.stringify([...history!, { state, reason, atMs }]) })
      .where("id", "=", id),
  );
}

/** Deletes adapters that were trained on any of these tasks. Inside a transaction. @returns how many */
export function deleteAdaptersOf(db: Db, tasks: readonly string[]): number {
  return db.run(sql`delete from adapter
    where exists (select 1 from json_each(adapter.tasks) where value in ${listed(tasks)})`).changes;
}

export function toAdapter({
  row: _,
  at_ms: atMs,
  tasks,
  history,
  ...adapter
}: Selectable<AdapterTable>): KeptAdapter {
  const { state, reason } = adapter;
  const changes = JSON.parse(history) as AdapterChange[];
  return {
    ...{ ...adapter, atMs, tasks: JSON.parse(tasks) as string[] },
    history: changes.length > 0 ? changes : [{ state, reason, atMs }],
  };
}
