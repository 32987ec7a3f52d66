/**
 * What can go wrong while an adapter is made: the process is killed, the judge fails, answers nonsense or prefers
 * nothing, the questions are all one. In any case a memory has one whole active adapter or none.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { adapterText, parseAdapter } from "../src/adapter/adapter-file.ts";
import type { Model } from "../src/engine.ts";
import { noCost, unknownLimits } from "../src/engine.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { askAbout } from "../src/household/index.ts";
import type { KeptAdapter, Memory } from "../src/memory/memory.ts";
import { choiceFamily } from "../src/policies/choice/choice-training.ts";
import { adapterFromTasks } from "../src/policies/choice/word-vector-trainer.ts";
import { wordAdapterTrainer } from "../src/policies/word-adapter-trainer.ts";
import type { Judge } from "../src/reward/judge.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import { modelJudge } from "../src/reward/model-judge.ts";
import { type AdapterResult, trainAdapter } from "../src/training/train-adapter.ts";
import { seededRandom } from "../src/util/random.ts";
import { parseRow } from "./support/cli.ts";
import { openTestMemory, temporaryFolder } from "./support/memory.ts";
import { film, scarce, watchedMemory } from "./support/watched-memory.ts";

const script = resolve(import.meta.dirname, "support/adapt-step-by-step.ts");
const folder = temporaryFolder("adapt-faults");
const watched = join(folder, "watched");
const target = { space: wordSpace.id, dimension: wordSpace.dimension, base: "choice@1" };
let copies = 0;

/** A memory that watched a film, was asked sixteen questions about clothes, and has an active adapter about places. */
before(async () => {
  const memory = await watchedMemory(watched, ["wear"], 16);
  const tasks = askAbout(film, seededRandom("places"), { kinds: ["place"], perKind: 5 });
  const { adapter } = adapterFromTasks(
    tasks.map((question) => ({ question })),
    { words: wordSpace },
  );
  await memory.addAdapter({
    ...{ id: "adapter_earlier", policy: "choice", revision: adapter.revision, state: "active" },
    ...{ reason: "it won", atMs: 1, tasks: [] },
    file: adapterText(
      {
        ...{ adapter, base: null },
        provenance: { method: "closed-form", parents: [], tasks: [], createdAtMs: 1, report: {} },
      },
      "places",
    ),
  });
  await memory.close();
});

function copied(): string {
  const directory = join(folder, `copy-${++copies}`);
  cpSync(watched, directory, { recursive: true });
  return directory;
}

