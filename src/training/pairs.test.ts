import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pick, type Random, randomInt, seededRandom, shuffle } from "../util/random.ts";
import { type Comparison, choosePairs, type PairCandidate, type PairContext } from "./pairs.ts";

const candidate = (id: string, { text = `text ${id}`, tokens = 30, passes = true } = {}): PairCandidate => ({
  id,
  text,
  tokens,
  passes,
});

/** `"a>b b>c"`: a helps more than b, b more than c, each judged by task `t`. */
const beats = (arrows: string, task = "t"): Comparison[] =>
  arrows
    .split(" ")
    .filter((arrow) => arrow !== "")
    .map((arrow) => {
      const [winner, loser] = arrow.split(">");
      return { winner: winner!, loser: loser!, task };
    });

const arrowsOf = (comparisons: readonly Comparison[]): string =>
  comparisons.map(({ winner, loser }) => `${winner}>${loser}`).join(" ");

/** The pair of one context as `chosen>rejected`, or the reason there is none. */
function outcomeOf(
  candidates: readonly PairCandidate[],
  comparisons: readonly Comparison[],
  seed = 42,
): string {
  const { pairs, report } = choosePairs([{ id: "clip", candidates, comparisons }], { seed });
  return pairs[0] ? `${pairs[0].chosen.id}>${pairs[0].rejected.id}` : report.skipped[0]!.reason;
}

