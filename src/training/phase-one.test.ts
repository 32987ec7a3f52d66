/** Phase One on a policy of three logits whose draws are written down, so that each number can be checked. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { type Tokens, TokenTrainer } from "../../test/support/token-trainer.ts";
import { noCost } from "../engine.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { klLoss } from "./losses.ts";
import {
  type PhaseOneConfig,
  type PhaseOneRun,
  type PhaseOneState,
  phaseOne,
  phaseOneDefaults,
  type RecordedRollout,
  type RecordedStep,
} from "./phase-one.ts";
import type { PhaseOnePolicy } from "./trainable-policy.ts";

/** What each token says; the last one keeps nothing and is off contract. */
const words = ["true", "false", ""];
const [yes, no, off]: readonly Tokens[] = [[0], [1], [2]];

/** What the policy draws as the k-th memory of a context. */
type Draws = (context: Context, k: number) => Tokens;

const config: PhaseOneConfig = {
  ...phaseOneDefaults,
  ...{ offPolicySteps: 0, steps: 1, batch: 2, group: 4, parts: 1, learningRate: 0.5, maxGradientNorm: 1e9 },
  ...{ checkpointEvery: 100, curriculum: { leastSteps: 3, mostSteps: 4, resampleProbability: 0 } },
};

/** Passes what is true; says nothing of what is richer. */
const judge: Judge = {
  id: "words",
  quality: async ({ memory }) => ({
    ...{ ok: true, value: { correct: memory.includes("true"), clean: true, rationale: memory } },
  }),
  richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
  relevance: async () => ({ ok: true, value: "tie" }),
};

interface SetUp {
  readonly draws: Draws;
  readonly config?: Partial<PhaseOneConfig>;
  readonly judge?: Judge;
  readonly clips?: number;
  readonly clipsPerDecision?: number;
  readonly state?: PhaseOneState;
  /** Added to each log-probability that the policy reports. */
  readonly misreported?: number;
  readonly reference?: PhaseOnePolicy<Tokens>["reference"];
  readonly trainer?: Partial<PhaseOnePolicy<Tokens>["trainer"]>;
}

/** A run in memory. @returns what it kept, and every context that the policy was shown */
async function run({ draws, judge: own = judge, clips = 40, clipsPerDecision = 1, ...setUp }: SetUp) {
  const inner = new TokenTrainer(words.length);
  const shown: Context[] = [];
  const metrics: RecordedStep[] = [];
  const rollouts: Omit<RecordedRollout, "step">[][] = [];
  const checkpoints: PhaseOneState[] = [];
  const trainer: PhaseOnePolicy<Tokens>["trainer"] = {
    logprobs: (samples) => inner.logprobs(samples),
    accumulate: (samples, weights) => inner.accumulate(samples, weights),
    step: (options) => inner.step(options),
    save: (path) => inner.save(path),
    load: (path) => inner.load(path),
    snapshot: async () => ({
      kind: "checkpoint",
      revision: (await inner.snapshot()).revision,
      path: "logits",
    }),
    ...setUp.trainer,
  };
  const policy: Policy = {
    ...{ id: "logits", revision: "logits@1", clipsPerDecision },
    decide: async (context, { n = 1 } = {}) => {
      shown.push(context);
      const sampled = Array.from({ length: n }, (_, k) => draws(context, k));
      const logprobs = await inner.logprobs(sampled);
      return { actions: sampled.map((ids, k) => actionOf(context, ids, logprobs[k]!)), cost: noCost };
    },
    advance: (_, { text }) => ({ value: text, documents: 1, words: new Map() }),
  };
  const actionOf = (context: Context, ids: Tokens, logprobs: Float32Array): Action => {
    const { clip, startSeconds, endSeconds } = context.observations[0]!;
    const text = ids
      .map((id) => words[id]!)
      .join(" ")
      .trim();
    const statement = { clip, kind: "episodic" as const, startSeconds, endSeconds, text };
    const values = logprobs.map((value) => value + (setUp.misreported ?? 0));
    return {
      ...{ text, revision: "logits@1", issues: text === "" ? [{ code: "malformed", message: "empty" }] : [] },
      statements: text === "" ? [] : [{ ...statement, speakers: [], sources: [], frameSeconds: [] }],
      logprobs: { tokens: ids.map((id) => words[id]!), values, ids: Int32Array.from(ids) },
    };
  };
  const kept: PhaseOneRun = {
    directory: "",
    resume: async () => setUp.state ?? { step: 0, videos: 0, instances: [] },
    record: async (row, ms, own) => {
      metrics.push({ ...row, ms });
      rollouts.push([...own]);
    },
    metrics: () => metrics,
    checkpoint: async (_, state) => void checkpoints.push(state),
  };
  const reference = setUp.reference ? { reference: setUp.reference } : {};
  const sampleOf = async (_: Context, { logprobs }: Action) => [...logprobs!.ids!];
  const outcome = await phaseOne({
    trainable: { id: "logits", trainer, policy: async () => policy, sampleOf, ...reference },
    video: (n) => ({
      clips,
      observe: async (clip) => observationOf(`film-${n}`, clip),
      written: async (clip) => (clip % 5 === 0 ? "" : `told of ${clip}`),
    }),
    judge: own,
    score: { countTokens: (text) => text.split(" ").length, form: "statements" },
    config: { ...config, ...setUp.config },
    run: kept,
  });
  return { outcome, metrics, rollouts, checkpoints, shown, trainer };
}

