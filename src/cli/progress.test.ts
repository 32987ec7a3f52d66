import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutput } from "./output.ts";
import { progressLine } from "./progress.ts";

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
