import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../util/random.ts";
import { clusterBootstrap, mcnemarTest, signFlipTest, studentQuantile } from "./statistics.ts";

const near = (a: number, b: number, within = 1e-12) => assert.ok(Math.abs(a - b) <= within, `${a} and ${b}`);

describe("sign-flip test", () => {
  test("counts all sign patterns of few differences", () => {
    // Three of +1: of 8 patterns only +++ and −−− reach |sum| 3: 2/8.
    near(signFlipTest([1, 1, 1], seededRandom(1)), 0.25);
    // +3, +1, −1: sum 3. |±3 ±1 ±1|: 5, 3, 3, 1 for each sign of the 3: 6 of 8 reach 3.
    near(signFlipTest([3, 1, -1], seededRandom(1)), 0.75);
    // Questions that do not differ change nothing.
    near(signFlipTest([0, 1, 0, 1, 1, 0], seededRandom(1)), 0.25);
    near(signFlipTest([0, 0], seededRandom(1)), 1);
    near(signFlipTest([], seededRandom(1)), 1);
  });

  test("counts a tie as far although its terms round in another order", () => {
    // 0.1 + 0.2 − 0.3 = 5.6e-17 but −0.3 + 0.2 + 0.1 = 2.8e-17: all 8 patterns are at least as far as (almost) 0.
    near(signFlipTest([0.1, 0.2, -0.3], seededRandom(1)), 1);
  });

  test("draws patterns of many differences, and gives what the normal law says", () => {
    // 100 differences, 60 of +1 and 40 of −1: z = 20 / √100 = 2, with continuity (20 − 1) / 10 = 1.9: p = 0.0574.
    const differences = Array.from({ length: 100 }, (_, i) => (i < 60 ? 1 : -1));
    near(signFlipTest(differences, seededRandom("law")), 0.0574, 0.012); // three standard errors of 4000 draws
    // All the same way: none of the drawn patterns is as far, the observed one alone counts.
    near(signFlipTest(new Array<number>(100).fill(1), seededRandom("far")), 1 / 4001);
  });

  test("finds nothing more often than it should where there is nothing", () => {
    const random = seededRandom("null");
    const rounds = 400;
    let found = 0;
    for (let round = 0; round < rounds; round++) {
      const differences = Array.from({ length: 40 }, () => random() - 0.5);
      if (signFlipTest(differences, random, 400) <= 0.05) found += 1;
    }
    // Binomial(400, 0.05): mean 20, standard deviation 4.4.
    assert.ok(found > 5 && found < 36, `${found} of ${rounds}`);
  });
});

