import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import {
  type ChoiceWeights,
  choiceFeatures,
  untrainedChoiceWeights,
} from "../../../policies/choice/choice-features.ts";
import type { TextEntry } from "../files/transcripts.ts";
import { madeUpWeek, topics } from "./__fixtures__/made-up-week.ts";
import { verdictOf, weekDifferences, weekRows } from "./figures.ts";
import { type EgoLifeTextOptions, egoLifeTextDefaults, type PolicyName } from "./policies.ts";
import { runEgoLifeText } from "./run.ts";
import type { WeekTask } from "./week.ts";

const week = madeUpWeek();
const short = madeUpWeek({ windows: 80 });

async function runWeek(
  policies: readonly PolicyName[],
  options: Partial<EgoLifeTextOptions> = {},
  of: { entries: readonly TextEntry[]; questions: readonly WeekTask[] } = week,
  weights: ChoiceWeights | null = null,
) {
  const others = madeUpWeek({ asked: [2, 3], seed: "other" }).questions;
  const foreign = [{ name: "other", texts: others.map(({ question }) => question) }];
  const { measured } = await runEgoLifeText(
    { ...of, names: [] },
    { ...egoLifeTextDefaults, budgets: [0.25], weights, foreign, ...options, policies },
  );
  const rows = weekRows(measured);
  const row = (policy: string, type = "all") => {
    const found = rows.find((one) => one.policy === policy && one.type === type);
    assert.ok(found, policy);
    return found;
  };
  return { measured, row };
}

