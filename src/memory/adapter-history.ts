/**
 * Changes to the adapters of one policy, as pure functions: kept adapters in, changed adapters out.
 *
 * At most one is active. Times rise within a policy even if the clock was set back, because their order decides what a
 * rollback restores.
 */
import { forgottenTask, unknownAdapter } from "./errors.ts";
import type { AdapterChange, Canary, KeptAdapter } from "./records.ts";

const rolledBack = "rolled back";
const otherActive = "the active adapter changed while it was on canary";

/** How an adapter is on canary now, and since when; `null` where it is not. */
export function canaryOf({ history = [] }: KeptAdapter): (Canary & { readonly sinceMs: number }) | null {
  const last = history.at(-1);
  return last?.canary ? { ...last.canary, sinceMs: last.atMs } : null;
}

/**
 * The adapters that change when one goes on canary, or none stays on it: another one on canary is retired.
 * @throws StoreError `adapter-unknown`; nothing changes for the active adapter
 */
export function onCanary(
  kept: readonly KeptAdapter[],
  policy: string,
  {
    id,
    canary,
    reason,
    atMs,
  }: {
    readonly id: string | null;
    readonly canary: Canary | null;
    readonly reason: string;
    readonly atMs: number;
  },
): KeptAdapter[] {
  const next = kept.find((adapter) => adapter.id === id);
  if (id !== null && !next) throw unknownAdapter(policy, id);
  if (next?.state === "active") return [];
  const ended = endCanary(kept, next ? "another adapter is on canary" : reason, atMs, id);
  if (!next || !canary) return ended;
  return [...ended, changed(replaced(kept, ended), next, { state: "candidate", reason, atMs, canary })];
}

function endCanary(
  kept: readonly KeptAdapter[],
  reason: string,
  atMs: number,
  but: string | null = null,
): KeptAdapter[] {
  return kept
    .filter((adapter) => canaryOf(adapter) !== null && adapter.id !== but)
    .map((adapter) => changed(kept, adapter, { state: "retired", reason, atMs }));
}

/** The adapter with its history, and the adapter it replaces, retired. */
export function added(kept: readonly KeptAdapter[], adapter: KeptAdapter): KeptAdapter[] {
  const { state, reason, atMs } = adapter;
  const retired =
    state === "active"
      ? [...retire(kept, `replaced by ${adapter.revision}`, atMs), ...endCanary(kept, otherActive, atMs)]
      : [];
  const history = adapter.history ?? [{ state, reason, atMs: nextMs(replaced(kept, retired), atMs) }];
  return [...retired, { ...adapter, history }];
}

/**
 * The adapters that change when one becomes active, or none does.
 * @throws StoreError `adapter-unknown`
 */
export function activated(
  kept: readonly KeptAdapter[],
  policy: string,
  { id, reason, atMs }: { readonly id: string | null; readonly reason: string; readonly atMs: number },
): KeptAdapter[] {
  const next = kept.find((adapter) => adapter.id === id);
  if (id !== null && !next) throw unknownAdapter(policy, id);
  if (next?.state === "active") return [];
  const retired = [
    ...retire(kept, next ? `replaced by ${next.revision}` : reason, atMs),
    ...endCanary(kept, otherActive, atMs, id),
  ];
  if (!next) return retired;
  return [...retired, changed(replaced(kept, retired), next, { state: "active", reason, atMs })];
}

/**
 * The adapters that change when the last activation is undone, and the id of the one that is active again, or `null`.
 */
export function rolledBackFrom(
  kept: readonly KeptAdapter[],
  atMs: number,
): { readonly changed: KeptAdapter[]; readonly active: string | null } {
  const before = activations(kept).at(-2) ?? null;
  const retired = [...retire(kept, rolledBack, atMs), ...endCanary(kept, otherActive, atMs, before?.id)];
  if (!before) return { changed: retired, active: null };
  const now = replaced(kept, retired);
  const last = now.find(({ id }) => id === before.id)!;
  const again = changed(now, last, { state: "active", reason: rolledBack, atMs });
  return { changed: [...retired.filter(({ id }) => id !== again.id), again], active: again.id };
}

/** Id of the adapter that a rollback makes active, or `null`. */
export function previousOf(kept: readonly KeptAdapter[]): string | null {
  return activations(kept).at(-2)?.id ?? null;
}

/** Checks that every task an adapter was trained on is still held. @throws StoreError `task-unknown` */
export function assertTasksHeld({ revision, tasks }: KeptAdapter, held: (task: string) => boolean): void {
  const gone = tasks.find((task) => !held(task));
  if (gone !== undefined) throw forgottenTask(revision, gone);
}

/** Adapters that were activated and not rolled back, oldest first, without forgotten ones. */
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

function retire(kept: readonly KeptAdapter[], reason: string, atMs: number): KeptAdapter[] {
  return kept
    .filter(({ state }) => state === "active")
    .map((adapter) => changed(kept, adapter, { state: "retired", reason, atMs }));
}

function changed(kept: readonly KeptAdapter[], adapter: KeptAdapter, now: AdapterChange): KeptAdapter {
  const change = { ...now, atMs: nextMs(kept, now.atMs) };
  const { state, reason, atMs } = change;
  return { ...adapter, state, reason, atMs, history: [...adapter.history!, change] };
}

const replaced = (kept: readonly KeptAdapter[], by: readonly KeptAdapter[]): KeptAdapter[] =>
  kept.map((adapter) => by.find(({ id }) => id === adapter.id) ?? adapter);

/** Now, or just after the last change if the clock was set back. */
function nextMs(kept: readonly KeptAdapter[], nowMs: number): number {
  return Math.max(nowMs, ...kept.flatMap(({ history }) => history!.map(({ atMs }) => atMs + 1)));
}
