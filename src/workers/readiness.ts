/** Whether the work keeps up, told by the age of what waits. */
import type { QueueKind, QueueStanding } from "./queue.ts";

/** A job that waits longer than this finds no worker: a take-over takes half of it. Learning may wait. Seconds. */
const longestWaitSeconds: Record<QueueKind, number> = { watch: 30, file: 600, learn: 600 };

/** Whether the work keeps up, and if not, why: one sentence each. */
export interface Readiness {
  readonly state: "ready" | "degraded";
  readonly reasons: readonly string[];
}

/** `degraded` where work waits too long for a worker. */
export function readinessOf(queues: readonly QueueStanding[]): Readiness {
  const reasons = queues.flatMap(({ kind, waiting, oldestSeconds }) =>
    oldestSeconds !== null && waiting > 0 && oldestSeconds > longestWaitSeconds[kind]
      ? [
          `${waiting} of the ${kind} queue wait for a worker, the oldest for ${oldestSeconds} s. Start more workers.`,
        ]
      : [],
  );
  return { state: reasons.length === 0 ? "ready" : "degraded", reasons };
}