describe("worked examples", () => {
  test("takes the longest chain below the undefeated text, past a direct comparison", () => {
    // a > b > c and a > c: c is two steps below a by the longest way, b one.
    const candidates = ["a", "b", "c"].map((id) => candidate(id));
    const { pairs } = choosePairs([{ id: "clip", candidates, comparisons: beats("a>c b>c a>b") }]);
    assert.equal(pairs.length, 1);
    const { edges, ...pair } = pairs[0]!;
    assert.deepEqual(pair, {
      context: "clip",
      chosen: candidates[0],
      rejected: candidates[2],
      kind: "both-pass",
      distance: 2,
    });
    assert.equal(arrowsOf(edges), "a>b b>c");
  });

  test("of two undefeated texts takes the one with the longer chain", () => {
    // a > b is one step; x > y > z is two.
    const candidates = ["a", "b", "x", "y", "z"].map((id) => candidate(id));
    assert.equal(outcomeOf(candidates, beats("a>b x>y y>z")), "x>z");
  });

  test("at equal distance takes the smaller difference in length", () => {
    // |30 − 38| = 8 for b, |30 − 25| = 5 for c.
    const candidates = [candidate("a"), candidate("b", { tokens: 38 }), candidate("c", { tokens: 25 })];
    assert.equal(outcomeOf(candidates, beats("a>b a>c")), "a>c");
  });

  test("takes a shorter chain where the longest ends too far off in length", () => {
    // |30 − 50| = 20 is too much for c, |30 − 49| = 19 is not for b.
    const candidates = [candidate("a"), candidate("b", { tokens: 49 }), candidate("c", { tokens: 50 })];
    assert.equal(outcomeOf(candidates, beats("a>b b>c")), "a>b");
  });

  test("drops the comparisons of a cycle and keeps the rest of the context", () => {
    // b > c > d > b go in circles; a > b stays, and so does d > e.
    const candidates = ["a", "b", "c", "d", "e"].map((id) => candidate(id));
    const comparisons = beats("a>b b>c c>d d>b d>e");
    const { pairs, report } = choosePairs([{ id: "clip", candidates, comparisons }]);
    assert.equal(arrowsOf(report.cyclic), "b>c c>d d>b");
    assert.equal(report.cyclic[0]!.context, "clip");
    assert.equal(pairs[0]!.distance, 1);
    assert.match(arrowsOf(pairs[0]!.edges), /^(a>b|d>e)$/);
  });

  test("tasks that disagree about two texts cancel out, tasks that agree both count as its evidence", () => {
    const candidates = ["a", "b"].map((id) => candidate(id));
    assert.equal(
      outcomeOf(candidates, [...beats("a>b", "clothes"), ...beats("b>a", "places")]),
      "all-cyclic",
    );
    const comparisons = [...beats("a>b", "clothes"), ...beats("a>b", "places")];
    const { pairs } = choosePairs([{ id: "clip", candidates, comparisons }]);
    assert.deepEqual(pairs[0]!.edges, comparisons);
    assert.equal(pairs[0]!.distance, 1);
  });

  test("never prefers a failing text to a passing one, however the judge likes it", () => {
    // false > good is dropped before cycles are looked for, so good > dull > false stays a chain of two.
    const candidates = [candidate("false", { passes: false }), candidate("good"), candidate("dull")];
    const comparisons = beats("false>good good>dull dull>false");
    const { pairs, report } = choosePairs([{ id: "clip", candidates, comparisons }]);
    assert.equal(arrowsOf(report.worseQuality), "false>good");
    assert.deepEqual(report.cyclic, []);
    assert.equal(pairs[0]!.chosen.id, "good");
    assert.equal(pairs[0]!.rejected.id, "false");
    assert.equal(pairs[0]!.kind, "rejected-fails");
  });

  test("takes no pair of two failing texts, even at the end of the longest chain", () => {
    const fails = { passes: false };
    const candidates = [candidate("x", fails), candidate("y", fails), candidate("z", fails)];
    assert.equal(outcomeOf(candidates, beats("x>y y>z")), "none-passes");
    const more = [...candidates, candidate("a"), candidate("b")];
    assert.equal(outcomeOf(more, beats("x>y y>z a>b")), "a>b");
  });

  test("counts the same text as one, and as failing once a check of it failed", () => {
    // a and a2 are one text: a > b and c > a2 make the chain c > a > b.
    const same = { text: "He put the cup away." };
    const candidates = [candidate("a", same), candidate("a2", same), candidate("b"), candidate("c")];
    assert.equal(outcomeOf(candidates, beats("a>b c>a2")), "c>b");
    assert.equal(outcomeOf([candidate("a", same), candidate("a2", same)], beats("a>a2")), "one-text");
    const doubted = [candidate("a", same), candidate("a2", { ...same, passes: false }), candidate("b")];
    assert.equal(outcomeOf(doubted, beats("a>b")), "worse-quality");
    assert.equal(outcomeOf(doubted, beats("b>a")), "b>a2");
  });

  test("says why a context has no pair", () => {
    const a = candidate("a");
    const b = candidate("b");
    assert.equal(outcomeOf([], []), "one-text");
    assert.equal(outcomeOf([a], []), "one-text");
    assert.equal(outcomeOf([a, b], []), "no-comparisons");
    assert.equal(outcomeOf([a, candidate("b", { passes: false })], beats("b>a")), "worse-quality");
    assert.equal(outcomeOf([a, b], beats("a>b b>a")), "all-cyclic");
    assert.equal(outcomeOf([a, candidate("b", { tokens: 50 })], beats("a>b")), "length");
  });

  test("reports kinds, mean lengths and what was skipped, contexts by id", () => {
    const context = (id: string, b: PairCandidate, arrows: string) => ({
      id,
      candidates: [candidate("a"), b],
      comparisons: beats(arrows),
    });
    const { pairs, report } = choosePairs([
      context("3", candidate("b", { tokens: 20, passes: false }), "a>b"),
      context("2", candidate("b"), ""),
      context("1", candidate("b", { tokens: 40 }), "b>a"),
    ]);
    assert.deepEqual(pairs.map((pair) => pair.context).sort(), ["1", "3"]);
    assert.deepEqual(report, {
      contexts: 3,
      pairs: 2,
      kinds: { "both-pass": 1, "rejected-fails": 1 },
      // Chosen (40 + 30) / 2, rejected (30 + 20) / 2.
      means: { chosenTokens: 35, rejectedTokens: 25, distance: 1 },
      skipped: [{ context: "2", reason: "no-comparisons" }],
      worseQuality: [],
      cyclic: [],
    });
  });

  test("gives nothing for no contexts", () => {
    const { pairs, report } = choosePairs([]);
    assert.deepEqual(pairs, []);
    assert.equal(report.contexts, 0);
    assert.equal(report.means, null);
  });

  test("hands back the caller's own candidates", () => {
    const chosen = { ...candidate("a"), logprob: -3 };
    const rejected = { ...candidate("b"), logprob: -5 };
    const context = { id: "clip", candidates: [rejected, chosen], comparisons: beats("a>b") };
    const { pairs } = choosePairs([context]);
    assert.equal(pairs[0]!.chosen, chosen);
    assert.equal(pairs[0]!.rejected, rejected);
  });

  test("the seed decides among equals, each about as often", () => {
    const candidates = ["a", "b", "c"].map((id) => candidate(id));
    const draws = Array.from({ length: 300 }, (_, seed) => outcomeOf(candidates, beats("a>c b>c"), seed));
    const first = draws.filter((draw) => draw === "a>c").length;
    // Binomial(300, ½): mean 150, standard deviation 8.7; four of them is 35.
    assert.ok(Math.abs(first - 150) < 35, String(first));
    assert.equal(draws.filter((draw) => draw === "b>c").length, 300 - first);
  });

  test("contexts that differ only in name draw separately", () => {
    const candidates = ["a", "b", "c"].map((id) => candidate(id));
    const contexts = Array.from({ length: 20 }, (_, i) => ({
      id: `clip ${i}`,
      candidates,
      comparisons: beats("a>c b>c"),
    }));
    const { pairs } = choosePairs(contexts);
    assert.deepEqual([...new Set(pairs.map(({ chosen }) => chosen.id))].sort(), ["a", "b"]);
  });

  test("refuses ids used twice, comparisons of unknown candidates, impossible lengths and margins", () => {
    const context = (candidates: PairCandidate[], arrows = "") => ({
      id: "clip",
      candidates,
      comparisons: beats(arrows),
    });
    const refuses = (contexts: PairContext<PairCandidate>[], message: RegExp, tokenMargin = 20) =>
      assert.throws(() => choosePairs(contexts, { tokenMargin }), { name: "RangeError", message });
    refuses([context([]), context([])], /one context per id, got "clip" twice/);
    refuses(
      [context([candidate("a"), candidate("a")])],
      /one candidate of context "clip" per id, got "a" twice/,
    );
    refuses([context([candidate("a")], "a>gone")], /context "clip", got "gone"/);
    refuses([context([candidate("a", { tokens: -1 })])], /got -1/);
    refuses([context([candidate("a", { tokens: Number.NaN })])], /got NaN/);
    refuses([context([candidate("a", { tokens: Infinity })])], /got Infinity/);
    assert.equal(choosePairs([context([candidate("a", { tokens: 0 })])]).report.skipped.length, 1);
    refuses([], /`tokenMargin` above 0, got 0/, 0);
    refuses([], /`tokenMargin` above 0, got NaN/, Number.NaN);
    assert.deepEqual(choosePairs([], { tokenMargin: 0.5 }).pairs, []);
  });
});

