import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { taskmem } from "../../test/support/cli.ts";
import { startOpenAiServer } from "../../test/support/openai-server.ts";
import { pullToy } from "../../test/support/toy-encoder.ts";
import { parseConfig } from "../config.ts";
import { verbs } from "../contract/index.ts";
import { hasRuntime } from "../engines/meaning/sentence-encoder.ts";
import { openTaskMem } from "../taskmem.ts";
import { configuredEncoder, embedderOver, lostEncoder } from "./encoder.ts";

const memory = mkdtempSync(join(tmpdir(), "encoder-"));
after(() => rmSync(memory, { recursive: true, force: true }));

describe("an encoder at an endpoint", () => {
  test("that is down costs a question its meaning, and not its answer", async () => {
    const server = await startOpenAiServer({ models: ["letters"], dimension: 8 });
    const embedder = { baseUrl: server.baseURL, model: "letters" };
    {
      await using mem = await openTaskMem({ directory: memory, embedder });
      await mem.remember({ text: "The spare key lies under the blue pot." });
    }
    await server.close();
    const config = parseConfig({ memory, embedder });
    const once = { maxRetries: 0 };
    const encoder = await configuredEncoder(config, once);
    assert.equal(encoder!.encoder.dimension, 8);
    const why: string[] = [];
    const over = embedderOver(encoder!, (said) => why.push(said));
    await using mem = await openTaskMem({ directory: memory, embedder: over });
    const { answer } = await mem.ask("Where is the spare key?");
    assert.equal(answer, "The spare key lies under the blue pot.");
    assert.match(why[0]!, /could not be reached/);
    await assert.rejects(configuredEncoder(config, once, { reindexes: true }), { code: "unreachable" });
    const other = parseConfig({ memory, embedder: { ...embedder, model: "others" } });
    await assert.rejects(configuredEncoder(other, once), { code: "unreachable" });
  });
});

test("an endpoint that fails is tried once for a question, and not for the next; what is written waits", async (t) => {
  const server = await startOpenAiServer({ models: ["letters"], dimension: 8 });
  t.after(() => server.close());
  const directory = join(memory, "fails");
  await using mem = await openTaskMem({
    directory,
    embedder: { baseUrl: server.baseURL, model: "letters", dimension: 8 },
  });
  /** An import waits for all vectors. */
  const settled = () => mem.store.addRows([], () => null);
  await mem.remember({ text: "The spare key lies under the blue pot." });
  await settled();
  server.setFaults(() => ({ kind: "status", status: 503 }));
  const before = server.requests.length;
  for (const question of ["Where is the spare key?", "Where is the blue pot?"]) {
    const { answer, bySpelling } = await mem.ask(question);
    assert.equal(answer, "The spare key lies under the blue pot.");
    assert.match(bySpelling!, /answers 503/);
  }
  assert.equal(server.requests.length - before, 1);
  await mem.remember({ text: "The ladder is in the garage." });
  assert.ok((await mem.store.stats()).waitingVectors > 0);
  server.setFaults(undefined);
  await settled();
  assert.equal((await mem.store.stats()).waitingVectors, 0);
  assert.equal((await mem.ask("Where is the ladder?")).bySpelling, null);
});

describe("a pulled encoder", { skip: hasRuntime() ? false : "onnxruntime-web is not installed" }, () => {
  const models = mkdtempSync(join(tmpdir(), "encoder-models-"));
  const directory = join(models, "memory");
  const place = join(models, "meaning");
  const weights = join(place, "model.safetensors");
  process.env.TASKMEM_MODELS = models;
  after(() => rmSync(models, { recursive: true, force: true }));
  const pull = () => pullToy(models);
  const asked = async () => {
    await using mem = await openTaskMem({ directory });
    return await mem.ask("Where is the opener?");
  };

  test("that is switched off or was removed costs a question its meaning, and says what to do", async () => {
    pull();
    {
      await using mem = await openTaskMem({ directory });
      await mem.remember({ text: "The opener lies under the mat." });
    }
    assert.equal((await asked()).bySpelling, null);
    assert.equal(await lostEncoder(parseConfig({ memory: directory })), null);
    {
      await using mem = await openTaskMem({ directory, embedder: { meaning: "off" } });
      const { answer, bySpelling } = await mem.ask("Where is the opener?");
      assert.deepEqual([answer, bySpelling], ["The opener lies under the mat.", "it is switched off"]);
    }
    rmSync(place, { recursive: true });
    const { answer, bySpelling } = await asked();
    assert.equal(answer, "The opener lies under the mat.");
    assert.equal(bySpelling, "its sentence encoder is not on this machine: taskmem models pull meaning");
    await assert.rejects(openTaskMem({ directory, embedder: { meaning: "multilingual" } }), {
      code: "model-missing",
    });
  });

  test("that was removed is told by the command line and by every surface of the contract", async () => {
    const run = await taskmem(["ask", "Where is the opener?", "-m", directory, "--no-adapt"]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /under the mat/);
    const told = run.stderr.split("\n").filter((line) => line.includes("taskmem models pull meaning"));
    assert.equal(told.length, 1, run.stderr);
    await using mem = await openTaskMem({ directory });
    const output = await verbs.ask.run(mem, { question: "Where is the opener?", record: false }, {});
    assert.match(output.bySpelling!, /taskmem models pull meaning$/);
    assert.match(verbs.ask.text(output), /\nCompared by spelling, not by meaning: /);
  });

  test("that was removed lets what is written wait, and makes its vectors when it is back", async () => {
    {
      await using mem = await openTaskMem({ directory });
      await mem.remember({ text: "The broth is on the stove." });
      assert.ok((await mem.store.stats()).waitingVectors > 0);
    }
    pull();
    await using mem = await openTaskMem({ directory });
    // An import waits for all vectors.
    await mem.store.addRows([], () => null);
    assert.equal((await mem.store.stats()).waitingVectors, 0);
  });

  test("of another release costs a question its meaning until the memory is indexed again", async () => {
    const older = join(models, "older");
    const pulled = (digit: string) => pullToy(models, digit.repeat(64));
    pulled("4");
    {
      await using mem = await openTaskMem({ directory: older });
      await mem.remember({ text: "The opener lies under the mat." });
    }
    pulled("5");
    const told = async () => {
      await using mem = await openTaskMem({ directory: older });
      return (await mem.ask("Where is the opener?")).bySpelling;
    };
    assert.equal(await told(), "its vectors were made by another release of its encoder: taskmem reindex");
    const doctor = await taskmem(["doctor", "-m", older, "--json"]);
    const checks = doctor.stdout.trim().split("\n");
    const [index] = checks.map((line) => JSON.parse(line)).filter(({ check }) => check === "memory index");
    assert.match(index.detail, /another release of its encoder/);
    assert.equal(index.fix, "taskmem reindex");
    assert.equal((await taskmem(["reindex", "-m", older])).code, 0);
    assert.equal(await told(), null);
  });

  test("with a damaged file costs a question its meaning, and says what to do", async () => {
    truncateSync(weights, 100);
    const damaged = await asked();
    assert.equal(damaged.answer, "The opener lies under the mat.");
    assert.match(damaged.bySpelling!, /taskmem models pull meaning/);
    writeFileSync(join(place, "config.json"), "{");
    assert.match((await asked()).bySpelling!, /Pull it again with `taskmem models pull meaning`/);
    writeFileSync(join(models, "models.lock.json"), "{");
    assert.match((await asked()).bySpelling!, /pull the models again/);
  });
});
