/** Phase Two on a policy of a few logits, so that each number can be checked. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { observationOf } from "../../test/support/memory.ts";
import { remoteTokenTrainer, type Tokens, TokenTrainer } from "../../test/support/token-trainer.ts";
import { adapterNorm, weightsOf } from "../adapter/arithmetic.ts";
import { noCost } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { seededRandom } from "../util/random.ts";
import { dpoLoss, klLoss } from "./losses.ts";
import { type CachedContext, compare, phaseTwo, rollOut, trainOnPairs } from "./phase-two.ts";

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
});
