/**
 * A job from the command line and back: what a memory's model would learn from is written for TRL, ms-swift and the
 * paper's verl, and what a trainer makes of it is tried before it is used. A worker in Node stands for torch.
 */
import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, test } from "node:test";
import { writeBeft } from "../src/adapter/exchange/beft.ts";
import { writeSafetensors } from "../src/adapter/exchange/safetensors.ts";
import type { JobDescription } from "../src/policies/model/jobs/job.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { type CliRun, taskmem, temporaryFolder } from "./support/cli.ts";

const stub = resolve(import.meta.dirname, "../src/engines/torch/__fixtures__/stub-worker.mjs");
const colours = "red, green, blue, white, black, brown, grey, pink, orange, yellow, golden and silver";
const folder = temporaryFolder();
const model = join(folder, "model");
const python = join(folder, "python");

const questions = [
  "Which soup was it?",
  "Where was the soup?",
  "Who talked about the soup?",
  "When was there soup?",
  "Why was there soup?",
  "How was the soup?",
];

/** Subtitles in which Ann talks about soup and a lamp every ten seconds. */
function talk(clips: number): string {
  const time = (seconds: number) => new Date(1000 * seconds).toISOString().slice(11, 19);
  return Array.from({ length: clips }, (_, clip) => {
    const [start, end] = [time(10 * clip + 1), time(10 * clip + 8)];
    return `${clip + 1}\n${start},000 --> ${end},000\nAnn talks about the soup and the lamp: ${colours}.\n`;
  }).join("\n");
}

/** Runs a command about the memory's model. */
function run(...args: string[]): Promise<CliRun> {
  const flags = ["--policy", "model", "--model", model, "--json"];
  return taskmem([...args, ...flags], { cwd: folder, env: { TASKMEM_PYTHON: python } });
}

async function done(...args: string[]): Promise<CliRun["rows"][number]> {
  const result = await run(...args);
  assert.equal(result.code, 0, `${args.join(" ")}: ${result.stderr}${result.stdout}`);
  return result.rows.at(-1)!;
}

async function refused(wanted: RegExp, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(...args);
  assert.notEqual(code, 0);
  assert.match(stderr, wanted);
}

const text = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");
const lines = (...path: string[]) =>
  text(...path)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

before(async () => {
  mkdirSync(model);
  writeFileSync(python, `#!/bin/sh\nexec "${process.execPath}" "${stub}" "${join(folder, "done")}"\n`);
  chmodSync(python, 0o755);
  writeFileSync(join(folder, "talk.srt"), talk(60));
  await done("watch", "talk.srt");
  await using memory = await openTaskMem({ directory: join(folder, ".taskmem") });
  for (const question of questions) await memory.recordTask({ question });
});

/** A result as a trainer writes it: a vector of one number. */
function trained(job: string, value: number, block = 1): void {
  const result = join(folder, job, "result");
  mkdirSync(result, { recursive: true });
  const files = writeBeft({ block, values: Float32Array.of(value) }, { model: "stub", kind: "text" });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(result, name), bytes);
}