/** Learns in a child process; `killAt` says at which line it is killed. */
async function run(
  directory: string,
  killAt: (step: string, times: number) => boolean,
  ...args: string[]
): Promise<{ steps: readonly string[]; signal: string | null; report: AdapterResult | null }> {
  const child: ChildProcess = spawn(process.execPath, [script, directory, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const steps: string[] = [];
  const times = new Map<string, number>();
  const reader = createInterface({ input: child.stdout! });
  reader.on("line", (step) => {
    steps.push(step);
    times.set(step, (times.get(step) ?? 0) + 1);
    if (killAt(step, times.get(step)!)) child.kill("SIGKILL");
  });
  const [[, signal]] = await Promise.all([once(child, "exit"), once(reader, "close")]);
  return {
    steps,
    signal,
    report: (steps.map(parseRow).find((row) => row !== null) ?? null) as AdapterResult | null,
  };
}

/** Opens a memory, asserts that it is sound and that at most one whole adapter is active. */
async function soundAdapters(directory: string): Promise<readonly KeptAdapter[]> {
  const memory = await openTestMemory(directory);
  assert.deepEqual(await memory.check(), []);
  const adapters = await memory.adapters();
  for (const { file, id, revision } of adapters)
    assert.equal(parseAdapter(file, id, target).adapter.revision, revision);
  assert.ok(adapters.filter(({ state }) => state === "active").length <= 1);
  await memory.close();
  return adapters;
}

const active = (adapters: readonly KeptAdapter[]) => adapters.find(({ state }) => state === "active");

const countOf = (steps: readonly string[], step: string) => steps.filter((one) => one === step).length;

const kills: Readonly<Record<string, [step: string, times: number]>> = {
  "while memories are drawn": ["rollout", 4],
  "when the first verdict is given": ["verdict", 1],
  "in the middle of judging": ["verdict", 150],
  "while it is tried on a question": ["answer", 9],
};

test("killed before it becomes active, an adapter leaves nothing, and training again succeeds", async () => {
  const calm = await run(copied(), () => false);
  assert.equal(calm.signal, null);
  assert.equal(calm.report!.activated, true, calm.report!.reason);
  const directory = copied();
  for (const [where, [step, times]] of Object.entries(kills)) {
    const killed = await run(directory, (at, count) => at === step && count === times, step, String(times));
    assert.deepEqual([killed.steps.at(-1), countOf(killed.steps, step)], [step, times], where);
    assert.equal(killed.signal, "SIGKILL", where);
    assert.equal(killed.report, null, where);
    assert.deepEqual(
      (await soundAdapters(directory)).map(({ id, state }) => [id, state]),
      [["adapter_earlier", "active"]],
      where,
    );
  }
  const inside = await run(directory, () => false, "inside");
  assert.deepEqual([inside.signal, inside.steps.at(-1)], ["SIGKILL", "activating"]);
  assert.equal(active(await soundAdapters(directory))!.id, "adapter_earlier", "the transaction was undone");

  const again = await run(directory, () => false);
  assert.equal(again.signal, null);
  assert.deepEqual(
    [again.report!.activated, again.report!.adapter, again.report!.pairs],
    [true, calm.report!.adapter, calm.report!.pairs],
  );
  assert.equal(active(await soundAdapters(directory))!.id, again.report!.id);
});

test("killed around the moment it becomes active, either the one before or the new one is, whole", async () => {
  for (const step of ["activating", "activating", "activated"]) {
    const directory = copied();
    const killed = await run(directory, (at) => at === step);
    assert.equal(killed.signal, "SIGKILL");
    const adapters = await soundAdapters(directory);
    const inForce = active(adapters)!;
    // What was acknowledged is there; what was not may be.
    if (killed.steps.includes("activated")) assert.notEqual(inForce.id, "adapter_earlier");
    assert.deepEqual(
      adapters.map(({ state }) => state),
      inForce.id === "adapter_earlier" ? ["active"] : ["retired", "active"],
    );
    const again = await run(directory, () => false);
    assert.equal(again.report!.activated, true);
    assert.equal(active(await soundAdapters(directory))!.revision, again.report!.adapter);
  }
});

test("a question forgotten while it is trained on is in no adapter", async () => {
  const directory = copied();
  const memory = await openTestMemory(directory);
  const [task] = await memory.tasks();
  const reader = lexicalReader({ words: wordSpace });
  let isForgotten = false;
  const trainer = wordAdapterTrainer({
    ...choiceFamily({ words: wordSpace, budget: scarce }),
    reader: {
      ...reader,
      read: async (request) => {
        if (!isForgotten) await memory.forget({ query: task!.question.text });
        isForgotten = true;
        return reader.read(request);
      },
    },
  });
  await assert.rejects(trainAdapter({ memory, trainer, now: Date.now }), { code: "task-unknown" });
  await memory.close();
  assert.deepEqual(
    (await soundAdapters(directory)).map(({ id, state }) => [id, state]),
    [["adapter_earlier", "active"]],
  );
});

/** Learns by preferences of a judge, in this process; what is not a matter of time or of names of the report. */
async function judged(relevance: Judge["relevance"], directory = copied()) {
  const memory = await openTestMemory(directory);
  const reader = lexicalReader({ words: wordSpace });
  const trainer = wordAdapterTrainer({
    ...choiceFamily({ words: wordSpace, budget: scarce }),
    ...{ reader, method: "preferences", judge: { ...localJudge({ words: wordSpace }), relevance } },
  });
  const { ms: _, id, ...report } = await trainAdapter({ memory, trainer, now: Date.now });
  await memory.close();
  const adapters = await soundAdapters(directory);
  if (!report.activated) assert.equal(active(adapters)!.id, "adapter_earlier");
  else assert.equal(active(adapters)!.id, id);
  return { report, adapters };
}

test("with a judge that fails three calls of ten it learns from the rest, the same each time", async () => {
  const judge = localJudge({ words: wordSpace });
  const faulty = (): Judge["relevance"] => {
    const random = seededRandom("faults");
    return async (request) =>
      random() < 0.3 ? { ok: false, reason: "timed-out", message: "no answer" } : judge.relevance(request);
  };
  const first = await judged(faulty());
  assert.ok(first.report.failedVerdicts > 0 && first.report.pairs > 0, JSON.stringify(first.report));
  assert.ok(first.report.heldOut > 0 && first.report.reason !== "");
  assert.deepEqual((await judged(faulty())).report, first.report);
});

const modelThatSays = (text: string): Model => ({
  id: "one-note",
  cost: () => noCost,
  capabilities: async () => ({
    images: false,
    video: false,
    jsonSchema: true,
    samples: true,
    logprobs: false,
    ...unknownLimits,
  }),
  generate: async () => ({
    completions: [{ text, thinking: null, finish: "stop", tokens: null }],
    cost: noCost,
  }),
});

const uselessJudges: Readonly<Record<string, [relevance: Judge["relevance"], says: RegExp]>> = {
  "says 0 to everything": [
    modelJudge({ model: modelThatSays("0") }).relevance,
    /it failed at \d+ comparisons/,
  ],
  "says that all are as good": [
    modelJudge({ model: modelThatSays('{"moreUseful":"tie"}') }).relevance,
    /no consistent preference/,
  ],
  "prefers what it is shown first": [async () => ({ ok: true, value: "first" }), /no consistent preference/],
  "always fails": [
    async () => ({ ok: false, reason: "engine-failed", message: "it is down" }),
    /it failed at \d+ comparisons/,
  ],
};

for (const [what, [relevance, says]] of Object.entries(uselessJudges)) {
  test(`a judge that ${what} gives no pair: it says so, keeps nothing, and the active adapter stays`, async () => {
    const { report, adapters } = await judged(relevance);
    assert.deepEqual([report.activated, report.adapter, report.pairs], [false, null, 0]);
    assert.match(report.reason, /nothing to learn from these questions/);
    assert.match(report.reason, says);
    assert.equal(adapters.length, 1);
  });
}

/** Asks a text again and again, as people do. */
async function ask(memory: Memory, texts: readonly string[]): Promise<void> {
  for (const [i, text] of texts.entries())
    await memory.addTask({
      ...{ id: `t${i}`, askedAtMs: i, asOfSeconds: null, stream: null, answer: "", option: null },
      ...{ abstained: true, citations: [], reader: "lexical", question: { text, options: [] } },
    });
}

for (const [what, texts, says] of [
  [
    "five times one question",
    Array(5).fill("Which colour is the cap?"),
    /nothing learned yet: 1 of 5 distinct questions/,
  ],
  [
    "questions without a word",
    ["Who?", "Why?", "When?", "What is it?", "Where is it?"],
    /holds a content word/,
  ],
] as const) {
  test(`${what}: it says so and keeps nothing`, async () => {
    const directory = join(folder, `copy-${++copies}`);
    const memory = await watchedMemory(directory, ["wear"], 0);
    await ask(memory, texts);
    const trainer = wordAdapterTrainer({
      ...choiceFamily({ words: wordSpace, budget: scarce }),
      reader: lexicalReader({ words: wordSpace }),
    });
    const report = await trainAdapter({ memory, trainer, now: Date.now });
    assert.deepEqual([report.activated, report.adapter], [false, null]);
    assert.match(report.reason, says);
    assert.deepEqual(await memory.adapters(), []);
    await memory.close();
  });
}
