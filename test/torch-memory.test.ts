/** What the worker keeps and does without, on a tiny random model of a real architecture: results never depend on it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  openTorchEngine,
  type Prompt,
  type TorchEngine,
  type TorchOptions,
  type TorchSample,
  workerCommand,
} from "../src/engines/torch/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { torchPython } from "./support/torch-python.ts";

const found = await torchPython();
const python = "python" in found ? found.python : "";
const skip = "skip" in found ? found.skip : false;
const folder = mkdtempSync(join(tmpdir(), "tiny-model-"));
const support = (name: string) => join(import.meta.dirname, "support/torch", name);
const worker = fileURLToPath(import.meta.resolve("../src/engines/torch/worker.py"));

const prompts = ["One", "Two people", "Three of us", "All four of them", "Five of you"].map((who): Prompt => {
  const text = `${who} cook soup, and the radio plays. Write down what happens.`;
  return { messages: [{ role: "user", parts: [{ type: "text", text }] }] };
});
const draw = { n: 3, temperature: 1, maxTokens: 12, seed: 0 };

describe("what a worker keeps", { skip }, () => {
  const engines: TorchEngine[] = [];
  const open = async (options: Partial<TorchOptions>) => {
    const engine = await openTorchEngine({
      ...{ model: join(folder, "tiny-dense"), command: workerCommand(python), threads: 1 },
      ...options,
    });
    engines.push(engine);
    return engine;
  };
  before(() => promisify(execFile)(python, [support("tiny_models.py"), folder, "dense"]));
  after(() => {
    for (const engine of engines) engine.close();
    rmSync(folder, { recursive: true });
  });

  /** Answers that were drawn, three to a prompt. */
  async function drawn(engine: TorchEngine): Promise<TorchSample[]> {
    const names = prompts.map((prompt) => engine.name(prompt));
    const answers = await engine.sample(names, draw);
    return names.flatMap((prompt, i) => answers[i]!.map(({ ids }) => ({ prompt, ids })));
  }
  const weightsOf = (samples: readonly TorchSample[]) => {
    const random = seededRandom("weights");
    return samples.map(({ ids }) => Float32Array.from(ids, () => random() - 0.5));
  };
  const statsOf = async (engine: TorchEngine) =>
    (await engine.stats()) as { positions: number; keptBytes: number; keepBytes: number; forgotten: number };

  test("of a vector at the answer: the prompt never runs again, and a vector of any block is at hand", async () => {
    const engine = await open({ train: { kind: "vector", at: "answer", block: 3 } });
    const samples = await drawn(engine);
    const { positions } = await statsOf(engine);
    await engine.accumulate(samples, weightsOf(samples));
    const kept = await engine.gradient();
    const ran = (await statsOf(engine)).positions - positions;
    // A prompt's last token and the answers' tokens but their last, for five prompts padded alike.
    assert.ok(ran <= prompts.length * (1 + draw.n * (draw.maxTokens - 1)), `${ran} positions ran`);
    assert.ok(ran < Math.min(...samples.map(({ prompt }) => engine.tokensOf(prompt))) * prompts.length);
    await engine.reset();
    await engine.accumulate(samples, weightsOf(samples), { kept: false });
    assertNear(kept, await engine.gradient(), 1e-4);

    const told = await engine.encode(["Soup was cooked.", "The radio played."]);
    const unwritten = told.map(({ ids }) => ({ prompt: samples[0]!.prompt, ids }));
    assertAllNear(
      await engine.logprobs(unwritten, null),
      await engine.logprobs(unwritten, null, { kept: false }),
    );

    const values = Float32Array.from({ length: engine.about.width }, (_, d) => Math.sin(d) / 2);
    const elsewhere = await engine.logprobs(samples, { values, scale: 2, block: 5, at: "all" });
    const halves = samples.map((_, i) => (i % 2) as 0 | 1);
    const agreement = await engine.agreement(samples, weightsOf(samples), halves, "answer");
    const gradients: Float32Array[] = [];
    for (const half of [0, 1]) {
      await engine.steerAt(4, "answer");
      const [some, weights] = [samples, weightsOf(samples)].map((all) =>
        all.filter((_, i) => halves[i] === half),
      );
      await engine.accumulate(some as TorchSample[], weights as Float32Array[]);
      gradients.push(await engine.gradient());
    }
    const [a, b] = gradients as [Float32Array, Float32Array];
    const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    assert.ok(Math.abs(agreement[4]!.cosine - cosine) < 1e-3, `${agreement[4]!.cosine}, not ${cosine}`);
    // Pictures enter the stream again behind the first two blocks.
    assert.deepEqual(
      agreement.map((one) => one === null),
      [true, true, false, false, false, false],
    );

    await engine.steerAt(5, "all");
    await engine.set(values.map((value) => 2 * value));
    assertAllNear(elsewhere, await engine.logprobs(samples));
    assert.equal(engine.about.block, 5);
    await engine.loseProcess();
    assertAllNear(elsewhere, await engine.logprobs(samples));
    await assert.rejects(engine.steerAt(6, "all"), { code: "worker-bad-request" });
  });

  test("stays within the bytes allowed, and what was forgotten is computed again", async () => {
    // A context takes about 70 tokens · 2 blocks · 2 · 32 numbers · 4 bytes: 36 KB of keys and values.
    const keepBytes = 100_000;
    const engine = await open({ train: { kind: "vector", at: "answer", block: 3 }, keepBytes });
    const samples = await drawn(engine);
    const first = await statsOf(engine);
    assert.ok(first.forgotten > 0 && first.keptBytes > 0, JSON.stringify(first));
    assert.ok(first.keptBytes <= keepBytes && first.keepBytes === keepBytes, JSON.stringify(first));
    const values = Float32Array.from({ length: engine.about.width }, (_, d) => Math.cos(d) / 2);
    for (let turn = 0; turn < 2; turn++)
      for (const sample of samples)
        assertAllNear(
          await engine.logprobs([sample], { values, scale: 1 }),
          await engine.logprobs([sample], { values, scale: 1 }, { kept: false }),
        );
    const last = await statsOf(engine);
    assert.ok(last.keptBytes <= keepBytes && last.forgotten > first.forgotten, JSON.stringify(last));
  });

  test("halves a batch that does not fit into memory, in either direction, and adds each part once", async () => {
    const train = { kind: "lora", rank: 2, targets: "(q_proj|down_proj)$" } as const;
    const calm = await open({ train });
    const samples = await drawn(calm);
    const weights = weightsOf(samples);
    const gradientOf = async (engine: TorchEngine) => {
      // From zero only one of the two matrices has a gradient.
      for (const name of prompts) engine.name(name);
      await engine.accumulate(samples, weights);
      await engine.step({ learningRate: 0.05 });
      await engine.accumulate(samples, weights);
      return engine.gradient();
    };
    const expected = await gradientOf(calm);
    const longest = Math.max(
      ...samples.map(({ prompt, ids }) => calm.tokensOf(prompt) + draw.n * ids.length),
    );
    const log: string[] = [];
    const pressed = await open({
      train,
      // Three rows run, two have a gradient, five are one batch.
      command: [python, "-u", support("small_memory.py"), worker, String(3 * longest), String(2 * longest)],
      onLog: (line) => log.push(line),
    });
    assertNear(await gradientOf(pressed), expected, 1e-3);
    const halved = log.filter((line) => line.includes("out of memory with"));
    assert.ok(halved.length >= 4, log.join("\n"));
    const alone = await open({
      train,
      command: [python, "-u", support("small_memory.py"), worker, "8", "8"],
    });
    for (const name of prompts) alone.name(name);
    await assert.rejects(alone.accumulate(samples, weights), { code: "worker-out-of-memory" });
  });
});

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, d) => sum + value * b[d]!, 0);
}

/** Asserts that two vectors differ by little of their length. */
function assertNear(got: Float32Array, expected: Float32Array, most: number): void {
  assert.equal(got.length, expected.length);
  const apart = Math.sqrt(got.reduce((sum, value, d) => sum + (value - expected[d]!) ** 2, 0));
  const length = Math.sqrt(dot(expected, expected));
  assert.ok(length > 0 && apart < most * length, `${apart} apart of ${length}`);
}

function assertAllNear(got: readonly Float32Array[], expected: readonly Float32Array[]): void {
  for (const [i, row] of got.entries())
    for (const [t, value] of row.entries())
      assert.ok(Math.abs(value - expected[i]![t]!) < 1e-3, `${value}, not ${expected[i]![t]}`);
}
