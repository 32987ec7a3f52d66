/** A long film with all senses on: how fast it is watched, and whether memory grows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTaskMem } from "../../src/taskmem.ts";
import { printTable } from "../markdown.ts";

/** Watches a film into a memory that is deleted afterwards; prints a row each minute of it. */
export async function watchLong(film: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "long-"));
  const row = printTable("watched", "× real time", "processor time of a clip", "memory of the process");
  const beganMs = performance.now();
  let cpu = process.cpuUsage();
  let [clips, minute, seconds] = [0, 1, 0];
  const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6);
  try {
    await using memory = await openTaskMem({ directory, people: true });
    for await (const event of memory.watch(film)) {
      if (event.event === "stream-end") {
        const { leftOut, realTimeFactor } = event;
        console.log(`\n${(seconds / 60).toFixed(1)} minutes, ${realTimeFactor.toFixed(2)} × real time.`);
        for (const { reason } of leftOut) console.log(`Left out: ${reason}`);
      }
      if (event.event !== "clip-end") continue;
      clips += 1;
      seconds = event.endSeconds;
      if (seconds < 60 * minute) continue;
      const spent = process.cpuUsage(cpu);
      const rate = seconds / ((performance.now() - beganMs) / 1000);
      row(
        `${minute} min`,
        rate.toFixed(2),
        `${((spent.user + spent.system) / 1e6 / clips).toFixed(1)} s`,
        `${megabytes()} MB`,
      );
      [cpu, clips, minute] = [process.cpuUsage(), 0, minute + 1];
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
