/** Phase Two of the choice policy on a real memory: training, and what the gate accepts and refuses. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openTestMemory, temporaryFolder } from "../../test/support/memory.ts";
import { film, observationsOf, scarce, watchedMemory } from "../../test/support/watched-memory.ts";
import { createAgent } from "../agent.ts";
import type { Reader } from "../answer/reader.ts";
import { type Model, noCost, unknownLimits } from "../engine.ts";
import { lexicalReader, wordSpace } from "../engines/local/index.ts";
import { askAbout, type FactKind, factKinds } from "../household/index.ts";
import type { Memory } from "../memory/memory.ts";
import type { Judge } from "../reward/judge.ts";
import { modelJudge } from "../reward/model-judge.ts";
import type { Task } from "../tasks/task.ts";
import { replay } from "../training/replay.ts";
import { type TrainAdapterOptions, trainAdapter } from "../training/train-adapter.ts";
import { refusalOf, wilsonLow } from "../training/validation.ts";
import { seededRandom } from "../util/random.ts";
import { choicePolicy } from "./choice/choice.ts";
import { choiceFamily } from "./choice/choice-training.ts";
import {
  adapterFromPreferences,
  type WordAdapterTrainerOptions,
  wordAdapterTrainer,
} from "./word-adapter-trainer.ts";

const folder = temporaryFolder("adapt");
let opened = 0;
const reader = lexicalReader({ words: wordSpace });

/** A memory that watched the film and was asked about these kinds. */
const watched = (kinds: readonly FactKind[], perKind: number) =>
  watchedMemory(join(folder, String(opened++)), kinds, perKind);

const choice = choiceFamily({ words: wordSpace, budget: scarce });

function optionsFor(
  memory: Memory,
  parts: Partial<WordAdapterTrainerOptions> = {},
  signal?: AbortSignal,
): TrainAdapterOptions {
  return { memory, trainer: wordAdapterTrainer({ ...choice, reader, ...parts }), now: Date.now, signal };
}

for (const method of ["closed-form", "preferences"] as const) {
  test(`${method}: questions of one kind give an adapter that passes the gate and becomes active`, async () => {
    const memory = await watched(["wear"], 16);
    const report = await trainAdapter(optionsFor(memory, { method }));
    assert.equal(report.activated, true, report.reason);
    assert.ok(report.accuracyAfter > report.accuracyBefore);
    assert.ok(Math.abs(report.winRate + report.tieRate + report.lossRate - 1) < 1e-9);
    assert.equal(report.pairs > 0, method === "preferences");
    assert.deepEqual([report.curve?.length ?? 0, report.refusedClips], [report.steps, 0]);
    assert.equal("curve" in report, method === "preferences", "where there were steps");
    const [kept] = await memory.adapters();
    assert.deepEqual(
      [kept!.state, kept!.revision, kept!.tasks.length],
      ["active", report.adapter, report.questions],
    );
    await memory.close();
  });
}

test("by preferences the adapter and its trial are the same at any concurrency", async () => {
  const tasks = askAbout(film, seededRandom("tasks"), { kinds: ["wear"], perKind: 6 }).map(
    (question, i): Task => ({
      ...{ id: `t${i}`, askedAtMs: i, asOfSeconds: null, stream: null, answer: "", option: null, question },
      ...{ abstained: true, citations: [], reader: "lexical", feedback: null },
    }),
  );
  const random = seededRandom("delays");
  const slowReader: Reader = {
    ...reader,
    read: async (request) => {
      await setTimeout(3 * random());
      return reader.read(request);
    },
  };
  const streams = [observationsOf().slice(0, 12), observationsOf().slice(12)];
  const all = [];
  for (const concurrency of [1, 3, 16]) {
    const how = { ...choice, reader: slowReader, method: "preferences" as const, concurrency };
    const trainer = wordAdapterTrainer(how);
    const result = await trainer.train(tasks, streams);
    all.push({ result, tried: await trainer.validate(tasks, streams, result.adapter) });
  }
  assert.ok(all[0]!.result.pairs > 0);
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
});

test("questions about everything equally teach nothing in particular: refused, kept with the reason, none active", async () => {
  const memory = await watched(factKinds, 2);
  const report = await trainAdapter(optionsFor(memory));
  assert.equal(report.activated, false);
  const [kept] = await memory.adapters();
  assert.deepEqual([kept!.state, kept!.reason], ["refused", report.reason]);
  await memory.close();
});

test("too few questions, one repeated question, and an empty memory train nothing", async () => {
  const none = await watched(["wear"], 0);
  assert.match((await trainAdapter(optionsFor(none))).reason, /0 of 5 distinct questions/);
  for (let i = 0; i < 6; i++) {
    await none.addTask({
      ...{ id: `t${i}`, askedAtMs: i, asOfSeconds: null, stream: null, answer: "", option: null },
      ...{ abstained: true, citations: [], reader: "lexical" },
      question: { text: "Which colour is the cap?", options: [] },
    });
  }
  assert.match((await trainAdapter(optionsFor(none))).reason, /1 of 5 distinct questions/);
  assert.deepEqual(await none.adapters(), []);
  await none.close();
});

