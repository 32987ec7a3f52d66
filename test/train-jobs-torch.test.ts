/**
 * A job for TRL run by TRL itself, on a tiny model that sees pictures: the same losses and the same vector as the worker
 * makes of the same pairs, with the same optimiser in the same order.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { importAdapter } from "../src/adapter/exchange/exchange.ts";
import { readSafetensors } from "../src/adapter/exchange/safetensors.ts";
import { png } from "../src/engines/torch/check.ts";
import { openTorchEngine, type Prompt, workerCommand } from "../src/engines/torch/index.ts";
import type { Job, JobPair, JobSettings } from "../src/policies/model/jobs/job.ts";
import { jobFiles } from "../src/policies/model/jobs/job-files.ts";
import { TorchVectorTrainer } from "../src/policies/model/torch-trainer.ts";
import { trainOnPairs, wholeSteps } from "../src/training/phase-two.ts";
import { makeDirectory } from "../src/util/directory.ts";
import { swiftPython, torchPython, trlPython } from "./support/torch-python.ts";

const run = promisify(execFile);
const [torch, trl, swift] = [await torchPython(), await trlPython(), await swiftPython()];
const skip = "skip" in torch ? torch.skip : "skip" in trl ? trl.skip : false;
const python = "python" in torch ? torch.python : "";
const trlProgram = "python" in trl ? trl.python : "";
const folder = mkdtempSync(join(tmpdir(), "trl-job-"));
const model = join(folder, "tiny-dense");
const support = join(import.meta.dirname, "support", "torch");
const block = 2;

const settings: JobSettings = {
  ...{ steps: 3, pairsPerStep: 3, pairsAtOnce: 3, beta: 0.5, preference: 1, likelihood: 1, kl: 0 },
  ...{ rate: { share: 0.3 }, decay: "root", scale: 1, seed: "lesson", lora: { rank: 4, alpha: 8 } },
};

/** Answers of different lengths, so that rows are padded; the third prompt has two pictures. */
const answers = [
  ["Ann is at the door", "nothing at all"],
  ["two people talk", "it is late"],
  ["a red lamp and a blue one", "the dog"],
  ["soup is on the stove", "a chair by the wall"],
] as const;

function promptOf(i: number, pictures: number): Prompt {
  const shown = Array.from({ length: pictures }, (_, k) => ({
    ...{ type: "image" as const, data: png(64 + 32 * (i % 2), 64, `${i} ${k}`) },
  }));
  return {
    messages: [
      { role: "system", parts: [{ type: "text", text: "You write what to keep." }] },
      {
        role: "user",
        parts: [{ type: "text", text: `Clip ${i}. ` }, ...shown, { type: "text", text: "What is there?" }],
      },
    ],
    prefix: '{"description": "',
  };
}

const pairsWith = (pictures: (i: number) => number): JobPair[] =>
  answers.map(([chosen, rejected], i) => ({
    ...{ id: String(i), prompt: promptOf(i, pictures(i)), chosen, rejected },
    passes: { chosen: true, rejected: true },
  }));

/** The tiny tokenizer knows bytes, in the order of the letters that stand for them: from `!` up, a space as the 221st. */
function idsOf(text: string): Int32Array {
  const end = 258;
  return Int32Array.from([
    ...[...text].map((letter) => (letter === " " ? 220 : letter.charCodeAt(0) - 33)),
    end,
  ]);
}

