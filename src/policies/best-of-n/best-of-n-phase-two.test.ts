import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openTestMemory, temporaryFolder } from "../../../test/support/memory.ts";
import type { Adapter } from "../../adapter/adapter.ts";
import { weightsOf } from "../../adapter/arithmetic.ts";
import { answerQuestion } from "../../answer/answer.ts";
import { noCost } from "../../engine.ts";
import { lexicalReader, wordSpace } from "../../engines/local/index.ts";
import { EngineError } from "../../errors.ts";
import { askAbout, createEpisode, type Episode, type Fact, sentenceOf } from "../../household/index.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { dpoLoss } from "../../training/losses.ts";
import type { SamplePair } from "../../training/phase-two.ts";
import { trainAdapter } from "../../training/train-adapter.ts";
import { randomInt, seededRandom, shuffle } from "../../util/random.ts";
import { adapterFromPairs, adapterFromTasks, type ChoiceSample } from "../choice/word-vector-trainer.ts";
import { wordAdapterTrainer } from "../word-adapter-trainer.ts";
import { bestOfNPolicy } from "./best-of-n.ts";
import { bestOfNFamily, trainableBestOfN } from "./best-of-n-phase-two.ts";

const folder = temporaryFolder("best-of-n");
const clips = 24;
const episode = createEpisode("train-7", clips);

