/**
 * Loaded into a process (`node --import`), tells by message how long its event loop stood still, and of that how long the process
 * did something itself: the rest it waited for a processor that others had. Where the kernel does not tell that wait
 * (`/proc/thread-self/schedstat`), all of it counts as its own.
 */
import { readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

/** A time in which the event loop stood still, in milliseconds. */
export interface Stall {
  readonly ms: number;
  /** Without the wait for a processor: what it computed, and what it waited for the disk. */
  readonly ownMs: number;
  /** What it computed. */
  readonly computedMs: number;
}

/** What there was since it was last asked for. */
export interface Stalls {
  /** The longest stall. */
  readonly longest: Stall;
  /** The longest of the process's own making. */
  readonly longestOwn: Stall;
  /** What the thread computed in all, in milliseconds. */
  readonly computedMs: number;
}

const tickMs = 10;
const none: Stall = { ms: 0, ownMs: 0, computedMs: 0 };

/** Milliseconds that this thread waited for a processor, all in all. */
function waitedMs(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Milliseconds that this thread computed, all in all. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

if (isMainThread && process.send) {
  let [longest, longestOwn] = [none, none];
  let [atMs, waited, computed] = [performance.now(), waitedMs(), computedMs()];
  let askedAt = computed;
  setInterval(() => {
    const [nowMs, nowWaited, nowComputed] = [performance.now(), waitedMs(), computedMs()];
    const ms = Math.max(0, nowMs - atMs - tickMs);
    const stall = { ms, ownMs: Math.max(0, ms - (nowWaited - waited)), computedMs: nowComputed - computed };
    [atMs, waited, computed] = [nowMs, nowWaited, nowComputed];
    if (stall.ms > longest.ms) longest = stall;
    if (stall.ownMs > longestOwn.ownMs) longestOwn = stall;
  }, tickMs).unref();
  process.on("message", () => {
    const nowComputed = computedMs();
    process.send!({ longest, longestOwn, computedMs: nowComputed - askedAt } satisfies Stalls);
    [longest, longestOwn, askedAt] = [none, none, nowComputed];
  });
  process.channel?.unref();
}