describe("the benchmark on a made-up stream", () => {
  test("words of the questions keep more of what is asked about, words of others do not", async () => {
    const { measured, row } = await runWeek(["all", "cov", "cov+words", "cov+foreign"]);
    assert.equal(row("all").s60, 1, "every question has its evidence in the stream");
    const [base, own, foreign] = [row("cov"), row("cov+words"), row("cov+foreign(other)")];
    for (const { share } of [base, own, foreign]) assert.ok(Math.abs(share - 0.25) < 0.01, `${share}`);
    assert.ok(own.s60 > base.s60 + 0.2, `with its own words ${own.s60}, without ${base.s60}`);
    assert.ok(own.accuracy! > base.accuracy! + 0.1, `accuracy ${own.accuracy} against ${base.accuracy}`);
    assert.ok(foreign.s60 <= base.s60, `with foreign words ${foreign.s60}, without ${base.s60}`);
    const differences = weekDifferences(measured, "5");
    assert.match(verdictOf(differences), /^Verdict, cov\+words against cov: significant on m at 25 % \(\+/);
    const onM = differences.filter(
      (one) => one.metric === "m" && one.first === "cov+words" && one.second === "cov",
    );
    const [all, ...types] = onM.filter(({ subset }) => subset !== "DAY4-7");
    assert.equal(
      types.reduce((sum, { n }) => sum + n, 0),
      all!.n,
      "each question has a type",
    );
    const byType = types.reduce((sum, { n, difference }) => sum + n * difference, 0) / all!.n;
    assert.ok(Math.abs(byType - all!.difference) < 1e-9, `${byType} and ${all!.difference}`);
  });

  test("preferences find the asked topics too", async () => {
    const { row } = await runWeek(["cov", "cov+dpo"], { updates: [20, 60] });
    assert.ok(row("cov+dpo").s60 > row("cov").s60 + 0.1, `${row("cov+dpo").s60} ${row("cov").s60}`);
  });

  test("weights of Phase One change what the choice policy keeps, and nothing else", async () => {
    const long = untrainedChoiceWeights.features.with(choiceFeatures.indexOf("length"), 99);
    const policies: PolicyName[] = ["cov", "cov+words", "random", "recent"];
    const measured = async (weights: ChoiceWeights | null) =>
      (await runWeek(policies, { updates: [60] }, short, weights)).measured;
    const shipped = await measured(null);
    const [same, other] = [
      await measured(untrainedChoiceWeights),
      await measured({ ...untrainedChoiceWeights, features: long }),
    ];
    assert.deepEqual(same, shipped);
    for (const [i, { policy, results }] of other.entries()) {
      const unchanged = isDeepStrictEqual(results, shipped[i]!.results);
      assert.equal(unchanged, !policy.startsWith("cov"), policy);
    }
  });

  test("nothing is learnt where no update comes", async () => {
    const { row } = await runWeek(["cov", "cov+words"], { updates: [100_000] });
    assert.deepEqual({ ...row("cov+words"), policy: "" }, { ...row("cov"), policy: "" });
  });

  test("the rows obey their own arithmetic", async () => {
    const { measured, row } = await runWeek(["all", "random", "recent", "cov"]);
    for (const { policy, budget, share, results } of measured) {
      const { accuracy, coverage, precision, low, high, a60, s60, m, n } = row(policy);
      assert.equal(n, week.questions.length);
      assert.ok(share <= budget + 0.01, `${policy} keeps ${share}`); // what was carried over is spent in the end
      assert.ok(Math.abs(coverage! * (precision ?? 0) - accuracy!) < 1e-3, policy);
      assert.ok(low! <= accuracy! && accuracy! <= high!, policy);
      assert.ok(s60 <= a60 && m <= a60 && s60 / 2 <= m, policy);
      for (const [i, { answer, outcome }] of results.entries()) {
        const right = answer === week.questions[i]!.answer;
        assert.equal(outcome, answer === null ? "abstained" : right ? "right" : "wrong");
      }
    }
    assert.deepEqual(
      measured.map(({ policy, budget }) => [policy, budget]),
      [
        ["all", 1],
        ["random", 0.25],
        ["recent", 0.25],
        ["cov", 0.25],
      ],
    );
    // A sliding window of a quarter of the stream so far holds what came two minutes ago from minute 8 on.
    assert.ok(row("recent").s60 > 0.9, `${row("recent").s60}`);
  });

  test("an answer rests on what is kept: all of it answers, a line that is not kept does not", async () => {
    const { measured, row } = await runWeek(["all", "cov"]);
    assert.ok(row("all").accuracy! > 0.95, `everything: ${row("all").accuracy}`);
    const [, cov] = measured;
    const answered = cov!.results.filter(({ outcome }) => outcome === "right");
    assert.ok(answered.length > 10, `${answered.length} of ${cov!.results.length}`);
    // Only one line holds a question's code.
    for (const { measures } of answered) assert.ok(measures!.s60 && measures!.r20);
    assert.ok(cov!.results.some(({ measures, outcome }) => !measures!.s60 && outcome === "abstained"));
  });
});

describe("time runs one way", () => {
  const measured = async (policies: readonly PolicyName[], of: typeof week) =>
    (await runWeek(policies, {}, of)).measured;

  /** The short week with a moment after which everything is different: other lines, other questions. */
  function changedAfter(seconds: number): typeof short {
    const other = madeUpWeek({ windows: 80, asked: [3, 4], seed: "another future" });
    return {
      entries: [
        ...short.entries.filter(({ startSeconds }) => startSeconds < seconds),
        ...other.entries.filter(({ startSeconds }) => startSeconds >= seconds),
      ],
      questions: [
        ...short.questions.filter(({ askTime }) => askTime < seconds),
        ...other.questions.filter(({ askTime }) => askTime >= seconds),
      ],
    };
  }

  test("what comes after a question changes nothing about it", async () => {
    const moment = 50 * 30;
    const future = changedAfter(moment);
    const policies: PolicyName[] = ["random", "recent", "cov", "cov+words", "cov+dpo"];
    const before = await measured(policies, short);
    const after = await measured(policies, future);
    const known = short.questions.filter(({ askTime }) => askTime < moment).length;
    assert.ok(known > 40 && known < future.questions.length, `${known}`);
    for (const [i, { policy, results }] of before.entries()) {
      // Rarity over the whole stream enters the measure, never what is kept or answered.
      const seen = (all: typeof results) =>
        all.slice(0, known).map(({ measures, answer }) => [measures!.a60, answer]);
      assert.deepEqual(seen(after[i]!.results), seen(results), policy);
    }
  });

  test("evidence said after the question does not count", async () => {
    const asked: WeekTask = {
      ...week.questions[0]!,
      ...{ askTime: 100, evidence: [{ startSeconds: 95, endSeconds: 95 }] },
    };
    const line = (startSeconds: number): TextEntry => ({
      startSeconds,
      endSeconds: startSeconds + 2,
      kind: "caption",
      speaker: null,
      text: `${asked.question} ${asked.options.map(({ text }) => text).join(" ")}`,
    });
    const filler = Array.from({ length: 60 }, (_, i) => ({
      ...line(i),
      text: `${topics[4]![i % 12]!} humming`,
    }));
    const only = async (seconds: number) => {
      const entries = [...filler, line(seconds)].sort((a, b) => a.startSeconds - b.startSeconds);
      const { a60, s60, m, r20 } = (await measured(["all"], { entries, questions: [asked] }))[0]!.results[0]!
        .measures!;
      return [a60, s60, m, r20];
    };
    assert.deepEqual((await only(99)).slice(0, 2), [1, 1]);
    assert.deepEqual((await only(101)).slice(0, 3), [0, 0, 0]);
    assert.deepEqual((await only(34)).slice(0, 2), [0, 0]); // 61 s from the target
    assert.deepEqual(await only(36), [1, 1, 1, 1]); // 59 s
  });

  test("an answer sees the windows that were over when it was asked, and no other", async () => {
    const [line, before] = [week.questions[0]!.evidence[0]!.startSeconds, { ...week.questions[0]! }];
    const end = 30 * (Math.floor(line / 30) + 1);
    const askedAt = async (askTime: number) => {
      const asked = [{ ...before, askTime }];
      const [all] = await measured(["all"], { entries: week.entries, questions: asked });
      const { measures, answer } = all!.results[0]!;
      return [measures!.s60, measures!.r20, answer];
    };
    assert.deepEqual(await askedAt(end - 1), [1, 0, null]);
    assert.deepEqual(await askedAt(end), [1, 1, before.answer]);
  });
});
