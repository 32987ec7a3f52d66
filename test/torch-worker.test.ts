/** The worker on real architectures: tiny random models that see pictures, through transformers on a CPU. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  checkTorchModel,
  openTorchEngine,
  type Prompt,
  type TorchEngine,
  type Trained,
  workerCommand,
} from "../src/engines/torch/index.ts";
import { crossEntropyLoss } from "../src/training/losses.ts";
import { torchPython } from "./support/torch-python.ts";

const found = await torchPython();
const python = "python" in found ? found.python : "";
const skip = "skip" in found ? found.skip : false;
const folder = mkdtempSync(join(tmpdir(), "tiny-models-"));
const modelOf = (kind: string) => join(folder, `tiny-${kind}`);
const prompt: Prompt = {
  messages: [{ role: "user", parts: [{ type: "text", text: "Write down what happens." }] }],
};

describe("a worker", { skip }, () => {
  const engines: TorchEngine[] = [];
  const open = async (kind: string, train: Trained) => {
    const engine = await openTorchEngine({
      model: modelOf(kind),
      command: workerCommand(python),
      threads: 1,
      train,
    });
    engines.push(engine);
    return engine;
  };
  before(async () => {
    await promisify(execFile)(python, [join(import.meta.dirname, "support/torch/tiny_models.py"), folder]);
  });
  after(() => {
    for (const engine of engines) engine.close();
    rmSync(folder, { recursive: true });
  });

  for (const [kind, train] of [
    ["dense", { kind: "vector" }],
    ["dense", { kind: "vector", at: "answer", block: 4 }],
    ["moe", { kind: "vector" }],
    ["hybrid", { kind: "vector" }],
  ] as const)
    test(`keeps every invariant on ${kind} with ${JSON.stringify(train)}`, async () => {
      const broken: string[] = [];
      let rows = 0;
      const options = { model: modelOf(kind), command: workerCommand(python), threads: 1, train };
      for await (const { invariant, ok, deviation } of checkTorchModel(options)) {
        rows += 1;
        if (!ok) broken.push(`${invariant}: ${deviation}`);
      }
      assert.deepEqual(broken, []);
      assert.equal(rows, 16);
    });

  test("draws the tokens that a sort of all of them would give", async () => {
    const [script, worker] = ["support/torch/draws.py", "../src/engines/torch"];
    const paths = [script, worker].map((path) => join(import.meta.dirname, path));
    const { stdout } = await promisify(execFile)(python, paths);
    assert.equal(stdout.trim(), "7200 0");
  });

  test("runs no block below the vector once sampling has kept the stream", async () => {
    const engine = await open("dense", { kind: "vector", block: 3 });
    const name = engine.name(prompt);
    const [answers] = await engine.sample([name], { n: 4, temperature: 1, maxTokens: 12, seed: 0 });
    const samples = answers!.map(({ ids }) => ({ prompt: name, ids }));
    await engine.accumulate(
      samples,
      samples.map(({ ids }) => new Float32Array(ids.length).fill(1)),
    );
    await engine.logprobs(samples);
    assert.deepEqual((await engine.stats()).calls, { whole: 0, below: 0, above: 2 });
  });

  test("a rank-one adapter that always stands at 1 is the vector, and its gate is near 1", async () => {
    const engine = await open("dense", { kind: "rank-one" });
    const names = ["one", "two", "three", "four"].map((word) =>
      engine.name({
        messages: [{ role: "user", parts: [{ type: "text", text: `Say ${word} now, and again.` }] }],
      }),
    );
    const { mean, values } = await engine.calibrate(names);
    assert.equal(values.length, 128);
    assert.ok(Math.abs(mean - 1) < 0.5, `the mean is ${mean}`);
    const [drawn] = await engine.sample([names[0]!], { n: 2, temperature: 1, maxTokens: 8, seed: 0 });
    const samples = drawn!.map(({ ids }) => ({ prompt: names[0]!, ids }));
    const steering = { values: new Float32Array(64).fill(0.2), scale: 1 };
    const kept = await engine.logprobs(samples, steering);
    const whole = await engine.logprobs(samples, steering, { kept: false });
    for (const [i, row] of kept.entries())
      for (const [t, value] of row.entries()) assert.ok(Math.abs(value - whole[i]![t]!) < 1e-4);
    await engine.loseProcess();
    const again = await engine.logprobs(samples, steering);
    assert.ok(Math.abs(again[0]![0]! - kept[0]![0]!) < 1e-4, "the gate is set again after a loss");
  });

  for (const [train, rate] of [
    [{ kind: "vector" }, 0.3],
    [{ kind: "lora", rank: 2, targets: "down_proj$" }, 0.03],
    [{ kind: "all" }, 0.003],
  ] as const)
    test(`makes a text likelier by training ${train.kind}, and continues from what it saved`, async () => {
      const engine = await open("dense", train);
      const name = engine.name(prompt);
      const [answers] = await engine.sample([name], { n: 1, temperature: 1, maxTokens: 12, seed: 0 });
      const samples = [{ prompt: name, ids: answers![0]!.ids }];
      const step = async (of: TorchEngine) => {
        const { loss, gradient } = crossEntropyLoss(await of.logprobs(samples));
        await of.accumulate(samples, gradient);
        await of.step({ learningRate: rate });
        return loss;
      };
      const losses: number[] = [];
      for (let i = 0; i < 8; i++) losses.push(await step(engine));
      assert.ok(losses.at(-1)! < 0.9 * losses[0]!, losses.join(" "));
      const path = join(folder, `state-${train.kind}`);
      await engine.save(path);
      const expected = await step(engine);
      const second = await open("dense", train);
      second.name(prompt);
      await second.load(path);
      assert.ok(Math.abs((await step(second)) - expected) < 1e-4);
      await assert.rejects((await open("dense", { kind: "vector", block: 5 })).load(path), {
        code: "worker-other-training",
      });
    });

  test("all weights are a folder that opens as the same model; low-rank matrices are one for PEFT", async () => {
    const all = await open("dense", { kind: "all" });
    const name = all.name(prompt);
    const ids = Int32Array.of(65, 66, 67);
    await all.accumulate([{ prompt: name, ids }], [Float32Array.of(1, 1, 1)]);
    await all.step({ learningRate: 1e-3 });
    const [expected] = await all.logprobs([{ prompt: name, ids }]);
    const written = join(folder, "trained");
    const { revision } = await all.export(written);
    const engine = await openTorchEngine({ model: written, command: workerCommand(python), threads: 1 });
    engines.push(engine);
    assert.equal(engine.about.model, revision);
    const [got] = await engine.logprobs([{ prompt: engine.name(prompt), ids }], null);
    for (const [t, value] of got!.entries()) assert.ok(Math.abs(value - expected![t]!) < 1e-4);
    const lora = await open("dense", { kind: "lora", rank: 2, targets: "layers.3.mlp.down_proj$" });
    const adapter = join(folder, "lora");
    await lora.export(adapter);
    assert.ok(existsSync(join(adapter, "adapter_model.safetensors")));
    const config = JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8"));
    assert.deepEqual(config.target_modules, ["model.language_model.layers.3.mlp.down_proj"]);
  });

  test("a picture that cannot be read, and a prompt that is too long, are refused by name", async () => {
    const engine = await open("dense", { kind: "vector" });
    const ask = (parts: Prompt["messages"][number]["parts"]) =>
      engine.sample([engine.name({ messages: [{ role: "user", parts }] })], {
        ...{ n: 1, temperature: 0, maxTokens: 2, seed: 0 },
      });
    const broken = Buffer.from("no picture").toString("base64");
    await assert.rejects(ask([{ type: "image", data: broken }]), { code: "worker-bad-picture" });
    await assert.rejects(ask([{ type: "text", text: "long ".repeat(2000) }]), {
      code: "worker-context-overflow",
    });
    assert.equal((await ask([{ type: "text", text: "short" }])).length, 1);
  });
});
