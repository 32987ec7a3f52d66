/** What the reader without a model takes as told of a meal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../memory/memory.ts";
import { letterOptions } from "../../tasks/task.ts";
import type { Clock } from "../../util/time.ts";
import { lexicalReader } from "./lexical-reader.ts";
import { wordSpace } from "./words.ts";

const reader = lexicalReader({ words: wordSpace });

/** A line of talk at an hour of the first day. */
function line(text: string, hour: number, secondsLater = 0): Entry {
  const startSeconds = hour * 3600 + secondsLater;
  const endSeconds = startSeconds + 2;
  return {
    ...{
      id: text,
      stream: "home",
      clip: startSeconds / 10,
      kind: "episodic",
      startSeconds,
      endSeconds,
      text,
    },
    ...{ writtenAtMs: 0, speakers: ["Ann"], policy: "test", revision: "1", closed: null },
    evidence: { clips: [], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
  };
}

async function answered(
  question: string,
  entries: readonly Entry[],
  { clock = { kind: "day" }, options = [] }: { clock?: Clock; options?: string[] } = {},
): Promise<string | null> {
  const { abstained, answer } = await reader.read({
    question: { text: question, options: letterOptions(options) },
    recalled: entries.map((entry, i) => ({ entry, score: { total: 1 / (i + 1) } })),
    ...{ rendered: "", gaps: [], clocks: new Map([["home", clock]]) },
  });
  return abstained ? null : answer;
}

const eggs = "Ann: We ate the boiled eggs.";

test("what was eaten at another time of day is no answer, with options or without", async () => {
  const question = "What did Ann boil with salted butter for breakfast?";
  const options = ["Eggs", "Rice", "Soup", "Bread"];
  const ate = "Ann: I boil eggs with salted butter.";
  for (const [hour, told] of [
    [14, null],
    [8, ate],
  ] as const)
    assert.equal(await answered(question, [line(ate, hour)]), told);
  assert.equal(await answered(question, [line(ate, 14)], { options }), null);
  assert.equal(await answered(question, [line(ate, 8)], { options }), "Eggs");
});

test("unless the talk names the meal or its part of the day", async () => {
  const question = "What did we eat for dinner, boiled eggs?";
  assert.equal(await answered(question, [line(eggs, 10)]), null);
  for (const names of ["Ann: The dinner was good.", "Ann: Last night was long."]) {
    assert.equal(await answered(question, [line(eggs, 10), line(names, 10, 20)]), eggs);
    assert.equal(await answered(question, [line(eggs, 10), line(names, 10, 200)]), null);
  }
});

test("a clock that knows no hours of the place leaves it open", async () => {
  const question = "What did Ann boil with salted butter for breakfast?";
  const ate = "Ann: I boil eggs with salted butter.";
  for (const clock of [{ kind: "media" }, { kind: "wall", originMs: 0 }] as const)
    assert.equal(await answered(question, [line(ate, 14)], { clock }), ate);
});
