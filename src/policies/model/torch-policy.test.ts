/** The model policy in training, over an engine of two numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { smallTorchEngine } from "../../../test/support/small-torch-engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { buildContext } from "../../policy/context.ts";
import { freshState } from "../../policy/state.ts";
import type { Judge } from "../../reward/judge.ts";
import { seededRandom } from "../../util/random.ts";
import { modelPhaseTwoRecipe } from "./recipes.ts";
import { torchAdapterTrainer } from "./torch-adapter-trainer.ts";
import { torchPhaseOnePolicy, trainableTorch } from "./torch-policy.ts";

const options = { countTokens: wordSpace.countTokens };
const speech = [{ startSeconds: 1, endSeconds: 2, text: "The soup is hot.", speaker: "Ann" }];
const contextOf = (clip = 0) =>
  buildContext([observationOf("kitchen", clip, { speech })], {
    ...{ observations: [], entries: [], state: freshState() },
  });
const [soup, lamp] = ["Ann speaks of soup.", "Ann speaks of a lamp."] as const;

test("Phase One writes with what is trained, at the temperature its log-probabilities are of", async () => {
  const { engine, draws, prompts } = smallTorchEngine([-0.5, -2]);
  const trained = torchPhaseOnePolicy(engine, "/weights", { ...options, sampling: { temperature: 0.2 } });
  assert.equal(trained.id, "torch:small");
  const context = contextOf();
  const { actions } = await (await trained.policy()).decide(context, {
    ...{ n: 2, random: seededRandom("draw") },
  });
  assert.deepEqual(
    actions.map(({ statements, logprobs }) => [statements[0]!.text, [...logprobs!.values]]),
    [
      [soup, [-0.5, 0]],
      [lamp, [-2, 0]],
    ],
  );
  const [[names, { temperature, topP }, steering]] = draws as [(typeof draws)[0]];
  assert.deepEqual([temperature, topP, steering], [1, 1, "trained"]);
  const sample = await trained.sampleOf(context, actions[1]!);
  assert.deepEqual(sample, { prompt: names[0]!, ids: Int32Array.of(2, 3) }, "the prompt it was drawn for");
  assert.deepEqual(await trained.trainer.logprobs([sample]), [Float32Array.of(-2, 0)]);
  assert.equal((await trained.sampleOf(context, { ...actions[0]!, logprobs: null })).ids.length, 0);
  assert.equal(prompts.size, 1);
  await trained.sampleOf(contextOf(1), actions[0]!);
  assert.equal(prompts.size, 2);
});

test("an answer off form is not asked for again in training: it is a sample of its reward", async () => {
  const { engine, draws } = smallTorchEngine();
  engine.sample = async (...request) => {
    draws.push(request);
    const drawn = { text: "", tokens: [""], ids: Int32Array.of(3), logprobs: Float32Array.of(-1) };
    return [[{ ...drawn, finish: "stop" as const }]];
  };
  const trained = torchPhaseOnePolicy(engine, "/weights", { ...options, attempts: 3 });
  const { actions } = await (await trained.policy()).decide(contextOf());
  assert.deepEqual([actions[0]!.statements, actions[0]!.issues.length > 0, draws.length], [[], true, 1]);
});

test("only beside low-rank matrices the initial weights are there to be compared with", async () => {
  const { engine } = smallTorchEngine([-0.5, -2], "lora");
  assert.equal(torchPhaseOnePolicy(engine, "/weights", options).reference, undefined);
  const { reference, trainer } = torchPhaseOnePolicy(engine, "/weights", { ...options, kind: "lora" });
  const samples = [{ prompt: "p", ids: Int32Array.of(1) }];
  assert.deepEqual(await reference!(samples), [Float32Array.of(0)]);
  assert.deepEqual(await trainer.logprobs(samples), [Float32Array.of(-0.5)]);
});

test("Phase Two draws without what it trains, and trains what the engine was opened for", async () => {
  for (const [kind, snapshot] of [
    ["vector", "vector"],
    ["lora", "remote"],
  ] as const) {
    const { engine, draws } = smallTorchEngine([-0.5, -2], kind);
    const trainable = trainableTorch(engine, options);
    await (await trainable.policy()).decide(contextOf(), { n: 2 });
    assert.equal(draws[0]![2], null);
    assert.equal((await trainable.trainer.snapshot()).kind, snapshot);
  }
});

test("matrices cannot be trained at the answer's tokens alone", () => {
  const { engine } = smallTorchEngine();
  const judge = {} as Judge;
  const trainer = (kind: "vector" | "lora", at: "all" | "answer") =>
    torchAdapterTrainer({
      ...{ engine, judge, policy: options },
      recipe: { ...modelPhaseTwoRecipe, kind, at },
    });
  assert.throws(() => trainer("lora", "answer"), RangeError);
  assert.equal(trainer("lora", "all").method, "dpo");
  assert.equal(trainer("vector", "answer").fitsBase, "torch:small");
});

test("a text is told in the form of an answer, with the chance the model gives it without an adapter", async () => {
  const { engine } = smallTorchEngine([-0.5, -2]);
  const context = contextOf();
  for (const semantic of [false, true]) {
    const trainable = trainableTorch(engine, { ...options, semantic });
    const actions = await trainable.tell!(context, [soup, lamp]);
    assert.deepEqual(
      actions.map(({ statements, issues }) => [statements.map(({ text }) => text), issues]),
      [
        [[soup], []],
        [[lamp], []],
      ],
    );
    assert.deepEqual(JSON.parse(actions[0]!.text), {
      ...{ description: soup, ...(semantic && { knowledge: [] }) },
    });
    assert.deepEqual(
      actions.map(({ logprobs }) => [[...logprobs!.ids!], [...logprobs!.values]]),
      [
        [
          [1, 3],
          [0, 0],
        ],
        [
          [2, 3],
          [0, 0],
        ],
      ],
    );
    const { revision } = await trainable.policy();
    assert.ok(actions.every((action) => action.revision === revision));
  }
});
