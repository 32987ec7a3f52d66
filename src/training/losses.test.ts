import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Random, seededRandom } from "../util/random.ts";
import {
  crossEntropyLoss,
  dpoLoss,
  grpoClip,
  grpoLoss,
  gspoClip,
  gspoLoss,
  ipoLoss,
  klLoss,
  type Logprobs,
  type Loss,
  type PairLogprobs,
} from "./losses.ts";

const of = (...values: number[]) => Float64Array.from(values);

function assertNear(actual: number, expected: number, tolerance = 1e-12, what = ""): void {
  const size = Math.max(1, Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= tolerance * size, `${what} expected ${expected}, got ${actual}`);
}

function assertGradient(actual: readonly Logprobs[], expected: readonly number[][], tolerance = 1e-12): void {
  assert.deepEqual(
    actual.map(({ length }) => length),
    expected.map(({ length }) => length),
  );
  for (const [i, sequence] of expected.entries()) {
    for (const [t, value] of sequence.entries()) assertNear(actual[i]![t]!, value, tolerance, `[${i}][${t}]`);
  }
}

/** Compares every derivative with (f(x + h) − f(x − h)) / 2h, whose error is of the order h² = 1e-10. */
function assertDerivative(
  lossOf: (policy: Float64Array[]) => Loss<Float64Array[]>,
  policy: readonly Float64Array[],
): void {
  const h = 1e-5;
  const at = (i: number, t: number, change: number) => {
    const moved = policy.map((sequence) => sequence.slice());
    moved[i]![t]! += change;
    return lossOf(moved).loss;
  };
  const difference = policy.map((sequence, i) =>
    Array.from(sequence, (_, t) => (at(i, t, h) - at(i, t, -h)) / (2 * h)),
  );
  assertGradient(lossOf([...policy]).gradient, difference, 1e-7);
}

/** The same by the log-probabilities of both sides of the pairs. */
function assertPairDerivative(
  lossOf: (policy: PairLogprobs<Float64Array>) => Loss<{ chosen: Float64Array[]; rejected: Float64Array[] }>,
  { chosen, rejected }: PairLogprobs<Float64Array>,
): void {
  const n = chosen.length;
  assertDerivative(
    (all) => {
      const { loss, gradient } = lossOf({ chosen: all.slice(0, n), rejected: all.slice(n) });
      return { loss, gradient: [...gradient.chosen, ...gradient.rejected] };
    },
    [...chosen, ...rejected],
  );
}

const between = (random: Random, low: number, high: number) => low + (high - low) * random();
const draw = (random: Random, lengths: readonly number[], low = -3, high = -0.1) =>
  lengths.map((length) => Float64Array.from({ length }, () => between(random, low, high)));
const shifted = (sequences: readonly Float64Array[], change: (i: number) => number) =>
  sequences.map((sequence, i) => sequence.map((logprob) => logprob + change(i)));

describe("cross-entropy", () => {
  test("is the mean over tokens, not over sequences", () => {
    // (1 + 2 + 6) / 3 = 3; the mean of the sequences' means would be (1.5 + 6) / 2 = 3.75.
    const { loss, gradient } = crossEntropyLoss([of(-1, -2), of(-6)]);
    assertNear(loss, 3);
    assertGradient(gradient, [[-1 / 3, -1 / 3], [-1 / 3]]);
  });

  test("has the derivative that finite differences have", () => {
    assertDerivative(crossEntropyLoss, draw(seededRandom("cross-entropy"), [1, 4, 2]));
  });
});

/** Ratios between the boundaries of both losses' clips, as logarithms that keep 0.01 away from each. */
const regions = {
  "below 1 − lower": [-2, Math.log(0.8) - 0.01],
  "between the clips": [Math.log(0.8) + 0.01, Math.log(1.28) - 0.01],
  "above 1 + upper": [Math.log(1.28) + 0.01, Math.log(3) - 0.01],
  "above dual": [Math.log(3) + 0.01, 9.99],
  "above e^10": [10.01, 15],
} as const;

/** Where a gradient pushes, by the sign of the advantage. */
const pushes = {
  grpo: {
    positive: ["below 1 − lower", "between the clips"],
    negative: ["between the clips", "above 1 + upper"],
  },
  gspo: {
    positive: ["below 1 − lower", "between the clips"],
    negative: ["between the clips", "above 1 + upper", "above dual"],
  },
};

