/** Phase Two on a policy of a few logits, so that each number can be checked. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { observationOf, temporaryFolder } from "../../test/support/memory.ts";
import { remoteTokenTrainer, type Tokens, TokenTrainer } from "../../test/support/token-trainer.ts";
import { adapterNorm, weightsOf } from "../adapter/arithmetic.ts";
import { noCost } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { seededRandom } from "../util/random.ts";
import { dpoLoss, klLoss } from "./losses.ts";
import {
  type CachedContext,
  compare,
  type DpoOptions,
  drawnForSteps,
  phaseTwo,
  rollOut,
  type SamplePair,
  trainOnPairs,
  wholeSteps,
} from "./phase-two.ts";
import { openPhaseTwoRun, type RecordedCandidate, type RecordedPair } from "./phase-two-run.ts";
import { rowsOf } from "./run-directory.ts";

const words = ["tea", "keys", "rain", "lamp", "coat"];
const count = words.length;
const pairs = [
  { chosen: [1, 1, 2], rejected: [0, 3] },
  { chosen: [1], rejected: [4, 4] },
  { chosen: [2, 1], rejected: [0, 0, 4] },
];

const contextOf = (clip: number): Context => ({
  observations: [observationOf("film", clip)],
  recent: { observations: [], entries: [] },
  state: { value: null, documents: 0, words: new Map() },
});
const contexts = Array.from({ length: 9 }, (_, clip) => ({ id: `film-${clip}`, context: contextOf(clip) }));
const tasks = ["Where are the keys?", "Who took the keys?"].map((text) => ({
  question: { text, options: [] },
}));

/** Writes three words, drawn; `pause` is waited for before each decision. */
const policyWith = (pause: () => Promise<unknown>): Policy => ({
  ...{ id: "words", revision: "words@1", clipsPerDecision: 1, advance: () => null },
  decide: async ({ observations }, { n = 1, random = () => 0 } = {}) => {
    await pause();
    const { clip, startSeconds, endSeconds } = observations[0]!;
    const actions = Array.from({ length: n }, (): Action => {
      const ids = Int32Array.from({ length: 3 }, () => Math.floor(count * random()));
      const tokens = Array.from(ids, (id) => words[id]!);
      const text = tokens.join(" ");
      const statement = { clip, kind: "episodic" as const, startSeconds, endSeconds, text };
      return {
        ...{ text, revision: "words@1", issues: [] },
        statements: [{ ...statement, speakers: [], sources: [], frameSeconds: [] }],
        logprobs: { tokens, values: new Float32Array(3).fill(-Math.log(count)), ids },
      };
    });
    return { actions, cost: noCost };
  },
});

const trainableWith = (pause: () => Promise<unknown>) => ({
  policy: async () => policyWith(pause),
  sampleOf: async (_: Context, { logprobs }: Action): Promise<Tokens> => [...logprobs!.ids!],
});

/** Prefers the memory that names the keys more often. */
const judgeWith = (pause: () => Promise<unknown>): Pick<Judge, "relevance"> => ({
  relevance: async ({ first, second }) => {
    await pause();
    const [a, b] = [first, second].map((text) => text.split("keys").length) as [number, number];
    return { ok: true, value: a === b ? "tie" : a > b ? "first" : "second", rationale: `${a} and ${b}` };
  },
});
const none = async () => {};
const countTokens = (text: string) => text.split(" ").length;

const cached = (): Promise<CachedContext<Tokens>[]> =>
  rollOut(trainableWith(none), contexts, { countTokens });
const options = { judge: judgeWith(none), dpo: { learningRate: 1 } };

