import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gainOf } from "../perf/real-text/gains.ts";
import { type Cell, difference, estimate } from "../perf/real-text/intervals.ts";
import { kinds } from "../perf/real-text/kinds.ts";
import { Measures } from "../perf/real-text/measures.ts";
import { cellsOf, lengthWeights, type Told } from "../perf/real-text/told.ts";
import type { Embedder } from "../src/engine.ts";

const observation = {
  ...{ stream: "ann", clip: 0, startSeconds: 0, endSeconds: 10, speech: [], captions: [] },
  ...{ frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
};

const cell = (some: Partial<Cell>): Cell => ({
  ...{ window: "w", wearer: "ann", kind: "food", day: 6, hour: 130, seed: 0, value: 0 },
  ...some,
});
const near = (a: number, b: number, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} and ${b}`);

describe("intervals of the measurement on real text", () => {
  test("pair by window, kind and seed, and take what has no seed from each", () => {
    const own = [cell({ value: 3 }), cell({ seed: 1, value: 5 }), cell({ window: "x", value: 7 })];
    const alone = [cell({ seed: null, value: 1 })];
    assert.deepEqual(
      difference(own, alone).map(({ seed, value }) => [seed, value]),
      [
        [0, 2],
        [1, 4],
      ],
    );
    const others = [cell({ value: 1 }), cell({ seed: 1, value: 1 }), cell({ kind: "play", value: 9 })];
    assert.deepEqual(
      difference(own, others).map(({ value }) => value),
      [2, 4],
    );
  });

  test("have no width where all is of one hour and one lesson", () => {
    const cells = [1, 2, 6].map((value, i) => cell({ window: `w${i}`, value }));
    assert.deepEqual(estimate(cells), { mean: 3, low: 3, high: 3 });
  });

  test("draw hours: of two, one of three means", () => {
    // Hours of value 0 and 1: 0, ½, ½, 1, each a quarter of the time, so 95 % reach from 0 to 1.
    const cells = [cell({ hour: 1, value: 0 }), cell({ hour: 2, window: "x", value: 1 })];
    assert.deepEqual(estimate(cells), { mean: 0.5, low: 0, high: 1 });
  });

  test("draw lessons as well: what differs by seed alone widens the interval", () => {
    const hours = Array.from({ length: 12 }, (_, hour) => hour);
    const of = (seeds: readonly number[]) =>
      hours.flatMap((hour) => seeds.map((seed) => cell({ hour, window: `w${hour}`, seed, value: seed })));
    assert.deepEqual(estimate(of([1])), { mean: 1, low: 1, high: 1 });
    const { mean, low, high } = estimate(of([0, 1]));
    assert.deepEqual([mean, low, high], [0.5, 0, 1]);
  });

  test("of kinds weigh each alike, however many windows speak of it", () => {
    const cells = [
      ...Array.from({ length: 9 }, (_, i) => cell({ window: `d${i}`, kind: "devices", value: 1 })),
      cell({ kind: "play", value: 0 }),
    ];
    near(estimate(cells).mean, 0.9);
    near(estimate(cells, ({ kind }) => kind).mean, 0.5);
  });

  test("hold the true mean about as often as they say", () => {
    // 30 hours of 4 windows that share half of their variance; 200 rounds, Binomial(200, 0.95): 190 ± 3.1.
    let seed = 1;
    const normal = () => {
      const uniform = () => {
        seed = (seed * 48271) % 2147483647;
        return seed / 2147483647;
      };
      return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    };
    let held = 0;
    for (let round = 0; round < 200; round++) {
      const cells = Array.from({ length: 30 }, (_, hour) => {
        const shared = normal();
        return [0, 1, 2, 3].map((i) => cell({ hour, window: `${hour}-${i}`, value: shared + normal() }));
      }).flat();
      const { low, high } = estimate(cells, undefined, { resamples: 400, seed: `round ${round}` });
      if (low <= 0 && high >= 0) held += 1;
    }
    assert.ok(held > 176, `${held} of 200`);
  });

  test("refuse to be made of nothing", () => {
    assert.throws(() => estimate([]), RangeError);
  });
});

describe("values by window of the measurement on real text", () => {
  const [kind] = kinds;
  const told = (some: Partial<Told> & { readonly id?: string; readonly seed?: number | null }): Told => {
    const { id = "w", seed = null, ...rest } = some;
    const by = seed === null ? "base" : "vector";
    return {
      ...{
        text: "",
        chance: 1,
        wearer: "ann",
        tokens: 5,
        true: 1,
        relevant: {},
        second: {},
        taught: {},
        word: {},
        unasked: {},
      },
      ...{ endless: 0, loops: 0, asks: 0, copiesPrompt: 0, isLine: 1 },
      arm: { by, kind: null, seed, recipe: null, how: "line" },
      window: { id, day: 6, hour: 130, lines: [], kinds: [kind!.name], observation },
      ...rest,
    };
  };

  test("count a memory by its chance, and average what one lesson wrote about a window", () => {
    const some = [
      told({ chance: 0.75, true: 1 }),
      told({ chance: 0.25, true: 0 }),
      told({ seed: 1, true: 0 }),
      told({ id: "of no kind", window: { ...told({}).window, kinds: [] } }),
    ];
    const cells = cellsOf(some, kind!, (one) => one.true);
    assert.deepEqual(
      cells.map(({ seed, value }) => [seed, value]),
      [
        [null, 0.75],
        [1, 0],
      ],
    );
  });

  test("stand beside a line drawn blindly, and beside the one that the encoder itself takes", () => {
    const line = (chance: number, relevant: number, taught: number) =>
      told({ chance, relevant: { food: relevant }, taught: { food: taught } });
    const base = [line(0.9, 0, 0.1), line(0.05, 1, 0.3), line(0.05, 1, 0.2), line(0, 0, 0)];
    const own = told({ seed: 0, relevant: { food: 1 } });
    const [gain] = gainOf(
      [...base, { ...own, arm: { ...own.arm, kind: "food", recipe: "lines" } }],
      "lines",
      kind!,
    );
    const values = [gain!.alone, gain!.alike, gain!.encoder, gain!.gain].map(([one]) => one!.value);
    for (const [i, value] of [0.1, 0.5, 1, 0.9].entries()) near(values[i]!, value);
  });

  test("weigh memories so that an arm is as long as the model alone", () => {
    // Alone half are of 5 tokens and half of 15; with the vector a quarter is short: it counts 2, the others 2/3.
    const alone = [5, 5, 15, 15].map((tokens, i) => told({ id: `w${i}`, tokens }));
    const own = [5, 15, 15, 15].map((tokens, i) => told({ id: `w${i}`, seed: 0, tokens }));
    const weights = lengthWeights(own, alone, kind!);
    assert.deepEqual(
      own.map((one) => weights.get(one)),
      [2, 2 / 3, 2 / 3, 2 / 3],
    );
    // What is true of the long ones alone is then as frequent as if half were long.
    const cells = cellsOf(own, kind!, (one) => weights.get(one)! * Number(one.tokens > 10));
    near(estimate(cells).mean, 0.5);
  });
});

describe("measures of a memory on real text", () => {
  /** Words as directions, each by the sum of its letters: enough to tell near from far. */
  const embedder: Embedder = {
    ...{ id: "letters", dimension: 97 },
    embed: async (texts) =>
      texts.map((text) => {
        const vector = new Float32Array(97);
        for (const word of text.toLowerCase().match(/[a-z]+/g) ?? [])
          vector[[...word].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 97]! += 1;
        const length = Math.hypot(...vector) || 1;
        return vector.map((value) => value / length);
      }),
  };
  const lines = [
    "The dish tastes of garlic and the drinks were poured for dinner.",
    "Which drinks were on the table for lunch?",
    "We cook noodles in the evening.",
    "A bicycle leans against the wall.",
    "Somebody walks down the stairs.",
    "Grey clouds hang over the town.",
    "The green umbrella stands behind the door.",
    "They talk about the weather.",
  ];
  const captions = lines.map((text) => ({ startSeconds: 0, endSeconds: 10, text, speaker: null }));
  const window = {
    ...{ id: "w", day: 6, hour: 130, lines, kinds: ["food"] },
    observation: { ...observation, captions },
  };
  const memories = lines.map((text) => ({ text, tokens: 8, chance: 1, ended: true }));
  const count = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

  test("call the nearest quarter of a kind's own memories relevant, and nothing of a kind without any", async () => {
    const measures = new Measures([embedder]);
    const found = await measures.measure(window, memories, await measures.limits({ food: lines }));
    assert.equal(count(found.map(({ relevant }) => relevant.food!)), 2);
    assert.equal(found[0]!.relevant.food, 1); // of all it shares most words with the unseen questions
    assert.equal(count(found.map(({ relevant }) => relevant.money!)), 0);
    assert.equal(count(found.map(({ second }) => second.food!)), 0); // there is no second encoder
  });

  test("measure by a second encoder in its own space", async () => {
    const constant: Embedder = {
      ...{ id: "constant", dimension: 97 },
      embed: async (texts) => texts.map(() => new Float32Array(97)),
    };
    const measures = new Measures([constant, embedder]);
    const found = await measures.measure(window, memories, await measures.limits({ food: lines }));
    assert.equal(count(found.map(({ relevant }) => relevant.food!)), 8); // all are equally near
    assert.equal(count(found.map(({ second }) => second.food!)), 2);
  });

  test("tell words of a kind from those that stand in no question, and what is true from what is not", async () => {
    const measures = new Measures([embedder]);
    const some = [
      "We cook noodles in the evening.",
      "The dog ate my breakfast at 7.",
      "The dish tastes of garlic",
    ];
    const written = some.map((text, i) => ({ text, tokens: 8, chance: 1, ended: i < 2 }));
    const found = await measures.measure(window, written, await measures.limits({ food: lines }));
    assert.deepEqual(
      found.map((one) => [one.true, one.word.food, one.unasked.food, one.isLine, one.endless]),
      [
        [1, 1, 1, 1, 0],
        [0, 1, 0, 0, 0], // no dog is in the clip; questions hold both 'ate' and 'breakfast'
        [0, 1, 1, 0, 1], // it did not end
      ],
    );
  });
});
