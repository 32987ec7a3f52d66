import assert from "node:assert/strict";
import { test } from "node:test";
import { wordPieces } from "./word-pieces.ts";

const vocabulary = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "un",
  "##want",
  "##ed",
  "cafe",
  ",",
  "run",
  "##s",
  "!",
  "中",
];
const pieces = wordPieces(vocabulary.join("\n"));
const named = (text: string, most = 32) => pieces(text, most).map((id) => vocabulary[id]);

test("takes the longest pieces of each word", () => {
  assert.deepEqual(named("unwanted runs"), ["[CLS]", "un", "##want", "##ed", "run", "##s", "[SEP]"]);
});

test("folds case and accents, and keeps marks and Chinese letters apart", () => {
  assert.deepEqual(named("CAFÉ,run中!"), ["[CLS]", "cafe", ",", "run", "中", "!", "[SEP]"]);
});

test("a word that no pieces make up is unknown as a whole", () => {
  assert.deepEqual(named("runx 𝄞 un"), ["[CLS]", "[UNK]", "[UNK]", "un", "[SEP]"]);
});

test("cuts a long text and marks its end", () => {
  assert.deepEqual(named("run run run run", 4), ["[CLS]", "run", "run", "[SEP]"]);
});

test("refuses a vocabulary without its marks", () => {
  assert.throws(() => wordPieces("run\n##s"), /no \[CLS\]/);
});
