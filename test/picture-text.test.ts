/**
 * Print in pictures, read by the nets that `models pull text` fetches: drawn signs are read word for word, a picture without
 * print gives nothing, a video's clock is read right, and a thread that is lost costs the text alone.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { textReader } from "../src/engines/text/text-reader.ts";
import { perceive } from "../src/perception/perceive.ts";
import type { Clip, Frame } from "../src/stream/clip.ts";
import { createCanvas } from "../src/util/canvas.ts";
import { taskmem } from "./support/cli.ts";
import { lock, testCache } from "./support/python.ts";

const models = join(testCache, "models");

/** The folder of the nets, pulled once as users pull them; or why there is none. */
async function nets(): Promise<{ readonly folder: string } | { readonly skip: string }> {
  const release = await lock(`${models}.lock`);
  try {
    const run = await taskmem(["models", "pull", "text", "--json"], { env: { TASKMEM_MODELS: models } });
    return run.code === 0
      ? { folder: join(models, "text") }
      : { skip: `cannot be pulled here: ${run.stderr.trim()}` };
  } finally {
    release();
  }
}

const [found, runtime] = [await nets(), runtimeFiles()];
const skip = "skip" in found ? found.skip : runtime === null ? "onnxruntime-web is not installed" : false;
const open = () => textReader({ folder: (found as { folder: string }).folder, runtime: runtime! });

/** A picture with lines of print. */
async function sign(lines: readonly string[], atSeconds: number): Promise<Frame> {
  const [width, height] = [640, 360];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#f4f1e8";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#203040";
  context.font = "bold 34px sans-serif";
  for (const [i, line] of lines.entries()) context.fillText(line, 40, 90 + 80 * i);
  return { atSeconds, width, height, jpeg: await canvas.encode("jpeg", 92) };
}

describe("print in pictures", { skip }, () => {
  test("signs are read word for word, each once while it stays", async () => {
    const shown = ["PLATFORM 9", "Departures to Leeds", "Gate code 4711"];
    const frames = [await sign(shown, 0), await sign(shown, 1), await sign(["Closed on Mondays"], 2)];
    const read = await open().read(frames);
    assert.deepEqual(
      read.map(({ text, startSeconds, endSeconds }) => [text, startSeconds, endSeconds]),
      [...shown.map((text) => [text, 0, 1]), ["Closed on Mondays", 2, 2]],
    );
  });

  test("a picture without print gives nothing", async () => {
    assert.deepEqual(await open().read([await sign([], 0)]), []);
  });

  test("nets that cannot be loaded cost the text of a clip, and say so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "no-nets-"));
    const broken = textReader({ folder, runtime: runtime! });
    const clip: Clip = {
      ...{ kind: "clip", stream: "s", index: 0, startSeconds: 0, endSeconds: 10, audio: null, shots: [] },
      ...{ frames: [await sign(["EXIT"], 0)], largeFrames: [], cues: [] },
    };
    const perceptors = { transcriber: null, language: null, screenReader: broken };
    const { screen, problems } = await perceive(clip, perceptors);
    assert.deepEqual(screen, []);
    assert.match(problems.join(), /on-screen text/);
    rmSync(folder, { recursive: true });
  });

  test("the clock of a real video is read right", async (t) => {
    const video = resolve(import.meta.dirname, "../../shared/data/videos/timecode-300s.mp4");
    if (!existsSync(video)) return t.skip("the shared videos are not here");
    const folder = mkdtempSync(join(tmpdir(), "clock-"));
    execFileSync("ffmpeg", [
      "-v",
      "error",
      "-i",
      video,
      "-t",
      "8",
      "-vf",
      "fps=1",
      "-q:v",
      "2",
      `${folder}/%02d.jpg`,
    ]);
    const frames = readdirSync(folder)
      .sort()
      .map((name, atSeconds) => ({
        atSeconds,
        width: 320,
        height: 180,
        jpeg: readFileSync(join(folder, name)),
      }));
    const read = await open().read(frames);
    rmSync(folder, { recursive: true });
    const clocks = read.filter(({ text }) => /^\d\d:\d\d$/.test(text)).map(({ text }) => text);
    assert.equal(new Set(clocks).size, frames.length);
    assert.deepEqual(clocks, clocks.toSorted());
  });
});
