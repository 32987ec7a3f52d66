import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { wordSpace } from "../../../engines/local/words.ts";
import {
  type ChoiceWeights,
  choiceFeatures,
  untrainedChoiceWeights,
} from "../../../policies/choice/choice-features.ts";
import type { TextEntry } from "../files/transcripts.ts";
import { madeUpWeek, topics } from "./__fixtures__/made-up-week.ts";
import type { PolicyName } from "./policies.ts";
import { verdictOf } from "./report.ts";
import { defaultEgoLifeTextOptions, type EgoLifeTextOptions, runEgoLifeText } from "./run.ts";
import { differencesOf, rowsOf } from "./summary.ts";
import type { TextQuestion } from "./week.ts";

const week = madeUpWeek();

async function runWeek(
  policies: readonly PolicyName[],
  options: Partial<EgoLifeTextOptions> = {},
  of: { entries: readonly TextEntry[]; questions: readonly TextQuestion[] } = week,
  weights: ChoiceWeights | null = null,
) {
  const run = await runEgoLifeText(
    of,
    { ...defaultEgoLifeTextOptions, budgets: [0.25], ...options, policies },
    {
      words: wordSpace,
      weights,
      foreign: [
        {
          name: "other",
          texts: madeUpWeek({ asked: [2, 3], seed: "other" }).questions.map(({ question }) => question.text),
        },
      ],
      names: new Set(),
    },
  );
  const rows = rowsOf(run, "5");
  const row = (policy: string, type = "all") => {
    const found = rows.find((one) => one.policy === policy && one.type === type);
    assert.ok(found, policy);
    return found;
  };
  return { run, row };
}

