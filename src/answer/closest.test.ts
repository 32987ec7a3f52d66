import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Entry, RecalledEntry } from "../memory/memory.ts";
import { closestTo } from "./closest.ts";

const recalled = (...lines: (readonly [text: string, total: number, named?: number])[]): RecalledEntry[] =>
  lines.map(([text, total, named]) => ({
    entry: { text } as Entry,
    score: { total, ...(named !== undefined && { speaker: { rank: 1, score: named } }) },
  }));
const shown = (question: string, entries: readonly RecalledEntry[]) =>
  closestTo(question, entries).map(({ text }) => text);

describe("the moments that a declined question is shown", () => {
  test("keep the order of recall", () => {
    assert.deepEqual(shown("What did they bring?", recalled(["Plates.", 0.3], ["Cake.", 0.2])), [
      "Plates.",
      "Cake.",
    ]);
  });

  test("are statements before questions that are as near", () => {
    const entries = recalled(["Where do we begin?", 0.3], ["We begin with the walls.", 0.25]);
    assert.deepEqual(shown("Where ought one to start?", entries), [
      "We begin with the walls.",
      "Where do we begin?",
    ]);
  });

  test("are lines of who is named before those of others, and of those that only name them", () => {
    const entries = recalled(
      ["We start here.", 0.3],
      ["Ann starts.", 0.3, 0.5],
      ["First the walls.", 0.25, 1],
    );
    assert.equal(shown("Where does Ann begin?", entries)[0], "First the walls.");
  });

  test("hold what is asked for: a number, a reason, a colour", () => {
    const entries = recalled(["It was cold.", 0.3], ["Because of the rain.", 0.28], ["Two red ones.", 0.26]);
    assert.equal(shown("Why did they stay in?", entries)[0], "Because of the rain.");
    assert.equal(shown("Warum blieben sie?", entries)[0], "Because of the rain.");
    assert.equal(shown("How many were left?", entries)[0], "Two red ones.");
    assert.equal(shown("What colour were they?", entries)[0], "Two red ones.");
    assert.equal(shown("What was it like?", entries)[0], "It was cold.");
  });

  test("stay behind where recall put them last, as with what a later statement replaced", () => {
    const entries = recalled(
      ["The key is in the hall.", 0.2],
      ["It hangs there.", 0.1],
      ["It was here.", 0.3],
    );
    assert.equal(shown("Where is it?", entries).at(-1), "It was here.");
  });

  test("are far ones nowhere first, whatever they hold", () => {
    const entries = recalled(["It was cold.", 0.3], ["Because of the rain.", 0.1, 1]);
    assert.equal(shown("Why did they stay in?", entries)[0], "It was cold.");
  });
});