describe("training on pairs", () => {
  test("adds a KL penalty that keeps the adapter near zero, the nearer the larger its weight", async () => {
    const trained = async (kl: number) => {
      const trainer = new TokenTrainer(count);
      const curve = await trainOnPairs(trainer, pairs, { learningRate: 0.3, beta: 0.5, steps: 20, kl });
      return { curve, norm: adapterNorm(await trainer.snapshot()) };
    };
    const [free, held, tight] = [await trained(0), await trained(0.2), await trained(1)];
    assert.ok(tight.norm < held.norm && held.norm < free.norm, `${tight.norm}, ${held.norm}, ${free.norm}`);

    // Where it starts the penalty is 0 and flat, so the first step is the same; before the second it counts.
    assert.equal(held.curve[0]!.gradientNorm, free.curve[0]!.gradientNorm);
    const trainer = new TokenTrainer(count);
    const [chosen, rejected] = [pairs.map((pair) => pair.chosen), pairs.map((pair) => pair.rejected)];
    const both = async () => ({
      chosen: await trainer.logprobs(chosen),
      rejected: await trainer.logprobs(rejected),
    });
    const reference = await both();
    await trainOnPairs(trainer, pairs, { learningRate: 0.3, beta: 0.5, steps: 1 });
    const now = await both();
    const penalty = klLoss(
      [...now.chosen, ...now.rejected],
      [...reference.chosen, ...reference.rejected],
    ).loss;
    assert.ok(penalty > 0);
    assert.equal(tight.curve[1]!.loss, dpoLoss(now, reference, 0.5).loss + penalty);
  });

  test("keeps chosen texts likely by a likelihood term, where preferences alone let both sides sink", async () => {
    const sinking = [{ chosen: [0, 2], rejected: [1, 2, 2, 2] }];
    const chance = async (likelihood: number) => {
      const trainer = new TokenTrainer(3);
      const curve = await trainOnPairs(trainer, sinking, {
        ...{ learningRate: 0.3, beta: 0.5, steps: 40, likelihood },
      });
      const [chosen] = await trainer.logprobs([sinking[0]!.chosen]);
      return { curve, chosen: chosen![0]! + chosen![1]! };
    };
    const start = 2 * Math.log(1 / 3);
    const [without, with_] = [await chance(0), await chance(1)];
    assert.ok(without.chosen < start, `preferences alone: ${without.chosen}`);
    assert.ok(with_.chosen > start, `with likelihood: ${with_.chosen}`);
    assert.ok(with_.curve.at(-1)!.won === 1, "it still learns the preference");
    assert.ok(Math.abs(with_.curve[0]!.loss - (Math.log(2) + Math.log(3))) < 1e-6);
  });

  test("clips a gradient only where it is configured", async () => {
    const norm = async (limit: { maxGradientNorm?: number }) => {
      const [step] = await trainOnPairs(new TokenTrainer(count), pairs, {
        ...{ learningRate: 1, steps: 1 },
        ...limit,
      });
      return [step!.gradientNorm, step!.adapterNorm!] as const;
    };
    const [gradient, moved] = await norm({});
    assert.ok(gradient > 0.01 && Math.abs(gradient - moved) < 1e-12, "rate 1 from nothing");
    const [same, shortened] = await norm({ maxGradientNorm: 0.01 });
    assert.equal(same, gradient);
    assert.ok(Math.abs(shortened - 0.01) < 1e-12);
  });
});

