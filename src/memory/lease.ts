/**
 * Leases: one process at a time writes a stream. A row with a heartbeat says which.
 *
 * A lease is taken over if its process is dead (same machine) or silent for a minute. A process that was only asleep
 * finds its token gone at its next write and is refused, so a stream never has two writers.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { StoreError } from "../errors.ts";
import { build, type Db } from "./database.ts";
import type { StreamLease } from "./memory.ts";

const heartbeatMs = 10_000;
const staleMs = 60_000;

/** Tokens of this process, to tell it from an earlier one with the same process id (a restarted container). */
const ownTokens = new Set<string>();

interface Held {
  readonly token: string;
  readonly timer: NodeJS.Timeout;
}

/** The leases that one open memory holds. */
export interface Leases {
  /** @throws StoreError `stream-busy` */
  take(streamRow: number, stream: string): StreamLease;
  /**
   * Checks inside a write that the lease is still held.
   * @throws StoreError `lease-lost` if another process took it over
   */
  assertHeld(streamRow: number, stream: string): void;
  releaseAll(): void;
}

/** Leases over a memory file. */
export function leases(db: Db, now: () => number): Leases {
  const held = new Map<number, Held>();

  const rowOf = (stream: number) =>
    db.get(build.selectFrom("lease").selectAll().where("stream", "=", stream));

  const beat = (stream: number, token: string) => {
    try {
      db.run(
        build
          .updateTable("lease")
          .set({ heartbeat_ms: now() })
          .where("stream", "=", stream)
          .where("token", "=", token),
      );
    } catch {
      // busy or full: the next beat tries again, and every write checks the token
    }
  };

  const release = (stream: number) => {
    const mine = held.get(stream);
    if (!mine) return;
    clearInterval(mine.timer);
    held.delete(stream);
    ownTokens.delete(mine.token);
    db.run(build.deleteFrom("lease").where("stream", "=", stream).where("token", "=", mine.token));
  };

  return {
    take: (stream, name) => {
      const token = randomUUID();
      db.write(() => {
        const other = rowOf(stream);
        if (other && isAlive(other, now())) {
          throw new StoreError(
            "stream-busy",
            `${name} is already being watched by process ${other.pid} on ${other.host}. Stop it, or wait for it to finish.`,
            { details: { stream: name, pid: other.pid, host: other.host } },
          );
        }
        const lease = { stream, token, pid: process.pid, host: hostname(), heartbeat_ms: now() };
        db.run(build.replaceInto("lease").values(lease));
      });
      ownTokens.add(token);
      const timer = setInterval(beat, heartbeatMs, stream, token);
      timer.unref();
      held.set(stream, { token, timer });
      return { release: async () => release(stream) };
    },
    assertHeld: (stream, name) => {
      const mine = held.get(stream);
      if (!mine || rowOf(stream)?.token === mine.token) return;
      throw new StoreError(
        "lease-lost",
        `Another process took over ${name} while this one was silent for a minute. Stop one of them.`,
      );
    },
    releaseAll: () => {
      for (const stream of [...held.keys()]) release(stream);
    },
  };
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
  if (nowMs - lease.heartbeat_ms > staleMs) return false;
  if (lease.host !== hostname()) return true;
  if (lease.pid === process.pid) return ownTokens.has(lease.token);
  try {
    process.kill(lease.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
