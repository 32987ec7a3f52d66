/** Held-out validation by a judge, on policies whose memories are given, so that each number can be counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { observationOf, statementOf } from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import type { Context, Policy } from "../policy/policy.ts";
import type { Judge, JudgeFailure } from "../reward/judge.ts";
import { seededRandom } from "../util/random.ts";
import {
  gateMargins,
  judgedValidation,
  laxVerdict,
  refusalOf,
  type Validation,
  wilsonLow,
} from "./validation.ts";

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

test("the gate asks for a low end above one half, and allows what stands at a margin but no more", () => {
  const margins = { gradedShare: 0.5, fidelityFall: 0.25, redundancyRise: 0.125, tokenRatio: 1.5 };
  // Everything but the win rate stands exactly at its margin.
  const atMargin: Validation = {
    ...{
      n: 20,
      winRate: 0.8,
      tieRate: 0,
      lossRate: 0.2,
      winRateLow: 0.501,
      noiseWinRate: 0,
      noiseLossRate: 0,
    },
    ...{ accuracyBefore: 0, accuracyAfter: 0, toGrade: 20, graded: 10 },
    ...{
      fidelityBefore: 1,
      fidelityAfter: 0.75,
      redundancyBefore: 0.25,
      redundancyAfter: 0.375,
      tokenRatio: 1.5,
    },
  };
  assert.equal(refusalOf(atMargin, margins), null);
  const refused: [Partial<Validation>, RegExp][] = [
    [{ winRateLow: 0.5 }, /not significantly better .*80 % won, 20 % lost/],
    [{ winRateLow: Number.NaN }, /not significantly better/],
    [{ graded: 9 }, /too few .*9 of 20/],
    [{ fidelityAfter: 0.74 }, /less often true \(100 % before, 74 % after\)/],
    [{ tokenRatio: 1.51 }, /1\.51 times as long/],
    [{ redundancyAfter: 0.38 }, /repeats itself more \(25 % before, 38 % after\)/],
  ];
  for (const [parts, message] of refused)
    assert.match(refusalOf({ ...atMargin, ...parts }, margins)!, message);
  // Without margins of its own a policy has those for statements.
  const better = { ...atMargin, fidelityAfter: 0.98, redundancyAfter: 0.3, tokenRatio: 1.1 };
  assert.equal(refusalOf({ ...better, fidelityAfter: 0.985 }), null);
  assert.match(refusalOf({ ...better, fidelityAfter: 0.975 })!, /less often true/);
  assert.match(refusalOf({ ...better, fidelityAfter: 1, redundancyAfter: 0.31 })!, /repeats/);
  assert.match(refusalOf({ ...better, fidelityAfter: 1, tokenRatio: 1.11 })!, /as long/);
});

test("a refusal says how many more questions it takes, at the rates so far or at the least", () => {
  const of = (wins: number, losses: number, n = wins + losses): Validation => ({
    ...{ n, winRate: wins / n, lossRate: losses / n, tieRate: (n - wins - losses) / n },
    ...{ winRateLow: wilsonLow(wins, wins + losses), noiseWinRate: 0, noiseLossRate: 0 },
    ...{ accuracyBefore: 0, accuracyAfter: 0, toGrade: 0, graded: 0, fidelityBefore: 1, fidelityAfter: 1 },
    ...{ redundancyBefore: 0, redundancyAfter: 0, tokenRatio: 1 },
  });
  // Of 8 won and 2 lost the low end is 0.490. At these rates 13 give 10 won and 3 lost, 0.497; 14 give 11 and 3, 0.524.
  assert.match(refusalOf(of(8, 2))!, /: about 4 more like these are needed to tell$/);
  // With half of them ties it takes twice as many.
  assert.match(refusalOf(of(8, 2, 20))!, /: about 8 more like these/);
  // 2 won and 2 lost say nothing of a rate: 6 more won are 8 of 10, 0.490; 7 are 9 of 11, 0.523.
  assert.match(refusalOf(of(2, 2))!, /: at least 7 more that gain by it are needed$/);
  assert.match(refusalOf(of(1, 2))!, /: at least 8 more that gain by it/);
  assert.doesNotMatch(refusalOf(of(8, 2), gateMargins, "clips")!, /more/, "clips are as many as there are");
});

test("the low end of a share is Wilson's", () => {
  // Centre (p + z²/2n) minus z √(p(1 − p)/n + z²/4n²), over 1 + z²/n, at z = 1.96: 8 of 10, 10 of 10 and 1 of 100.
  const cases: [number, number, number][] = [
    [8, 10, 0.49016],
    [10, 10, 0.72246],
    [1, 100, 0.00177],
    [50, 100, 0.40383],
  ];
  for (const [successes, n, low] of cases)
    assert.ok(
      Math.abs(wilsonLow(successes, n) - low) < 1e-5,
      `${successes} of ${n}: ${wilsonLow(successes, n)}`,
    );
  assert.equal(wilsonLow(0, 10), 0);
  assert.equal(wilsonLow(0, 0), 0);
});

test("each context is judged by a few of the questions, drawn for it", async () => {
  const many = Array.from({ length: 8 }, (_, i) => ({ question: { text: `Question ${i}?`, options: [] } }));
  const asked: string[] = [];
  const listening: Judge = {
    ...judge,
    relevance: async (request) => {
      asked.push(request.questions.map(({ text }) => text).join(" "));
      return judge.relevance(request);
    },
  };
  const adapted = policyOf("adapted", () => "In the attic");
  const by = { judge: listening, score };
  await judgedValidation(plain, adapted, contexts, many, by);
  // Both orders of a context are asked by the same questions.
  for (let i = 0; i < asked.length; i += 2) assert.equal(asked[i], asked[i + 1]);
  assert.equal(asked.length, 2 * n);
  assert.ok(asked.every((questions) => new Set(questions.match(/\d/g)).size === 5));
  assert.ok(new Set(asked).size > n / 2);
  asked.length = 0;
  await judgedValidation(plain, adapted, contexts.slice(0, 1), many, { ...by, questionsPerContext: 2 });
  assert.deepEqual(
    asked.map((questions) => questions.match(/\d/g)!.length),
    [2, 2],
  );
});

test("both policies write on the same draws, and the noise is measured on others", async () => {
  const drawing = (id: string): Policy => ({
    ...policyOf(id, () => ""),
    decide: async (context, { random } = {}) => {
      const text = `It rains ${random!() < 0.5 ? "here" : "in the attic"}`;
      const statements = [statementOf(clipOf(context), text)];
      return { actions: [{ text, statements, logprobs: null, revision: id, issues: [] }], cost: noCost };
    },
  });
  const validation = await validate(drawing("adapted"), judge, drawing("base"));
  assert.equal(validation.tieRate, 1, "equal draws give equal memories");
  assert.ok(validation.noiseWinRate > 0 && validation.noiseLossRate > 0, "other draws give others");
});

test("a verdict of one order counts where the other is a tie, and two that differ are a tie", async () => {
  const saying = (...values: ("first" | "second" | "tie" | null)[]) => {
    const left = [...values];
    return {
      ...judge,
      relevance: async () => {
        const value = left.shift()!;
        return value === null ? failure : { ok: true as const, value };
      },
    };
  };
  const request = { context: contexts[0]!, first: "a", second: "b", questions: [] };
  const cases: [Parameters<typeof saying>, string | null][] = [
    [["first", "second"], "win"],
    [["first", "tie"], "win"],
    [["tie", "second"], "win"],
    [["second", "first"], "loss"],
    [["second", "tie"], "loss"],
    [["tie", "first"], "loss"],
    [["first", "first"], "tie"],
    [["second", "second"], "tie"],
    [["tie", "tie"], "tie"],
    [["first", null], "win"],
    [[null, "first"], "loss"],
    [[null, "tie"], "tie"],
    [[null, null], null],
  ];
  for (const [values, verdict] of cases)
    assert.equal(await laxVerdict(saying(...values), request), verdict, values.join(" "));
});
