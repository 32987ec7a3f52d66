import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  answerOf,
  formatReward,
  passes,
  qualityReward,
  richnessRewards,
  thinkingOf,
  thinkingReward,
} from "./rules.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

/** The whole reward of one rollout whose text is on contract. */
const reward = (pass: boolean, thinking: number, richness: number) =>
  formatReward(true) + thinkingReward(thinking) + qualityReward(pass) + richness;

describe("rewards of Phase One", () => {
  test("the richest of five correct memories after 900 tokens of thinking earns 0.55", () => {
    const [richest] = richnessRewards([9, 7, 5, 3, 1]);
    near(reward(true, 900, richest!), 0.55); // 0 + 0 + 0.5 + 0.05
  });

  test("the poorest correct memory after 1500 tokens of thinking earns 0.25", () => {
    const poorest = richnessRewards([9, 7, 5, 3, 1])[4]!;
    near(reward(true, 1500, poorest), 0.25); // −(1500 − 1200) / 1200 = −0.25
  });

  test("a wrong memory after 2600 tokens of thinking earns as little as one that cannot be parsed", () => {
    near(reward(false, 2600, 0), -1.5); // −1 − 0.5
    near(formatReward(false), -1.5);
  });

  test("a correct memory falls to -0.5 by thinking too long, and no lower", () => {
    near(reward(true, 2400, 0), -0.5);
    near(reward(true, 1_000_000, 0), -0.5);
  });

  test("thinking is free up to the limit and costs in proportion beyond it", () => {
    near(thinkingReward(0), 0);
    near(thinkingReward(1200), 0);
    near(thinkingReward(1201), -1 / 1200);
    near(thinkingReward(1800), -0.5);
    near(thinkingReward(2399), -1199 / 1200);
  });

  test("one failed check is as bad as four", () => {
    const good = { correct: true, clean: true, tagged: true, short: true };
    assert.equal(passes(good), true);
    for (const check of ["correct", "clean", "tagged", "short"]) {
      assert.equal(passes({ ...good, [check]: false }), false, check);
    }
    near(qualityReward(true), 0.5);
    near(qualityReward(false), -0.5);
  });
});

describe("richness", () => {
  test("falls with rank in even steps, regardless of the distances between scores", () => {
    // ranks 3, 1, 2 of three: 1 − (3 − 1) / 2 = 0, 1 − 0 = 1, 1 − 1/2 = 0.5, times 0.05
    assert.deepEqual(richnessRewards([-4, 1000, 0.1]), [0, 0.05, 0.025]);
  });

  test("is refused where a score is no number: it has no rank", () => {
    assert.throws(() => richnessRewards([1, Number.NaN, 2]), /scores\[1\].*NaN/);
    assert.throws(() => richnessRewards([Number.NaN, 2]), /scores\[0\].*NaN/);
  });

  test("is shared by equals", () => {
    // ranks 1, 2.5, 2.5, 4
    const rewards = richnessRewards([8, 5, 5, 2]);
    assert.deepEqual(rewards, [0.05, 0.025, 0.025, 0]);
  });

  test("is nothing without another memory, or where all are equal", () => {
    assert.deepEqual(richnessRewards([]), []);
    assert.deepEqual(richnessRewards([3]), [0]);
    assert.deepEqual(richnessRewards([3, 3, 3]), [0, 0, 0]);
  });
});

describe("thinking", () => {
  test("is what stands before the last closing tag, with the opening tag or without", () => {
    for (const text of ["<think>\nA cup? Yes.\n</think>\n{}", "A cup? Yes.</think>{}"]) {
      assert.equal(thinkingOf(text), "A cup? Yes.");
      assert.equal(answerOf(text), "{}");
    }
  });

  test("that never ended leaves no answer", () => {
    assert.equal(thinkingOf("<think>A cup, or"), "A cup, or");
    assert.equal(answerOf("<think>A cup, or"), "");
  });

  test("is empty where there is none", () => {
    assert.equal(answerOf("</think> {}"), "{}", "where the template opens it");
    assert.equal(thinkingOf("{}"), "");
    assert.equal(answerOf("{}"), "{}");
  });
});