/** Film and clip that a context is about, and clips and texts of what came before. */
const seen = ({ observations, recent }: Context) => ({
  film: observations[0]!.stream,
  clips: observations.map(({ clip }) => clip),
  earlier: recent.observations.map(({ clip }) => clip),
  entries: recent.entries.map(({ clip, text }) => `${clip} ${text}`),
});

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}, not ${expected}`);

describe("what an instance is shown", () => {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  for (const [history, offPolicySteps] of [
    ["its own memories", 0],
    ["those that come with the video", 100],
  ] as const)
    test(`is ${history}, back to where it started and to the window`, async () => {
      const stay = { leastSteps: 9, mostSteps: 9, resampleProbability: 0 };
      const { shown } = await run({
        draws: () => yes!,
        config: { steps: 25, batch: 1, offPolicySteps, curriculum: stay },
      });
      const starts = new Map<string, number>();
      for (const { film, clips, earlier, entries } of shown.map(seen)) {
        const [clip] = clips as [number];
        if (!starts.has(film)) starts.set(film, clip);
        const expected = range(Math.max(starts.get(film)!, clip - 4), clip);
        assert.deepEqual(earlier, expected, `${film} ${clip}`);
        const written = expected.filter((at) => offPolicySteps === 0 || at % 5 !== 0);
        const text = (at: number) => (offPolicySteps === 0 ? `${at} true` : `${at} told of ${at}`);
        assert.deepEqual(entries, written.map(text));
      }
      assert.deepEqual([...starts.keys()], ["film-0", "film-1", "film-2"]);
      assert.ok(
        [...starts.values()].some((start) => start > 4),
        "one starts in the middle of its film",
      );
    });

  test("holds several clips where a decision covers them, as many as the video has left", async () => {
    const { shown } = await run({
      ...{ draws: () => yes!, clips: 8, clipsPerDecision: 3 },
      config: { steps: 6, batch: 1, windowClips: 6, curriculum: { ...config.curriculum, leastSteps: 3 } },
    });
    assert.deepEqual(shown.map(seen).slice(0, 4), [
      { film: "film-0", clips: [0, 1, 2], earlier: [], entries: [] },
      { film: "film-0", clips: [3, 4, 5], earlier: [0, 1, 2], entries: ["0 true"] },
      // Two clips are left of 8; the window of 6 has room for 4 before them.
      { film: "film-0", clips: [6, 7], earlier: [2, 3, 4, 5], entries: ["3 true"] },
      { film: "film-1", clips: [0, 1, 2], earlier: [], entries: [] },
    ]);
  });

  test("is the first memory that passes, else the first on contract, else none", async () => {
    const drawn: readonly Tokens[][] = [
      [off!, no!, yes!, [0, 0]],
      [off!, no!, [1, 1], off!],
      [off!, off!, off!, off!],
      [yes!, yes!, yes!, yes!],
    ];
    const { shown } = await run({
      draws: ({ observations }, k) => drawn[observations[0]!.clip]![k]!,
      config: { steps: 4, batch: 1 },
      clips: 4,
      state: {
        ...{ step: 0, videos: 1 },
        instances: [
          {
            ...{ place: { video: 0, at: 0, steps: 0 }, entries: [] },
            state: { value: null, documents: 0, words: new Map() },
          },
        ],
      },
    });
    assert.deepEqual(seen(shown[3]!).entries, ["0 true", "1 false"]);
    assert.equal(shown[2]!.state.value, "false", "the state follows what was written");
    assert.equal(shown[3]!.state.value, "false", "and stays where nothing was");
    assert.equal(shown[3]!.state.documents, 2);
  });
});

describe("a step", () => {
  /** Film 0 draws two true and two false memories, film 1 four true ones. */
  const halfTrue: Draws = ({ observations }, k) =>
    observations[0]!.stream === "film-1" ? yes! : k < 2 ? yes! : [1, 1];

  test("takes its mean over all rollouts, those without a push included", async () => {
    const { metrics, rollouts } = await run({ draws: halfTrue });
    // Rewards ±0.5, deviation sqrt(4 · 0.25 / 3) = 0.57735: advantages ±0.866 in film 0, zeros in film 1.
    const advantage = 0.5 / (Math.sqrt(1 / 3) + 1e-6);
    assert.deepEqual(
      rollouts[0]!.map((rollout) => Math.round(rollout.advantage * 1e6) / 1e6),
      [advantage, advantage, -advantage, -advantage, 0, 0, 0, 0].map((each) => Math.round(each * 1e6) / 1e6),
    );
    const [step] = metrics;
    near(step!.telling, 0.5);
    // −Σ A / 8 = 0; the gradient of each is −A / (8 T) a token, p = 1/3: (1 − p) of its own logit, −p of the others.
    near(step!.loss, 0);
    const weight = (2 * advantage) / 8;
    const gradient = [-weight * (2 / 3) - weight / 3, weight / 3 + weight * (2 / 3), 0];
    near(step!.gradientNorm, Math.hypot(...gradient));
    near(step!.updateNorm, 0.5 * Math.hypot(...gradient));
    near(step!.mismatch, 0);
    assert.deepEqual([step!.clippedPositive, step!.clippedNegative, step!.kl], [0, 0, 0]);
  });

  test("splits the batch into parts, an optimiser step each, and reports their mean", async () => {
    const { metrics } = await run({ draws: halfTrue, config: { parts: 2 } });
    const [step] = metrics;
    // The part of film 1 pushes nothing and takes no step; the mean over two parts halves the other's figures.
    const advantage = 0.5 / (Math.sqrt(1 / 3) + 1e-6);
    const weight = (2 * advantage) / 4;
    near(step!.gradientNorm, Math.hypot(weight, weight) / 2);
    near(step!.updateNorm, (0.5 * Math.hypot(weight, weight)) / 2);
    near(step!.telling, 0.5);
  });

  test("is clipped where a second part continues from the weights that the first has changed", async () => {
    const { metrics } = await run({
      draws: (_, k) => (k < 2 ? yes! : no!),
      config: { parts: 2, learningRate: 50 },
    });
    // After the first part "true" is nearly sure: its ratio 3 is above 1.28, that of "false" below 0.8.
    near(metrics[0]!.clippedPositive, 0.5);
    near(metrics[0]!.clippedNegative, 0.5);
    // First part: 0. Second: −A · 1.28 for the two true ones, A · 0.8 for the two false: −0.48 A / 2, halved.
    const advantage = 0.5 / (Math.sqrt(1 / 3) + 1e-6);
    near(metrics[0]!.loss, -(0.48 * advantage) / 4);
  });

  test("leaves no push on a good memory for better siblings", async () => {
    const ranking: Judge = {
      ...judge,
      richness: async ({ memories }) => ({ ok: true, value: memories.map((text) => text.length) }),
    };
    const advantages = async (gate?: boolean) => {
      const { rollouts } = await run({
        draws: (_, k) => [yes!, [0, 1], [0, 0, 0], [0, 0, 0, 0]][k]!,
        config: { batch: 1, ...(gate !== undefined && { gate }) },
        judge: ranking,
      });
      return rollouts[0]!.map(({ advantage }) => advantage);
    };
    const of = await advantages();
    assert.deepEqual(of.slice(0, 2), [0, 0], "below the mean, but passing");
    assert.ok(of[2]! > 0 && of[3]! > of[2]!);
    const ungated = await advantages(false);
    assert.ok(ungated[0]! < ungated[1]! && ungated[1]! < 0, "an ablation leaves the gate out");
    assert.deepEqual(ungated.slice(2), of.slice(2));
    const { rollouts: wrong } = await run({
      draws: (_, k) => [no!, [1, 1], off!, off!][k]!,
      config: { batch: 1 },
    });
    assert.ok(
      wrong[0]!.every(({ advantage }, k) => (k < 2 ? advantage > 0 : advantage < 0)),
      "the wrong beat the malformed",
    );
  });

  test("reports the parts of the rewards, and what a failing judge leaves out", async () => {
    const failing: Judge = {
      ...judge,
      quality: async (request) =>
        request.memory === "false false"
          ? { ok: false, reason: "timed-out", message: "too slow" }
          : judge.quality(request),
    };
    const { metrics, rollouts } = await run({
      draws: ({ observations }, k) =>
        observations[0]!.stream === "film-1"
          ? [yes!, no!, off!, [0, 0, 0]][k]!
          : [yes!, [1, 1], no!, off!][k]!,
      judge: failing,
    });
    const [step] = metrics;
    // Graded: 7 of 8, of them three true (0.5), two false (−0.5), two off contract (−1.5).
    near(step!.reward, (3 * 0.5 - 2 * 0.5 - 2 * 1.5) / 7);
    near(step!.format, (2 * -1.5) / 8);
    near(step!.quality, (3 * 0.5 - 2 * 0.5) / 7);
    near(step!.richness, 0);
    near(step!.thinking, 0);
    near(step!.valid, 6 / 8);
    near(step!.passing, 3 / 8);
    near(step!.correct, 3 / 5);
    near(step!.clean, 1);
    assert.equal(step!.masked, 1);
    near(step!.telling, 4 / 8);
    // Words of the texts: 1, 2, 1 and an empty text in one film, 1, 1, an empty one and 3 in the other.
    near(step!.tokens, (1 + 2 + 1 + 1 + 1 + 1 + 1 + 3) / 8);
    const [first] = rollouts[0]!;
    assert.deepEqual(
      { ...first, clip: 0 },
      {
        ...{
          stream: "film-0",
          clip: 0,
          text: "true",
          reward: 0.5,
          advantage: 0,
          rationale: "true",
          failures: [],
        },
        parts: { format: 0, thinking: 0, quality: 0.5, richness: 0 },
        checks: { correct: true, clean: true, tagged: true, short: true },
      },
    );
    assert.equal(rollouts[0]![1]!.reward, null);
    assert.equal(rollouts[0]![1]!.failures[0]!.message, "too slow");
  });

  test("says how far the trainer's log-probabilities are from those it was sampled with", async () => {
    const { metrics } = await run({ draws: halfTrue, misreported: 0.25 });
    near(metrics[0]!.mismatch, 0.25);
  });

  test("pulls all rollouts back to the first weights where a KL penalty is wanted", async () => {
    const first = new TokenTrainer(words.length);
    const [free, held] = await Promise.all(
      [0, 0.5].map((kl) =>
        run({ draws: halfTrue, config: { steps: 2, kl }, reference: (samples) => first.logprobs(samples) }),
      ),
    );
    // The first step starts at the first weights, where the penalty is 0 and flat.
    assert.equal(held!.metrics[0]!.kl, 0);
    assert.equal(held!.metrics[0]!.gradientNorm, free!.metrics[0]!.gradientNorm);
    // The second starts from the same weights in both: one step down d from the middle.
    const after = new TokenTrainer(words.length);
    const samples = [...[0, 1, 2, 3].map((k) => (k < 2 ? yes! : [1, 1])), yes!, yes!, yes!, yes!];
    const advantage = 0.5 / (Math.sqrt(1 / 3) + 1e-6);
    const weights = samples.map((tokens, i) =>
      new Float32Array(tokens.length).fill(i < 2 ? -advantage / 8 : i < 4 ? advantage / 16 : 0),
    );
    await after.accumulate(samples, weights);
    await after.step({ learningRate: 0.5 });
    const penalty = klLoss(await after.logprobs(samples), await first.logprobs(samples));
    assert.ok(penalty.loss > 1e-4);
    near(held!.metrics[1]!.kl, penalty.loss);
    await after.accumulate(samples, weights);
    await after.accumulate(
      samples,
      penalty.gradient.map((own) => own.map((value) => 0.5 * value)),
    );
    near(held!.metrics[1]!.gradientNorm, (await after.step({ learningRate: 0.5 })).gradientNorm);
    assert.ok(held!.metrics[1]!.gradientNorm < free!.metrics[1]!.gradientNorm - 1e-3);

    await assert.rejects(run({ draws: halfTrue, config: { kl: 0.5 } }), { code: "reference-missing" });
  });

  test("that changes no log-probability stops the run", async () => {
    const step = async () => ({ gradientNorm: 1, updateNorm: 1 });
    await assert.rejects(run({ draws: halfTrue, trainer: { step } }), { code: "trainer-inert" });
  });
});

describe("a run", () => {
  test("saves every so many steps and at its end, with the next step's number", async () => {
    const { checkpoints, metrics } = await run({
      draws: (_, k) => (k < 2 ? yes! : no!),
      config: { steps: 5, checkpointEvery: 2, offPolicySteps: 2, learningRate: 0.01 },
    });
    assert.deepEqual(
      checkpoints.map(({ step }) => step),
      [2, 4, 5],
    );
    assert.deepEqual(
      metrics.map(({ step, history }) => `${step} ${history}`),
      ["1 off-policy", "2 off-policy", "3 on-policy", "4 on-policy", "5 on-policy"],
    );
    // No instance stays for more than 4 steps; a new one takes the place of each that left.
    const left = metrics.reduce((sum, { resampled }) => sum + resampled, 0);
    assert.ok(left >= 2);
    assert.equal(checkpoints.at(-1)!.videos, 2 + left - metrics.at(-1)!.resampled);
    assert.equal(checkpoints.at(-1)!.instances.length, 2 - metrics.at(-1)!.resampled);
  });

  test("says why it learned nothing", async () => {
    const problemOf = async (setUp: SetUp) => {
      const { outcome } = await run({ ...setUp, config: { steps: 3 } });
      return [outcome.problem, outcome.steps, outcome.movedSteps];
    };
    const failing: Judge = {
      ...judge,
      quality: async () => ({ ok: false, reason: "timed-out", message: "too slow" }),
    };
    assert.deepEqual(await problemOf({ draws: () => yes!, judge: failing }), ["judge-failed", 3, 0]);
    assert.deepEqual(await problemOf({ draws: () => yes! }), ["no-difference", 3, 0]);
    assert.deepEqual(await problemOf({ draws: (_, k) => (k < 2 ? yes! : no!) }), [null, 3, 3]);
  });
});

test("without settings of its own a run has the sizes, rate and stages of the paper's", () => {
  const { offPolicySteps, steps, batch, group, parts, learningRate, maxGradientNorm, kl, checkpointEvery } =
    phaseOneDefaults;
  // A hundred steps, the first 60 of them on histories by another writer (the paper's Figure 3); 32 prompts of 8 memories.
  assert.deepEqual([steps, offPolicySteps, batch, group], [100, 60, 32, 8]);
  // Mini-batches of 8 prompts, and Adam at 1e-6 with its gradient clipped to 1 (the released launch line), which has no KL.
  assert.deepEqual([batch / parts, learningRate, maxGradientNorm, kl], [8, 1e-6, 1, 0]);
  assert.equal(steps % checkpointEvery, 0, "the last checkpoint is the last step's");
  assert.equal(checkpointEvery, 10);
  assert.equal(phaseOneDefaults.gate, undefined, "the gate is open");
});