describe("training on several pairs of a context", () => {
  const shared = [1, 1, 2];
  const [first, second, third] = [
    { context: "a", chosen: shared, rejected: [0, 3] },
    { context: "a", chosen: shared, rejected: [4, 4] },
    { context: "b", chosen: [2, 1], rejected: [0, 0, 4] },
  ] as const;
  const normAfter = async (some: readonly SamplePair<Tokens>[], more: Partial<DpoOptions> = {}) => {
    const trainer = new TokenTrainer(count);
    const curve = await trainOnPairs(trainer, some, { learningRate: 1, steps: 1, ...more });
    return { curve, adapter: weightsOf(await trainer.snapshot()) };
  };

  test("counts each context once: its pairs share its weight", async () => {
    const { adapter, curve } = await normAfter([first, second, third]);
    // At the start the loss is linear: the mean over contexts of the means over their pairs.
    const [one, two, other] = [await normAfter([first]), await normAfter([second]), await normAfter([third])];
    const at = ({ adapter: of }: typeof one, k: number) => of.find(([place]) => place === k)?.[1] ?? 0;
    for (const [k, weight] of adapter) {
      const expected = (at(one, k) + at(two, k)) / 4 + at(other, k) / 2;
      assert.ok(Math.abs(weight - expected) < 1e-6, `${k}: ${weight}, not ${expected}`);
    }
    assert.ok(Math.abs(curve[0]!.loss - Math.log(2)) < 1e-6);
  });

  test("computes a text once that stands in several pairs", async () => {
    const sizes: number[] = [];
    const trainer = new TokenTrainer(count);
    const logprobs = trainer.logprobs.bind(trainer);
    trainer.logprobs = (samples) => {
      sizes.push(samples.length);
      return logprobs(samples);
    };
    await trainOnPairs(trainer, [first, second], { learningRate: 1, steps: 1 });
    assert.deepEqual(sizes, [3, 3]);
  });

  test("draws some pairs of a context a step, its first always", async () => {
    const drawn = new Set<string>();
    const trainer = new TokenTrainer(count);
    const accumulate = trainer.accumulate.bind(trainer);
    trainer.accumulate = (samples, weights) => {
      assert.ok(samples.includes(first.rejected));
      for (const sample of samples) drawn.add(sample.join());
      assert.ok(samples.length <= 3);
      return accumulate(samples, weights);
    };
    const more = { context: "a", chosen: shared, rejected: [3, 3] };
    await trainOnPairs(trainer, [first, second, more], { learningRate: 0, steps: 12, pairsPerContext: 2 });
    assert.deepEqual([...drawn].sort(), ["0,3", "1,1,2", "3,3", "4,4"]);
  });

  test("learns from likelihood alone where preference weighs nothing", async () => {
    const { curve, adapter } = await normAfter([first], { preference: 0, likelihood: 1 });
    // Of five tokens alike: ln 5 nats a token; the two of the best text move up, the others down.
    assert.ok(Math.abs(curve[0]!.loss - Math.log(5)) < 1e-6);
    assert.ok(adapter.every(([k, weight]) => (k === 1 || k === 2 ? weight > 0 : weight < 0)));
  });

  test("lets the rate fall with the root of what is left", async () => {
    const rates: number[] = [];
    const trainer = new TokenTrainer(count);
    const step = trainer.step.bind(trainer);
    trainer.step = (settings) => {
      rates.push(settings.learningRate);
      return step(settings);
    };
    await trainOnPairs(trainer, [first], { learningRate: 2, steps: 4, decay: "root" });
    assert.deepEqual(
      rates.map((rate) => rate ** 2 / 4).map((x) => x.toFixed(6)),
      ["1.000000", "0.750000", "0.500000", "0.250000"],
    );
    // √1 + √0.75 + √0.5 + √0.25
    assert.ok(Math.abs(wholeSteps(4, "root") - 3.073132) < 1e-6);
    assert.equal(wholeSteps(4, "none"), 4);
  });
});

describe("a cache with a clip's own lines", () => {
  const speech = [0, 1, 2].map((i) => ({
    ...{ startSeconds: i, endSeconds: i + 1, text: `${words[i]} again`, speaker: "Ann" },
  }));
  const spoken = contexts.map(({ id, context }) => ({
    id,
    context: { ...context, observations: [{ ...context.observations[0]!, speech }] },
  }));
  const tell = async (context: Context, texts: readonly string[]) => {
    const { actions } = await policyWith(none).decide(context, { n: texts.length });
    return actions.map((action, i) => ({
      ...action,
      statements: [{ ...action.statements[0]!, text: texts[i]! }],
    }));
  };

  test("holds them beside what was drawn, marked, and draws the same as without them", async () => {
    const trainable = { ...trainableWith(none), tell };
    const plain = await rollOut(trainable, spoken, { countTokens, samples: 3 });
    const cache = await rollOut(trainable, spoken, { countTokens, samples: 3, lines: 4 });
    const lines = speech.map(({ text }) => `Ann says: ${text}`);
    const all = new Set([...lines, `${lines[0]} ${lines[1]}`, `${lines[1]} ${lines[2]}`]);
    for (const [i, { candidates }] of cache.entries()) {
      assert.deepEqual(candidates.slice(0, 3), plain[i]!.candidates);
      const own = candidates.slice(3);
      assert.equal(own.length, 4);
      assert.ok(own.every(({ text, isLine, passes }) => all.has(text) && isLine && passes));
    }
  });

  test("is refused for a policy that cannot tell them", async () => {
    const rolled = rollOut(trainableWith(none), contexts, { countTokens, lines: 1 });
    await assert.rejects(rolled, RangeError);
  });
});