const surrogates = { grpo: grpoLoss, gspo: gspoLoss };

for (const name of ["grpo", "gspo"] as const) {
  const lossOf = surrogates[name];
  describe(`${name}, like every surrogate`, () => {
    for (const [region, [low, high]] of Object.entries(regions)) {
      for (const sign of ["positive", "negative"] as const) {
        const doesPush = pushes[name][sign].includes(region);
        test(`with a ${sign} advantage and a ratio ${region} ${doesPush ? "pushes" : "does not push"}`, () => {
          const random = seededRandom(`${name} ${region} ${sign}`);
          for (let round = 0; round < 5; round++) {
            const old = draw(random, [1, 2, 5]);
            const policy = old.map((sequence) => {
              const logRatio = between(random, low, high);
              return sequence.map((logprob) => logprob + logRatio);
            });
            const advantages = old.map(() => between(random, 0.1, 2) * (sign === "positive" ? 1 : -1));
            assertDerivative((moved) => lossOf(moved, old, advantages), policy);
            const { gradient } = lossOf(policy, old, advantages);
            for (const derivative of gradient.flatMap((sequence) => [...sequence])) {
              // Up for a positive advantage: descending raises the log-probability.
              const direction = sign === "positive" ? -1 : 1;
              assert.equal(Math.sign(derivative) + 0, doesPush ? direction : 0);
            }
          }
        });
      }
    }

    test("is minus the mean advantage at the old weights, with derivative −A / (N T)", () => {
      const old = [of(-1), of(-0.5, -0.25)];
      const { loss, gradient, clipped } = lossOf(old, old, [2, -1]);
      // −(2 − 1) / 2; −2 / (2 · 1) and 1 / (2 · 2).
      assertNear(loss, -0.5);
      assertGradient(gradient, [[-1], [0.25, 0.25]]);
      assert.deepEqual(clipped, { positive: 0, negative: 0 });
    });

    test("counts a sequence of advantage 0 in the mean and pushes it nowhere, at any ratio", () => {
      // A = −1 at ratio e^−1 costs 0.8, clipped; 0.8 / 2.
      const { loss, gradient, clipped } = lossOf([of(-2), of(-1)], [of(-1), of(-900)], [-1, 0]);
      assertNear(loss, 0.4);
      assertGradient(gradient, [[0], [0]]);
      assert.deepEqual(clipped, { positive: 0, negative: 1 });
    });

    test("stays finite at ratios that overflow and underflow", () => {
      for (const [policy, old] of [
        [of(-1, -1), of(-5000, -5000)],
        [of(-5000, -5000), of(-1, -1)],
      ] as const) {
        for (const advantage of [1, -1]) {
          const { loss, gradient } = lossOf([policy], [old], [advantage]);
          assert.ok(Number.isFinite(loss));
          assert.ok(gradient[0]!.every(Number.isFinite));
        }
      }
    });

    test("refuses advantages that do not fit, and a clip out of range", () => {
      const batch = [of(-1), of(-2)];
      const refuses = (run: () => unknown, message: RegExp) =>
        assert.throws(run, { name: "RangeError", message });
      refuses(() => lossOf(batch, batch, [1]), /2 advantages, one per sequence, got 1/);
      refuses(() => lossOf(batch, batch, [1, Number.NaN]), /advantages\[1\] .* got NaN/);
      for (const wrong of [
        { lower: 1 },
        { lower: -0.1 },
        { upper: -0.1 },
        { dual: 1 },
        { upper: Number.NaN },
      ]) {
        refuses(() => lossOf(batch, batch, [1, 1], { ...grpoClip, ...wrong }), /Expected a clip/);
      }
    });
  });
}

