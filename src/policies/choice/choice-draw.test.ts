import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../../util/random.ts";
import {
  type DrawInput,
  defaultChoiceParameters,
  drawGradient,
  drawItems,
  drawLogprobs,
  drawWeightsGradient,
} from "./choice-draw.ts";

/** Four items over five words; at most two or three fit. */
const input: DrawInput = {
  items: [
    { tokens: 4, trust: 1, words: [0, 1] },
    { tokens: 6, trust: 1, words: [1, 2, 3] },
    { tokens: 3, trust: 0.5, words: [4] },
    { tokens: 9, trust: 1, words: [0, 3, 4] },
  ],
  idf: Float64Array.of(1.2, 0.4, 2.1, 0.9, 1.7),
  task: Float64Array.of(0.3, 0, -0.4, 1.1, 0),
  said: Uint8Array.of(0, 1, 0, 0, 0),
  budget: 12,
  onCredit: false,
  parameters: defaultChoiceParameters,
};

/** Every ordered draw that is possible, by trying each item at each step. */
function allDraws(of: DrawInput): number[][] {
  const found: number[][] = [];
  const extend = (picks: number[], left: number): void => {
    const next = of.items.flatMap(({ tokens }, i) => (!picks.includes(i) && tokens <= left ? [i] : []));
    if (next.length === 0) found.push(picks);
    for (const i of next) extend([...picks, i], left - of.items[i]!.tokens);
  };
  extend([], of.budget);
  return found;
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

describe("choice draw", () => {
  test("scores by rare words per root of length, as in the formula in the file header", () => {
    // Item 0: κ·4^-0.5·(1.2·(1+0.3) + 0.3·0.4·1) = 0.5·0.5·1.68 = 0.42; item 2: 0.5·0.5·3^-0.5·1.7 = 0.24537.
    const two: DrawInput = { ...input, items: [input.items[0]!, input.items[2]!], budget: 4 };
    const [first] = drawLogprobs(two, [0]);
    assert.ok(Math.abs(first! - Math.log(1 / (1 + Math.exp(0.24537 - 0.42)))) < 1e-4);
    assert.deepEqual(drawItems(two).picks, [0]);
  });

  test("gives probabilities that sum to one over all possible draws", () => {
    const draws = allDraws(input);
    assert.ok(draws.length > 6);
    const total = draws.reduce((sumSoFar, picks) => sumSoFar + Math.exp(sum(drawLogprobs(input, picks))), 0);
    assert.ok(Math.abs(total - 1) < 1e-12, `${total}`);
  });

  test("samples each draw as often as its log-probability says", () => {
    const random = seededRandom("choice-draw");
    const counts = new Map<string, number>();
    const rounds = 20_000;
    for (let i = 0; i < rounds; i++) {
      const { picks, logprobs } = drawItems(input, random);
      assert.deepEqual(logprobs, drawLogprobs(input, picks));
      counts.set(picks.join(), (counts.get(picks.join()) ?? 0) + 1);
    }
    for (const picks of allDraws(input)) {
      const p = Math.exp(sum(drawLogprobs(input, picks)));
      const sigma = Math.sqrt((p * (1 - p)) / rounds);
      const share = (counts.get(picks.join()) ?? 0) / rounds;
      assert.ok(Math.abs(share - p) < 4.5 * sigma, `${picks}: ${share} against ${p}`);
    }
  });

  test("has the gradient that finite differences find", () => {
    const strong = { ...input, parameters: { ...defaultChoiceParameters, taskStrength: 2 } };
    for (const picks of allDraws(strong)) {
      const gradient = drawGradient(strong, picks);
      for (let word = 0; word < input.task.length; word++) {
        const at = (shift: number) => {
          const task = input.task.slice();
          task[word]! += shift;
          return sum(drawLogprobs({ ...strong, task }, picks));
        };
        const numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert.ok(Math.abs(gradient[word]! - numeric) < 1e-8, `${picks} word ${word}`);
      }
    }
  });

  test("discounts a word once it was picked, so a second line about it loses to a new one", () => {
    const lines: DrawInput = {
      ...input,
      items: [
        { tokens: 4, trust: 1, words: [0, 1] },
        { tokens: 4, trust: 1, words: [0, 1] },
        { tokens: 4, trust: 1, words: [2] },
      ],
      idf: Float64Array.of(1, 1, 1),
      task: new Float64Array(3),
      said: new Uint8Array(3),
      budget: 8,
    };
    // First: 2 against 2 against 1, tie to the earlier; then 0.3·2 = 0.6 against 1.
    assert.deepEqual(drawItems(lines).picks, [0, 2]);
    const undiscounted = { ...defaultChoiceParameters, repeatDiscount: 1 };
    assert.deepEqual(drawItems({ ...lines, parameters: undiscounted }).picks, [0, 1]);
  });

  test("takes one item on credit where nothing fits and credit is given", () => {
    const long: DrawInput = { ...input, budget: 2 };
    assert.deepEqual(drawItems(long).picks, []);
    assert.equal(drawItems({ ...long, onCredit: true }).picks.length, 1);
    const all = [0, 1, 2, 3].map((i) => Math.exp(sum(drawLogprobs({ ...long, onCredit: true }, [i]))));
    assert.ok(Math.abs(all.reduce((a, b) => a + b) - 1) < 1e-12);
  });

  test("keeps log-probabilities finite for a draw that an adapter makes almost impossible", () => {
    const task = Float64Array.of(0, 0, 0, 0, -5000);
    const [first] = drawLogprobs({ ...input, task }, [2, 1]);
    assert.ok(first! < -600 && Number.isFinite(first!));
  });

  test("picks the item whose share of [0, 1) the random number falls into, the last where rounding leaves a rest", () => {
    const even: DrawInput = {
      ...input,
      items: [0, 1, 2].map((word) => ({ tokens: 4, trust: 1, words: [word] })),
      idf: Float64Array.of(1, 1, 1),
      task: new Float64Array(3),
      said: new Uint8Array(3),
      budget: 4,
    };
    const drawn = [0, 0.33, 0.34, 0.67, 1].map((number) => drawItems(even, () => number).picks[0]);
    assert.deepEqual(drawn, [0, 0, 1, 2, 2]);
  });

  test("tilted, an item is worth what its words gain beyond the mean per token", () => {
    const two: DrawInput = {
      ...input,
      tilted: true,
      items: [
        { tokens: 2, trust: 1, words: [0] },
        { tokens: 6, trust: 1, words: [1] },
      ],
      idf: Float64Array.of(1, 1),
      task: Float64Array.of(4, 0),
      said: new Uint8Array(2),
      budget: 0,
      onCredit: true,
      parameters: { ...defaultChoiceParameters, sharpness: 0.5, lengthExponent: 0 },
    };
    // Gains 4 and 0 of 2 + 6 tokens: 4 / 8 a token. 0.5 · (4 − 0.5 · 2) = 1.5 against 0.5 · (0 − 0.5 · 6) = −1.5.
    assert.ok(Math.abs(drawLogprobs(two, [0])[0]! + Math.log(1 + Math.exp(-3))) < 1e-12);
  });

  test("tilted, is uniform without task weights at any lengths; with them it sums to one and has its gradient", () => {
    const tilted: DrawInput = { ...input, tilted: true };
    const even = { ...tilted, budget: 0, onCredit: true, task: new Float64Array(5) };
    for (const item of [0, 1, 2, 3]) assert.deepEqual([...drawLogprobs(even, [item])], [-Math.log(4)]);
    const draws = allDraws(tilted);
    const total = draws.reduce((sumSoFar, picks) => sumSoFar + Math.exp(sum(drawLogprobs(tilted, picks))), 0);
    assert.ok(Math.abs(total - 1) < 1e-12, `${total}`);
    for (const picks of draws) {
      for (const [word, slope] of drawGradient(tilted, picks).entries()) {
        const at = (shift: number) => {
          const task = tilted.task.slice();
          task[word]! += shift;
          return sum(drawLogprobs({ ...tilted, task }, picks));
        };
        const numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert.ok(Math.abs(slope - numeric) < 1e-8, `${picks} word ${word}: ${slope} against ${numeric}`);
      }
    }
  });

  describe("with features", () => {
    /** One unchanging feature, then `fresh` and `told`. */
    const weighed: DrawInput = {
      ...input,
      features: {
        still: [Float64Array.of(1), Float64Array.of(0), Float64Array.of(0.5), Float64Array.of(0)],
        told: Float64Array.of(0.5, 0, 1, 0),
        weights: Float64Array.of(0.7, 1.1, -0.9),
      },
    };
    const weighing = (weights: Float64Array): DrawInput => ({
      ...weighed,
      features: { ...weighed.features!, weights },
    });

    test("is the same draw as without features where their weights are zero", () => {
      const nothing = weighing(new Float64Array(3));
      for (const picks of allDraws(input))
        assert.deepEqual(drawLogprobs(nothing, picks), drawLogprobs(input, picks));
      assert.deepEqual(drawItems(nothing), drawItems(input));
      const [a, b] = [seededRandom("same"), seededRandom("same")];
      for (let i = 0; i < 50; i++) assert.deepEqual(drawItems(nothing, a), drawItems(input, b));
    });

    test("adds the weighted features to the score", () => {
      // Items 0 and 2 alone, on credit. Words' worth as in the first test: 0.42 and 0.24537. Features of item 0: 1; word 1
      // was said, so fresh = 1.2 / (1.2 + 0.4) = 0.75; told 0.5: 0.7 + 0.825 − 0.45 = 1.075. Of item 2: 0.5; 1; 1:
      // 0.35 + 1.1 − 0.9 = 0.55.
      const { still, told, weights } = weighed.features!;
      const two: DrawInput = {
        ...weighed,
        items: [input.items[0]!, input.items[2]!],
        features: { still: [still[0]!, still[2]!], told: Float64Array.of(told[0]!, told[2]!), weights },
        budget: 4,
      };
      const [first] = drawLogprobs(two, [0]);
      assert.ok(Math.abs(first! - Math.log(1 / (1 + Math.exp(0.24537 + 0.55 - 0.42 - 1.075)))) < 1e-4);
    });

    test("counts a pick as told and no longer fresh", () => {
      const words = [[0, 1], [0, 1], [2, 3], [4]];
      const pairs: DrawInput = {
        ...input,
        items: words.map((own) => ({ tokens: 4, trust: 1, words: own })),
        idf: new Float64Array(5).fill(1),
        task: new Float64Array(5),
        said: new Uint8Array(5),
        budget: 12,
        parameters: { ...defaultChoiceParameters, repeatDiscount: 1 },
      };
      const features = { still: words.map(() => new Float64Array()), told: new Float64Array(4) };
      // Words' worth is 2, 2, 2, 1 times κ / 2, regardless of what was said, so only the features prevent the repetition.
      assert.deepEqual(drawItems(pairs).picks, [0, 1, 2]);
      const by = (fresh: number, told: number) =>
        drawItems({ ...pairs, features: { ...features, weights: Float64Array.of(fresh, told) } }).picks;
      assert.deepEqual(by(1, 0), [0, 2, 3]);
      assert.deepEqual(by(0, -1), [0, 2, 3]);
    });

    test("tells how much of an item one text holds by its words, and calls an item without words not fresh", () => {
      const lines = [[0], [0, 1], [2]];
      const of = (fresh: number, told: number, words: readonly (readonly number[])[] = lines): DrawInput => ({
        ...input,
        items: words.map((own) => ({ tokens: 4, trust: 1, words: own })),
        idf: new Float64Array(3),
        task: new Float64Array(3),
        said: new Uint8Array(3),
        budget: 8,
        features: {
          still: words.map(() => new Float64Array()),
          told: new Float64Array(words.length),
          weights: Float64Array.of(fresh, told),
        },
      });
      const second = (picks: readonly number[]) => drawLogprobs(of(0, 1), picks)[1]!;
      const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a}, not ${b}`);
      // After [0], half of [0, 1] is told and nothing of [2]; after [0, 1], all of [0] is.
      near(second([0, 1]), -Math.log(1 + Math.exp(-0.5)));
      near(second([1, 0]), -Math.log(1 + Math.exp(-1)));
      // Words without any rarity leave nothing to be fresh, so all three are alike.
      near(drawLogprobs(of(1, 0), [0, 1])[0]!, -Math.log(3));
      const rare = { ...of(1, 0, [[], [0]]), idf: Float64Array.of(1, 0, 0), budget: 4 };
      // κ · 4^−0.5 · 1 + 1 = 1.25 against 0.
      near(drawLogprobs(rare, [0])[0]!, -Math.log(1 + Math.exp(1.25)));
    });

    test("gives probabilities that sum to one over all possible draws", () => {
      const total = allDraws(weighed).reduce(
        (sumSoFar, picks) => sumSoFar + Math.exp(sum(drawLogprobs(weighed, picks))),
        0,
      );
      assert.ok(Math.abs(total - 1) < 1e-12, `${total}`);
    });

    test("has the gradient by weights and ln κ that finite differences find, for each pick's own weight", () => {
      const { weights } = weighed.features!;
      for (const picks of allDraws(weighed)) {
        const perPick = picks.map((_, step) => 1 - 0.4 * step);
        const total = (of: DrawInput) =>
          drawLogprobs(of, picks).reduce((all, logprob, step) => all + perPick[step]! * logprob, 0);
        const gradient = drawWeightsGradient(weighed, picks, perPick);
        assert.equal(gradient.length, 4);
        const numeric = (at: (shift: number) => DrawInput) => (total(at(1e-5)) - total(at(-1e-5))) / 2e-5;
        for (let f = 0; f < 3; f++) {
          const slope = numeric((shift) => weighing(weights.map((w, k) => (k === f ? w + shift : w))));
          assert.ok(
            Math.abs(gradient[f]! - slope) < 1e-8,
            `${picks} feature ${f}: ${gradient[f]} and ${slope}`,
          );
        }
        const byLogSharpness = numeric((shift) => ({
          ...weighed,
          parameters: { ...input.parameters, sharpness: input.parameters.sharpness * Math.exp(shift) },
        }));
        assert.ok(Math.abs(gradient[3]! - byLogSharpness) < 1e-8, `${picks} sharpness`);
      }
    });

    test("keeps the gradient by task weights equal to finite differences", () => {
      for (const picks of allDraws(weighed)) {
        for (const [word, slope] of drawGradient(weighed, picks).entries()) {
          const at = (shift: number) => {
            const task = weighed.task.map((value, w) => (w === word ? value + shift : value));
            return sum(drawLogprobs({ ...weighed, task }, picks));
          };
          assert.ok(Math.abs(slope - (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-8, `${picks} word ${word}`);
        }
      }
    });

    test("has no gradient where there are no features, or the draw is tilted", () => {
      assert.throws(() => drawWeightsGradient(input, [0, 1], [1, 1]), RangeError);
      assert.throws(() => drawWeightsGradient({ ...weighed, tilted: true }, [0, 1], [1, 1]), RangeError);
    });
  });

  test("refuses picks that could not have been drawn", () => {
    assert.throws(() => drawLogprobs(input, [3, 0]), RangeError); // 9 + 4 > 12
    assert.throws(() => drawLogprobs(input, [0, 0]), RangeError);
    assert.throws(() => drawGradient(input, [0]), RangeError); // item 1 still fits
  });
});
