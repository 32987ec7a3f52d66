/** Phase Two of the model policy over a worker whose model knows two memories, and trains one number between them. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { observationOf } from "../../../test/support/memory.ts";
import { adapterNorm } from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { openTorchEngine, type TorchEngine } from "../../engines/torch/index.ts";
import { buildContext } from "../../policy/context.ts";
import { freshState } from "../../policy/state.ts";
import type { Judge } from "../../reward/judge.ts";
import type { Question, Task } from "../../tasks/task.ts";
import type { StrengthTrial } from "../../training/strength.ts";
import { refusalOf } from "../../training/validation.ts";
import { modelPhaseTwoRecipe, modelPhaseTwoRecipeNamed } from "./recipes.ts";
import { torchAdapterTrainer, torchTarget } from "./torch-adapter-trainer.ts";
import { answerAfter, torchPolicy } from "./torch-policy.ts";

const stub = fileURLToPath(new URL("../../engines/torch/__fixtures__/stub-worker.mjs", import.meta.url));
const engines: TorchEngine[] = [];
after(() => {
  for (const engine of engines) engine.close();
});

async function open(): Promise<TorchEngine> {
  const file = join(mkdtempSync(join(tmpdir(), "stub-")), "done");
  const engine = await openTorchEngine({ model: "stub", command: [process.execPath, stub, file] });
  engines.push(engine);
  return engine;
}

/** Prefers the memory that names the soup; all memories are true. */
const judge = (): Judge & { asked: number } => ({
  id: "soup",
  asked: 0,
  async quality() {
    return { ok: true, value: { correct: true, clean: true, rationale: "" } };
  },
  async richness({ memories }) {
    return { ok: true, value: memories.map(() => 0) };
  },
  async relevance({ first, second }) {
    this.asked += 1;
    const [a, b] = [first.includes("soup"), second.includes("soup")];
    return { ok: true, value: a === b ? "tie" : a ? "first" : "second", rationale: "" };
  },
});

const observations = Array.from({ length: 36 }, (_, clip) => {
  const observation = observationOf("kitchen", clip);
  const { startSeconds, endSeconds } = observation;
  const said = { startSeconds, endSeconds, text: `Line ${clip} about soup and a lamp.`, speaker: "Ann" };
  // Nothing is said in every sixth clip: it gives no context.
  return { ...observation, speech: clip % 6 === 5 ? [] : [said] };
});
const tasks = ["What was cooked?", "Who ate?", "What is in the pot?"].map(
  (text, i) => ({ id: String(i), question: { text, options: [] } }) as unknown as Task,
);
const recipe = { ...modelPhaseTwoRecipe, contexts: 8, heldOut: 10, samples: 4 };
const policy = { countTokens: wordSpace.countTokens, sampling: { maxTokens: 32 } };

test("five questions make a vector that passes the gate, and it fits its model and block alone", async () => {
  const engine = await open();
  const trainer = torchAdapterTrainer({ engine, judge: judge(), recipe, policy });
  const result = await trainer.train(tasks, [observations]);
  assert.equal(result.problem, null);
  // Of each clip two memories of the soup and its line, which names it too, against two of the lamp.
  assert.equal(result.pairs, 8 * 3 * 2);
  assert.equal(result.curve.length, recipe.dpo.steps);
  assert.ok(result.adapter.kind === "vector" && result.adapter.values[0]! > 0.1);
  // The stub's halves agree most behind block 2.
  assert.equal(result.adapter.space, "residual:torch:stub@2:answer");
  const { found } = result;
  assert.deepEqual([found?.block, found?.tokens, found?.agreement], [2, "answer", 0.6]);
  assert.ok(found?.strength === 0.5 || found?.strength === 1, String(found?.strength));
  assert.equal(torchTarget(engine).space, "residual:torch:stub@any");
  const validation = await trainer.validate(tasks, [observations], result.adapter);
  assert.equal(validation.n, 10);
  assert.ok(validation.winRate > 0.2 && validation.lossRate === 0, JSON.stringify(validation));
  assert.equal(validation.fidelityAfter, 1);
  assert.equal(refusalOf({ ...validation, winRateLow: 1 }, trainer.margins), null);
});