describe("grpo", () => {
  test("clips each token by itself and averages over tokens, then over sequences", () => {
    // Ratios 2 and 1/2 at A = 1: max(−2, −1.28) = −1.28, clipped; max(−0.5, −0.8) = −0.5, free. Mean −0.89.
    // Ratio 1/2 at A = −2: max(1, 1.6) = 1.6, clipped. Mean of both sequences (−0.89 + 1.6) / 2 = 0.355.
    const policy = [of(-1 + Math.LN2, -1 - Math.LN2), of(-1 - Math.LN2)];
    const { loss, gradient, clipped } = grpoLoss(policy, [of(-1, -1), of(-1)], [1, -2]);
    assertNear(loss, 0.355);
    // The one free token: −1 · 0.5 / (2 · 2).
    assertGradient(gradient, [[0, -0.125], [0]]);
    assert.deepEqual(clipped, { positive: 0.5, negative: 1 });
  });

  test("stops at the dual clip where the advantage is negative", () => {
    // A = −1: ratio 2 costs 2, ratio 4 costs no more than 3.
    const { loss, gradient, clipped } = grpoLoss([of(Math.log(2) - 2, Math.log(4) - 2)], [of(-2, -2)], [-1]);
    assertNear(loss, 2.5);
    assertGradient(gradient, [[1, 0]]);
    assert.deepEqual(clipped, { positive: 0, negative: 0.5 });
  });

  test("gains no more than the upper clip where the advantage is positive, dual clip or not", () => {
    const { loss, gradient } = grpoLoss([of(Math.log(4) - 2)], [of(-2)], [1]);
    assertNear(loss, -1.28);
    assertGradient(gradient, [[0]]);
  });

  test("has the derivative of finite differences where tokens of one sequence lie in different regions", () => {
    const random = seededRandom("mixed");
    const bounds = Object.values(regions);
    for (let round = 0; round < 20; round++) {
      const old = draw(random, [5, 1, 3]);
      const policy = old.map((sequence) =>
        sequence.map((logprob) => {
          const [low, high] = bounds[Math.floor(random() * bounds.length)]!;
          return logprob + between(random, low, high);
        }),
      );
      const advantages = old.map(() => between(random, -2, 2));
      assertDerivative((moved) => grpoLoss(moved, old, advantages), policy);
    }
  });
});

describe("gspo", () => {
  test("clips the geometric mean of the ratios, where single tokens would be clipped", () => {
    // Ratios 4 and 1/4: geometric mean 1, so −A = −1 and nothing is clipped; −1 · 1 / (1 · 2) at both tokens.
    const { loss, gradient } = gspoLoss([of(Math.log(4) - 2, -Math.log(4) - 2)], [of(-2, -2)], [1]);
    assertNear(loss, -1);
    assertGradient(gradient, [[-0.5, -0.5]]);
  });

  test("averages over sequences, at any lengths", () => {
    // s = exp((ln 1.1 + ln 1.1) / 2) = 1.1 at A = 1 gives −1.1; s = 1.5 at A = 2 gives −2 · 1.28 = −2.56, clipped;
    // s = 0.5 at A = −1 gives 0.8, clipped. (−1.1 − 2.56 + 0.8) / 3 = −2.86 / 3.
    const old = [of(-1, -1), of(-2), of(-1, -2, -3)];
    const policy = shifted(old, (i) => Math.log([1.1, 1.5, 0.5][i]!));
    const { loss, gradient, clipped } = gspoLoss(policy, old, [1, 2, -1]);
    assertNear(loss, -2.86 / 3);
    assertGradient(gradient, [[-1.1 / 6, -1.1 / 6], [0], [0, 0, 0]]);
    assert.deepEqual(clipped, { positive: 0.5, negative: 1 });
  });

  test("has no dual clip unless asked for", () => {
    const policy = [of(Math.log(4) - 2)];
    assertNear(gspoLoss(policy, [of(-2)], [-1]).loss, 4);
    assertNear(gspoLoss(policy, [of(-2)], [-1], { ...gspoClip, dual: 3 }).loss, 3);
  });

  test("counts a ratio above e^10 as e^10", () => {
    assertNear(gspoLoss([of(-1)], [of(-12)], [-1]).loss, Math.exp(10));
    assertNear(gspoLoss([of(-1)], [of(-10)], [-1]).loss, Math.exp(9));
  });

  test("has the derivative of finite differences where tokens of a sequence have different ratios", () => {
    const random = seededRandom("gspo tokens");
    for (const [low, high] of Object.values(regions)) {
      for (let round = 0; round < 5; round++) {
        const old = draw(random, [5, 1, 3]);
        const noisy = draw(random, [5, 1, 3]);
        const policy = noisy.map((sequence, i) => {
          const difference = sequence.reduce((sum, logprob, t) => sum + logprob - old[i]![t]!, 0);
          const shift = between(random, low, high) - difference / sequence.length;
          return sequence.map((logprob) => logprob + shift);
        });
        const advantages = old.map(() => between(random, -2, 2));
        assertDerivative((moved) => gspoLoss(moved, old, advantages), policy);
      }
    }
  });

  test("is grpo for sequences of one token, dual clip aside", () => {
    const random = seededRandom("one token");
    const old = draw(random, [1, 1, 1, 1, 1, 1]);
    const policy = shifted(old, () => between(random, -1, 1));
    const advantages = old.map(() => between(random, -2, 2));
    const gspo = gspoLoss(policy, old, advantages);
    const grpo = grpoLoss(policy, old, advantages);
    assertNear(gspo.loss, grpo.loss);
    assertGradient(
      gspo.gradient,
      grpo.gradient.map((sequence) => [...sequence]),
    );
    assert.deepEqual(gspo.clipped, grpo.clipped);
    assert.notEqual(grpo.clipped.positive + grpo.clipped.negative, 0);
  });
});

