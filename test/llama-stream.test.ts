/** Streams of a real llama-server, which are read as an answer that comes at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateRequest } from "../src/engine.ts";
import { type ModelOptions, openaiModel } from "../src/engines/openai/index.ts";
import { findLlama } from "./support/llama-server.ts";

const llama = await findLlama();
const skip = "skip" in llama ? llama.skip : false;
const server = "skip" in llama ? null : await llama.start({ slots: 2, context: 2048 });
test.after(() => server?.stop());

/** A model behind the server, and the bodies it sends. */
function modelOf(options: Partial<ModelOptions> = {}) {
  const bodies: Record<string, unknown>[] = [];
  const model = openaiModel({
    ...{ baseURL: server!.baseURL, model: "smollm2-135m", maxRetries: 0, ...options },
    fetch: (url, init) => {
      if (init?.body) bodies.push(JSON.parse(String(init.body)));
      return fetch(url, init);
    },
  });
  return { model, bodies };
}

const request: GenerateRequest = {
  parts: [{ type: "text", text: "Name three colours, then say why you like them." }],
  sampling: { temperature: 0, maxTokens: 24 },
};
const schema = {
  name: "note",
  schema: {
    type: "object",
    properties: { text: { type: "string", maxLength: 40 } },
    required: ["text"],
    additionalProperties: false,
  },
};

test("a streamed answer is the one that comes at once, and so is its cost", { skip }, async () => {
  const streams = modelOf();
  const plain = modelOf({ extraBody: { stream: false, stream_options: undefined } });
  for (const asked of [request, { ...request, schema, sampling: { temperature: 0, maxTokens: 60 } }]) {
    const [a, b] = [await streams.model.generate(asked), await plain.model.generate(asked)];
    assert.ok(a.completions[0]!.text.length > 10);
    const facts = ({ completions: [first], cost }: typeof a) => [first!.text, first!.finish, cost];
    assert.deepEqual(facts(a), facts(b));
  }
  assert.equal(streams.bodies[0]!.stream, true);
  assert.equal(plain.bodies[0]!.stream, false);
});

test("the tokens of all choices are counted, though the server reports those of one", { skip }, async () => {
  const { model, bodies } = modelOf();
  const sampling = { temperature: 0.8, maxTokens: 12, seed: 3 };
  const { completions, cost } = await model.generate({ ...request, n: 2, sampling });
  assert.deepEqual(
    completions.map(({ finish }) => finish),
    ["length", "length"],
  );
  assert.equal(bodies.length, 1);
  assert.equal(cost.completionTokens, 24);
});

test("log-probabilities come with every token, and the server's own times tell its speed", {
  skip,
}, async () => {
  const { model, bodies } = modelOf();
  await model.generate(request);
  const { completions, cost } = await model.generate({ ...request, logprobs: true });
  const { text, tokens } = completions[0]!;
  assert.equal(tokens!.texts.join(""), text);
  assert.equal(tokens!.texts.length, cost.completionTokens);
  // The first answer told that this is a llama-server.
  assert.deepEqual(
    bodies.map(({ stream }) => stream),
    [true, undefined],
  );
  const { promptPerSecond, writtenPerSecond } = model.speed!();
  assert.ok(promptPerSecond! > 0 && writtenPerSecond! > 0);
});

test("the prompt's progress is asked for and does no harm", { skip }, async () => {
  const { model, bodies } = modelOf();
  const texts = [];
  for (let i = 0; i < 2; i++) texts.push((await model.generate(request)).completions[0]!.text);
  assert.equal(texts[0], texts[1]);
  assert.deepEqual(
    bodies.map(({ return_progress }) => return_progress),
    [undefined, true],
  );
});
