/**
 * A job of a model at an endpoint that tells no log-probabilities, and low-rank matrices back under the name that the
 * server knows them by. The server writes of a soup or of a lamp, with the adapter of the soup alone.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeSafetensors } from "../src/adapter/exchange/safetensors.ts";
import type { JobDescription } from "../src/policies/model/jobs/job.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { sha256 } from "../src/util/hash.ts";
import { temporaryFolder } from "./support/cli.ts";
import { observationOf } from "./support/memory.ts";
import { type OpenAiServer, type ServerRequest, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
const colours = "red green blue white black brown grey pink orange yellow golden silver".split(" ");
const questions = ["Which", "Whose", "Where was the", "Who had the", "Why was there"].map(
  (start) => `${start} soup?`,
);
const weights = join(folder, "weights");
let server: OpenAiServer;

/** A memory that depends on nothing but the request. */
function memoryFor({ body, text }: ServerRequest): { kind: "content"; content: string } {
  const hash = sha256(`${text} ${body.seed ?? ""} ${body.temperature ?? ""}`);
  const [first, second, third] = [0, 2, 4].map((at) => Number.parseInt(hash.slice(at, at + 2), 16));
  const noun = body.model === "soup-lora" || first! % 2 === 0 ? "soup" : "lamp";
  const [a, b] = [second, third].map((n) => colours[n! % colours.length]);
  const sentence = `Ann talks about the ${a} and ${b} ${noun}.`;
  return {
    kind: "content",
    content: body.response_format ? JSON.stringify({ description: sentence }) : sentence,
  };
}

const open = (model: object = {}): Promise<TaskMem> =>
  openTaskMem({
    ...{
      directory: join(folder, "memory"),
      policy: "model",
      perceptors: { transcriber: null, language: null, screenReader: null },
    },
    model: { baseUrl: server.baseURL, model: "qwen", ...model },
  });

before(async () => {
  server = await startOpenAiServer({ models: ["qwen", "soup-lora"], refuses: ["n", "logprobs"] });
  server.setFaults(memoryFor);
  mkdirSync(weights);
  const shape = { text_config: { num_hidden_layers: 20, hidden_size: 8 } };
  writeFileSync(join(weights, "config.json"), JSON.stringify(shape));
  await using memory = await open();
  await memory.store.addStream({
    ...{ id: "talk", description: "talk", clipSeconds: 10, fingerprint: null },
    clock: { kind: "media" },
  });
  const lease = await memory.store.lease("talk");
  for (let clip = 0; clip < 60; clip++) {
    const observation = observationOf("talk", clip);
    const { startSeconds, endSeconds } = observation;
    const said = {
      startSeconds,
      endSeconds,
      text: `Soup and lamp, ${colours.join(", ")}: ${clip}.`,
      speaker: "Ann",
    };
    await memory.store.addObservation({ ...observation, frames: [], speech: [said] });
    await memory.store.commit({
      ...{
        stream: "talk",
        clips: [clip],
        policy: "model",
        revision: "none",
        statements: [],
        stateChange: null,
      },
    });
  }
  await lease.release();
  for (const question of questions) await memory.recordTask({ question });
});
after(() => server.close());

test("pairs are drawn at the endpoint, and the block is told by the weights", async () => {
  await using memory = await open();
  const out = join(folder, "job");
  const { pairs, block } = await memory.exportJob({ for: "trl", out, weights, recipe: "one-pair" });
  assert.ok(pairs > 10, `${pairs} pairs`);
  assert.equal(block, 9);
  const about: JobDescription = JSON.parse(readFileSync(join(out, "job.json"), "utf8"));
  assert.equal(about.model, weights);
  assert.equal(about.prefix, "");
  const rows = readFileSync(join(out, "pairs.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const sent = server.requests.map(({ text }) => text);
  for (const { prompt, chosen, rejected } of rows) {
    const whole = prompt.map(({ content }: { content: string }) => content).join("\n");
    assert.ok(
      sent.some((text) => text === whole),
      "the prompt is one that was sent",
    );
    assert.match(JSON.parse(chosen[0].content).description, /soup|Soup/);
    assert.doesNotMatch(JSON.parse(rejected[0].content).description, /soup\./);
  }
  const asked = server.requests.length;
  await memory.exportJob({ for: "trl", out, weights, recipe: "one-pair" });
  assert.equal(server.requests.length, asked, "a second time nothing is asked");
  await assert.rejects(memory.exportJob({ for: "trl", out, weights: "some/name" }), {
    code: "flags-invalid",
  });
});

test("low-rank matrices come back under the server's name, and are tried there", async () => {
  const out = join(folder, "lora");
  const result = join(out, "result");
  {
    await using memory = await open();
    await memory.exportJob({ for: "trl", kind: "lora", out, weights, recipe: "one-pair" });
  }
  mkdirSync(result);
  const write = (width: number) =>
    writeFileSync(
      join(result, "adapter_model.safetensors"),
      writeSafetensors(
        ...[
          { name: "base_model.model.model.layers.19.mlp.up_proj.lora_A.weight", shape: [2, width] },
          { name: "base_model.model.model.layers.19.mlp.up_proj.lora_B.weight", shape: [24, 2] },
        ].map((one) => ({ ...one, values: new Float32Array(one.shape[0]! * one.shape[1]!) })),
      ),
    );
  write(16);
  writeFileSync(join(result, "adapter_config.json"), JSON.stringify({ peft_type: "LORA" }));
  await using memory = await open({ steering: "lora-name" });
  await assert.rejects(memory.importJob(out, { servedAs: "soup-lora" }), /for a stream of 16 numbers/);
  write(8);
  await assert.rejects(memory.importJob(out), { code: "adapter-unsupported" });
  const tried = await memory.importJob(out, { servedAs: "soup-lora" });
  assert.ok("activated" in tried && tried.activated, tried.reason);
  const active = await memory.adapters.active();
  assert.match(active!.file, /"uri":"soup-lora"/);
  assert.ok(server.requests.some(({ body }) => body.model === "soup-lora"));
});