/** Log-probabilities whose sums differ from a reference of zeros by `chosen` and `rejected`. */
const oneToken = (chosen: number, rejected: number) => ({ chosen: [of(chosen)], rejected: [of(rejected)] });
const zeros = oneToken(0, 0);

describe("dpo", () => {
  test("is ln 2 where policy and reference are equal, with derivatives ∓β/2 over the pairs", () => {
    const pairs = { chosen: [of(-1, -2), of(-3)], rejected: [of(-1), of(-2, -2)] };
    const { loss, gradient } = dpoLoss(pairs, pairs);
    assertNear(loss, Math.LN2);
    // 0.1 · 0.5 / 2 = 0.025.
    assertGradient(gradient.chosen, [[-0.025, -0.025], [-0.025]]);
    assertGradient(gradient.rejected, [[0.025], [0.025, 0.025]]);
  });

  test("sums over tokens and compares with reference log-probabilities", () => {
    // Δ_chosen = (−1 + 6) + (−2 + 8) = 11, Δ_rejected = −3 + 2 = −1, margin 12, β m = 1.2 at β = 0.1.
    // σ(1.2) = 0.768525, −ln 0.768525 = 0.263282; −0.1 · (1 − 0.768525) = −0.0231475.
    const policy = { chosen: [of(-1, -2)], rejected: [of(-3)] };
    const reference = { chosen: [of(-6, -8)], rejected: [of(-2)] };
    const { loss, gradient, margins } = dpoLoss(policy, reference);
    assert.deepEqual(margins, [12]);
    assertNear(loss, 0.263282, 1e-6);
    assertGradient(gradient.chosen, [[-0.0231475, -0.0231475]], 1e-7);
    assertGradient(gradient.rejected, [[0.0231475]], 1e-7);
  });

  test("averages over pairs", () => {
    // Margins 10 ln 3 and −10 ln 3 at β = 0.1: −ln(3/4) and −ln(1/4), mean ln(16/3) / 2.
    const m = 10 * Math.log(3);
    const policy = { chosen: [of(m), of(-m)], rejected: [of(0), of(0)] };
    const reference = { chosen: [of(0), of(0)], rejected: [of(0), of(0)] };
    const { loss, gradient } = dpoLoss(policy, reference);
    assertNear(loss, Math.log(16 / 3) / 2);
    // −0.1 · 1/4 / 2 and −0.1 · 3/4 / 2: the pair that is wrong pulls three times as hard.
    assertGradient(gradient.chosen, [[-0.0125], [-0.0375]]);
    assertGradient(gradient.rejected, [[0.0125], [0.0375]]);
  });

  test("stays finite at margins of any size: 0 far right, β |m| far wrong", () => {
    const right = dpoLoss(oneToken(50_000, 0), zeros);
    assertNear(right.loss, 0);
    assertGradient(right.gradient.chosen, [[0]]);
    const wrong = dpoLoss(oneToken(-50_000, 0), zeros);
    assertNear(wrong.loss, 5000);
    assertGradient(wrong.gradient.chosen, [[-0.1]]);
  });
});