test("the gate refuses what does not win significantly, is less often true or was not graded, writes longer memories, or repeats itself more", () => {
  const good = {
    ...{ n: 20, winRate: 0.5, tieRate: 0.5, lossRate: 0, winRateLow: 0.6 },
    ...{ noiseWinRate: 0, noiseLossRate: 0, accuracyBefore: 0.3, accuracyAfter: 0.8 },
    ...{ toGrade: 20, graded: 18, fidelityBefore: 0.94, fidelityAfter: 0.93 },
    ...{ tokenRatio: 1.05, redundancyBefore: 0.1, redundancyAfter: 0.14 },
  };
  assert.equal(refusalOf(good), null);
  assert.match(refusalOf({ ...good, winRateLow: 0.5 })!, /significantly/);
  const tried = (n: number, wins: number, losses: number) =>
    refusalOf({
      ...good,
      n,
      winRate: wins / n,
      lossRate: losses / n,
      winRateLow: wilsonLow(wins, wins + losses),
    })!;
  // 12 of 16 pass and 11 of 15 do not: at 3 wins and a loss in ten questions, that takes forty.
  assert.match(
    tried(10, 3, 1),
    /held-out questions \(30 % won, 10 % lost\): about 30 more like these are needed/,
  );
  assert.match(tried(10, 0, 0), /: at least 4 more that gain by it are needed/);
  // 9 of 11 pass, 8 of 10 do not.
  assert.match(tried(10, 1, 2), /: at least 8 more that gain by it are needed/);
  const clips = refusalOf({ ...good, winRateLow: 0.5 }, undefined, "clips")!;
  assert.match(clips, /held-out clips \(50 % won, 0 % lost\)$/);
  assert.match(refusalOf({ ...good, fidelityAfter: 0.91 })!, /less often true/);
  assert.match(refusalOf({ ...good, graded: 9 })!, /could be graded \(9 of 20\)/);
  assert.match(refusalOf({ ...good, fidelityAfter: Number.NaN })!, /less often true/);
  assert.match(refusalOf({ ...good, tokenRatio: 1.11 })!, /times as long/);
  assert.match(refusalOf({ ...good, redundancyAfter: 0.16 })!, /repeats itself/);
});

test("an abort in the middle activates nothing", async () => {
  const memory = await watched(["wear"], 16);
  const stop = new AbortController();
  const aborting: Reader = {
    ...reader,
    read: (request) => {
      stop.abort();
      return reader.read(request);
    },
  };
  await assert.rejects(trainAdapter(optionsFor(memory, { reader: aborting }, stop.signal)), /abort/i);
  assert.deepEqual(await memory.adapters(), []);
  await memory.close();
});

/** For copied lines the judge only compares. */
const silent: Judge = {
  id: "silent",
  relevance: async () => ({ ok: true, value: "tie" }),
  quality: () => assert.fail("lines that were copied are not graded"),
  richness: () => assert.fail("how much they tell is not asked"),
};

test("a judge that always fails or prefers nothing gives no pairs, one that fails sometimes gives fewer", async () => {
  const tasks = askAbout(film, seededRandom("tasks"), { kinds: ["wear"], perKind: 8 }).map((question) => ({
    question,
  }));
  const learn = (relevance: Judge["relevance"]) =>
    adapterFromPreferences(tasks, [observationsOf()], {
      ...{ ...choice, judge: { ...silent, relevance }, norm: 3 },
    });
  const failing = await learn(async () => ({ ok: false, reason: "timed-out", message: "no answer" }));
  assert.deepEqual([failing.problem, failing.pairs], ["no-pairs", 0]);
  assert.ok(failing.failedVerdicts > 0);
  const tied = await learn(async () => ({ ok: true, value: "tie" }));
  assert.deepEqual([tied.problem, tied.pairs, tied.failedVerdicts], ["no-pairs", 0, 0]);
  // A judge that always prefers the first never agrees with itself.
  const leaning = await learn(async () => ({ ok: true, value: "first" }));
  assert.equal(leaning.problem, "no-pairs");
  const longer: Judge["relevance"] = async ({ first, second }) => ({
    ok: true,
    value: first.length === second.length ? "tie" : first.length > second.length ? "first" : "second",
  });
  const random = seededRandom("faults");
  const sometimes = await learn(async (request) =>
    random() < 0.3 ? { ok: false, reason: "timed-out", message: "no answer" } : longer(request),
  );
  assert.ok(sometimes.failedVerdicts > 0 && sometimes.pairs > 0);
});

