/** Names that speech gives to a face. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { saidNames } from "./said-names.ts";

const moments = [0, 1, 2, 3, 4];
const named = (text: string, parts: object = {}, alone: readonly number[] = moments) =>
  saidNames(
    { atSeconds: moments },
    [{ startSeconds: 1, endSeconds: 3, text, speaker: null, ...parts }],
    alone,
  );

test("what somebody says of themselves is a name, in the words of several languages", () => {
  for (const [text, name] of [
    ["Hello, my name is Jack Miller, and this is it.", "Jack Miller"],
    ["I'm Ian.", "Ian"],
    ["Guten Tag, ich heiße Jürgen.", "Jürgen"],
    ["Je m'appelle Zoé.", "Zoé"],
    ["Hola, me llamo Inés.", "Inés"],
  ] as const)
    assert.deepEqual(named(text).own, [name], text);
});

test("what only looks like it is none", () => {
  for (const text of [
    "I'm late.",
    "I am German.",
    "I'm American.",
    "My name is not important.",
    "Jack says hello.",
  ])
    assert.deepEqual(named(text).own, [], text);
});

test("only while the face alone is in the picture for all of the line", () => {
  const text = "My name is Jack.";
  assert.deepEqual(named(text, {}, [0, 1]).own, []);
  assert.deepEqual(named(text, {}, []).own, []);
  assert.deepEqual(named(text, { startSeconds: 7, endSeconds: 8 }).own, []);
});

test("the speaker of a line that lasts is one, if it looks like a name", () => {
  assert.deepEqual(named("Good morning.", { speaker: "Jack" }).speakers, ["Jack"]);
  assert.deepEqual(named("Good morning.", { speaker: "SPEAKER_00" }).speakers, []);
  assert.deepEqual(named("Hm.", { speaker: "Jack", endSeconds: 1.4 }).speakers, []);
});
