import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdapter } from "../adapter/arithmetic.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { inMemoryStore } from "../memory/in-memory.ts";
import type { Memory } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { AdapterTrainer } from "./train-adapter.ts";
import { trainAdapter } from "./train-adapter.ts";
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
