import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clip, Gap } from "./clip.ts";
import { ClipCutter } from "./clip-cutter.ts";

const frame = (atSeconds: number) => ({ atSeconds, width: 2, height: 2, jpeg: new Uint8Array() });
const cue = (startSeconds: number) => ({
  startSeconds,
  endSeconds: startSeconds + 1,
  text: "a line",
  speaker: null,
  kind: "speech" as const,
  origin: "stream" as const,
  language: null,
});
const spans = (items: readonly (Clip | Gap)[]) =>
  items.map((item) => [item.kind === "clip" ? item.index : "gap", item.startSeconds, item.endSeconds]);

test("material is cut on the grid and the last clip keeps its true, shorter end", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  cutter.finish(24.5);
  cutter.close();
  assert.deepEqual(spans(cutter.take()), [
    [0, 0, 10],
    [1, 10, 20],
    [2, 20, 24.5],
  ]);
});

test("material that starts late starts its first clip late, on the same grid", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(13);
  cutter.finish(21);
  cutter.close();
  assert.deepEqual(spans(cutter.take()), [
    [1, 13, 20],
    [2, 20, 21],
  ]);
});

test("a hole becomes a gap between the clips beside it, and there are no clips inside it", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  cutter.finish(12);
  cutter.begin(47, "source-down", "it was down");
  cutter.finish(50);
  cutter.close();
  assert.deepEqual(spans(cutter.take()), [
    [0, 0, 10],
    [1, 10, 12],
    ["gap", 12, 47],
    [4, 47, 50],
  ]);
});

test("two spans that meet in one grid cell give one clip", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  cutter.finish(3);
  cutter.begin(6);
  cutter.finish(10);
  cutter.close();
  assert.deepEqual(spans(cutter.take()), [
    [0, 0, 10],
    ["gap", 3, 6],
  ]);
});

test("frames, cues, shots and sound go to the clip they start in", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  for (const at of [0, 9.9, 10]) cutter.addFrame(frame(at), "policy");
  cutter.addCue(cue(9.5));
  cutter.addCue(cue(10.5));
  cutter.addShot(10.2);
  cutter.addAudio({ startSeconds: 0, samples: new Int16Array(16_000 * 12).fill(1) });
  cutter.finish(12);
  cutter.close();
  const [first, second] = cutter.take() as Clip[];
  assert.deepEqual([first!.frames.length, first!.cues.length, first!.shots.length], [2, 1, 0]);
  assert.deepEqual([second!.frames.length, second!.cues.length, second!.shots.length], [1, 1, 1]);
  assert.deepEqual([first!.audio!.samples.length, second!.audio!.samples.length], [160_000, 32_000]);
  assert.equal(second!.audio!.startSeconds, 10);
});

test("sound that pauses keeps its place, with silence between", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  cutter.addAudio({ startSeconds: 1, samples: new Int16Array(1600).fill(7) });
  cutter.addAudio({ startSeconds: 2, samples: new Int16Array(1600).fill(9) });
  cutter.finish(5);
  cutter.close();
  const { audio } = cutter.take()[0] as Clip;
  assert.equal(audio!.startSeconds, 1);
  assert.deepEqual([audio!.samples[0], audio!.samples[8000], audio!.samples[16_000]], [7, 0, 9]);
});

test("nothing before the first requested clip is delivered", () => {
  const cutter = new ClipCutter("s", 10, 20);
  cutter.begin(0);
  cutter.addFrame(frame(5), "policy");
  cutter.addFrame(frame(25), "policy");
  cutter.finish(30);
  cutter.close();
  const items = cutter.take();
  assert.deepEqual(spans(items), [[2, 20, 30]]);
  assert.equal((items[0] as Clip).frames.length, 1);
});

test("a rounding error after the last clip makes no clip, a picture there does", () => {
  for (const [at, count] of [
    [null, 1],
    [10.001, 2],
  ] as const) {
    const cutter = new ClipCutter("s", 10);
    cutter.begin(0);
    if (at !== null) cutter.addFrame(frame(at), "policy");
    cutter.finish(10.01);
    cutter.close();
    assert.equal(cutter.take().length, count);
  }
});

test("a clip knows that a sentence of an earlier one continues in it", () => {
  const cutter = new ClipCutter("s", 10);
  cutter.begin(0);
  cutter.addCue({ ...cue(8), endSeconds: 13 });
  cutter.finish(30);
  cutter.close();
  const until = cutter.take().map((item) => (item.kind === "clip" ? item.saidUntilSeconds : null));
  assert.deepEqual(until, [undefined, 13, undefined]);
});