/** Writes one or two true sentences of a clip of an episode. */
const writerOf = (film: Episode): Policy => ({
  id: "writer",
  revision: "writer@1",
  clipsPerDecision: 1,
  decide: async ({ observations }, { n = 1, random = () => 0 } = {}) => {
    const { clip } = observations[0]!;
    const actions = Array.from({ length: n }, (): Action => {
      const facts = shuffle(random, film.clips[clip]!.facts).slice(0, 1 + randomInt(random, 2));
      const text = facts.map(sentenceOf).join(" ");
      const span = { clip, kind: "episodic" as const, startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
      const statement = { ...span, text, speakers: [], sources: [], frameSeconds: [] };
      return { text, statements: [statement], logprobs: null, revision: "writer@1", issues: [] };
    });
    return { actions, cost: noCost };
  },
  advance: () => null,
});
const writer = writerOf(episode);

function about(clip: number): Context {
  const observation: Observation = {
    ...{ stream: "home", clip, startSeconds: clip * 10, endSeconds: clip * 10 + 10 },
    ...{ frames: [], speech: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
  };
  // The last picks already hold these words: "dressed" and "show" count less.
  const value = { inner: null, kept: [["dress"], ["show"]] };
  return {
    observations: [observation],
    recent: { observations: [], entries: [] },
    state: { value, documents: 40, words: new Map([["ann", 20]]) },
  };
}

const isAbout = (kind: Fact["kind"], text: string, clip: number, film = episode) =>
  film.clips[clip]!.facts.some((fact) => fact.kind === kind && text.includes(sentenceOf(fact)));

const questions = (kind: Fact["kind"]) =>
  askAbout(episode, seededRandom("learner"), { kinds: [kind], perKind: 5 }).map((question) => ({ question }));

const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);

/** Draws of a context, as pairs of one about wear and one that is not. */
async function wearPairs(): Promise<SamplePair<ChoiceSample>[]> {
  const trainable = trainableBestOfN({ inner: writer, words: wordSpace });
  const random = seededRandom("pairs");
  const pairs: SamplePair<ChoiceSample>[] = [];
  for (let clip = 0; clip < clips; clip++) {
    const context = about(clip);
    const { actions } = await (await trainable.policy()).decide(context, { n: 8, random });
    const chosen = actions.find(({ text }) => isAbout("wear", text, clip));
    const rejected = actions.find(({ text }) => !isAbout("wear", text, clip));
    if (!chosen || !rejected) continue;
    pairs.push({
      chosen: await trainable.sampleOf(context, chosen),
      rejected: await trainable.sampleOf(context, rejected),
    });
  }
  return pairs;
}

describe("the best-of-n policy in training", () => {
  test("gives the trainer the log-probability that the policy drew with", async () => {
    const { adapter } = adapterFromTasks(questions("wear"), { words: wordSpace });
    const trainable = trainableBestOfN({ inner: writer, words: wordSpace, adapter });
    for (let clip = 0; clip < 8; clip++) {
      const { actions } = await (await trainable.policy()).decide(about(clip), {
        n: 4,
        random: seededRandom(clip),
      });
      for (const action of actions) {
        const sample = await trainable.sampleOf(about(clip), action);
        const [logprobs] = await trainable.trainer.logprobs([sample]);
        assert.deepEqual(logprobs, action.logprobs!.values);
      }
    }
    await assert.rejects(
      trainable.sampleOf(about(0), (await writer.decide(about(0))).actions[0]!),
      RangeError,
    );
  });

  test("has the gradient that finite differences find", async () => {
    const { adapter } = adapterFromTasks(questions("wear"), { words: wordSpace });
    const options = { inner: writer, words: wordSpace, adapter };
    const policy = await trainableBestOfN(options).policy();
    const { actions } = await policy.decide(about(3), { random: seededRandom(1) });
    const sample = await trainableBestOfN(options).sampleOf(about(3), actions[0]!);
    // A step at rate 1 down −logprob adds the gradient to the weights: the change is the gradient.
    const trainable = trainableBestOfN(options);
    await trainable.trainer.accumulate([sample], [Float32Array.of(-1)]);
    await trainable.trainer.step({ learningRate: 1 });
    const before = new Map(weightsOf(adapter));
    const moved = weightsOf(await trainable.trainer.snapshot()).map(
      ([index, value]) => [index, value - (before.get(index) ?? 0)] as const,
    );
    const steepest = moved.toSorted(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, 8);
    assert.ok(Math.abs(steepest[0]![1]) > 0.02, `${steepest[0]}`);
    const width = 0.05;
    for (const [index, slope] of steepest) {
      const at = async (shift: number) => {
        const weights = new Map(weightsOf(adapter));
        weights.set(index, (weights.get(index) ?? 0) + shift);
        const places = [...weights].sort(([a], [b]) => a - b);
        const shifted = {
          ...adapter,
          scale: 1,
          indices: Int32Array.from(places, ([place]) => place),
          values: Float32Array.from(places, ([, weight]) => weight),
        };
        const [logprobs] = await trainableBestOfN({ ...options, adapter: shifted }).trainer.logprobs([
          sample,
        ]);
        return sum(logprobs!);
      };
      const numeric = ((await at(width)) - (await at(-width))) / (2 * width);
      assert.ok(Math.abs(numeric - slope) < 2e-4, `${slope} against ${numeric}`);
    }
  });

  test("moves probability to the chosen samples by DPO, step by step, and its policy follows", async () => {
    const pairs = await wearPairs();
    assert.ok(pairs.length >= 12, `${pairs.length} pairs`);
    const trainable = trainableBestOfN({ inner: writer, words: wordSpace });
    const { trainer } = trainable;
    const chosen = pairs.map((pair) => pair.chosen);
    const rejected = pairs.map((pair) => pair.rejected);
    const logprobs = async () => ({
      chosen: await trainer.logprobs(chosen),
      rejected: await trainer.logprobs(rejected),
    });
    const reference = await logprobs();
    const revisions = new Set([(await trainable.policy()).revision]);
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const { loss, gradient } = dpoLoss(await logprobs(), reference, 0.1);
      losses.push(loss);
      await trainer.accumulate(chosen, gradient.chosen);
      await trainer.accumulate(rejected, gradient.rejected);
      const { updateNorm } = await trainer.step({ learningRate: 1 });
      assert.ok(updateNorm > 0);
      revisions.add((await trainable.policy()).revision);
    }
    assert.ok(Math.abs(losses[0]! - Math.log(2)) < 1e-6);
    for (const [step, loss] of losses.entries()) if (step > 0) assert.ok(loss < losses[step - 1]!);
    assert.equal(revisions.size, 11);
    const after = await logprobs();
    const gained = pairs.filter(
      (_, i) =>
        sum(after.chosen[i]!) > sum(reference.chosen[i]!) && sum(after.rejected[i]!) < sum(after.chosen[i]!),
    );
    assert.ok(gained.length > 0.8 * pairs.length, `${gained.length} of ${pairs.length}`);
  });
});