describe("properties of random graphs", () => {
  const contexts = randomContexts(seededRandom("pairs"), 600);
  const { pairs, report } = choosePairs(contexts);
  const cyclicOf = Map.groupBy(report.cyclic, (comparison) => comparison.context);
  const worseOf = Map.groupBy(report.worseQuality, (comparison) => comparison.context);
  const key = ({ winner, loser, task }: Comparison) => `${winner}>${loser} ${task}`;

  /** Texts and arrows of a context before cycles go, and after. */
  function graphOf({ id, candidates, comparisons }: PairContext<PairCandidate>) {
    const textOf = new Map(candidates.map((each) => [each.id, each.text]));
    const arrow = ({ winner, loser }: Comparison): Arrow => [textOf.get(winner)!, textOf.get(loser)!];
    const worse = new Set((worseOf.get(id) ?? []).map(key));
    const cyclic = new Set((cyclicOf.get(id) ?? []).map(key));
    const sound = comparisons.filter((comparison) => !worse.has(key(comparison)));
    const kept = sound.filter((comparison) => !cyclic.has(key(comparison)));
    return {
      sound: sound.map(arrow),
      kept: kept.map(arrow),
      cyclic: (cyclicOf.get(id) ?? []).map(arrow),
      keptKeys: new Set(kept.map(key)),
    };
  }

  test("the graphs hold every case the properties speak of", () => {
    assert.ok(report.pairs > 100, String(report.pairs));
    assert.ok(
      report.kinds["both-pass"] > 30 && report.kinds["rejected-fails"] > 30,
      JSON.stringify(report.kinds),
    );
    assert.ok(report.cyclic.length > 100 && report.worseQuality.length > 100);
    const reasons = new Set(report.skipped.map(({ reason }) => reason));
    assert.equal(reasons.size, 6, [...reasons].join(" "));
    assert.ok(pairs.some((pair) => pair.distance >= 3));
  });

  test("gives each context one pair or one reason", () => {
    const named = [...pairs, ...report.skipped].map(({ context }) => context).sort();
    assert.deepEqual(named, contexts.map(({ id }) => id).sort());
  });

  test("leaves no cycle", () => {
    for (const context of contexts) {
      const { kept } = graphOf(context);
      for (const { text } of context.candidates) assert.ok(!leads(kept, text, text), context.id);
    }
  });

  test("drops as cyclic only what lies on a cycle", () => {
    for (const context of contexts) {
      const { sound, cyclic } = graphOf(context);
      for (const [winner, loser] of cyclic) {
        assert.ok(winner === loser || leads(sound, loser, winner), context.id);
      }
    }
  });

  test("drops as worse only what prefers a text that failed to one that passed", () => {
    for (const { id, candidates } of contexts) {
      const passes = (name: string) => {
        const { text } = candidates.find((each) => each.id === name)!;
        return candidates.every((each) => each.text !== text || each.passes);
      };
      for (const { winner, loser } of worseOf.get(id) ?? []) assert.ok(!passes(winner) && passes(loser), id);
    }
  });

  test("nothing left beats the chosen text; the rejected one never did, even by dropped cycles", () => {
    for (const pair of pairs) {
      const { sound, kept } = graphOf(contexts.find(({ id }) => id === pair.context)!);
      assert.ok(!kept.some(([, loser]) => loser === pair.chosen.text), pair.context);
      assert.ok(leads(kept, pair.chosen.text, pair.rejected.text), pair.context);
      assert.ok(!leads(sound, pair.rejected.text, pair.chosen.text), pair.context);
    }
  });

  test("chosen and rejected are balanced in length, and the chosen one passes", () => {
    for (const { chosen, rejected, kind } of pairs) {
      assert.ok(Math.abs(chosen.tokens - rejected.tokens) < 20);
      assert.ok(chosen.passes);
      assert.equal(kind, rejected.passes ? "both-pass" : "rejected-fails");
    }
  });

  test("a pair rests on kept comparisons that lead from chosen to rejected in its distance", () => {
    for (const { context: id, chosen, rejected, distance, edges } of pairs) {
      const context = contexts.find((each) => each.id === id)!;
      const { keptKeys } = graphOf(context);
      assert.ok(edges.every((edge) => keptKeys.has(key(edge))));
      const textOf = new Map(context.candidates.map((each) => [each.id, each.text]));
      const texts = edges.map(({ winner, loser }) => [textOf.get(winner)!, textOf.get(loser)!]);
      const steps = texts.filter((step, i) => step.join() !== texts[i - 1]?.join());
      assert.equal(steps.length, distance);
      assert.deepEqual(
        [...steps.map(([winner]) => winner), rejected.text],
        [chosen.text, ...steps.map(([, loser]) => loser)],
      );
    }
  });

  test("no admissible pair has a longer chain, or an equal one and a smaller difference in length", () => {
    for (const context of contexts) {
      const { kept } = graphOf(context);
      const texts = new Map(context.candidates.map((each) => [each.text, each.tokens]));
      const failing = new Set(context.candidates.filter((each) => !each.passes).map((each) => each.text));
      const admissible = [...texts].flatMap(([chosen, tokens]) =>
        failing.has(chosen) || kept.some(([, loser]) => loser === chosen)
          ? []
          : [...texts]
              .map(
                ([rejected, others]) => [longest(kept, chosen, rejected), Math.abs(tokens - others)] as const,
              )
              .filter(([distance, difference]) => distance >= 1 && difference < 20),
      );
      const [best] = admissible.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
      const pair = pairs.find((each) => each.context === context.id);
      assert.deepEqual(pair && [pair.distance, Math.abs(pair.chosen.tokens - pair.rejected.tokens)], best);
    }
  });

  test("the order of contexts, candidates and comparisons changes nothing", () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = seededRandom(seed);
      const shuffled = shuffle(random, contexts).map(({ id, candidates, comparisons }) => ({
        id,
        candidates: shuffle(random, candidates),
        comparisons: shuffle(random, comparisons),
      }));
      assert.deepEqual(choosePairs(shuffled), { pairs, report });
    }
  });

  test("a context's pair does not depend on the other contexts", () => {
    for (const context of contexts.slice(0, 100)) {
      const alone = choosePairs([context]).pairs;
      assert.deepEqual(
        alone,
        pairs.filter((pair) => pair.context === context.id),
      );
    }
  });

  test("the pairs come in an order of the seed", () => {
    const order = (seed: number) => choosePairs(contexts, { seed }).pairs.map(({ context }) => context);
    assert.deepEqual(order(1), order(1));
    assert.notDeepEqual(order(1), order(2));
    assert.deepEqual(order(1).toSorted(), order(2).toSorted());
  });

  test("leaves its input as it was", () => {
    const before = structuredClone(contexts);
    choosePairs(contexts);
    assert.deepEqual(contexts, before);
  });
});

