import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import type { Action, Context } from "../policy/policy.ts";
import { taskSupplement } from "../policy/prompts.ts";
import type { Judge } from "./judge.ts";
import { repeatedQuestion } from "./repeats-question.ts";
import { assessQuality, assessTold } from "./reward.ts";

const said = (...lines: string[]): Context => ({
  observations: [
    observationOf("kitchen", 0, {
      speech: lines.map((text, i) => ({ startSeconds: i, endSeconds: i + 1, text, speaker: "Ann" })),
    }),
  ],
  recent: { observations: [], entries: [{ clip: 0, kind: "episodic", text: "Ann says: the soup is hot" }] },
  state: { value: null, documents: 0, words: new Map() },
});
const questions = ["What did Ann cook for dinner?", "汤里有什么东西？"].map((text) => ({
  text,
  options: [],
}));
const clip = said("The soup is ready.", "Bring the plates.");

test("a memory made of a question's words repeats it, in any order and case", () => {
  // cook, for, dinner, what, did, ann: all six stand in the question.
  assert.equal(
    repeatedQuestion("What Ann did cook for dinner", clip, questions),
    "What did Ann cook for dinner?",
  );
  // soup, for, dinner, ann, and cooked, the, hot: three of seven.
  assert.equal(repeatedQuestion("Ann cooked the hot soup for dinner", clip, questions), null);
  // what, cook, for of four: three quarters are enough.
  assert.ok(repeatedQuestion("What? cook for lunch", clip, questions));
  assert.equal(repeatedQuestion("汤里有什么", clip, questions), "汤里有什么东西？");
  assert.equal(repeatedQuestion("锅里有一锅很热的汤", clip, questions), null);
  assert.equal(repeatedQuestion("Ann", clip, questions), null, "a name alone is no question");
  const short = [{ text: "Who has the cup?", options: [] }];
  assert.equal(repeatedQuestion("the cup", clip, short), "Who has the cup?", "words of three letters count");
  assert.equal(repeatedQuestion("cup to me", clip, short), null, "shorter ones do not");
});

test("a question that was asked in the clip may be told, and so may what a question guessed right", () => {
  const asked = said("What did you cook for dinner, Ann?", "What did Ann cook?");
  assert.equal(repeatedQuestion("What did Ann cook for dinner?", asked, questions), null);
  const ready = [{ text: "Is the soup ready?", options: [] }];
  assert.equal(repeatedQuestion("The soup is ready.", clip, ready), null);
  assert.equal(
    repeatedQuestion("The soup is ready.", said("Bring the plates."), ready),
    "Is the soup ready?",
    "one line is enough to tell that it was not said",
  );
  const silent = said();
  assert.equal(repeatedQuestion("The soup is ready.", silent, ready), null, "pictures may show it");
  assert.equal(repeatedQuestion("Is the soup ready?", silent, ready), "Is the soup ready?");
});

test("what stands in the supplement is no memory either", () => {
  const supplement = taskSupplement(["Which device was charged?"]);
  const context = { ...clip, supplement };
  assert.equal(repeatedQuestion("Which device was charged", context), "- Which device was charged?");
  assert.ok(repeatedQuestion("Write what answers questions such as these", context));
  assert.equal(repeatedQuestion("Ann asks for plates", context), null);
});

const actionOf = (description: string): Action => ({
  ...{ text: JSON.stringify({ description }), logprobs: null, revision: "test", issues: [] },
  statements: [],
});
const options = {
  countTokens: (text: string) => text.split(" ").length,
  form: "description" as const,
  questions,
};

test("fails the quality checks, and no judge is asked about it", async () => {
  let asked = 0;
  const judge: Judge = {
    id: "counting",
    async quality() {
      asked += 1;
      return { ok: true, value: { correct: true, clean: true, rationale: "" } };
    },
    richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
    relevance: async () => ({ ok: true, value: "tie" }),
  };
  const parroted = await assessQuality(clip, actionOf("What did Ann cook for dinner?"), judge, options);
  assert.deepEqual([parroted.pass, parroted.checks.clean, asked], [false, false, 0]);
  assert.match(parroted.rationale!, /What did Ann cook for dinner\?/);
  assert.equal((await assessQuality(clip, actionOf("The soup is ready."), judge, options)).pass, true);
  assert.equal(asked, 1);
});

test("a line of the clip is true without a judge, but not where it was written before", async () => {
  assert.equal((await assessTold(clip, actionOf("Ann says: The soup is ready."), options)).pass, true);
  const again = await assessTold(clip, actionOf("Ann says: The soup is hot."), options);
  assert.deepEqual([again.pass, again.rationale], [false, "It was written before."]);
  const long = await assessTold(clip, actionOf("soup ".repeat(200).trim()), options);
  assert.deepEqual([long.pass, long.checks.short], [false, false]);
});
