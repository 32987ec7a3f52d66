import assert from "node:assert/strict";
import { test } from "node:test";
import { answerSlots, memoryLength, stripsSeen, textLength } from "../../engines/nano/layout.ts";
import { end } from "../../engines/nano/vocabulary.ts";
import { sampleArrays } from "./sample-arrays.ts";

const width = 3;
const sampleOf = (value: number, tokens: readonly number[]) => ({
  strips: new Float32Array(stripsSeen * width).fill(value),
  texts: new Int32Array(textLength).fill(value),
  tokens,
});

test("each sample has its own row, and rows that are left are of zeros", () => {
  const { strips, texts, answers, targets } = sampleArrays(
    [sampleOf(1, [5, end]), sampleOf(2, [6, end])],
    3,
    width,
  );
  const rowsOf = <T extends Float32Array | Int32Array>(all: T, length: number) => {
    assert.equal(all.length, 3 * length);
    return [0, 1, 2].map((i) => [...all.slice(i * length, (i + 1) * length)]);
  };
  const filled = (value: number, length: number) => Array<number>(length).fill(value);
  assert.deepEqual(
    rowsOf(strips, stripsSeen * width),
    [1, 2, 0].map((v) => filled(v, stripsSeen * width)),
  );
  assert.deepEqual(
    rowsOf(texts, textLength),
    [1, 2, 0].map((v) => filled(v, textLength)),
  );
  assert.deepEqual(rowsOf(targets, memoryLength)[1], [6, end, ...filled(0, memoryLength - 2)]);
  assert.deepEqual(rowsOf(targets, memoryLength)[2], filled(0, memoryLength));
  assert.deepEqual(rowsOf(answers, memoryLength)[1], [...answerSlots([6, end], memoryLength).inputs]);
});

test("the last token of a memory of full length is a target and no input", () => {
  const tokens = Array.from({ length: memoryLength }, (_, i) => i + 1);
  const { answers, targets } = sampleArrays([sampleOf(0, tokens)], 1, width);
  assert.deepEqual([...targets], tokens);
  assert.deepEqual([...answers].slice(1), tokens.slice(0, -1));
});