type Arrow = readonly [winner: string, loser: string];

/** Whether arrows lead from one text to another in one step or more. */
function leads(arrows: readonly Arrow[], from: string, to: string): boolean {
  let reached = new Set(arrows.filter(([winner]) => winner === from).map(([, loser]) => loser));
  for (let size = -1; size !== reached.size; ) {
    size = reached.size;
    reached = new Set([
      ...reached,
      ...arrows.filter(([winner]) => reached.has(winner)).map(([, loser]) => loser),
    ]);
  }
  return reached.has(to);
}

/** Steps of the longest way by trying every way; below 0 where there is none. The arrows have no cycle. */
function longest(arrows: readonly Arrow[], from: string, to: string): number {
  if (from === to) return 0;
  const onward = arrows
    .filter(([winner]) => winner === from)
    .map(([, loser]) => 1 + longest(arrows, loser, to));
  return Math.max(Number.NEGATIVE_INFINITY, ...onward);
}

/** Up to 8 candidates, some of one text, some failing; comparisons follow a ranking, some go against it. */
function randomContexts(random: Random, count: number): PairContext<PairCandidate>[] {
  return Array.from({ length: count }, (_, number) => {
    const size = randomInt(random, 9);
    const failRate = pick(random, [0, 0.3, 0.9]);
    const spread = pick(random, [10, 60, 400]);
    const candidates = Array.from({ length: size }, (_, i) => ({
      id: `c${i}`,
      text: random() < 0.1 ? "the same" : `text ${i}`,
      tokens: 20 + randomInt(random, spread),
      passes: random() >= failRate,
    })).map((each) => (each.text === "the same" ? { ...each, tokens: 30 } : each));
    const noise = pick(random, [0, 0.1, 0.5]);
    const density = pick(random, [0.1, 0.4, 1]);
    const ranked = shuffle(random, candidates);
    const comparisons = ranked.flatMap((better, i) =>
      ranked.slice(i + 1).flatMap((worse) => {
        if (random() >= density) return [];
        const agreed = random() >= noise;
        const [winner, loser] = agreed ? [better.id, worse.id] : [worse.id, better.id];
        const first = { winner, loser, task: "t1" };
        return random() < 0.1 ? [first, { ...first, task: "t2" }] : [first];
      }),
    );
    return { id: `clip ${number}`, candidates, comparisons };
  });
}

