import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAdapter } from "../adapter/adapter-file.ts";
import { createAdapter } from "../adapter/arithmetic.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { inMemoryStore } from "../memory/in-memory.ts";
import type { Memory } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { TrainingResult } from "./phase-two.ts";
import type { AdapterTrainer } from "./train-adapter.ts";
import { recentLessons, trainAdapter } from "./train-adapter.ts";
import type { Validation } from "./validation.ts";

async function memoryWith(streams: Readonly<Record<string, number>>, text = "A line."): Promise<Memory> {
  const memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now });
  for (const [stream, clips] of Object.entries(streams)) {
    const added = { id: stream, description: stream, clipSeconds: 10, fingerprint: null };
    await memory.addStream({ ...added, clock: { kind: "media" } });
    for (let clip = 0; clip < clips; clip++) {
      const span = { startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
      const speech = text === "" ? [] : [{ ...span, text, speaker: null }];
      const senses = { frames: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] };
      await memory.addObservation({ stream, clip, ...span, speech, ...senses });
      const decision = { policy: "p", revision: "p@1", statements: [], stateChange: null };
      await memory.commit({ stream, clips: [clip], ...decision });
    }
  }
  for (let i = 0; i < 5; i++) {
    const question = { text: `Question ${i}?`, options: [] };
    const asked = { id: `task_${i}`, askedAtMs: i, asOfSeconds: null, stream: null, question };
    await memory.addTask({ ...asked, answer: "", option: null, abstained: true, citations: [], reader: "r" });
  }
  return memory;
}

const won = { winRate: 1, tieRate: 0, lossRate: 0, winRateLow: 0.6, noiseWinRate: 0, noiseLossRate: 0 };
const kept = { toGrade: 0, graded: 0, fidelityBefore: 1, fidelityAfter: 1, tokenRatio: 1 };
const passes: Validation = {
  ...{ n: 5, ...won, ...kept, accuracyBefore: 0, accuracyAfter: 1, redundancyBefore: 0, redundancyAfter: 0 },
};

/** A trainer whose adapter has this weight and passes; `shown` is what it was trained on. */
function trainerOf(weight: number) {
  const shown: (readonly (readonly Observation[])[])[] = [];
  const adapter = createAdapter(wordSpace.id, wordSpace.dimension, [[7, weight]]);
  const trainer: AdapterTrainer = {
    ...{ policy: "p", base: "p@1", fitsBase: null, method: "closed-form", triedOn: "questions" },
    train: async (_, streams) => {
      shown.push(streams);
      return { adapter, problem: null, pairs: 0, steps: 0, failedVerdicts: 0, curve: [] };
    },
    validate: async () => passes,
    adapterWords: () => [],
  };
  return { trainer, shown };
}

test("an adapter is tried on the streams added last, whole, two hours of them", async () => {
  const memory = await memoryWith({ first: 360, second: 360, third: 360 });
  const { trainer, shown } = trainerOf(1);
  await trainAdapter({ memory, trainer, now: Date.now });
  assert.deepEqual(
    shown[0]!.map((observations) => observations[0]!.stream),
    ["third", "second"],
  );
});

test("questions that name nothing to remember do not count", async () => {
  const memory = await memoryWith({ film: 3 });
  const [known] = await memory.tasks();
  for (const [i, text] of ["What happened?", "How long is it?"].entries())
    await memory.addTask({ ...known!, id: `whole_${i}`, askedAtMs: 9, question: { text, options: [] } });
  const result = await trainAdapter({ memory, trainer: trainerOf(1).trainer, now: Date.now });
  assert.equal(result.questions, 5);
});

test("a stream in which nothing is seen, heard or read is not among them", async () => {
  const { trainer, shown } = trainerOf(1);
  const result = await trainAdapter({ memory: await memoryWith({ facts: 3 }, ""), trainer, now: Date.now });
  assert.deepEqual(shown, []);
  assert.match(result.reason, /no stream was watched/);
});

test("a second adapter replaces the active one, the same one stays", async () => {
  const memory = await memoryWith({ talk: 3 });
  const first = await trainAdapter({ memory, trainer: trainerOf(1).trainer, now: () => 1 });
  const second = await trainAdapter({ memory, trainer: trainerOf(2).trainer, now: () => 2 });
  const again = await trainAdapter({ memory, trainer: trainerOf(2).trainer, now: () => 3 });
  assert.deepEqual([first.activated, second.activated, again.activated], [true, true, true]);
  assert.notEqual(second.id, first.id);
  assert.equal(again.id, second.id);
  const states = (await memory.adapters()).map(({ id, state }) => [id, state]);
  assert.deepEqual(states, [
    [first.id, "retired"],
    [second.id, "active"],
  ]);
});

test("fewer than five distinct questions teach nothing, and the latest of each counts", async () => {
  const memory = await memoryWith({ film: 3 });
  const [known] = await memory.tasks();
  await memory.addTask({
    ...known!,
    id: "again",
    askedAtMs: 9,
    question: { text: " question  0?", options: [] },
  });
  const lessons = await recentLessons(memory);
  assert.deepEqual(lessons.map(({ id }) => id).sort(), ["again", "task_1", "task_2", "task_3", "task_4"]);
  assert.deepEqual(
    (await recentLessons(memory, 3)).map(({ id }) => id),
    ["task_3", "task_4", "again"],
  );
  const { trainer, shown } = trainerOf(1);
  const few = await trainAdapter({ memory, trainer, now: Date.now, recentTasks: 4 });
  assert.equal(few.reason, "nothing learned yet: 4 of 5 distinct questions");
  assert.deepEqual([few.questions, few.adapter, few.activated, shown.length], [4, null, false, 0]);
  assert.ok((await trainAdapter({ memory, trainer, now: Date.now, recentTasks: 5 })).activated);
  assert.ok(
    (await trainAdapter({ memory, trainer, now: Date.now, recentTasks: 3, leastQuestions: 3 })).activated,
  );
});