describe("ipo", () => {
  test("is the squared distance of the margin from 1 / (2 β)", () => {
    // Target 1 / 0.2 = 5; margins 2 and 7: (−3)² and 2², mean 6.5; derivatives 2 · (−3) / 2 and 2 · 2 / 2.
    const policy = { chosen: [of(1, 1), of(4)], rejected: [of(0), of(-1, -2)] };
    const reference = { chosen: [of(0, 0), of(0)], rejected: [of(0), of(0, 0)] };
    const { loss, gradient } = ipoLoss(policy, reference);
    assertNear(loss, 6.5);
    assertGradient(gradient.chosen, [[-3, -3], [2]]);
    assertGradient(gradient.rejected, [[3], [-2, -2]]);
  });

  test("is 1 / (4 β²) where policy and reference are equal", () => {
    assertNear(ipoLoss(zeros, zeros).loss, 25);
    assertNear(ipoLoss(zeros, zeros, 0.5).loss, 1);
  });
});

for (const [name, lossOf] of Object.entries({ dpo: dpoLoss, ipo: ipoLoss })) {
  describe(`${name}, like every loss of pairs`, () => {
    test("has the derivative of finite differences at margins of either sign", () => {
      const random = seededRandom(name);
      for (const beta of [0.05, 0.1, 1]) {
        for (let round = 0; round < 5; round++) {
          const policy = { chosen: draw(random, [1, 4, 2]), rejected: draw(random, [3, 1, 2]) };
          const reference = { chosen: draw(random, [1, 4, 2]), rejected: draw(random, [3, 1, 2]) };
          assertPairDerivative((moved) => lossOf(moved, reference, beta), policy);
        }
      }
    });

    test("refuses sides that do not pair up, and a beta that is not above 0", () => {
      const refuses = (run: () => unknown, message: RegExp) =>
        assert.throws(run, { name: "RangeError", message });
      refuses(() => lossOf({ ...zeros, rejected: [] }, zeros), /1 rejected sequences .* got 0/);
      refuses(() => lossOf(zeros, { ...zeros, rejected: [of(0, 0)] }), /reference\.rejected\[0\] to have 1/);
      refuses(() => lossOf(oneToken(0, Number.NaN), zeros), /policy\.rejected\[0\]\[0\] .* got NaN/);
      for (const beta of [0, -1, Number.NaN, Infinity]) refuses(() => lossOf(zeros, zeros, beta), /beta/);
    });
  });
}

describe("the k3 divergence", () => {
  test("is zero with a zero derivative where both are equal", () => {
    const { loss, gradient } = klLoss([of(-1), of(-2, -3)], [of(-1), of(-2, -3)]);
    assertNear(loss, 0);
    assertGradient(gradient, [[0], [0, 0]]);
  });

  test("is the mean over tokens of e^d − d − 1", () => {
    // d = ln 2: 2 − ln 2 − 1; d = −ln 2: 1/2 + ln 2 − 1; d = 0: 0. Sum 1/2, over 3 tokens 1/6.
    const policy = [of(-2, -2), of(-2)];
    const { loss, gradient } = klLoss(policy, [of(-2 + Math.LN2, -2 - Math.LN2), of(-2)]);
    assertNear(loss, 1 / 6);
    // (1 − e^d) / 3: the policy rises where its log-probability is below that of π_ref.
    assertGradient(gradient, [[-1 / 3, 0.5 / 3], [0]]);
  });

  test("keeps the digits of a small difference", () => {
    // d²/2 = 5e-17 at d = 1e-8, where exp(d) − d − 1 in double precision is 0 or 2e-16. Rounding of d: 1e-16.
    const { loss } = klLoss([of(0)], [of(-1e-8)]);
    assert.ok(Math.abs(loss - 5e-17) < 1e-23, String(loss));
  });

  test("is at most 10 a token, with derivative 0 beyond, at distances of any size", () => {
    // e^3 − 4 = 16.1 and e^−15 + 14 = 14.0 are above 10; e^−10 + 9 = 9.00005 is not.
    for (const distance of [3, 25, 5000, -15, -25, -5000]) {
      const { loss, gradient } = klLoss([of(-1)], [of(-1 + distance)]);
      assertNear(loss, 10);
      assertGradient(gradient, [[0]]);
    }
    assertNear(klLoss([of(-1)], [of(-11)]).loss, Math.exp(-10) + 9);
  });

  test("has the derivative of finite differences on both sides of its clamps", () => {
    const random = seededRandom("kl");
    // e^d − d − 1 = 10 at d = 2.6106 and d = −11.0000; 2.6 gives 9.86, 2.62 gives 10.12, −10.9 gives 9.90.
    const ranges = [
      [-30, -11.1],
      [-10.9, 0],
      [0, 2.6],
      [2.62, 30],
    ] as const;
    for (const [low, high] of ranges) {
      for (let round = 0; round < 5; round++) {
        const reference = draw(random, [1, 4, 2]);
        const policy = reference.map((sequence) =>
          sequence.map((logprob) => logprob - between(random, low, high)),
        );
        assertDerivative((moved) => klLoss(moved, reference), policy);
      }
    }
  });
});

