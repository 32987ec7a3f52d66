/** What a trainer left behind: which of its files is the result, and whether that fits the model. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { Job } from "./job.ts";
import { jobFiles } from "./job-files.ts";
import { checkLora, describedAt, findResult, modelShape } from "./job-result.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-results-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

/** A new folder of files by path. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const top = join(folder, String(made++));
  mkdirSync(top);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), content);
  }
  return top;
}

const peft = (type: string, at = ".") => ({
  [`${at}/adapter_model.safetensors`]: "",
  [`${at}/adapter_config.json`]: JSON.stringify({ peft_type: type }),
});
const weights = (at = ".") => ({ [`${at}/config.json`]: "{}", [`${at}/model-00001-of-2.safetensors`]: "" });

test("a result is told by its files: a vector, low-rank matrices, or all weights", () => {
  const kindOf = (files: Readonly<Record<string, string>>) => findResult(folderOf(files)).kind;
  assert.equal(kindOf(peft("BEFT")), "vector");
  assert.equal(kindOf(peft("LORA")), "lora");
  assert.equal(kindOf(weights()), "all");
  const steered = folderOf({ "steer.pt": "" });
  assert.deepEqual(findResult(steered), { kind: "vector", path: join(steered, "steer.pt") });
  const file = join(folderOf({ "one.gguf": "" }), "one.gguf");
  assert.deepEqual(findResult(file), { kind: "vector", path: file });
  assert.throws(() => kindOf(peft("IA3")), { code: "adapter-invalid", message: /BEFT or LORA/ });
  assert.throws(() => kindOf({ ...peft("LORA"), "adapter_config.json": "{" }), { code: "job-result-broken" });
});

test("of several checkpoints the one with the highest step is the result, unless the folder itself is one", () => {
  const steps = { ...peft("LORA", "run/checkpoint-90"), ...peft("LORA", "run/checkpoint-100") };
  const inJob = Object.entries(steps).map(([path, text]) => [`result/${path}`, text]);
  const job = folderOf({ "job.json": "{}", ...Object.fromEntries(inJob) });
  assert.equal(findResult(job).path, join(job, "result/run/checkpoint-100"));
  const unnumbered = folderOf({
    ...peft("LORA", "best"),
    ...peft("LORA", "checkpoint-0"),
    ...peft("LORA", "last"),
  });
  assert.equal(findResult(unnumbered).path, join(unnumbered, "checkpoint-0"));
  const both = folderOf({ ...peft("LORA"), ...steps });
  assert.equal(findResult(both).path, both);
  const empty = folderOf({ ...peft("LORA", "checkpoint-1"), "checkpoint-2/trainer_state.json": "{}" });
  assert.equal(findResult(empty).path, join(empty, "checkpoint-1"));
});

test("where nothing was trained the message says what is wanted, and where", () => {
  assert.throws(() => findResult(folderOf({ "job.json": "{}" })), {
    code: "job-result-missing",
    message: /result, where the job writes it: run the job first/,
  });
  for (const path of [folderOf(peft("LORA", "too/deep/here")), folderOf({ "config.json": "{}" }), "/nothing"])
    assert.throws(() => findResult(path), {
      code: "job-result-missing",
      message: new RegExp(`^Expected a trained adapter .* in ${path}$`),
    });
});

test("a result knows its job from its own folder and the two above it", () => {
  const job: Job = {
    ...{ for: "trl", kind: "vector", model: "m", space: "residual:m@3", block: 3, pairs: [] },
    settings: {
      ...{ steps: 3, pairsPerStep: 2, pairsAtOnce: 1, beta: 0.5, preference: 1, likelihood: 1, kl: 0.1 },
      ...{ rate: { learningRate: 0.01 }, decay: "root", scale: 1, seed: "job", lora: { rank: 4, alpha: 8 } },
    },
  };
  const prompt = { messages: [] };
  const pair = {
    ...{ id: "0-1", prompt, chosen: "a", rejected: "b" },
    passes: { chosen: true, rejected: true },
  };
  const files = jobFiles({ ...job, pairs: [pair] });
  const top = folderOf({
    "job.json": files["job.json"] as string,
    "result/run/checkpoint/config.json": "{}",
  });
  for (const below of ["", "result", "result/run"])
    assert.equal(describedAt(join(top, below))?.block, 3, below);
  assert.equal(describedAt(join(top, "result/run/checkpoint")), null);
});

test("a model's shape is that of its text blocks", () => {
  const text = { num_hidden_layers: 4, hidden_size: 8 };
  const shapeOf = (config: object) => modelShape(folderOf({ "config.json": JSON.stringify(config) }));
  const shape = { blocks: 4, width: 8, hasExperts: false };
  assert.deepEqual(shapeOf(text), shape);
  assert.deepEqual(shapeOf({ hidden_size: 5, text_config: text }), shape);
  for (const experts of [{ num_experts: 1 }, { num_local_experts: 8 }])
    assert.equal(shapeOf({ text_config: { ...text, ...experts } })?.hasExperts, true);
  assert.equal(shapeOf({ ...text, num_experts: 0 })?.hasExperts, false);
  assert.equal(modelShape("org/name"), null);
  assert.throws(() => shapeOf({ hidden_size: 8 }), { code: "job-result-broken" });
});

test("low-rank matrices that the model has no place for are refused, and what they lack is said", () => {
  const model = { blocks: 4, width: 8, hasExperts: false };
  const check = (layer: string, shape: readonly number[], block = 3) =>
    checkLora("here", [{ name: `base.model.layers.${block}.part.${layer}.weight`, shape }], model);
  // A matrix A reads as many numbers as its layer takes; B writes as many as its layer gives.
  for (const layer of ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"]) {
    check(`${layer}.lora_A`, [2, 8]);
    check(`${layer}.lora_B`, [30, 2]);
    assert.throws(() => check(`${layer}.lora_A`, [8, 9]), { message: /stream of 9 numbers.* has 8/ });
  }
  for (const layer of ["o_proj", "down_proj"]) {
    check(`${layer}.lora_A`, [2, 30]);
    check(`${layer}.lora_B`, [8, 2]);
    assert.throws(() => check(`${layer}.lora_B`, [9, 8]), { message: /stream of 9 numbers.* has 8/ });
  }
  assert.throws(() => check("q_proj.lora_A", [2, 8], 4), {
    code: "adapter-space",
    message: /is of block 4, and the model has 4, counted from 0/,
  });
  assert.throws(() => checkLora("here", [{ name: "visual.q_proj.lora_A.weight", shape: [2, 8] }], model), {
    code: "adapter-space",
    message: /not beside a layer of a text block/,
  });
});