test("where memories are lines, a lesson draws nothing, compares each clip's lines and is tried by those it chooses", async () => {
  const engine = await open();
  const told = observations.map((observation, clip) => {
    const { startSeconds, endSeconds, speech } = observation;
    const texts =
      speech.length === 0 ? [] : ["soup", "lamp", "door"].map((it) => `Number ${clip} is the ${it}.`);
    return {
      ...observation,
      speech: texts.map((text) => ({ startSeconds, endSeconds, text, speaker: "Ann" })),
    };
  });
  const lines = { ...modelPhaseTwoRecipeNamed("lines"), contexts: 8, heldOut: 10 };
  const trainer = torchAdapterTrainer({
    ...{ engine, judge: judge(), recipe: lines },
    policy: { ...policy, ownLines: true },
  });
  const run = mkdtempSync(join(tmpdir(), "run-"));
  const result = await trainer.train(tasks, [told], { run });
  // The soup against each of the two others.
  assert.deepEqual([result.problem, result.pairs], [null, 8 * 2]);
  const drawn = readFileSync(join(run, "rollouts.jsonl"), "utf8");
  assert.doesNotMatch(drawn, /Ann talks about/);
  assert.ok(result.adapter.kind === "vector" && result.adapter.values[0]! > 0.1);
  const validation = await trainer.validate(tasks, [told], result.adapter);
  assert.equal(validation.n, 10);
  assert.ok(validation.winRate > 0.2 && validation.lossRate < 0.2, JSON.stringify(validation));
  assert.equal(validation.fidelityAfter, 1);
});

test("a recipe decides what is compared and learned, and has a name", async () => {
  const asked = judge();
  const others: (readonly Question[] | undefined)[] = [];
  const listening: Judge = {
    ...asked,
    relevance: (request) => {
      others.push(request.others);
      return asked.relevance(request);
    },
  };
  for (const [name, pairs, contrasts] of [
    ["paper", 8, false],
    ["one-pair", 8, true],
    ["plain-judge", 8 * 3 * 2, false],
    ["own-rollouts", 8 * 2 * 2, true],
  ] as const) {
    const chosen = { ...modelPhaseTwoRecipeNamed(name), contexts: 8, samples: 4, strengths: [] };
    others.length = 0;
    const trainer = torchAdapterTrainer({ engine: await open(), judge: listening, recipe: chosen, policy });
    const result = await trainer.train(tasks, [observations]);
    assert.deepEqual([name, result.pairs, result.curve.length], [name, pairs, chosen.dpo.steps]);
    assert.ok(others.length > 0 && others.every((some) => (some?.length === 5) === contrasts), name);
  }
  assert.throws(() => modelPhaseTwoRecipeNamed("ours"), { code: "recipe-unknown" });
});

test("a recipe of the paper's depth puts the vector there, at all tokens", async () => {
  const engine = await open();
  const chosen = { ...modelPhaseTwoRecipeNamed("paper"), contexts: 8, samples: 4, rate: { share: 1 } };
  const trainer = torchAdapterTrainer({ engine, judge: judge(), recipe: chosen, policy });
  const { adapter, found, problem } = await trainer.train(tasks, [observations]);
  // 22 / 48 of the stub's 4 blocks is 1.83.
  assert.deepEqual([problem, adapter.space], [null, "residual:torch:stub@1"]);
  assert.deepEqual(
    [found?.block, found?.tokens, found?.agreement, found?.strength],
    [1, "all", undefined, undefined],
  );
  // The vector is one number, and the stub's stream 10 long.
  assert.ok(Math.abs((found!.streamShare as number) - adapterNorm(adapter)! / 10) < 1e-9);
  const written = torchPolicy(engine, adapter, policy);
  await engine.steerAt(3, "answer");
  const context = buildContext(observations.slice(0, 1), {
    observations: [],
    entries: [],
    state: freshState(),
  });
  assert.equal(
    (await written.decide(context, {})).actions[0]!.issues.length,
    0,
    "at any block of the engine",
  );
});

