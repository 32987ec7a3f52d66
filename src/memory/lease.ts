/**
 * Leases: one process at a time writes a stream. A row with a heartbeat says which.
 *
 * A lease is taken over if its process is dead (same machine), silent for a minute, or said to be heard from in the
 * future, after a clock was set back; or if the caller asks for it. A process that was only asleep finds its token gone
 * at its next write and is refused, so a stream never has two writers.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { StoreError } from "../errors.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";
import { busyStream } from "./errors.ts";
import type { StreamLease } from "./memory.ts";

const heartbeatMs = 10_000;
const staleMs = 60_000;
/** A heartbeat that lies further in the future is of another clock. */
const aheadMs = 10_000;

/** Tokens of this process, to tell it from an earlier one with the same process id (a restarted container). */
const ownTokens = new Set<string>();

interface Held {
  readonly token: string;
  readonly timer: NodeJS.Timeout;
  beatenAtMs: number;
}

/** The leases that one open memory holds. */
export interface Leases {
  /** @param takeOver whether to take it from a process that may be alive @throws StoreError `stream-busy` */
  take(streamRow: number, stream: string, takeOver?: boolean): Promise<StreamLease>;
  /**
   * Checks inside a write that the lease is still held, and renews it where that is due: a busy process may not get to
   * its timers.
   * @throws StoreError `lease-lost` if another process took it over
   */
  assertHeld(db: Db, streamRow: number, stream: string): Steps<void>;
  releaseAll(): Promise<void>;
}

/** Leases over a memory. */
export function leases(store: Store, now: () => number): Leases {
  const held = new Map<number, Held>();

  function* beat(db: Db, stream: number, mine: Held): Steps<void> {
    const atMs = now();
    yield* db.run(
      build
        .updateTable("lease")
        .set({ heartbeat_ms: atMs })
        .where("stream", "=", stream)
        .where("token", "=", mine.token),
    );
    mine.beatenAtMs = atMs;
  }

  const beatByTimer = async (stream: number, mine: Held) => {
    try {
      await store.perform((db) => beat(db, stream, mine));
    } catch {
      // busy or full: the next beat tries again, and every write checks the token
    }
  };

  /** A lease that this memory has taken again since stays. */
  const release = async (stream: number, mine: Held) => {
    clearInterval(mine.timer);
    if (held.get(stream) === mine) held.delete(stream);
    ownTokens.delete(mine.token);
    await store.perform((db) =>
      db.run(build.deleteFrom("lease").where("stream", "=", stream).where("token", "=", mine.token)),
    );
  };

  return {
    take: async (stream, name, takeOver = false) => {
      const token = [randomUUID(), processIdentity(process.pid)].filter(Boolean).join(" ");
      const atMs = now();
      const alive = await store.perform((db) =>
        db.write(function* () {
          const other = yield* rowOf(db, stream);
          const isBusy = other !== undefined && isAlive(other, atMs);
          if (isBusy && !takeOver) throw busyStream(name, other);
          const lease = { token, pid: process.pid, host: hostname(), heartbeat_ms: atMs };
          yield* db.run(
            build
              .insertInto("lease")
              .values({ stream, ...lease })
              .onConflict((conflict) => conflict.column("stream").doUpdateSet(lease)),
          );
          ownTokens.add(token);
          return isBusy ? other : null;
        }),
      );
      const mine: Held = {
        token,
        timer: setInterval(() => void beatByTimer(stream, mine), heartbeatMs),
        beatenAtMs: atMs,
      };
      mine.timer.unref();
      clearInterval(held.get(stream)?.timer);
      held.set(stream, mine);
      const tookOver = alive && { pid: alive.pid, host: alive.host, heardAtMs: alive.heartbeat_ms };
      return { tookOver, release: () => release(stream, mine) };
    },
    *assertHeld(db, stream, name) {
      const mine = held.get(stream);
      if (!mine) return;
      if ((yield* rowOf(db, stream))?.token === mine.token) {
        if (Math.abs(now() - mine.beatenAtMs) >= heartbeatMs) yield* beat(db, stream, mine);
        return;
      }
      throw new StoreError(
        "lease-lost",
        `Another process took over ${name}, because it was told to or because this one was silent for a minute. Stop one of them.`,
      );
    },
    releaseAll: async () => {
      for (const [stream, mine] of [...held]) await release(stream, mine);
    },
  };
}

function* rowOf(db: Db, stream: number) {
  return yield* db.get(build.selectFrom("lease").selectAll().where("stream", "=", stream));
}

function isAlive(
  lease: {
    readonly token: string;
    readonly pid: number;
    readonly host: string;
    readonly heartbeat_ms: number;
  },
  nowMs: number,
): boolean {
  const silentMs = nowMs - lease.heartbeat_ms;
  if (silentMs > staleMs || silentMs < -aheadMs) return false;
  if (lease.host !== hostname()) return true;
  if (lease.pid === process.pid) return ownTokens.has(lease.token);
  try {
    process.kill(lease.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const [, identity] = lease.token.split(" ");
  const present = processIdentity(lease.pid);
  return identity === undefined || present === null || identity === present;
}

/**
 * What tells a process from a later one with its id: when the machine was started and when the process was, both in the
 * kernel's words; `null` where the kernel does not say (Linux alone does).
 */
function processIdentity(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // Fields after the name, which may hold blanks and brackets; the 22nd of all is the start, in clock ticks.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return started === undefined ? null : `${boot}:${started}`;
  } catch {
    return null;
  }
}
