import assert from "node:assert/strict";
import { test } from "node:test";
import { allFacts } from "../../../scripts/nano/facts.ts";
import { type Fact, factKinds, sentenceOf } from "../../household/language.ts";
import { decode, encode, end, idOf, start, tokens } from "./vocabulary.ts";

test("every sentence of every kind of fact is encoded and decoded without loss", () => {
  const seen = new Set<Fact["kind"]>();
  for (const fact of allFacts()) {
    seen.add(fact.kind);
    const sentence = sentenceOf(fact);
    assert.equal(decode([start, ...encode(sentence), end]), sentence);
  }
  assert.deepEqual([...seen].sort(), [...factKinds].sort());
});

test("two sentences in a row survive encoding and decoding", () => {
  const text = "Quote Ann, the train is at two. The clock shows 17:05.";
  assert.equal(decode(encode(text)), text);
  assert.deepEqual(encode("17:05"), [idOf("17"), idOf(":05")]);
});

test("words of other languages than the household's are left out", () => {
  assert.equal(
    decode(encode("Ann quietly puts the keys <start> on the desk!")),
    "Ann puts the keys the desk",
  );
});

test("each token is in the list once", () => {
  assert.equal(new Set(tokens).size, tokens.length);
});
