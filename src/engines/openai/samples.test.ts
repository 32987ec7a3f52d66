import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { GenerateRequest } from "../../engine.ts";
import { type ModelOptions, openaiModel } from "./model.ts";
import { sampleCalls } from "./samples.ts";

async function connected(
  t: TestContext,
  server: Partial<ServerOptions> = {},
  options: Partial<ModelOptions> = {},
) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", retryMs: 1, ...options });
  /** Samples and random seed of each call, in the order they came. */
  const calls = () => running.requests.map(({ body }) => [body.n ?? 1, body.seed]);
  return { model, server: running, calls };
}

const sampled: GenerateRequest = {
  parts: [{ type: "text", text: "Mira: hello there" }],
  sampling: { temperature: 0.7, seed: 100 },
};

/** Refuses as llama-server with four slots does. */
const fourSlots: ServerOptions["faults"] = ({ body }) =>
  Number(body.n ?? 1) > 4
    ? {
        kind: "status",
        status: 400,
        message: `Field 'n': Value must be between 1 <= value <= 4, but got ${body.n}`,
      }
    : undefined;

test("samples are shared evenly among as few calls as possible", () => {
  const sizes = (n: number, most: number) => sampleCalls(n, most).map((call) => call.n);
  assert.deepEqual(sizes(8, 4), [4, 4]);
  assert.deepEqual(sizes(5, 4), [3, 2]);
  assert.deepEqual(sizes(7, 3), [3, 2, 2]);
  assert.deepEqual(sizes(3, Infinity), [3]);
  assert.deepEqual(sizes(0, 4), []);
  assert.deepEqual(sampleCalls(5, 2, 10), [
    { n: 2, before: 10 },
    { n: 2, before: 12 },
    { n: 1, before: 14 },
  ]);
});

test("eight samples are two calls of four where the server told that it has four slots", async (t) => {
  const props = { default_generation_settings: { n_ctx: 8192 }, total_slots: 4 };
  const { model, server, calls } = await connected(t, { props, faults: fourSlots });
  assert.equal((await model.capabilities()).slots, 4);
  const probes = server.requests.length;
  const { completions, cost } = await model.generate({ ...sampled, n: 8 });
  assert.deepEqual([completions.length, cost.calls], [8, 2]);
  // A server counts the seeds of its samples up: the first call has 100 to 103.
  assert.deepEqual(calls().slice(probes), [
    [4, 100],
    [4, 104],
  ]);
});

test("the number of slots is read from a refusal", async (t) => {
  const { model, calls } = await connected(t, { faults: fourSlots });
  await model.generate({ ...sampled, n: 8 });
  await model.generate({ ...sampled, n: 6 });
  assert.deepEqual(
    calls().map(([n]) => n),
    [8, 4, 4, 4, 2],
  );
});

test("samples are halved where the refusal says no number", async (t) => {
  const { model, calls } = await connected(t, {
    faults: ({ body }) =>
      Number(body.n ?? 1) > 2 ? { kind: "status", status: 400, message: "n is too large" } : undefined,
  });
  const { completions } = await model.generate({ ...sampled, n: 8 });
  assert.equal(completions.length, 8);
  assert.deepEqual(
    calls().map(([n]) => n),
    [8, 4, 2, 2, 2, 2],
  );
  assert.equal((await model.capabilities()).samples, true);
});

test("a server with one slot is asked for one sample at a time, also by the probe", async (t) => {
  const props = { default_generation_settings: { n_ctx: 2048 }, total_slots: 1 };
  const { model, calls } = await connected(t, { props });
  assert.equal((await model.capabilities()).samples, false);
  await model.generate({ ...sampled, n: 2 });
  assert.deepEqual(
    calls().map(([n]) => n),
    [1, 1, 1],
  );
});

test("of a greedy request one sample is drawn for all, at the cost of one", async (t) => {
  const { model, calls } = await connected(t);
  const { completions, cost } = await model.generate({ ...sampled, n: 4, sampling: { temperature: 0 } });
  assert.deepEqual(calls(), [[1, undefined]]);
  assert.equal(completions.length, 4);
  assert.equal(new Set(completions.map(({ text }) => text)).size, 1);
  assert.equal(cost.calls, 1);
});

test("a server that draws greedily by itself keeps its samples for requests with a temperature", async (t) => {
  const message = "n must be 1 when using greedy sampling, got 4.";
  const { model, calls } = await connected(t, {
    faults: ({ body }) =>
      body.temperature === undefined && Number(body.n ?? 1) > 1
        ? { kind: "status", status: 400, message }
        : undefined,
  });
  const { completions } = await model.generate({ parts: sampled.parts, n: 4 });
  assert.equal(completions.length, 4);
  await model.generate({ parts: sampled.parts, n: 4 });
  await model.generate({ ...sampled, n: 4 });
  assert.deepEqual(
    calls().map(([n]) => n),
    [4, 1, 1, 4],
  );
  assert.equal((await model.capabilities()).samples, true);
});