describe("an adapter that its engine holds", () => {
  test("is trained as one at hand, brought to a norm there, and never fetched between", async () => {
    const cache = await cached();
    const length = { norm: 2 };
    const local = await phaseTwo(new TokenTrainer(count), cache, tasks, { ...options, length });
    assert.equal(local.problem, null);
    const { trainer, held } = remoteTokenTrainer(count);
    let snapshots = 0;
    const counting: typeof trainer = {
      ...trainer,
      snapshot: () => {
        snapshots += 1;
        return trainer.snapshot();
      },
    };
    const remote = await phaseTwo(counting, cache, tasks, { ...options, length });
    assert.deepEqual(remote.curve, local.curve);
    assert.deepEqual([remote.trainedNorm, snapshots], [local.trainedNorm, 2]);
    assert.ok(remote.adapter.kind === "remote");
    assert.ok(Math.abs(remote.adapter.norm! - 2) < 1e-6);
    const there = weightsOf(held.get(remote.adapter.uri)!);
    for (const [k, [place, weight]] of weightsOf(local.adapter).entries()) {
      assert.equal(there[k]![0], place);
      assert.ok(Math.abs(there[k]![1] - weight) < 1e-6);
    }
  });

  test("keeps its trained length where none is configured, and needs no norm for that", async () => {
    const cache = await cached();
    const { trainer } = remoteTokenTrainer(count, { tellsNorm: false });
    const { adapter, trainedNorm, problem } = await phaseTwo(trainer, cache, tasks, options);
    assert.deepEqual([trainedNorm, problem], [null, null]);
    assert.equal(adapter.revision, (await trainer.snapshot()).revision);
    const again = remoteTokenTrainer(count, { tellsNorm: false }).trainer;
    await assert.rejects(
      phaseTwo(again, cache, tasks, { ...options, length: { scale: 1.5 } }),
      (error) => error instanceof ConfigError && error.code === "adapter-remote",
    );
  });
});

describe("at any concurrency", () => {
  const random = seededRandom("delays");
  const pause = () => setTimeout(4 * random());

  test("the rollouts, the comparisons and the adapter are the same", async () => {
    const all = [];
    for (const concurrency of [1, 3, 16]) {
      const cache = await rollOut(trainableWith(pause), contexts, { countTokens, concurrency });
      const judge = judgeWith(pause);
      const compared = await compare(cache, tasks, { judge, concurrency });
      const result = await phaseTwo(new TokenTrainer(count), cache, tasks, {
        ...options,
        judge,
        concurrency,
      });
      all.push({ cache, compared, result });
    }
    assert.ok(all[0]!.result.pairs > 5, `${all[0]!.result.pairs} pairs`);
    assert.deepEqual(all[1], all[0]);
    assert.deepEqual(all[2], all[0]);
  });

  test("as many contexts and comparisons run at once as configured, and no more", async () => {
    let running = 0;
    let most = 0;
    const counted = async () => {
      most = Math.max(most, ++running);
      await setTimeout(2);
      running -= 1;
    };
    const cache = await rollOut(trainableWith(counted), contexts, { countTokens, concurrency: 4 });
    assert.equal(most, 4);
    most = 0;
    await compare(cache, tasks, { judge: judgeWith(counted), concurrency: 7 });
    assert.equal(most, 7);
  });

  test("each two memories of different texts are compared once, by a few questions", async () => {
    const sample = (id: string, text: string) => ({ id, text, tokens: 1, passes: true, sample: [0] });
    const candidates = [sample("0", "tea"), sample("1", "keys"), sample("2", "rain"), sample("3", "tea")];
    const asked: string[] = [];
    const listening: Pick<Judge, "relevance"> = {
      relevance: async (request) => {
        const { first, second, questions, others = [] } = request;
        asked.push(`${first} ${second} ${questions.length} ${others.length}`);
        return judgeWith(none).relevance(request);
      },
    };
    const many = Array.from({ length: 7 }, (_, i) => ({ question: { text: `Where is ${i}?`, options: [] } }));
    const cache = [{ ...contexts[0]!, candidates }];
    const { contexts: compared } = await compare(cache, many, { judge: listening });
    // A tie in one order is one in both.
    const preferred = ["tea keys", "keys tea", "keys rain", "rain keys", "keys tea", "tea keys"];
    const pairs = [...preferred, "tea rain", "rain tea"];
    assert.deepEqual(asked.sort(), pairs.map((pair) => `${pair} 5 0`).sort());
    const wins = compared[0]!.comparisons.map(({ winner, loser }) => `${winner} ${loser}`);
    assert.deepEqual(wins.sort(), ["1 0", "1 2", "1 3"]);
    asked.length = 0;
    const others = many.map(({ question }) => question);
    await compare(cache, many, { judge: listening, questionsPerContext: 3, others });
    assert.ok(asked.every((row) => row.endsWith(" 3 3")));
  });
});