describe("the benchmark on a made-up stream", () => {
  test("words of the questions keep more of what is asked about, words of others do not", async () => {
    const { run, row } = await runWeek(["all", "cov", "cov+words", "cov+foreign"]);
    assert.equal(row("all").s60, 1, "every question has its evidence in the stream");
    const [base, own, foreign] = [row("cov"), row("cov+words"), row("cov+foreign(other)")];
    for (const { share } of [base, own, foreign]) assert.ok(Math.abs(share - 0.25) < 0.01, `${share}`);
    assert.ok(own.s60 > base.s60 + 0.2, `with its own words ${own.s60}, without ${base.s60}`);
    assert.ok(own.accuracy > base.accuracy + 0.1, `accuracy ${own.accuracy} against ${base.accuracy}`);
    assert.ok(foreign.s60 <= base.s60, `with foreign words ${foreign.s60}, without ${base.s60}`);
    const differences = differencesOf(run, "5");
    assert.match(verdictOf(differences), /^Verdict, cov\+words against cov: significant on m at 25 % \(\+/);
  });

  test("preferences find the asked topics too", async () => {
    const { row } = await runWeek(["cov", "cov+dpo"], { updates: [20, 60] });
    assert.ok(row("cov+dpo").s60 > row("cov").s60 + 0.1, `${row("cov+dpo").s60} ${row("cov").s60}`);
  });

  test("weights of Phase One change what the choice policy keeps, and nothing else", async () => {
    const long = untrainedChoiceWeights.features.with(choiceFeatures.indexOf("length"), 99);
    const policies: PolicyName[] = ["cov", "cov+dpo", "longest", "reference"];
    const measured = async (weights: ChoiceWeights | null) =>
      (await runWeek(policies, { updates: [60] }, week, weights)).run.measured;
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

  test("a memory of its own for each type helps that type", async () => {
    const { row } = await runWeek(["cov", "cov+words"], { stream: "types" });
    for (const type of ["topic 0", "topic 1"])
      assert.ok(row("cov+words", type).s60 > row("cov", type).s60 + 0.2, type);
  });

  test("nothing is learnt where no update comes", async () => {
    const { row } = await runWeek(["cov", "cov+words"], { updates: [100_000] });
    assert.deepEqual({ ...row("cov+words"), policy: "" }, { ...row("cov"), policy: "" });
  });

  test("the rows obey their own arithmetic", async () => {
    const { run, row } = await runWeek([
      "random",
      "recent",
      "longest",
      "tfidf",
      "p1",
      "p1+words",
      "reference",
      "reference+words",
    ]);
    for (const { policy, share } of run.measured) {
      const { accuracy, coverage, precision, low, high, a60, a30, s60, m, r10, r20, rs20 } = row(policy);
      assert.ok(share <= 0.26, `${policy} keeps ${share}`); // a purse may be carried into the end
      assert.ok(Math.abs(coverage * precision! - accuracy) < 1e-3, policy);
      assert.ok(low <= accuracy && accuracy <= high, policy);
      assert.ok(s60 <= a60 && a30 <= a60 && m <= a60 && s60 / 2 <= m && r10 <= r20 && rs20 <= r20, policy);
    }
    // A sliding window of a quarter of the stream so far holds what came two minutes ago from minute 8 on.
    assert.ok(row("recent").s60 > 0.9, `${row("recent").s60}`);
    assert.ok(row("reference+words").s60 > row("reference").s60 + 0.2);
    assert.ok(row("p1+words").s60 > row("p1").s60 + 0.1);
  });
});

describe("time runs one way", () => {
  const measured = async (policies: readonly PolicyName[], of: typeof week, options = {}) =>
    (await runWeek(policies, options, of)).run.measured;

  const short = madeUpWeek({ windows: 80 });

  /** The short week with a moment after which everything is different: other lines, other questions. */
  function changedAfter(seconds: number): typeof short {
    const other = madeUpWeek({ windows: 80, asked: [3, 4], seed: "another future" });
    return {
      entries: [
        ...short.entries.filter(({ startSeconds }) => startSeconds < seconds),
        ...other.entries.filter(({ startSeconds }) => startSeconds >= seconds),
      ],
      questions: [
        ...short.questions.filter(({ askedSeconds }) => askedSeconds < seconds),
        ...other.questions.filter(({ askedSeconds }) => askedSeconds >= seconds),
      ],
    };
  }

  test("what comes after a question changes nothing about it", async () => {
    const moment = 50 * 30;
    const future = changedAfter(moment);
    const policies: PolicyName[] = ["random", "recent", "tfidf", "cov", "cov+words", "reference+words"];
    for (const options of [{}, { rechoose: true }, { stream: "types" as const }]) {
      const before = await measured(policies, short, options);
      const after = await measured(policies, future, options);
      const known = short.questions.filter(({ askedSeconds }) => askedSeconds < moment).length;
      assert.ok(known > 40 && known < future.questions.length, `${known}`);
      for (const [i, { policy, results }] of before.entries()) {
        // Rarity over the whole stream enters the measure, never the policy: what is kept is compared.
        const kept = (all: typeof results) =>
          all.slice(0, known).map(({ near60, near30 }) => [near60, near30]);
        assert.deepEqual(kept(after[i]!.results), kept(results), `${policy} ${JSON.stringify(options)}`);
      }
    }
  });

  test("evidence said after the question does not count", async () => {
    const asked: TextQuestion = { ...week.questions[0]!, askedSeconds: 100, targetSeconds: [95] };
    const line = (startSeconds: number): TextEntry => ({
      startSeconds,
      endSeconds: startSeconds + 2,
      kind: "caption",
      speaker: null,
      text: `${asked.question.text} ${asked.question.options.map(({ text }) => text).join(" ")}`,
    });
    const filler = Array.from({ length: 60 }, (_, i) => ({
      ...line(i),
      text: `${topics[4]![i % 12]!} humming`,
    }));
    const only = async (seconds: number) => {
      const entries = [...filler, line(seconds)].sort((a, b) => a.startSeconds - b.startSeconds);
      return (await measured(["all"], { entries, questions: [asked] }))[0]!.results[0]!;
    };
    const { near60, strict, recall20 } = await only(99);
    assert.deepEqual([near60, strict, recall20], [true, true, true]);
    const late = await only(101);
    assert.deepEqual([late.near60, late.strict, late.mass, late.recall20], [false, false, 0, false]);
    const far = await only(34); // 61 s from the target
    assert.deepEqual([far.near60, far.strict], [false, false]);
    const within = await only(36); // 59 s
    assert.deepEqual([within.near60, within.near30], [true, false]);
  });
});
