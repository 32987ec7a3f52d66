import assert from "node:assert/strict";
import { test } from "node:test";
import { unigramPieces } from "./unigram.ts";

const space = "\u2581";
const scored: readonly (readonly [string, number])[] = [
  ["<s>", 0],
  ["</s>", 0],
  ["<unk>", 0],
  [`${space}key`, -4],
  [`${space}k`, -3],
  ["ey", -3],
  ["s", -2],
  [space, -2],
  ["钥匙", -5],
  ["钥", -4],
  ["匙", -4],
];
const tokens = unigramPieces({
  pieces: scored.map(([piece]) => piece),
  scores: Float32Array.from(scored, ([, score]) => score),
  ...{ begin: 0, end: 1, unknown: 2 },
  normal: new Map([
    ["Ｋ", "k"],
    ["\n", " "],
    ["\u200b", ""],
  ]),
});
const named = (text: string, most = 32) => tokens(text, most).map((id) => scored[id]![0]);

test("cuts a text into the pieces whose log-probabilities add up to the most", () => {
  // One piece of -4 beats "▁k" and "ey", together -6.
  assert.deepEqual(named("keys"), ["<s>", `${space}key`, "s", "</s>"]);
  assert.deepEqual(named("钥匙匙"), ["<s>", space, "钥匙", "匙", "</s>"]);
});

test("marks each word by the space before it, and normalises characters", () => {
  assert.deepEqual(named("key   key"), ["<s>", `${space}key`, `${space}key`, "</s>"]);
  assert.deepEqual(named("Ｋey\n\u200bkey"), ["<s>", `${space}key`, `${space}key`, "</s>"]);
});

test("takes a character that it does not know as unknown, whole, and cuts a long text", () => {
  assert.deepEqual(named("key😀s"), ["<s>", `${space}key`, "<unk>", "s", "</s>"]);
  assert.deepEqual(named("keys keys keys", 4), ["<s>", `${space}key`, "s", "</s>"]);
});