describe("all pairs of a context", () => {
  test("are those among texts that pass, the longest chain first", () => {
    // a > b > c, and a > c; d fails, so what was compared with it gives no pair.
    const candidates = [..."abc"].map((id) => candidate(id)).concat(candidate("d", { passes: false }));
    const comparisons = beats("a>b b>c a>c a>d c>d");
    const { pairs, report } = choosePairs([{ id: "clip", candidates, comparisons }], { take: "all" });
    const named = pairs.map(({ chosen, rejected, distance }) => `${chosen.id}>${rejected.id} ${distance}`);
    assert.equal(named[0], "a>c 2");
    assert.deepEqual(named.slice(1).sort(), ["a>b 1", "b>c 1"]);
    assert.deepEqual(report.kinds, { "both-pass": 3, "rejected-fails": 0 });
    assert.equal(choosePairs([{ id: "clip", candidates, comparisons }]).pairs[0]!.rejected.id, "d");
  });

  test("differ by fewer tokens than the margin of 20", () => {
    const candidates = [candidate("a"), candidate("b", { tokens: 45 }), candidate("c", { tokens: 50 })];
    const { pairs } = choosePairs([{ id: "clip", candidates, comparisons: beats("a>b b>c a>c") }], {
      take: "all",
    });
    assert.deepEqual(pairs.map(({ chosen, rejected }) => chosen.id + rejected.id).sort(), ["ab", "bc"]);
  });

  test("are none where no two texts that pass were compared", () => {
    const candidates = [candidate("a"), candidate("b", { passes: false })];
    const { report } = choosePairs([{ id: "clip", candidates, comparisons: beats("a>b") }], { take: "all" });
    assert.deepEqual(report.skipped, [{ context: "clip", reason: "none-passes" }]);
  });
});
