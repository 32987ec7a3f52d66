/**
 * Adapters that TaskMem exports, in a real llama.cpp: a control vector and a LoRA of rank one write what torch writes with
 * the vector itself.
 *
 * Both compute with the same weights of SmolLM2, dequantised. llama.cpp keeps keys and values in 16 bits, so where two
 * tokens are nearly as likely a text may part, also without an adapter: one of six may.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { RemoteAdapter } from "../src/adapter/adapter.ts";
import { adapterOf } from "../src/adapter/exchange/block-vector.ts";
import { exportAdapter } from "../src/adapter/exchange/exchange.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { openTorchEngine, type Prompt, type TorchEngine, workerCommand } from "../src/engines/torch/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { findLlama, wheel } from "./support/llama-server.ts";
import { pythonWith, testCache } from "./support/python.ts";
import { torchPython } from "./support/torch-python.ts";

const [llama, torch, wheels] = [await findLlama(), await torchPython(), await pythonWith([wheel])];
const skip = [llama, torch, wheels].flatMap((found) => ("skip" in found ? [found.skip] : []))[0] ?? false;
const folder = mkdtempSync(join(tmpdir(), "llama-adapters-"));

const block = 14;
/** Length of the vector as a share of the stream's. */
const share = 0.3;
const tokens = 12;
const system = "You answer in one sentence.";
const questions = [
  "A man puts a red cup on the table. What happens?",
  "Write about the sea.",
  "Name a city in France.",
  "The radio plays and the kettle boils. Then Ann comes in with a wet dog. What is wet?",
  "Why is the sky blue?",
  "List three colours.",
];
/** Text enough to fit a function of 1,536 numbers: of the project's own pages. */
function paragraphs(): string[] {
  const pages = ["architecture.md", "cli.md"].map((name) =>
    readFileSync(join(import.meta.dirname, "..", "docs", name), "utf8"),
  );
  const long = pages.flatMap((page) => page.split("\n\n")).filter((text) => text.length > 300);
  return long.slice(0, 40).map((text) => text.slice(0, 500));
}
const marked = (question: string) =>
  `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
const prompt = (question: string): Prompt => ({
  messages: [
    { role: "system", parts: [{ type: "text", text: system }] },
    { role: "user", parts: [{ type: "text", text: question }] },
  ],
});

describe("adapters in llama.cpp", { skip }, () => {
  let engine: TorchEngine;
  let names: string[];
  let vector: Float32Array;
  const draw = { n: 1, temperature: 0, maxTokens: tokens, seed: 0 };
  const steered = () => ({ values: vector, scale: 1 });
  const quantised = () => (llama as { model: string }).model;
  /** The same weights as 32-bit numbers. */
  const model = join(testCache, "smollm2-135m-f32.gguf");
  const open = async (kind: "vector" | "rank-one") => {
    const opened = await openTorchEngine({
      ...{ model: dirname(quantised()), threads: 1, train: { kind, block } },
      command: workerCommand((torch as { python: string }).python),
    });
    names = questions.map((question) => opened.name(prompt(question)));
    return opened;
  };
  before(async () => {
    if (!existsSync(model)) {
      const program = join(import.meta.dirname, "support/torch/dequantise.py");
      await promisify(execFile)((torch as { python: string }).python, [program, quantised(), model]);
    }
    engine = await open("vector");
    const random = seededRandom("direction");
    const direction = Float32Array.from({ length: engine.about.width }, () => random() - 0.5);
    const { mean } = await engine.streamNorm(names);
    const length = Math.hypot(...direction);
    vector = direction.map((value) => (share * mean * value) / length);
  });
  after(() => {
    engine?.close();
    rmSync(folder, { recursive: true });
  });

  const compact = (ids: string) => JSON.stringify(JSON.parse(ids));
  /** How many of two lists agree. */
  const equal = (a: readonly string[], b: readonly string[]) => a.filter((one, i) => one === b[i]).length;

  test("a control vector gives the greedy text of the vector in torch", async () => {
    const file = join(folder, "vector.gguf");
    writeFileSync(file, exportAdapter(adapterOf({ block, values: vector }, "smol"), "gguf")[""]!);
    const { blocks, width } = engine.about;
    const idsOf = async (path: string | null) => {
      const request = {
        ...{ model, vector: path, blocks, width },
        ...{ prompts: questions.map(marked), count: tokens, end: 2 },
      };
      const program = join(import.meta.dirname, "support/llama_control.py");
      const { python } = wheels as { python: string };
      const { stdout } = await promisify(execFile)(python, [program, JSON.stringify(request)]);
      return stdout.trim().split("\n").map(compact);
    };
    const ofTorch = (await engine.sample(names, draw, steered())).map(([answer]) =>
      JSON.stringify([...answer!.ids]),
    );
    const [without, with_] = [await idsOf(null), await idsOf(file)];
    assert.ok(equal(with_, without) <= 1, "the vector changes as good as every text");
    assert.ok(equal(with_, ofTorch) >= 5, `${equal(with_, ofTorch)} of ${questions.length} as in torch`);
  });

  test("a LoRA of rank one, per request, gives that of its own in torch, and leaks into no other", async () => {
    engine.close();
    engine = await open("rank-one");
    const { values, deviation } = await engine.calibrate(
      paragraphs().map((text) => engine.name(prompt(text))),
    );
    assert.ok(deviation < 0.3, `the gate deviates by ${deviation}`);
    const ofTorch = (await engine.sample(names, draw, steered())).map(([answer]) => answer!.text);
    const functional = { values, architecture: engine.about.architecture };
    const files = exportAdapter(adapterOf({ block, values: vector }, "smol"), "lora", { functional });
    const path = join(folder, "adapter.gguf");
    writeFileSync(path, files["adapter.gguf"]!);
    const server = await (llama as Exclude<typeof llama, { skip: string }>).start({
      ...{ model, context: 1024, loras: [{ path, scale: 0 }] },
    });
    try {
      const served = openaiModel({ baseURL: server.baseURL, model: "smollm2-135m", steering: "llama-lora" });
      const adapter: RemoteAdapter = {
        ...{ kind: "remote", revision: "one", space: "weights:smol", format: "lora", norm: null },
        uri: "adapter.gguf",
      };
      const ask = async (steering: RemoteAdapter | null) => {
        const texts: string[] = [];
        for (const question of questions) {
          const parts = [{ type: "text" as const, text: question }];
          const sampling = { temperature: 0, maxTokens: tokens };
          const { completions } = await served.generate({ system, parts, sampling, adapter: steering });
          texts.push(completions[0]!.text);
        }
        return texts;
      };
      const [before, on, afterwards] = [await ask(null), await ask(adapter), await ask(null)];
      assert.deepEqual(afterwards, before, "a plain request is as before");
      assert.ok(equal(on, before) <= 2, `${equal(on, before)} of ${questions.length} unchanged`);
      assert.ok(equal(on, ofTorch) >= 5, `${equal(on, ofTorch)} of ${questions.length} as in torch`);
    } finally {
      await server.stop();
    }
  });
});
