import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrainingStage } from "../training/progress.ts";
import { createOutput } from "./output.ts";
import { progressLine, showTraining } from "./progress.ts";

const begun = {
  ...{ model: "openai:eyes", calls: 1, elapsedMs: 35_400 },
  ...{ prompt: null, tokens: 0, tokensPerSecond: null },
};

test("the line of a slow answer tells tokens, prompt and speed as far as they are known", () => {
  assert.equal(progressLine(begun), "openai:eyes: no token written after 35 s");
  assert.equal(
    progressLine({ ...begun, prompt: { processed: 512, total: 3400 } }),
    "openai:eyes: 512 of 3400 tokens of the prompt read after 35 s",
  );
  assert.equal(
    progressLine({ ...begun, prompt: { processed: 3400, total: 3400 }, tokens: 1, tokensPerSecond: 0.25 }),
    "openai:eyes: 1 token written after 35 s, 0.3 a second",
  );
  assert.equal(
    progressLine({ ...begun, calls: 3, tokens: 420, tokensPerSecond: 12 }),
    "openai:eyes, 3 calls: 420 tokens written after 35 s, 12.0 a second",
  );
});

/** What is written to a standard error while something is waited for, with its second. */
function waitFor(seconds: number, isTTY: boolean): [number, string][] {
  let second = 0;
  const written: [number, string][] = [];
  const stream = (write: (text: string) => void, isTTY: boolean) =>
    ({ isTTY, columns: 80, write }) as unknown as NodeJS.WriteStream;
  const stdout = stream((text) => assert.fail(`standard output: ${text}`), false);
  const stderr = stream((text) => written.push([second, text]), isTTY);
  const output = createOutput(true, { stdout, stderr, env: {} }, () => second * 1000);
  for (; second < seconds; second++) output.waiting(`line ${second}`);
  return written;
}

test("without a terminal a remark is printed at once and then after 10, 20, 40 … seconds", () => {
  assert.deepEqual(waitFor(100, false), [
    [0, "line 0\n"],
    [10, "line 10\n"],
    [30, "line 30\n"],
    [70, "line 70\n"],
  ]);
  const hours = waitFor(4 * 3600, false).map(([second]) => second);
  assert.equal(hours.at(-1)! - hours.at(-2)!, 600);
});

test("on a terminal one line is replaced each time", () => {
  assert.deepEqual(waitFor(2, true), [
    [0, "\r\x1b[Kline 0"],
    [1, "\r\x1b[Kline 1"],
  ]);
});

test("a training is told by stage, with the time its stage has left", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const show = showTraining({ waiting: (line) => lines.push(line) }, () => nowMs);
  const told = (stage: TrainingStage, done: number, total: number, atMs: number) => {
    nowMs = atMs;
    show({ stage, done, total });
    return lines.at(-1);
  };
  assert.equal(told("drawing", 1, 48, 0), "drawing memories: 1 of 48 contexts");
  // 12 s for two contexts, so 45 more take 270 s.
  assert.equal(told("drawing", 3, 48, 12_000), "drawing memories: 3 of 48 contexts, 5 min left");
  assert.equal(told("drawing", 48, 48, 300_000), "drawing memories: 48 of 48 contexts");
  assert.equal(told("training", 1, 10, 301_000), "training: 1 of 10 steps");
  assert.equal(told("training", 2, 10, 306_000), "training: 2 of 10 steps, 40 s left");
});
