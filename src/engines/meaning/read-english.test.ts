import assert from "node:assert/strict";
import { test } from "node:test";
import { readEnglish } from "./read-english.ts";

test("keeps English, and the English half of a line told in two languages", () => {
  assert.equal(readEnglish("Where is the key?"), "Where is the key?");
  assert.equal(readEnglish("Ann: the key is here / 钥匙在这里")?.includes("钥"), false);
  assert.match(readEnglish("Ann: the key is here / 钥匙在这里")!, /the key is here/);
  assert.equal(
    readEnglish("Ann: 钥匙在这里 / the key is here")?.replace(/\s+/g, " "),
    "Ann: the key is here",
  );
  assert.equal(readEnglish("Jake: Roast chicken."), "Jake: Roast chicken.");
  assert.equal(readEnglish("Łukasz sold 15 cards."), "Łukasz sold 15 cards.");
});

test("knows nothing of other languages, or of no words at all", () => {
  for (const text of [
    "钥匙在哪里？",
    "Где ключ?",
    "Wo liegt der Schlüssel?",
    "¿Dónde está la llave?",
    "15 + 3",
    "…",
  ])
    assert.equal(readEnglish(text), null, text);
});
