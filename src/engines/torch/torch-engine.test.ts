/** The engine over a worker that crashes, babbles, hangs and lacks memory: what a caller sees of it. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openTorchEngine, type TorchEngine, type TorchOptions } from "./torch-engine.ts";

const stub = fileURLToPath(new URL("./__fixtures__/stub-worker.mjs", import.meta.url));
const draw = { n: 2, temperature: 1, maxTokens: 8, seed: 1 };
const open: TorchEngine[] = [];
after(() => {
  for (const engine of open) engine.close();
});

async function engine(often: "once" | "always" = "once", options: Partial<TorchOptions> = {}) {
  const file = often === "always" ? "always" : join(mkdtempSync(join(tmpdir(), "stub-")), "done");
  const made = await openTorchEngine({
    ...{ model: "stub", command: [process.execPath, stub, file] },
    ...options,
  });
  open.push(made);
  return made;
}

const prompt = (text: string) => ({
  messages: [{ role: "user" as const, parts: [{ type: "text" as const, text }] }],
});
const ids = Int32Array.of(1, 2, 3);
const weights = (weight: number) => [Float32Array.of(weight, weight, weight)];

test("draws answers with their ids and log-probabilities", async () => {
  const torch = await engine();
  assert.equal(torch.about.width, 1);
  const [answers] = await torch.sample([torch.name(prompt("hello"))], draw);
  assert.equal(answers!.length, 2);
  assert.deepEqual(answers![0]!.ids, ids);
  assert.deepEqual(answers![0]!.logprobs, Float32Array.of(-1, -1, -1));
});

for (const trouble of ["crash", "garbage"] as const)
  for (const op of ["sample", "logprobs", "accumulate"])
    test(`a worker with a ${trouble} in ${op} is started again and continues where it was`, async () => {
      const torch = await engine();
      const calm = torch.name(prompt("calm"));
      await torch.accumulate([{ prompt: calm, ids }], weights(1));
      await torch.step({ learningRate: 1 });
      await torch.accumulate([{ prompt: calm, ids }], weights(2));
      const name = torch.name(prompt(`${trouble} ${op}`));
      const sample = { prompt: name, ids };
      await torch.sample([name], draw);
      assert.deepEqual(await torch.logprobs([sample]), [Float32Array.of(-2, -1, -1)]);
      await torch.accumulate([sample], weights(4));
      assert.deepEqual(await torch.gradient(), Float32Array.of(6));
      const report = await torch.step({ learningRate: 0.5 });
      assert.equal(report.gradientNorm, 6);
      assert.deepEqual(await torch.snapshot(), Float32Array.of(-4));
    });

test("a worker that answers too late is killed and asked again", async () => {
  const torch = await engine("once", { timeoutMs: 2000 });
  const [answers] = await torch.sample([torch.name(prompt("silence sample"))], draw);
  assert.equal(answers!.length, 2);
});

test("a worker that is lost at every start is an error with the last lines of its log", async () => {
  const torch = await engine("always");
  await assert.rejects(torch.sample([torch.name(prompt("crash sample"))], draw), {
    name: "EngineError",
    code: "worker-lost",
    isRetryable: true,
    message: /^The worker ended with SIGKILL/,
  });
  const [answers] = await torch.sample([torch.name(prompt("hello"))], draw);
  assert.equal(answers!.length, 2);
});

test("what the worker refuses keeps its code, and the worker", async () => {
  const torch = await engine("always");
  await assert.rejects(torch.sample([torch.name(prompt("memory sample"))], draw), {
    code: "worker-out-of-memory",
    message: "The worker: no room",
  });
  await assert.rejects(torch.sample([torch.name(prompt("nonsense sample"))], draw), { code: "bad-response" });
  assert.deepEqual(await torch.snapshot(), Float32Array.of(0));
});

test("a program that cannot be started says so", async () => {
  await assert.rejects(openTorchEngine({ model: "stub", command: ["no-such-python"] }), {
    code: "worker-lost",
    message: /could not be started/,
  });
});

test("prompts that were dropped are unknown", async () => {
  const torch = await engine();
  const name = torch.name(prompt("hello"));
  await torch.sample([name], draw);
  await torch.drop([name]);
  await assert.rejects(torch.sample([name], draw), { code: "worker-unknown-context" });
});