test("a lesson that was not tried reports no figure: nothing won, lost, graded or kept", async () => {
  const memory = await memoryWith({ film: 3 });
  const few = { memory, trainer: trainerOf(1).trainer, now: () => 7, leastQuestions: 6 };
  const { questions, triedOn, reason, words, adapter, id, activated, tokenRatio, ...figures } =
    await trainAdapter(few);
  assert.deepEqual([questions, triedOn, words], [5, "questions", []]);
  assert.match(reason, /5 of 6/);
  assert.deepEqual([adapter, id, activated], [null, null, false]);
  assert.equal(tokenRatio, 1, "what was not written is neither longer nor shorter");
  assert.ok(Object.keys(figures).length > 15);
  for (const [name, figure] of Object.entries(figures)) assert.equal(figure, 0, name);
});

test("what is refused is kept with its reason and its figures, and nothing becomes active", async () => {
  const memory = await memoryWith({ film: 3 });
  const { trainer } = trainerOf(3);
  let nowMs = 1000;
  const validate = async () => ({ ...passes, winRateLow: 0.4, failedVerdicts: 2, tieRate: 0.25 });
  const train: AdapterTrainer["train"] = async (...given) => ({
    ...(await trainer.train(...given)),
    ...{ failedVerdicts: 3, pairs: 7, found: { block: 4 }, refusedClips: 1 },
    curve: [{ step: 1, loss: 0.7, rewardMargin: 0, won: 0, gradientNorm: 1, adapterNorm: 3 }],
  });
  const now = () => {
    nowMs += 5;
    return nowMs;
  };
  const result = await trainAdapter({ memory, trainer: { ...trainer, train, validate }, now });
  assert.deepEqual(
    [result.activated, result.failedVerdicts, result.pairs, result.steps, result.norm, result.heldOut],
    [false, 5, 7, 1, 3, 5],
  );
  assert.deepEqual(
    [result.refusedClips, result.found, result.curve?.length, result.tieRate],
    [1, { block: 4 }, 1, 0.25],
  );
  assert.match(result.reason, /not significantly better/);
  assert.equal(result.ms, 10, "from its begin to its end");
  const [row] = await memory.adapters();
  assert.deepEqual([row!.id, row!.state, row!.reason], [result.id, "refused", result.reason]);
  assert.deepEqual(row!.tasks, ["task_0", "task_1", "task_2", "task_3", "task_4"]);
  const target = { space: wordSpace.id, dimension: wordSpace.dimension, base: "p@1" };
  const { provenance } = parseAdapter(row!.file, "the row", target);
  assert.equal(provenance.createdAtMs, 1010);
  assert.deepEqual(
    [provenance.report.heldOut, provenance.report.pairs, provenance.report.steps, provenance.report.block],
    [5, 7, 1, 4],
  );
});

test("a training that finds nothing says why, and keeps no adapter", async () => {
  const memory = await memoryWith({ film: 3 });
  const { trainer } = trainerOf(1);
  const reasonFor = async (problem: TrainingResult["problem"], failedVerdicts = 0) => {
    const train: AdapterTrainer["train"] = async (...given) => ({
      ...(await trainer.train(...given)),
      ...{ problem, failedVerdicts },
    });
    const result = await trainAdapter({ memory, trainer: { ...trainer, train }, now: Date.now });
    assert.deepEqual(
      [result.activated, result.adapter, result.failedVerdicts],
      [false, null, failedVerdicts],
    );
    return result.reason.replace("nothing to learn from these questions: ", "");
  };
  assert.match(await reasonFor("no-tasks"), /there are none/);
  assert.match(await reasonFor("one-question"), /all the same/);
  assert.match(await reasonFor("no-words"), /content word/);
  assert.match(await reasonFor("no-direction"), /differ in nothing/);
  assert.match(await reasonFor("no-strength"), /at no strength/);
  assert.match(await reasonFor("no-pairs"), /no consistent preference .* similar length$/);
  assert.match(await reasonFor("no-pairs", 4), /similar length \(it failed at 4 comparisons\)$/);
  assert.deepEqual(await memory.adapters(), []);
});

test("a trainer that needs no stream learns without one, from the tasks it is given", async () => {
  const memory = await memoryWith({});
  const { trainer, shown } = trainerOf(1);
  const tasks = (await memory.tasks()).slice(0, 5);
  const result = await trainAdapter({
    memory,
    trainer: { ...trainer, needsNoStream: true },
    now: Date.now,
    tasks,
  });
  assert.ok(result.activated);
  assert.deepEqual(shown, [[]]);
  assert.match(result.reason, /significantly better on held-out questions \(100 % won, 0 % lost\)/);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(
    trainAdapter({
      memory,
      trainer: { ...trainerOf(2).trainer, needsNoStream: true },
      now: Date.now,
      signal: stopped,
    }),
    /stopped/,
  );
  assert.equal((await memory.adapters()).length, 1, "an error activates nothing");
});