describe("a run", () => {
  const folder = temporaryFolder("phase-two");
  const newRun = () => openPhaseTwoRun(mkdtempSync(join(folder, "run-")), {});
  const keysIn = (text: string) => text.split("keys").length;

  test("keeps every memory that was drawn: its grade with the reason, or why it is no candidate", async () => {
    const trainable = {
      ...trainableWith(none),
      policy: async (): Promise<Policy> => {
        const policy = policyWith(none);
        return {
          ...policy,
          decide: async (...given) => {
            const { actions, cost } = await policy.decide(...given);
            const [first, second, ...others] = actions as [Action, Action, ...Action[]];
            const issues = [{ code: "malformed", message: "no JSON" }];
            const broken = { ...second, statements: [], issues };
            return { actions: [first, broken, ...others], cost };
          },
        };
      },
    };
    const judge: Judge = {
      id: "keys",
      richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
      relevance: judgeWith(none).relevance,
      quality: async ({ memory }) => ({
        ...{ ok: true, value: { correct: memory.includes("keys"), clean: true, rationale: `of ${memory}` } },
      }),
    };
    const run = newRun();
    const quality = { judge, score: { countTokens, form: "statements" as const } };
    const cache = await rollOut(trainable, contexts, { countTokens, samples: 4, quality, run });
    for (const [clip, { id, candidates }] of cache.entries()) {
      const drawn = run.drawn(id) ?? openPhaseTwoRun(run.directory, {}).drawn(id)!;
      assert.deepEqual([drawn.stream, drawn.clip, drawn.rollouts.length], ["film", clip, 4]);
      assert.deepEqual(
        candidates.map((one) => one.id),
        ["0", "2", "3"],
      );
      for (const [i, { action, passes, rationale }] of drawn.rollouts.entries())
        if (i === 1) assert.deepEqual([passes, rationale], [null, "no JSON"]);
        else assert.deepEqual([passes, rationale], [action.text.includes("keys"), `of ${action.text}`]);
      assert.ok(candidates.every(({ text, rationale }) => rationale === `of ${text}`));
    }
  });

  test("keeps what became of each memory: what it beat, what beat it, and its place in the first pair", async () => {
    const run = newRun();
    const { report } = await phaseTwo(new TokenTrainer(count), await cached(), tasks, {
      ...{ ...options, run, take: "all" },
    });
    const read = <Row>(name: string) => rowsOf<Row>(join(run.directory, name));
    const rows = read<RecordedCandidate>("rollouts.jsonl");
    const recorded = read<RecordedPair>("pairs.jsonl");
    assert.equal(rows.length, 8 * contexts.length);
    assert.ok(recorded.length > report.contexts - report.skipped.length, "some context has several pairs");
    for (const { id: context } of contexts) {
      const own = rows.filter((row) => row.context === context);
      const [pair] = recorded.filter((row) => row.context === context);
      for (const { id, text, stream, clip, beat, beatenBy, role } of own) {
        assert.deepEqual([stream, `film-${clip}`], ["film", context]);
        const where = (holds: (other: number) => boolean) =>
          own.filter((other) => holds(keysIn(other.text))).map((other) => other.id);
        assert.deepEqual([...beat].sort(), where((other) => other < keysIn(text)).sort());
        assert.deepEqual([...beatenBy].sort(), where((other) => other > keysIn(text)).sort());
        assert.equal(role, id === pair?.chosen.id ? "chosen" : id === pair?.rejected.id ? "rejected" : null);
      }
      if (!pair) continue;
      assert.deepEqual([pair.stream, `film-${pair.clip}`], ["film", context]);
      for (const side of [pair.chosen, pair.rejected])
        assert.equal(own.find(({ id }) => id === side.id)!.text, side.text);
    }
  });

  test("trains elsewhere on the pairs that it would draw here: each once before any comes again", () => {
    const drawn = drawnForSteps(5, { steps: 3, pairsPerStep: 2, seed: "elsewhere" });
    assert.deepEqual(
      drawn.map((step) => step.length),
      [2, 2, 2],
    );
    assert.equal(new Set(drawn.flat().slice(0, 5)).size, 5);
    assert.notDeepEqual(drawn, drawnForSteps(5, { steps: 3, pairsPerStep: 2, seed: "another" }));
    // The paper's ten steps, on all pairs.
    assert.deepEqual(
      drawnForSteps(3, {}).map((step) => [...step].sort()),
      Array.from({ length: 10 }, () => [0, 1, 2]),
    );
  });
});
