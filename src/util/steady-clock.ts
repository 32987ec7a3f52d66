/** A clock for distances in time: it never jumps with the system's clock, and it counts sleep. */
import { uptime } from "node:os";

const began = { awakeMs: performance.now(), upSeconds: uptime() };
/** Shorter sleeps are within what the two clocks differ by. Milliseconds. */
const leastSleepMs = 5000;
let slept = { checkedMs: began.awakeMs, ms: 0 };

/** Milliseconds since some fixed moment. The time that the machine slept counts, if it was more than 5 seconds. */
export function steadyMs(): number {
  const awakeMs = performance.now();
  if (awakeMs - slept.checkedMs >= 1000) {
    const ms = (uptime() - began.upSeconds) * 1000 - (awakeMs - began.awakeMs);
    slept = { checkedMs: awakeMs, ms: Math.max(slept.ms, ms >= slept.ms + leastSleepMs ? ms : 0) };
  }
  return awakeMs + slept.ms;
}
