/**
 * What watching a file costs before any policy: decoding, sampling and cutting, as × real time and peak memory.
 *
 * Renders a 720p file (25 frames a second, moving pattern with grain, a tone) of each length, reads it through
 * `openSource` in a process of its own with and without the larger frames for text, and compares with ffmpeg decoding
 * the same file to nothing. Memory is the highest resident size of our process and of its ffmpeg (Linux: /proc).
 *
 * `node perf/decode.ts`
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openSource } from "../src/stream/open-source.ts";
import { requireProgram } from "../src/util/program.ts";
import { printTable } from "./markdown.ts";

const minutes = [2.5, 5, 10];
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

interface Reading {
  readonly seconds: number;
  readonly clips: number;
  readonly ownBytes: number;
  readonly ffmpegBytes: number;
}

/** Reads a file to its end; only ever run in a process of its own. */
async function read(path: string, largeFrames: boolean): Promise<Reading> {
  let ffmpegBytes = 0;
  const sampler = setInterval(() => {
    ffmpegBytes = Math.max(ffmpegBytes, ...childPeaks());
  }, 100);
  const began = performance.now();
  const source = await openSource(path, { largeFrames });
  let clips = 0;
  for await (const item of source.open()) if (item.kind === "clip") clips += 1;
  const seconds = (performance.now() - began) / 1000;
  clearInterval(sampler);
  return { seconds, clips, ownBytes: process.resourceUsage().maxRSS * 1024, ffmpegBytes };
}

/** Highest resident size so far of each child process, in bytes. */
function childPeaks(): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const isChild = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === process.pid;
        return isChild ? Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024 : 0;
      } catch {
        return 0; // it ended while we looked
      }
    });
}

function render(path: string, seconds: number): void {
  const picture = `testsrc2=size=1280x720:rate=25:duration=${seconds},noise=alls=8:allf=t`;
  const inputs = [
    "-f",
    "lavfi",
    "-i",
    picture,
    "-f",
    "lavfi",
    "-i",
    `sine=frequency=330:duration=${seconds}`,
  ];
  const coding = [
    "-c:v",
    "libx264",
    "-preset",
    "superfast",
    "-b:v",
    "2500k",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
  ];
  execFileSync(requireProgram("ffmpeg"), ["-v", "error", "-y", ...inputs, ...coding, path]);
}

const [mode, path, large] = process.argv.slice(2);
if (mode === "read") {
  console.log(JSON.stringify(await read(path!, large === "large")));
} else {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-perf-"));
  try {
    console.log(`${availableParallelism()} cores, node ${process.version}\n`);
    const row = printTable(
      "length",
      "larger frames",
      "× real time",
      "ffmpeg alone",
      "ratio",
      "our peak MiB",
      "ffmpeg's peak MiB",
    );
    const file = join(folder, "part.mp4");
    render(file, minutes[0]! * 60);
    for (const length of minutes) {
      const part = join(folder, `${length}.mp4`);
      const loops = ["-stream_loop", String(length / minutes[0]! - 1)];
      const copy = ["-v", "error", "-y", ...loops, "-i", file, "-c", "copy", part];
      execFileSync(requireProgram("ffmpeg"), copy);
      for (const size of ["", "large"]) {
        const began = performance.now();
        execFileSync(requireProgram("ffmpeg"), ["-v", "error", "-i", part, "-f", "null", "-"]);
        const bare = (performance.now() - began) / 1000;
        const output = execFileSync(process.execPath, [import.meta.filename, "read", part, size]).toString();
        const { seconds, clips, ownBytes, ffmpegBytes } = JSON.parse(output) as Reading;
        if (clips < (length * 60) / 10) throw new Error(`Expected all clips, got ${clips}`);
        const [ours, alone] = [(length * 60) / seconds, (length * 60) / bare];
        row(
          ...[`${length} min`, size ? "yes" : "no", ours.toFixed(1), alone.toFixed(1)],
          ...[(ours / alone).toFixed(2), mebibytes(ownBytes), mebibytes(ffmpegBytes)],
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