test("a model's verdicts are kept in the memory: interrupted judging resumes with the missing ones", async () => {
  const tasks = askAbout(film, seededRandom("tasks"), { kinds: ["wear"], perKind: 8 }).map((question) => ({
    question,
  }));
  const memory = await openTestMemory(join(folder, String(opened++)));
  const learn = async (scope: string, dieAt = Number.POSITIVE_INFINITY) => {
    let calls = 0;
    const can = {
      ...unknownLimits,
      images: false,
      video: false,
      jsonSchema: true,
      samples: false,
      logprobs: false,
    };
    const model: Model = {
      id: "prefers-the-first",
      capabilities: async () => can,
      generate: async () => {
        if (++calls === dieAt) throw new Error("cut short");
        const text = '{"rationale":"It is first.","moreUseful":"first"}';
        return { completions: [{ text, thinking: null, finish: "stop", tokens: null }], cost: noCost };
      },
      cost: () => noCost,
    };
    const judge = modelJudge({ model, cache: memory.engineCache(scope) });
    const result = adapterFromPreferences(tasks, [observationsOf().slice(0, 3)], {
      ...{ ...choice, judge, norm: 3 },
    });
    return { failedVerdicts: await result.then((done) => done.failedVerdicts, String), calls };
  };
  const calm = await learn("calm");
  assert.ok(calm.failedVerdicts === 0 && calm.calls > 20, JSON.stringify(calm));
  assert.deepEqual(await learn("cut", 15), { failedVerdicts: "Error: cut short", calls: 15 });
  assert.deepEqual(await learn("cut"), { failedVerdicts: 0, calls: calm.calls - 14 });
  await memory.close();
});

test("the same questions and stream give the same adapter", async () => {
  const tasks = askAbout(film, seededRandom("tasks"), { kinds: ["wear"], perKind: 8 }).map((question) => ({
    question,
  }));
  const judge: Judge = {
    ...silent,
    relevance: async ({ first, second }) => ({ ok: true, value: first < second ? "first" : "second" }),
  };
  const learn = () =>
    adapterFromPreferences(tasks, [observationsOf()], {
      ...{ ...choice, judge, norm: 3 },
    });
  const [first, second] = [await learn(), await learn()];
  assert.equal(first.adapter.revision, second.adapter.revision);
  assert.ok(first.curve.at(-1)!.loss < first.curve[0]!.loss, "the loss falls");
});

test("memories are drawn with the words counted so far, none from later clips", async () => {
  const trainable = choice.trainable();
  const policy = await trainable.policy();
  const counted: number[] = [];
  await adapterFromPreferences([], [observationsOf()], {
    ...{ ...choice, norm: 3, judge: silent },
    trainable: () => ({
      ...trainable,
      policy: async () => ({
        ...policy,
        decide: (context, wanted) => {
          const { documents, words } = context.state;
          // A word counts at most once per candidate.
          assert.ok(Math.max(0, ...words.values()) <= documents, `${documents} candidates`);
          counted.push(documents);
          return policy.decide(context, wanted);
        },
      }),
    }),
  });
  assert.ok(counted.length > 5 && counted.at(-1)! > counted[0]!, counted.join());
});

test("watching again without a store keeps the same as watching with one", async () => {
  const policy = choicePolicy({ words: wordSpace });
  const memory = await openTestMemory(join(folder, String(opened++)));
  const source = {
    ...{ id: "film", description: "film", live: false, clock: { kind: "media" as const }, clipSeconds: 10 },
    ...{ endSeconds: film.endSeconds, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (const { clip, speech, captions, startSeconds, endSeconds } of observationsOf()) {
        const cue = (kind: "speech" | "caption") => (line: (typeof speech)[number]) => ({
          ...line,
          ...{ kind, origin: "stream" as const, language: null },
        });
        yield {
          ...{ kind: "clip" as const, stream: "film", index: clip, startSeconds, endSeconds },
          ...{ frames: [], largeFrames: [], audio: null, shots: [] },
          cues: [...speech.map(cue("speech")), ...captions.map(cue("caption"))],
        };
      }
    },
  };
  const perceptors = { transcriber: null, language: null, screenReader: null };
  for await (const _ of createAgent({ memory, policy, perceptors, reader }).watch(source));
  const kept = (await memory.entries()).map(({ text }) => text).sort();
  const replayed = (await replay(policy, await memory.observations("film"))).map(({ text }) => text).sort();
  assert.deepEqual(replayed, kept);
  await memory.close();
});

test("the lower end of a win rate is Wilson's", () => {
  assert.equal(wilsonLow(0, 0), 0);
  assert.ok(Math.abs(wilsonLow(8, 10) - 0.4902) < 1e-3);
  assert.ok(wilsonLow(4, 4) > 0.5 && wilsonLow(3, 3) < 0.5);
});