describe("cluster bootstrap", () => {
  test("of one cluster is its mean", () => {
    const { low, high } = clusterBootstrap([1, 2, 6], ["a", "a", "a"], seededRandom(1));
    assert.deepEqual([low, high], [3, 3]);
  });

  test("of two clusters draws one of three means, and widens how far they are from the mean", () => {
    // Clusters of mean 0 and 1, alike in size: draws aa, ab, ba, bb give 0, ½, ½, 1, each a quarter of the time.
    const { low, high } = clusterBootstrap([0, 0, 1, 1], [1, 1, 2, 2], seededRandom(1), { level: 0.4 });
    assert.deepEqual([low, high], [0.5, 0.5]); // the middle 40 % of 25 % zeros, 50 % halves, 25 % ones
    const all = clusterBootstrap([0, 0, 1, 1], [1, 1, 2, 2], seededRandom(1));
    // ½ ± √(2 / 1) · 12.706 / 1.960 · ½: two clusters say next to nothing of a third.
    near(all.high, 0.5 + (Math.SQRT2 * 12.706 * 0.5) / 1.96, 0.002);
    near(all.low, 1 - all.high);
  });

  test("weighs a cluster by its size", () => {
    // Draws: (0,0,0) and (0,0,0) → 0; (0,0,0) and (4) → 4/4 = 1; (4) and (4) → 4.
    const seen = clusterBootstrap([0, 0, 0, 4], ["a", "a", "a", "b"], seededRandom(1), { level: 0.4 });
    assert.deepEqual(seen, { low: 1, high: 1 });
  });

  test("holds the true mean as often as it says, with few films as with many, and with seeds beside them", () => {
    const random = seededRandom("coverage");
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    /** Share of intervals that hold 30, where films differ by 10 points, seeds by some, five questions of a film by 30. */
    const coverage = (films: number, seeds: number, betweenSeeds: number) => {
      const rounds = 300;
      let holding = 0;
      for (let round = 0; round < rounds; round++) {
        const ofFilm = Array.from({ length: films }, () => 10 * normal());
        const ofSeed = Array.from({ length: seeds }, () => betweenSeeds * normal());
        const rows = ofFilm.flatMap((film, f) =>
          ofSeed.flatMap((seed, s) =>
            Array.from({ length: 5 }, () => ({ f, s, value: 30 + film + seed + 30 * normal() })),
          ),
        );
        const { low, high } = clusterBootstrap(
          rows.map(({ value }) => value),
          rows.map(({ f }) => f),
          random,
          { resamples: 400, ...(seeds > 1 && { also: rows.map(({ s }) => s) }) },
        );
        if (low <= 30 && 30 <= high) holding += 1;
      }
      return holding / rounds;
    };
    // Binomial(300, 0.95): standard deviation 1.3 points. Without the widening 5 films give 84 %, 9 give 90 %.
    for (const films of [5, 9, 24]) {
      const share = coverage(films, 1, 0);
      assert.ok(share > 0.91 && share < 0.99, `${films} films: ${share}`);
    }
    // Spreads of both are added, so that it holds the mean rather more often than it says.
    for (const betweenSeeds of [0, 6]) {
      const share = coverage(12, 3, betweenSeeds);
      assert.ok(share > 0.93, `12 films, 3 seeds that differ by ${betweenSeeds}: ${share}`);
    }
  });

  test("is as wide as the normal law says for independent values", () => {
    const random = seededRandom("values");
    const values = Array.from({ length: 400 }, () => (random() < 0.5 ? 1 : 0));
    const { low, high } = clusterBootstrap(values, [...values.keys()], seededRandom("draws"));
    // 2 · 1.96 · √(0.25 / 400) = 0.098
    near(high - low, 0.098, 0.012);
  });

  test("is wider where values of a cluster are alike", () => {
    const values = Array.from({ length: 400 }, (_, i) => Math.floor(i / 20) % 2);
    const hours = [...values.keys()].map((i) => Math.floor(i / 20));
    const apart = clusterBootstrap(values, [...values.keys()], seededRandom(1));
    const together = clusterBootstrap(values, hours, seededRandom(1));
    // 20 clusters instead of 400: √20 = 4.5 times as wide.
    const ratio = (together.high - together.low) / (apart.high - apart.low);
    assert.ok(ratio > 3.5 && ratio < 5.5, `${ratio}`);
  });

  test("refuses values without clusters", () => {
    assert.throws(() => clusterBootstrap([1, 2], ["a"], seededRandom(1)), RangeError);
    assert.throws(() => clusterBootstrap([], [], seededRandom(1)), RangeError);
    assert.throws(() => clusterBootstrap([1, 2], [1, 2], seededRandom(1), { also: [1] }), RangeError);
    assert.throws(() => clusterBootstrap([1, Number.NaN], ["a", "b"], seededRandom(1)), /values\[1\].*NaN/);
  });
});

test("Student's quantiles are those of the tables", () => {
  const table = [
    [1, 12.706],
    [2, 4.303],
    [4, 2.776],
    [8, 2.306],
    [23, 2.069],
    [63, 1.998],
  ] as const;
  for (const [df, value] of table) near(studentQuantile(0.975, df), value, 0.0005);
});

describe("McNemar's test", () => {
  test("is the sign test of the questions that differ", () => {
    near(mcnemarTest(0, 0), 1);
    near(mcnemarTest(5, 5), 1);
    // 1 and 5: 2 · (C(6,0) + C(6,1)) / 2^6 = 2 · 7 / 64
    near(mcnemarTest(1, 5), 14 / 64);
    near(mcnemarTest(5, 1), 14 / 64);
    // 0 and 10: 2 / 2^10
    near(mcnemarTest(0, 10), 2 / 1024);
  });

  test("stays finite for thousands", () => {
    const p = mcnemarTest(2400, 2600); // z = (200 − 1) / √5000 = 2.81: p = 0.0049
    near(p, 0.0049, 0.0003);
  });

  test("refuses what is no count", () => {
    assert.throws(() => mcnemarTest(-1, 2), RangeError);
    assert.throws(() => mcnemarTest(1, 2.5), RangeError);
  });
});
