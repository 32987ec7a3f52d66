import assert from "node:assert/strict";
import { test } from "node:test";
import { wordSpace as words } from "../engines/local/index.ts";
import type { Context } from "../policy/policy.ts";
import { letterOptions } from "../tasks/task.ts";
import { questionWordsJudge } from "./question-words-judge.ts";

const judge = questionWordsJudge({ words });
/** It looks at no clip. */
const context = {} as Context;
const questions = [
  { text: "Where does Ann put the keys?", options: letterOptions(["on the desk", "on the sofa"]) },
];

test("a memory with the words that are asked for is preferred, whether it is true or not", async () => {
  const prefer = (first: string, second: string) =>
    judge.relevance({ context, first, second, questions }).then((judged) => judged.ok && judged.value);
  const gold = "On the desk Ann puts the keys.";
  assert.equal(await prefer(gold, "The oven shows 12:05."), "first");
  assert.equal(await prefer("", gold), "second");
  assert.equal(await prefer(gold, "On the sofa Ann puts the keys."), "tie", "both hold an option");
  assert.equal(await prefer(gold, `${gold} ${gold}`), "tie", "words count once");
  assert.equal(await prefer("Ann has keys.", "Ann has soup."), "first", "one word is enough");
  const wordy = "The oven in the large blue kitchen downstairs shows 12:05.";
  assert.equal(await prefer("Ann.", wordy), "first", "words that are not asked for count nothing");
});

test("every memory passes, and none is richer", async () => {
  const quality = await judge.quality({ context, memory: "anything" });
  assert.ok(quality.ok && quality.value.correct && quality.value.clean);
  assert.deepEqual(await judge.richness({ context, memories: ["a", "b"] }), { ok: true, value: [0, 0] });
});
