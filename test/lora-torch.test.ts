/** Low-rank matrices in torch, on tiny random models: trained as an adapter, kept, imported from PEFT, written with. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { writeSafetensors } from "../src/adapter/exchange/safetensors.ts";
import {
  openTorchEngine,
  type Prompt,
  type TorchEngine,
  type TorchSample,
  type Trained,
  workerCommand,
} from "../src/engines/torch/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem } from "./support/cli.ts";
import { talk } from "./support/stub-model.ts";
import { torchPython } from "./support/torch-python.ts";

const found = await torchPython();
const python = "python" in found ? found.python : "";
const skip = "skip" in found ? found.skip : false;
const folder = mkdtempSync(join(tmpdir(), "tiny-lora-"));
const support = (name: string) => join(import.meta.dirname, "support/torch", name);
const run = promisify(execFile);
const stack = "model.language_model";
const prompts = ["One", "Two people", "Three of us"].map((who): Prompt => {
  const text = `${who} cook soup, and the radio plays. Write down what happens.`;
  return { messages: [{ role: "user", parts: [{ type: "text", text }] }] };
});

describe("low-rank matrices", { skip }, () => {
  const engines: TorchEngine[] = [];
  const open = async (model: string, train: Trained = { kind: "vector" }) => {
    const engine = await openTorchEngine({
      ...{ model: join(folder, model), command: workerCommand(python), threads: 1, train },
      adapters: join(folder, "kept"),
    });
    engines.push(engine);
    return engine;
  };
  before(async () => {
    await run(python, [support("tiny_models.py"), folder, "dense", "talker"]);
  });
  after(() => {
    for (const engine of engines) engine.close();
    rmSync(folder, { recursive: true });
  });

  async function drawn(engine: TorchEngine): Promise<TorchSample[]> {
    const names = prompts.map((prompt) => engine.name(prompt));
    const answers = await engine.sample(names, { n: 2, temperature: 1, maxTokens: 8, seed: 0 });
    return names.flatMap((prompt, i) => answers[i]!.map(({ ids }) => ({ prompt, ids })));
  }

  test("that are kept write as they did in training, beside whatever is trained next", async () => {
    const engine = await open("tiny-dense");
    const samples = await drawn(engine);
    const base = await engine.logprobs(samples, null);
    const weights = samples.map(({ ids }, i) => new Float32Array(ids.length).fill(i % 2 ? 1 : -1));
    const kept: { revision: string; trained: Float32Array[] }[] = [];
    for (const train of [
      { kind: "rank-one", block: 3, at: "all" },
      { kind: "lora", rank: 2 },
    ] as const) {
      await engine.trainOther(train);
      if (train.kind === "rank-one") await engine.calibrate(prompts.map((prompt) => engine.name(prompt)));
      for (let step = 0; step < 2; step++) {
        await engine.accumulate(samples, weights);
        await engine.step({ learningRate: 0.05 });
      }
      const trained = await engine.logprobs(samples);
      assert.ok(apart(trained, base) > 0.05, `${train.kind} moves what is written`);
      const { revision, norm } = await engine.snapshotLora();
      assert.ok(norm > 0);
      kept.push({ revision, trained });
      const half = await engine.snapshotLora({ scale: 0.5 });
      assert.ok(Math.abs(half.norm - norm / 2) < 1e-5 * norm && half.revision !== revision);
      await engine.scale(0.5);
      assert.ok(
        apart(await engine.logprobs(samples), await engine.logprobs(samples, { lora: half.revision })) < 1e-4,
      );
    }
    await engine.trainOther({ kind: "vector", block: 2, at: "answer" });
    for (const { revision, trained } of kept)
      assert.ok(apart(await engine.logprobs(samples, { lora: revision }), trained) < 1e-4);
    // What is kept of contexts is that of the model alone, whatever was drawn with matrices in between.
    await engine.sample(
      [samples[0]!.prompt],
      { n: 1, temperature: 0, maxTokens: 4, seed: 0 },
      { lora: kept[1]!.revision },
    );
    assert.ok(apart(await engine.logprobs(samples, null), base) < 1e-4);
    await engine.loseProcess();
    assert.ok(apart(await engine.logprobs(samples, { lora: kept[1]!.revision }), kept[1]!.trained) < 1e-4);
  });

  test("of PEFT's folder are read with their own scales, or refused with what they are", async () => {
    const layers = {
      [`${stack}.layers.1.self_attn.q_proj`]: [64, 64],
      [`${stack}.layers.4.mlp.down_proj`]: [64, 128],
    };
    const random = seededRandom("lora");
    const matrix = (name: string, shape: readonly [number, number]) => {
      const values = Float32Array.from({ length: shape[0] * shape[1] }, () => random() - 0.5);
      return { name: `base_model.model.${name}.weight`, shape, values };
    };
    const write = (
      name: string,
      config: object,
      tensors: Record<string, readonly number[]> = layers,
      rank = 3,
    ) => {
      const path = join(folder, name);
      mkdirSync(path);
      const pairs = Object.entries(tensors).flatMap(([layer, [outputs, inputs]]) => [
        matrix(`${layer}.lora_A`, [rank, inputs!]),
        matrix(`${layer}.lora_B`, [outputs!, rank]),
      ]);
      writeFileSync(join(path, "adapter_model.safetensors"), writeSafetensors(...pairs));
      const full = { peft_type: "LORA", r: rank, lora_alpha: 6, ...config };
      writeFileSync(join(path, "adapter_config.json"), JSON.stringify(full));
      return path;
    };
    // PEFT's alpha over the root of the rank where `use_rslora` says so, and an alpha of its own for one layer.
    const path = write("peft", { use_rslora: true, alpha_pattern: { "layers.4.mlp.down_proj": 1 } });
    const scales = {
      [Object.keys(layers)[0]!]: 6 / Math.sqrt(3),
      [Object.keys(layers)[1]!]: 1 / Math.sqrt(3),
    };
    const merged = join(folder, "merged");
    await run(python, [
      support("merge_lora.py"),
      join(folder, "tiny-dense"),
      path,
      JSON.stringify(scales),
      merged,
    ]);
    const [engine, whole] = [await open("tiny-dense"), await open("merged")];
    const samples = await drawn(engine);
    for (const prompt of prompts) whole.name(prompt);
    const { revision } = await engine.importLora(path);
    const expected = await whole.logprobs(samples, null);
    assert.ok(apart(await engine.logprobs(samples, { lora: revision }), expected) < 1e-4);
    assert.ok(apart(await engine.logprobs(samples, null), expected) > 0.05);

    const refused: readonly [string, RegExp][] = [
      [write("dora", { use_dora: true }), /DoRA/],
      [write("pissa", { init_lora_weights: "pissa" }), /weights that pissa has changed/],
      [write("wide", {}, { [`${stack}.layers.1.self_attn.q_proj`]: [32, 32] }), /of another model/],
      [write("deep", {}, { [`${stack}.layers.9.mlp.down_proj`]: [64, 128] }), /layers\.9.*is beside none/],
      [write("eyes", {}, { "model.visual.blocks.0.attn.qkv": [96, 32] }), /is beside none/],
    ];
    for (const [lora, message] of refused)
      await assert.rejects(engine.importLora(lora), (error: Error & { code: string }) => {
        assert.equal(error.code, "worker-other-adapter");
        assert.match(error.message, message);
        return true;
      });
  });

  test("are learned from questions on the command line, made active by hand, exported, and written with", async () => {
    const at = join(folder, "lessons");
    mkdirSync(at);
    writeFileSync(join(at, "talk.srt"), talk(9));
    const soup = [
      "Which soup was it?",
      "Who talks about soup?",
      "Is the soup hot?",
      "When was soup?",
      "Why soup?",
    ];
    writeFileSync(join(at, "questions.jsonl"), soup.map((text) => `${JSON.stringify(text)}\n`).join(""));
    const recipe = { name: "own-rollouts", contexts: 4, samples: 4, heldOut: 2, tried: 2, dpo: { steps: 2 } };
    const configure = (strengths: readonly number[]) =>
      writeFileSync(
        join(at, "taskmem.config.json"),
        JSON.stringify({
          ...{ stream: { windowClips: 1 }, torch: { threads: 1 } },
          ...{ policy: "model", model: { model: join(folder, "tiny-talker") } },
          adapt: { recipe: { ...recipe, strengths } },
        }),
      );
    const told = async (...args: string[]) => {
      const env = { TASKMEM_PYTHON: python };
      const { code, rows, stdout, stderr } = await taskmem([...args, "--json"], { cwd: at, env });
      assert.equal(code, 0, stdout + stderr);
      return rows;
    };
    const lesson = ["train", "phase-two", "talk.srt", "--questions", "questions.jsonl", "--kind"];
    configure([0.5, 1]);
    const tried = (await told(...lesson, "rank-one")).at(-1)!;
    const found = tried.found as Record<string, unknown>;
    assert.deepEqual([found.kind, found.numbers, found.tokens], ["rank-one", 64, "all"]);
    assert.ok([0, 0.5, 1].includes(Number(found.strength)) && tried.steps === 2, JSON.stringify(tried));

    configure([]);
    const end = (await told(...lesson, "lora")).at(-1)!;
    assert.equal((end.found as Record<string, unknown>).kind, "lora");
    assert.ok(end.adapter && Number(end.pairs) > 0 && Number(end.norm) > 0, JSON.stringify(end));
    await told("adapt", "promote", "--adapter", String(end.id));
    await told("watch", "talk.srt");
    const written = await told("timeline");
    assert.ok(written.length > 0);
    for (const { revision } of written) assert.match(String(revision), new RegExp(`\\+${end.adapter}`));

    await told("adapt", "export", "--adapter", String(end.id), "--format", "lora", "--out", "out");
    const [imported] = await told("adapt", "import", "out");
    assert.equal(imported!.revision, end.adapter);
  });
});

/** The largest difference of two lists of log-probabilities. */
function apart(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.flatMap((row, i) => [...row].map((value, t) => Math.abs(value - b[i]![t]!))));
}
