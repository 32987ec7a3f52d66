import assert from "node:assert/strict";
import { test } from "node:test";
import { countTokens } from "./count-tokens.ts";

test("counts 1.3 tokens per word, rounded up, and CJK characters singly", () => {
  assert.equal(countTokens(""), 0);
  assert.equal(countTokens(" \n\t"), 0);
  assert.equal(countTokens("one"), 2); // ceil(1.3)
  assert.equal(countTokens("a b c d e f g h i j"), 13); // 1.3 × 10 exactly, not 14
  assert.equal(countTokens("  two\twords \n"), 3); // ceil(2.6)
  assert.equal(countTokens("看 red 门"), 4); // 2 characters + ceil(1.3)
  assert.equal(countTokens("鍵は机の上。"), 7); // 5 characters, and the stop is a run of its own
  assert.equal(countTokens("열쇠는 책상 위에"), 7);
});

test("counts long runs without a blank by their characters", () => {
  assert.equal(countTokens("x".repeat(2700)), 675); // 2700 / 4
  assert.equal(countTokens("ha".repeat(21)), 11); // 42 letters
  assert.equal(countTokens("Donaudampfschifffahrtsgesellschaft"), 2); // 34 letters are a word
  assert.equal(countTokens(`see https://example.org/${"a".repeat(60)} now`), 3 + 20); // 2 words, 80 characters
  assert.equal(countTokens("ö".repeat(400)), 100);
});

test("counts scripts without blanks between words by their characters", () => {
  assert.equal(countTokens("กุญแจอยู่บนโต๊ะ"), 5); // 15 characters, 4 words
  assert.equal(countTokens("กุญแจ อยู่บนโต๊ะ"), 2 + 4);
});