/** Every loss as a function of one batch and one it is compared with. */
const losses: Record<string, (policy: Logprobs[], other: Logprobs[]) => { loss: number; first: Logprobs }> = {
  grpo: (policy, other) => first(grpoLoss(policy, other, [1, -1])),
  gspo: (policy, other) => first(gspoLoss(policy, other, [1, -1])),
  kl: (policy, other) => first(klLoss(policy, other)),
  dpo: (policy, other) => firstChosen(dpoLoss(asPairs(policy), asPairs(other))),
  ipo: (policy, other) => firstChosen(ipoLoss(asPairs(policy), asPairs(other))),
};
const asPairs = (batch: Logprobs[]) => ({ chosen: batch, rejected: batch });
const first = ({ loss, gradient }: Loss<Logprobs[]>) => ({ loss, first: gradient[0]! });
const firstChosen = ({ loss, gradient }: Loss<{ chosen: Logprobs[] }>) => ({
  loss,
  first: gradient.chosen[0]!,
});

for (const [name, lossOf] of Object.entries(losses)) {
  describe(`${name}, like every loss of two batches`, () => {
    const good = [of(-1, -2), of(-3)];

    test("names the place of a value that is not finite", () => {
      for (const value of [Number.NaN, -Infinity, Infinity]) {
        const bad = [of(-1, value), of(-3)];
        const message = new RegExp(`\\[0\\]\\[1\\] to be a finite log-probability, got ${value}`);
        assert.throws(() => lossOf(bad, good), { name: "RangeError", message });
        assert.throws(() => lossOf(good, bad), { name: "RangeError", message });
      }
    });

    test("refuses shapes that differ and batches or sequences that are empty", () => {
      const refuses = (policy: Logprobs[], other: Logprobs[], message: RegExp) =>
        assert.throws(() => lossOf(policy, other), { name: "RangeError", message });
      refuses(good, [of(-1, -2)], /to have 2 sequences .* got 1/);
      refuses(good, [of(-1, -2), of(-3, -3)], /\[1\] to have 1 tokens .* got 2/);
      refuses([], [], /at least one sequence/);
      refuses([of(-1, -2), of()], good, /\[1\] to have at least one token/);
    });

    test("gives single precision for single precision and leaves its input as it was", () => {
      const policy = good.map((sequence) => Float32Array.from(sequence));
      const single = lossOf(policy, good);
      assert.ok(single.first instanceof Float32Array);
      assert.ok(lossOf(good, good).first instanceof Float64Array);
      assertNear(single.loss, lossOf(good, good).loss);
      assert.deepEqual(policy, [new Float32Array([-1, -2]), new Float32Array([-3])]);
    });
  });
}

test("cross-entropy refuses an empty batch, an empty sequence and a value that is not finite", () => {
  const refuses = (batch: Logprobs[], message: RegExp) =>
    assert.throws(() => crossEntropyLoss(batch), { name: "RangeError", message });
  refuses([], /at least one sequence/);
  refuses([of(-1), of()], /policy\[1\] to have at least one token/);
  refuses([of(-1), of(-1, Number.NaN)], /policy\[1\]\[1\] .* got NaN/);
});
