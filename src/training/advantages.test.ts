import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../util/random.ts";
import { groupAdvantages, type ScoredRollout } from "./advantages.ts";

const right = (reward: number): ScoredRollout => ({ reward, netCorrect: 1 });
const wrong = (reward: number): ScoredRollout => ({ reward, netCorrect: -1 });
const malformed: ScoredRollout = { reward: -1.5, netCorrect: null };
const unjudged: ScoredRollout = { reward: null, netCorrect: null };

function assertNear(actual: readonly number[], expected: readonly number[], tolerance = 1e-12): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `[${i}]: expected ${value}, got ${actual[i]}`);
  }
}

describe("advantages of a group", () => {
  test("divide by the sample deviation plus 1e-6", () => {
    // Mean −0.5, differences −0.5, 0, +0.5; variance (0.25 + 0 + 0.25) / 2 = 0.25, deviation 0.5.
    const advantage = 0.5 / (0.5 + 1e-6);
    assertNear(groupAdvantages([wrong(-1), wrong(-0.5), wrong(0)]), [-advantage, 0, advantage]);
  });

  test("of two are plus and minus 1/√2, for any rewards", () => {
    // Differences ±d/2; variance 2·(d/2)² / 1 = d²/2, deviation d/√2, so (d/2) / (d/√2) = 1/√2.
    assertNear(groupAdvantages([right(0.5), wrong(-0.5)]), [Math.SQRT1_2, -Math.SQRT1_2], 1e-6);
    assertNear(groupAdvantages([wrong(-101), wrong(-1)]), [-Math.SQRT1_2, Math.SQRT1_2], 1e-6);
  });

  test("are exactly zero where all rewards are equal, even when their mean is rounded", () => {
    assert.notEqual((0.1 + 0.1 + 0.1) / 3, 0.1);
    assert.deepEqual(groupAdvantages([right(0.1), right(0.1), right(0.1)]), [0, 0, 0]);
  });

  test("sum to zero and lie within (G − 1) / √G where no rollout is good", () => {
    const random = seededRandom("advantages");
    for (let round = 0; round < 50; round++) {
      const advantages = groupAdvantages(Array.from({ length: 8 }, () => wrong(-1.5 * random() - 0.01)));
      assertNear([advantages.reduce((sum, advantage) => sum + advantage, 0)], [0], 1e-12);
      // Samuelson's inequality for the sample deviation.
      assert.ok(advantages.every((advantage) => Math.abs(advantage) <= 7 / Math.sqrt(8)));
    }
  });

  test("are refused for a group of one and for none", () => {
    for (const group of [[], [right(1)]]) {
      assert.throws(() => groupAdvantages(group), {
        name: "RangeError",
        message: /at least 2 rollouts, got/,
      });
    }
  });

  test("are refused for a number that is not finite, naming where it is", () => {
    assert.throws(() => groupAdvantages([right(1), right(Number.NaN)]), {
      name: "RangeError",
      message: /group\[1\]\.reward .* got NaN/,
    });
    assert.throws(() => groupAdvantages([{ reward: 1, netCorrect: Infinity }, right(1)]), {
      name: "RangeError",
      message: /group\[0\]\.netCorrect .* got Infinity/,
    });
  });
});

describe("the negative-sample gate", () => {
  test("punishes no good rollout for a better sibling, and still punishes the bad one", () => {
    // Mean −1/8; differences 5/8, 3/8, −1/8, −7/8; squares 25 + 9 + 1 + 49 = 84 in 64ths, over 3: 28/64.
    const deviation = Math.sqrt(28) / 8 + 1e-6;
    assertNear(groupAdvantages([right(0.5), right(0.25), wrong(-0.25), wrong(-1)]), [
      0.625 / deviation,
      0.375 / deviation,
      -0.125 / deviation,
      -0.875 / deviation,
    ]);
    // All good: mean 0.5, deviation √((0.05² + 0 + 0.05²) / 2) = 0.05; the last would have had about −1.
    assertNear(groupAdvantages([right(0.55), right(0.5), right(0.45)]), [0.05 / (0.05 + 1e-6), 0, 0]);
  });

  test("can be left out, as in GRPO: a good rollout is then punished for better siblings", () => {
    // Mean 0.5, deviation √((0.05² + 0 + 0.05²) / 2) = 0.05.
    const all = [right(0.55), right(0.5), right(0.45)];
    const advantage = 0.05 / (0.05 + 1e-6);
    assertNear(groupAdvantages(all, { gate: false }), [advantage, 0, -advantage]);
  });

  test("leaves a correct rollout punished whose reward other parts brought to 0 or below", () => {
    // Mean 0.25, differences ±0.25, deviation √(4 · 0.25² / 3) = √(0.25 / 3).
    const advantage = 0.25 / (Math.sqrt(0.25 / 3) + 1e-6);
    assertNear(groupAdvantages([right(0.5), right(0.5), right(0), right(0)]), [
      advantage,
      advantage,
      -advantage,
      -advantage,
    ]);
  });

  test("is for the most correct rollouts only", () => {
    // Mean 2, differences 1, 0, −1, deviation 1; the last has a reward above 0 but two statements fewer.
    const group = [
      { reward: 3, netCorrect: 3 },
      { reward: 2, netCorrect: 3 },
      { reward: 1, netCorrect: 1 },
    ];
    assertNear(groupAdvantages(group), [1, 0, -1], 1e-5);
    assertNear(groupAdvantages(group.map(({ reward }) => ({ reward, netCorrect: 3 }))), [1, 0, 0], 1e-5);
  });

  test("is shut where even the best rollout is more wrong than correct", () => {
    assertNear(groupAdvantages([wrong(3), wrong(2), wrong(1)]), [1, 0, -1], 1e-5);
  });

  test("counts an empty memory, neither correct nor wrong, as good when nothing better was written", () => {
    const empty = (reward: number) => ({ reward, netCorrect: 0 });
    assertNear(groupAdvantages([empty(3), empty(2), empty(1)]), [1, 0, 0], 1e-5);
  });

  test("is open beside a rollout whose text broke the contract, and is not for that one", () => {
    const below = [right(0.6), right(0.4), right(0.1), { reward: 0.5, netCorrect: null }];
    assert.equal(groupAdvantages(below)[2], 0, "below the mean, but no worse than the best");
    // Mean −0.5, differences 1 and −1, deviation √2.
    assertNear(groupAdvantages([right(0.5), malformed]), [Math.SQRT1_2, -Math.SQRT1_2], 1e-6);
    const allMalformed = [3, 2, 1].map((reward) => ({ reward, netCorrect: null }));
    assertNear(groupAdvantages(allMalformed), [1, 0, -1], 1e-5);
  });
});

describe("a judge that failed", () => {
  test("on one rollout masks the whole group", () => {
    assert.deepEqual(groupAdvantages([right(0.55), unjudged, wrong(-0.5), malformed]), [0, 0, 0, 0]);
  });

  test("on all of them masks the group too", () => {
    const failed = { reward: null, netCorrect: 1 };
    assert.deepEqual(groupAdvantages([failed, failed]), [0, 0]);
  });
});
