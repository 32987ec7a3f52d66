/**
 * How much of a video tesseract reads: prints Markdown. `node perf/screen-text.ts VIDEO...` needs ffmpeg and tesseract.
 *
 * Every frame that a clip gives the reader is looked at, and some are read. The baseline, in the same run, is tesseract on
 * each frame as it is. A shell script in front of tesseract counts its calls.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { tesseractReader } from "../src/perception/screen-text.ts";
import type { Frame } from "../src/stream/clip.ts";
import { openSource } from "../src/stream/open-source.ts";
import { requireProgram, runProgram } from "../src/util/program.ts";
import { printTable } from "./markdown.ts";

const videos = process.argv.slice(2);
if (videos.length === 0) throw new Error("Expected videos to read: node perf/screen-text.ts VIDEO...");
const tesseract = requireProgram("tesseract");
const folder = mkdtempSync(join(tmpdir(), "screen-text-"));
const [counter, counting] = [join(folder, "calls"), join(folder, "tesseract")];
writeFileSync(counting, `#!/bin/sh\necho >> ${counter}\nexec ${tesseract} "$@"\n`);
chmodSync(counting, 0o700);
const reader = tesseractReader({ ...process.env, TESSERACT_PATH: counting })!;

/** Milliseconds that some work takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

try {
  const row = printTable("video", "frames", "read", "texts", "time, × tesseract on every frame");
  const sums = { frames: 0, read: 0, texts: 0, ms: 0, baseline: 0 };
  for (const video of videos) {
    const own = { frames: 0, read: 0, texts: 0, ms: 0, baseline: 0 };
    writeFileSync(counter, "");
    for await (const item of (await openSource(video, { largeFrames: true })).open()) {
      if (item.kind !== "clip") continue;
      const frames: readonly Frame[] = item.largeFrames;
      own.frames += frames.length;
      own.ms += await timed(async () => {
        own.texts += (await reader.read(frames)).length;
      });
      own.baseline += await timed(async () => {
        for (const { jpeg } of frames)
          await runProgram(tesseract, ["stdin", "stdout", "--psm", "11", "tsv"], { input: jpeg });
      });
    }
    own.read = readFileSync(counter, "utf8").length;
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += own[key];
    row(basename(video), own.frames, own.read, own.texts, (own.ms / own.baseline).toFixed(2));
  }
  row("all", sums.frames, sums.read, sums.texts, (sums.ms / sums.baseline).toFixed(2));
} finally {
  rmSync(folder, { recursive: true });
}
