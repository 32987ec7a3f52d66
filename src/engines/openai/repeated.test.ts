import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Fault, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { Sampling } from "../../engine.ts";
import { openaiModel } from "./model.ts";

/** What is sent, by its sampling, while one fault after another is met. */
async function sent(t: TestContext, sampling: Sampling, faults: readonly Fault[]) {
  const server = await startOpenAiServer({ models: ["eyes"], faults: ({ index }) => faults[index] });
  t.after(() => server.close());
  const model = openaiModel({ baseURL: server.baseURL, model: "eyes", retryMs: 1, timeoutMs: 1000 });
  await model.generate({ parts: [{ type: "text", text: "hello" }], sampling });
  return server.requests.map(({ body: { temperature, max_tokens, top_k, seed } }) => ({
    ...(temperature !== undefined && { temperature }),
    ...(max_tokens !== undefined && { max_tokens }),
    ...(top_k !== undefined && { top_k }),
    ...(seed !== undefined && { seed }),
  }));
}

const greedy = { temperature: 0, maxTokens: 1000 };
const status = (code: number, message = "no"): Fault => ({ kind: "status", status: code, message });
const refused: Fault = { kind: "answer", respond: (response) => response.destroy() };
const unparsed = status(500, "The model produced output that does not match the expected peg-native format");

for (const [name, fault] of [
  ["output that the server cannot parse", unparsed],
  ["a body that is cut", { kind: "cut" }],
  ["a body that is not JSON", { kind: "malformed" }],
  ["a body that is no completion", { kind: "body", body: {} }],
] as readonly [string, Fault][])
  test(`a greedy request is drawn at a temperature after ${name}`, async (t) => {
    assert.deepEqual(await sent(t, greedy, [fault, fault]), [
      { temperature: 0, max_tokens: 1000 },
      { temperature: 0.6, max_tokens: 1000 },
      { temperature: 0.6, max_tokens: 1000 },
    ]);
  });

test("a request is sent again as it is where the model was not reached", async (t) => {
  const faults = [status(429), status(503, "Loading model"), status(502), status(504), refused];
  const all = await sent(t, { ...greedy, seed: 7 }, faults);
  assert.equal(all.length, 6);
  for (const body of all) assert.deepEqual(body, { temperature: 0, max_tokens: 1000, seed: 7 });
});

test("after a time-out half as many tokens are allowed; after a further one the draw is another", async (t) => {
  const silence: Fault = { kind: "hang" };
  assert.deepEqual(await sent(t, greedy, [silence, silence]), [
    { temperature: 0, max_tokens: 1000 },
    { temperature: 0, max_tokens: 500 },
    { temperature: 0.6, max_tokens: 500 },
  ]);
  // A limit that is low is kept, and without one there is nothing to halve.
  assert.deepEqual(await sent(t, { temperature: 0, maxTokens: 200 }, [silence]), [
    { temperature: 0, max_tokens: 200 },
    { temperature: 0.6, max_tokens: 200 },
  ]);
});

test("another draw has another random seed, and keeps a temperature that was chosen", async (t) => {
  const [first, second, third] = await sent(t, { temperature: 0.7, seed: 3 }, [unparsed, unparsed]);
  assert.deepEqual(first, { temperature: 0.7, seed: 3 });
  assert.equal(second!.temperature, 0.7);
  assert.equal(new Set([first!.seed, second!.seed, third!.seed]).size, 3);
});

test("without a temperature a request is not greedy; with one token to choose from it is", async (t) => {
  assert.deepEqual(await sent(t, {}, [unparsed]), [{}, {}]);
  assert.deepEqual(await sent(t, { topK: 1 }, [unparsed]), [{ top_k: 1 }, { temperature: 0.6 }]);
});
