import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { seededRandom } from "../util/random.ts";
import { lineMemories, ownLines } from "./own-lines.ts";

const span = { startSeconds: 0, endSeconds: 2 };
const observation = observationOf("film", 0, {
  speech: [
    { ...span, text: "The keys are here.", speaker: "Ann" },
    { ...span, text: "It rains.", speaker: null },
    { ...span, text: "The keys are here.", speaker: "Ann" },
  ],
  captions: [{ ...span, text: "A man sits.", speaker: null }],
  screen: [{ ...span, text: "EX1T", confidence: 60 }],
});
const context = {
  observations: [observation],
  recent: { observations: [], entries: [] },
  state: { value: null, documents: 0, words: new Map() },
};

test("a clip's own lines are what was said, by whom, and captioned, each once, without what was read", () => {
  assert.deepEqual(ownLines(observation).sort(), [
    "A man sits.",
    "Ann says: The keys are here.",
    "somebody says: It rains.",
  ]);
});

test("single lines come before neighbouring ones in twos, up to a number of them", () => {
  const lines = ownLines(observation);
  const doubles = [`${lines[0]} ${lines[1]}`, `${lines[1]} ${lines[2]}`];
  const all = lineMemories(context, 10, seededRandom("a"));
  assert.deepEqual(all.slice(0, 3).sort(), [...lines].sort());
  assert.deepEqual(all.slice(3).sort(), doubles.sort());
  assert.deepEqual(lineMemories(context, 4, seededRandom("a")), all.slice(0, 4));
  const orders = ["a", "b", "c", "d"].map((seed) => lineMemories(context, 10, seededRandom(seed)).join());
  assert.ok(new Set(orders).size > 1, "in an order of the random numbers");
});
