/**
 * A camera with all senses on: a film sent as it is filmed, over and over, to a source that is watched live. It tells how
 * far behind the senses are, how many pictures they look at, and what they take of one core.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTaskMem } from "../../src/taskmem.ts";
import { requireProgram } from "../../src/util/program.ts";
import { printTable } from "../markdown.ts";

/** Watches a film as a camera, for some minutes; prints a row each minute. */
export async function watchLive(film: string, minutes: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "live-"));
  const sender = await camera(film);
  const row = printTable("watched", "behind", "looked at", "of one core", "memory of the process");
  const stop = new AbortController();
  let cpu = process.cpuUsage();
  let [beganMs, sinceMs, every, minute] = [0, 0, 1, 1];
  try {
    await using memory = await openTaskMem({ directory, people: true });
    for await (const event of memory.watch(sender.url, { stream: "camera", signal: stop.signal })) {
      if (event.event === "stream-start") beganMs = sinceMs = Date.now();
      if (event.event === "pace") {
        every = event.every;
        console.error(`${event.atSeconds.toFixed(0)} s: one of ${every} pictures`);
      }
      if (event.event === "stream-end")
        for (const { reason } of event.leftOut) console.log(`\nLeft out: ${reason}`);
      if (event.event !== "clip-end" || event.endSeconds < 60 * minute) continue;
      const { user, system } = process.cpuUsage(cpu);
      const nowMs = Date.now();
      row(
        `${minute} min`,
        `${((nowMs - beganMs) / 1000 - event.endSeconds).toFixed(0)} s`,
        every === 1 ? "every picture" : `one of ${every}`,
        `${((100 * (user + system)) / 1000 / (nowMs - sinceMs)).toFixed(0)} %`,
        `${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
      );
      [cpu, sinceMs] = [process.cpuUsage(), nowMs];
      if (++minute > minutes) stop.abort();
    }
  } finally {
    sender.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A server whose films are sent as fast as they were filmed, to whoever connects, without an end. */
async function camera(film: string) {
  const server = createServer((_, response) => {
    const input = ["-re", "-stream_loop", "-1", "-i", film];
    const sender = spawn(
      requireProgram("ffmpeg"),
      ["-v", "error", ...input, "-c", "copy", "-f", "mpegts", "pipe:1"],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    sender.stdout.pipe(response);
    response.on("close", () => sender.kill());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/camera.ts`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
