/** Held-out validation by a judge, on policies whose memories are given, so that each number can be counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { observationOf, statementOf } from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import type { Context, Policy } from "../policy/policy.ts";
import type { Judge, JudgeFailure } from "../reward/judge.ts";
import { seededRandom } from "../util/random.ts";
import { judgedValidation, refusalOf } from "./validation.ts";

const n = 12;
const contexts: Context[] = Array.from({ length: n }, (_, clip) => ({
  observations: [observationOf("film", clip)],
  recent: { observations: [], entries: [] },
  state: { value: null, documents: 0, words: new Map() },
}));
const clipOf = ({ observations }: Context) => observations[0]!.clip;
const tasks = [{ question: { text: "Where is it?", options: [] } }];
const score = { countTokens: (text: string) => text.split(" ").length, form: "statements" as const };

/** Writes what is given for each clip. */
const policyOf = (id: string, textOf: (clip: number) => string): Policy => ({
  ...{ id, revision: `${id}@1`, clipsPerDecision: 1, advance: () => null },
  decide: async (context) => {
    const text = textOf(clipOf(context));
    const statements = [statementOf(clipOf(context), text)];
    return {
      actions: [{ text, statements, logprobs: null, revision: `${id}@1`, issues: [] }],
      cost: noCost,
    };
  },
});
const plain = policyOf("plain", () => "It rains");

/** Prefers what names the place; "false" is not true, "again" not new. */
const judge: Judge = {
  id: "test",
  quality: async ({ memory }) => ({
    ok: true,
    value: { correct: !memory.includes("false"), clean: !memory.includes("again"), rationale: "" },
  }),
  richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
  relevance: async ({ first, second }) => {
    const [a, b] = [first, second].map((memory) => Number(memory.includes("attic"))) as [number, number];
    return { ok: true, value: a === b ? "tie" : a > b ? "first" : "second" };
  },
};
const failure: JudgeFailure = { ok: false, reason: "timed-out", message: "no answer" };
const validate = (adapted: Policy, by: Judge = judge, base = plain) =>
  judgedValidation(base, adapted, contexts, tasks, { judge: by, score });

test("counts wins, ties and losses, what is true, what repeats and how long it is", async () => {
  const adapted = policyOf("adapted", (clip) => {
    if (clip < 6) return "In the attic"; // 3 tokens for 2
    if (clip < 9) return "It is false"; // neither helps
    return clip < 11 ? "It rains again" : "It rains";
  });
  const validation = await validate(adapted);
  assert.deepEqual(
    [validation.winRate, validation.tieRate, validation.lossRate, validation.graded],
    [6 / n, 6 / n, 0, n],
  );
  assert.deepEqual([validation.noiseWinRate, validation.noiseLossRate], [0, 0]);
  assert.deepEqual([validation.fidelityBefore, validation.fidelityAfter], [1, 9 / n]);
  assert.deepEqual([validation.redundancyBefore, validation.redundancyAfter], [0, 2 / n]);
  assert.equal(validation.tokenRatio, (11 * 3 + 2) / (n * 2));
  assert.match(refusalOf(validation)!, /less often true \(100 % before, 75 % after\)/);
});

test("is the same however many contexts are judged at once", async () => {
  const random = seededRandom("delays");
  const slow: Judge = {
    ...judge,
    relevance: async (request) => {
      await setTimeout(4 * random());
      return judge.relevance(request);
    },
  };
  const adapted = policyOf("adapted", (clip) => (clip % 3 === 0 ? "In the attic" : "It is false"));
  const all = [];
  for (const concurrency of [1, 3, 16])
    all.push(await judgedValidation(plain, adapted, contexts, tasks, { judge: slow, score, concurrency }));
  assert.equal(all[0]!.winRate, 4 / n);
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
});

test("a memory that the judge prefers only for its place wins nothing", async () => {
  const leaning: Judge = { ...judge, relevance: async () => ({ ok: true, value: "first" }) };
  const { tieRate } = await validate(
    policyOf("adapted", () => "In the attic"),
    leaning,
  );
  assert.equal(tieRate, 1);
});

test("a comparison that fails in one order is decided by the other, and one that fails in both is left out", async () => {
  const half = (fails: (first: string) => boolean): Judge => ({
    ...judge,
    relevance: async (request) => (fails(request.first) ? failure : judge.relevance(request)),
  });
  const adapted = policyOf("adapted", () => "In the attic");
  assert.equal(
    (
      await validate(
        adapted,
        half((first) => first === "It rains"),
      )
    ).winRate,
    1,
  );
  const none = await validate(
    adapted,
    half(() => true),
  );
  assert.deepEqual([none.n, none.tieRate, none.winRateLow], [0, 0, 0]);
  assert.equal(none.failedVerdicts, 12);
});

test("an adapter is refused where the judge could not say whether its memories are true", async () => {
  const adapted = policyOf("adapted", () => "In the attic");
  const grades = (fails: (clip: number) => boolean): Judge => ({
    ...judge,
    quality: async (request) => (fails(clipOf(request.context)) ? failure : judge.quality(request)),
  });
  const blind = await validate(
    adapted,
    grades(() => true),
  );
  assert.deepEqual([blind.winRate, blind.graded], [1, 0]);
  assert.match(refusalOf({ ...blind, tokenRatio: 1 })!, /could be graded \(0 of 12\)/);
  const partly = await validate(
    adapted,
    grades((clip) => clip < 4),
  );
  assert.equal(partly.graded, 8);
  assert.equal(refusalOf({ ...partly, tokenRatio: 1 }), null);
});

test("a memory off contract is neither true nor new", async () => {
  const { fidelityAfter, redundancyAfter, graded } = await validate(policyOf("silent", () => ""));
  assert.deepEqual([fidelityAfter, redundancyAfter, graded], [0, 1, n]);
});