test("a job for TRL holds the pairs, the prompt that is sent, and the settings", async () => {
  const told = await done("train", "export", "--for", "trl", "--out", "trl", "--recipe", "one-pair");
  const about: JobDescription = JSON.parse(text("trl", "job.json"));
  assert.equal(about.space, "residual:torch:stub@1");
  assert.equal(about.block, 1);
  assert.equal(about.model, model);
  assert.equal(about.pairs, told.pairs);
  assert.equal(about.order.length, about.settings.steps);
  assert.ok(about.order.every((step) => step.length === about.settings.pairsPerStep));
  const rows = lines("trl", "pairs.jsonl");
  assert.equal(rows.length, about.pairs);
  for (const { prompt, chosen, rejected, chat_template_kwargs } of rows) {
    assert.deepEqual(
      prompt.map(({ role }: { role: string }) => role),
      ["system", "user"],
    );
    assert.match(prompt[0].content, /^You write the long-term memory/);
    assert.match(prompt[1].content, /Ann says: Ann talks about the soup|Ann talks about the soup/);
    assert.match(chosen[0].content, /^\{"description": "/);
    assert.match(chosen[0].content, /soup/);
    assert.notEqual(chosen[0].content, rejected[0].content);
    assert.deepEqual(chat_template_kwargs, { enable_thinking: false });
  }
  assert.match(text("trl", "README.md"), /python train\.py/);
  assert.ok(existsSync(join(folder, "trl", "train.py")));
});

test("the same command again draws nothing and writes the same job", async () => {
  const before = [text("trl", "pairs.jsonl"), text("trl", "job.json"), text("trl", "run", "drawn.jsonl")];
  await done("train", "export", "--for", "trl", "--out", "trl", "--recipe", "one-pair");
  const after = [text("trl", "pairs.jsonl"), text("trl", "job.json"), text("trl", "run", "drawn.jsonl")];
  assert.deepEqual(after, before);
});

test("jobs for ms-swift and for the paper's verl hold the pairs of their runs in their own form", async () => {
  const flags = ["--recipe", "one-pair", "--learning-rate", "0.01", "--steps", "4"];
  await done("train", "export", "--for", "swift", "--out", "swift", ...flags);
  const told = (answer: string) => JSON.parse(answer).description;
  assert.deepEqual(
    lines("swift", "pairs.jsonl").map(({ messages, rejected_response }) => [
      told(messages.at(-1).content),
      told(rejected_response),
    ]),
    lines("swift", "run", "pairs.jsonl").map(({ chosen, rejected }) => [chosen.text, rejected.text]),
  );
  const yaml = text("swift", "swift.yaml");
  for (const line of ['tuner_type: "beft"', "beta: 0.5", "max_steps: 4", "learning_rate: 0.01"])
    assert.ok(yaml.includes(`${line}\n`), `${line} is in\n${yaml}`);

  await done("train", "export", "--for", "verl", "--out", "verl", ...flags);
  const answers = lines("verl", "pairs.jsonl");
  const pairs = lines("verl", "run", "pairs.jsonl");
  const about: JobDescription = JSON.parse(text("verl", "job.json"));
  assert.equal(answers.length, 2 * about.order.flat().length);
  for (let i = 0; i < answers.length; i += 2) {
    const [chosen, rejected] = [answers[i], answers[i + 1]];
    assert.equal(chosen.uid, rejected.uid);
    assert.deepEqual([chosen.reward, rejected.reward], [1, 0]);
    assert.deepEqual(chosen.prompt, rejected.prompt);
    const pair = pairs[about.order.flat()[i / 2]!];
    assert.deepEqual(
      [told(chosen.response), told(rejected.response)],
      [pair.chosen.text, pair.rejected.text],
    );
  }
  assert.match(text("verl", "run.sh"), /VLLM_ADA_TRAIN_LAYERS=1\n/);
});

test("what cannot be trained is refused before anything is drawn", async () => {
  const out = ["--out", "never"];
  await refused(
    /Expected --for to be trl, swift, verl, got nemo/,
    "train",
    "export",
    "--for",
    "nemo",
    ...out,
  );
  await refused(
    /Expected --kind vector for verl/,
    "train",
    "export",
    "--for",
    "verl",
    "--kind",
    "all",
    ...out,
  );
  await refused(/--learning-rate for swift and vector/, "train", "export", "--for", "swift", ...out);
  await refused(/recipe/, "train", "export", "--for", "trl", "--recipe", "mine", ...out);
  assert.ok(!existsSync(join(folder, "never")));
});

test("a result is tried, and becomes active only if it does better", async () => {
  await refused(/run the job first/, "train", "import", "trl");
  trained("trl", -0.5);
  const worse = await done("train", "import", "trl");
  assert.equal(worse.activated, false);
  assert.match(String(worse.reason), /not significantly better/);
  trained("trl", 0.5);
  const better = await done("train", "import", "trl");
  assert.equal(better.activated, true, String(better.reason));
  const status = await done("adapt", "status");
  assert.equal(status.active, better.id);
  const states = (status.adapters as { state: string }[]).map(({ state }) => state);
  assert.deepEqual(states, ["refused", "active"]);
});

test("a vector is brought to the length of the job's recipe", async () => {
  const about: JobDescription = JSON.parse(text("verl", "job.json"));
  trained("verl", 0.5);
  const changed = { ...about, settings: { ...about.settings, scale: 1.5 } };
  writeFileSync(join(folder, "verl", "job.json"), JSON.stringify(changed));
  assert.equal((await done("train", "import", "verl")).norm, 0.75);
});

test("a result of another model, block or kind is refused by name", async () => {
  const about: JobDescription = JSON.parse(text("trl", "job.json"));
  const write = (other: Partial<JobDescription>) =>
    writeFileSync(join(folder, "trl", "job.json"), JSON.stringify({ ...about, ...other }));
  write({ space: "residual:torch:other@1" });
  await refused(/job of torch:stub in trl, got one of torch:other/, "train", "import", "trl");
  write({});
  trained("trl", 0.5, 0);
  await refused(/Expected one vector of block 1/, "train", "import", "trl");
  writeFileSync(join(folder, "trl", "job.json"), "{");
  await refused(/does not describe a job/, "train", "import", "trl");
  write({});

  const result = join(folder, "trl", "result");
  const lora = { name: "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight", shape: [1, 2] };
  writeFileSync(
    join(result, "adapter_model.safetensors"),
    writeSafetensors({ ...lora, values: new Float32Array(2) }),
  );
  writeFileSync(join(result, "adapter_config.json"), JSON.stringify({ peft_type: "LORA" }));
  await refused(/has no linear layers/, "train", "import", "trl");
  const shape = { num_hidden_layers: 1, hidden_size: 1 };
  writeFileSync(join(model, "config.json"), JSON.stringify(shape));
  await refused(/of block 1, and the model has 1/, "train", "import", "trl");

  rmSync(result, { recursive: true });
  mkdirSync(join(result, "checkpoint-4"), { recursive: true });
  writeFileSync(join(result, "checkpoint-4", "model.safetensors"), "");
  writeFileSync(join(result, "checkpoint-4", "config.json"), JSON.stringify({ ...shape, hidden_size: 2 }));
  await refused(/got 1 of 2: they are of another model/, "train", "import", "trl");
});

test("whole weights are tried against the model's, and stay where they are", async () => {
  const result = join(folder, "weights");
  for (const [name, passes] of [
    ["all-lamp", false],
    ["all-soup", true],
  ] as const) {
    const weights = join(result, name);
    mkdirSync(weights, { recursive: true });
    writeFileSync(join(weights, "model.safetensors"), "");
    cpSync(join(model, "config.json"), join(weights, "config.json"));
    const tried = await done("train", "import", weights);
    assert.equal(tried.passes, passes, String(tried.reason));
    assert.match(String(tried.reason), passes ? /name them with --model/ : /not significantly better/);
    assert.equal(tried.weights, weights);
  }
});