test("where no strength gains there is no adapter, and a resumed run asks nothing again", async () => {
  const directory = join(mkdtempSync(join(tmpdir(), "run-")), "run");
  // Of the clips that choose the strength, the judge prefers what it liked less in training.
  const contrary: Judge & { asked: number } = {
    ...judge(),
    asked: 0,
    async relevance({ first, second, context }) {
      this.asked += 1;
      const isBetween = context.observations[0]!.clip >= 18;
      const [a, b] = [first, second].map((text) => text.includes("soup") !== isBetween);
      return { ok: true, value: a === b ? "tie" : a ? "first" : "second" };
    },
  };
  const train = async () =>
    torchAdapterTrainer({ engine: await open(), judge: contrary, recipe, policy }).train(
      ...([tasks, [observations], { run: directory }] as const),
    );
  const result = await train();
  assert.deepEqual([result.problem, result.found?.strength], ["no-strength", 0]);
  const { asked } = contrary;
  const choices = readFileSync(join(directory, "choices.jsonl"), "utf8").trim().split("\n");
  assert.deepEqual(
    choices.map((line) => JSON.parse(line).name),
    ["block", "strength"],
  );
  const trials = JSON.parse(choices[1]!).choice.trials as StrengthTrial[];
  assert.ok(trials.length === 2 && trials.every(({ gain, n }) => gain < 0 && n === 5), choices[1]);
  assert.deepEqual((await train()).found, result.found);
  assert.equal(contrary.asked, asked);
});

test("an answer that tells a text continues the prefix that begins it", () => {
  const told = (prefix: string, semantic = false) => prefix + answerAfter(prefix, 'Ann says "hi"', semantic);
  const wanted = { description: 'Ann says "hi"' };
  for (const prefix of [
    "",
    "{",
    '{"description":',
    '{"description": ',
    '{"description": "',
    '{ "description":"',
  ])
    assert.deepEqual(JSON.parse(told(prefix)), wanted, prefix);
  assert.deepEqual(JSON.parse(told('{"description": "', true)), { ...wanted, knowledge: [] });
  assert.equal(told('The line is: "'), 'The line is: "Ann says "hi""');
  assert.equal(told("The line is: "), 'The line is: Ann says "hi"');
});

test("a run keeps memories, verdicts and steps, and asks for none of them again", async () => {
  const directory = join(mkdtempSync(join(tmpdir(), "run-")), "run");
  const first = judge();
  const trained = await torchAdapterTrainer({ engine: await open(), judge: first, recipe, policy }).train(
    ...[tasks, [observations], { run: directory }],
  );
  const lines = (name: string) => readFileSync(join(directory, name), "utf8").trim().split("\n").length;
  assert.equal(lines("drawn.jsonl"), 8);
  assert.equal(lines("metrics.jsonl"), recipe.dpo.steps);
  assert.ok(existsSync(join(directory, "curves.html")));
  const second = judge();
  const again = await torchAdapterTrainer({ engine: await open(), judge: second, recipe, policy }).train(
    ...[tasks, [observations], { run: directory }],
  );
  assert.ok(first.asked > 0);
  assert.equal(second.asked, 0);
  assert.deepEqual(again.curve, trained.curve);
  assert.equal(again.adapter.revision, trained.adapter.revision);
});

test("a stop in the middle of the steps resumes to the same vector", async () => {
  const directory = join(mkdtempSync(join(tmpdir(), "run-")), "run");
  const whole = await torchAdapterTrainer({ engine: await open(), judge: judge(), recipe, policy }).train(
    ...[tasks, [observations]],
  );
  const engine = await open();
  const stopping = new AbortController();
  const step = engine.step.bind(engine);
  let steps = 0;
  engine.step = (options) => {
    steps += 1;
    if (steps === 5) stopping.abort();
    return step(options);
  };
  const half = torchAdapterTrainer({ engine, judge: judge(), recipe, policy });
  await assert.rejects(half.train(tasks, [observations], { run: directory, signal: stopping.signal }));
  const rest = await torchAdapterTrainer({ engine: await open(), judge: judge(), recipe, policy }).train(
    ...[tasks, [observations], { run: directory }],
  );
  assert.equal(rest.curve.length, recipe.dpo.steps);
  assert.equal(rest.adapter.revision, whole.adapter.revision);
});
