import { setTimeout as sleep } from "node:timers/promises";
import type { KeptAdapter } from "../../src/memory/memory.ts";
import { openTestMemory } from "./memory.ts";

/**
 * The adapters of a memory once there is one: what learns after a question is a process of its own, which outlives the
 * question. It is looked for in this process, for a command each time would take the learner's processor.
 *
 * @param signal the test's: a learner that keeps none fails the test, and does not hold its file open
 */
export async function adaptersOnceKept(
  directory: string,
  signal: AbortSignal,
): Promise<readonly KeptAdapter[]> {
  for (;;) {
    const memory = await openTestMemory(directory, { readOnly: true });
    const adapters = await memory.adapters();
    await memory.close();
    if (adapters.length > 0) return adapters;
    await sleep(1000, undefined, { signal });
  }
}