describe("Phase Two over another policy's samples", () => {
  test("the closed form and preferences both make the policy keep what is asked about, in clips outside the training data", async () => {
    const closed = adapterFromTasks(questions("wear"), { words: wordSpace }).adapter;
    const result = await adapterFromPairs(await wearPairs(), { words: wordSpace, norm: 6 });
    assert.equal(result.problem, null);
    const film = createEpisode("held-out-7", clips);
    const keptAboutWear = async (adapter: Adapter | null) => {
      const policy = bestOfNPolicy({ inner: writerOf(film), words: wordSpace, adapter });
      let kept = 0;
      for (let clip = 0; clip < clips; clip++) {
        const { actions } = await policy.decide(about(clip));
        if (isAbout("wear", actions[0]!.text, clip, film)) kept += 1;
      }
      return kept;
    };
    const [without, counted, preferred] = [
      await keptAboutWear(null),
      await keptAboutWear(closed),
      await keptAboutWear(result.adapter),
    ];
    assert.ok(counted >= without + 6, `${without} without, ${counted} by the closed form`);
    assert.ok(preferred >= without + 6, `${without} without, ${preferred} by preferences`);
  });

  for (const method of ["closed-form", "preferences"] as const) {
    test(`a memory's questions teach it, tried on that memory at one call per clip: ${method}`, async () => {
      const film = createEpisode("validation-7", 90);
      const reader = lexicalReader({ words: wordSpace });
      const memory = await openTestMemory(join(folder, method));
      await memory.addStream({
        ...{ id: "film", description: "film", clipSeconds: 10, fingerprint: null },
        clock: { kind: "media" },
      });
      const lease = await memory.lease("film");
      for (const { index, startSeconds, endSeconds, facts } of film.clips) {
        // The texts with which the local judge compares memories.
        const text = facts.map(sentenceOf).join(" ");
        const captions = [{ startSeconds, endSeconds, text, speaker: null }];
        await memory.addObservation({ ...about(index).observations[0]!, stream: "film", captions });
        const decision = { stream: "film", clips: [index], policy: "best-of-n", revision: "best-of-1@1" };
        await memory.commit({ ...decision, statements: [], stateChange: null });
      }
      await lease.release();
      for (const { text, options } of askAbout(film, seededRandom("tasks"), {
        kinds: ["place"],
        perKind: 20,
      }))
        await answerQuestion({ text, options }, { memory, reader, now: Date.now });

      let calls = 0;
      const hosted = writerOf(film);
      const inner: Policy = {
        ...hosted,
        decide: (context, wanted) => {
          calls += 1;
          const { clip } = context.observations[0]!;
          if (clip === 5 || clip === 60) throw new EngineError("bad-request", "too long for this model");
          return hosted.decide(context, wanted);
        },
      };
      const steered = bestOfNFamily({ inner, words: wordSpace });
      const trainer = wordAdapterTrainer({ ...steered, method, reader });
      const report = await trainAdapter({ memory, trainer, now: Date.now });
      assert.ok(report.accuracyAfter > report.accuracyBefore + 0.2, JSON.stringify(report));
      assert.ok(report.tokenRatio > 0.9 && report.tokenRatio < 1.1, `${report.tokenRatio} times as long`);
      assert.equal(report.pairs > 0, method === "preferences");
      assert.deepEqual([calls, report.refusedClips], [film.clips.length, 2]);
      const [kept] = await memory.adapters({ policy: "best-of-n" });
      assert.equal(kept!.revision, report.adapter);
      // This writer ignores what it wrote before: by preferences it repeats itself more than the gate allows.
      if (method === "closed-form") assert.equal(kept!.state, "active", report.reason);
      await memory.close();
    });
  }
});