function writeJob(name: string, pairs: readonly JobPair[], other: Partial<Job> = {}): string {
  const directory = join(folder, name);
  const job = {
    for: "trl",
    kind: "vector",
    model,
    space: `residual:tiny@${block}`,
    block,
    settings,
  } as const;
  for (const [path, content] of Object.entries(jobFiles({ ...job, pairs, ...other }))) {
    makeDirectory(dirname(join(directory, path)));
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

/** Runs a job; what it printed. */
async function train(directory: string): Promise<string> {
  const { stdout } = await run(trlProgram, [join(support, "run_job.py"), directory], { maxBuffer: 2 ** 26 });
  return stdout;
}

after(() => rmSync(folder, { recursive: true }));

describe("a job for TRL", { skip }, () => {
  before(async () => {
    await run(python, [join(support, "tiny_models.py"), folder, "dense"]);
  });

  for (const [name, pictures] of [
    ["pictures", (i: number) => (i === 2 ? 2 : 1)],
    ["texts", () => 0],
  ] as const)
    test(`with ${name} makes the vector that the worker makes`, async (t) => {
      const pairs = pairsWith(pictures);
      const directory = writeJob(name, pairs);
      const { stdout } = await run(trlProgram, [join(support, "run_job.py"), directory], {
        maxBuffer: 2 ** 26,
      });
      const losses = readFileSync(join(directory, "result", "losses.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { loss: number });
      const trained = await importAdapter(join(directory, "result"), "tiny");

      const engine = await openTorchEngine({
        ...{ model, command: workerCommand(python), threads: 1, train: { kind: "vector", block } },
      });
      try {
        const named = pairs.map(({ prompt, chosen, rejected }) => {
          const context = engine.name(prompt);
          return {
            chosen: { prompt: context, ids: idsOf(chosen) },
            rejected: { prompt: context, ids: idsOf(rejected) },
          };
        });
        const { mean } = await engine.streamNorm(named.map(({ chosen }) => chosen.prompt));
        const learningRate =
          (0.3 * mean) / (wholeSteps(settings.steps, "root") * Math.sqrt(engine.about.width));
        assert.match(
          stdout,
          new RegExp(`learning rate ${learningRate.toExponential(2).replace("e-", "e-0?")}`),
        );
        const { beta, likelihood, decay, steps, pairsPerStep, seed } = settings;
        const curve = await trainOnPairs(new TorchVectorTrainer(engine), named, {
          ...{ beta, likelihood, decay, steps, pairsPerStep, seed, learningRate },
        });
        const own = await engine.snapshot();
        const apart = Math.max(...own.map((value, d) => Math.abs(value - trained.values[d]!)));
        const lossApart = Math.max(...curve.map(({ loss }, i) => Math.abs(loss - losses[i]!.loss)));
        t.diagnostic(
          `losses ${lossApart.toExponential(1)} apart, vectors ${apart.toExponential(1)} of ${Math.max(...own.map(Math.abs)).toFixed(2)}`,
        );
        assert.equal(losses.length, settings.steps);
        assert.ok(lossApart < 1e-5, `losses are ${lossApart} apart`);
        assert.ok(apart < 1e-5 * Math.max(...own.map(Math.abs)), `vectors are ${apart} apart`);
      } finally {
        engine.close();
      }
    });

  test("trains low-rank matrices beside the text blocks alone", async () => {
    const directory = writeJob(
      "lora",
      pairsWith(() => 0),
      {
        ...{ kind: "lora", block: null, space: "weights:tiny" },
        settings: { ...settings, steps: 1, rate: { learningRate: 1e-3 } },
      },
    );
    await train(directory);
    const config = JSON.parse(readFileSync(join(directory, "result", "adapter_config.json"), "utf8"));
    assert.equal(config.peft_type, "LORA");
    assert.equal(config.r, settings.lora.rank);
    const names = readSafetensors(readFileSync(join(directory, "result", "adapter_model.safetensors"))).map(
      ({ name }) => name,
    );
    // Seven linear layers in each of six blocks, two matrices beside each.
    assert.equal(names.length, 84);
    assert.ok(names.every((name) => name.includes("language_model.layers.")));
    const engine = await openTorchEngine({ model, command: workerCommand(python), threads: 1 });
    try {
      const { norm } = await engine.importLora(join(directory, "result"));
      assert.ok(norm > 0, "a model in a folder reads what PEFT wrote");
    } finally {
      engine.close();
    }
  });
});

test("ms-swift's own loader takes every row of its job", {
  skip: "skip" in swift ? swift.skip : false,
}, async () => {
  const pairs = pairsWith((i) => (i === 2 ? 2 : i === 3 ? 0 : 1));
  const directory = writeJob("swift", pairs, {
    ...{ for: "swift", settings: { ...settings, rate: { learningRate: 1e-3 } } },
  });
  const program = `
import json, sys
from dataclasses import fields
import yaml
from swift.arguments import RLHFArguments
from swift.dataset import load_dataset
train, _ = load_dataset(["pairs.jsonl"], split_dataset_ratio=0.0, num_proc=1, strict=True, use_hf=True)
rows = [{k: v for k, v in row.items() if v is not None} for row in train]
known = {f.name for f in fields(RLHFArguments)}
unknown = [name for name in yaml.safe_load(open("swift.yaml")) if name not in known]
print("\\n" + json.dumps({"rows": rows, "unknown": unknown}))
`;
  const { stdout } = await run("python" in swift ? swift.python : "", ["-c", program], {
    ...{ cwd: directory, maxBuffer: 2 ** 26 },
  });
  const { rows, unknown } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.deepEqual(unknown, []);
  assert.equal(rows.length, pairs.length);
  for (const [i, { messages, rejected_response, images = [] }] of rows.entries()) {
    assert.equal(messages.at(-1).content, `{"description": "${answers[i]![0]}`);
    assert.equal(rejected_response, `{"description": "${answers[i]![1]}`);
    assert.equal(images.length, i === 2 ? 2 : i === 3 ? 0 : 1);
  }
});
