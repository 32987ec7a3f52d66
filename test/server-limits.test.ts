/** What a real llama-server takes, as it tells and refuses it: its context, and its slots. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { GenerateRequest } from "../src/engine.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import type { Row } from "./support/cli.ts";
import { findLlama } from "./support/llama-server.ts";

const llama = await findLlama();
const skip = "skip" in llama && llama.skip;

/** A model behind a server with 512 tokens and 2 slots that ends no text by itself, and what it is sent. */
async function start(t: TestContext) {
  if ("skip" in llama) throw new Error(llama.skip);
  const server = await llama.start({ context: 512, slots: 2 });
  t.after(() => server.stop());
  const bodies: Row[] = [];
  const model = openaiModel({
    baseURL: server.baseURL,
    model: "smollm2-135m",
    maxRetries: 0,
    fetch: (url, init) => {
      if (typeof init?.body !== "string") return fetch(url, init);
      const body: Row = JSON.parse(init.body);
      bodies.push(body);
      const endless = { ...body, ...(body.response_format === undefined && { ignore_eos: true }) };
      return fetch(url, { ...init, body: JSON.stringify(endless) });
    },
  });
  return { model, bodies };
}

/** A prompt of some sentences, about five tokens each. */
const prompt = (sentences: number): Pick<GenerateRequest, "parts"> => ({
  parts: [{ type: "text", text: "The keys are there. ".repeat(sentences) }],
});

test("four samples are drawn two at a time, with different random seeds", { skip }, async (t) => {
  const { model, bodies } = await start(t);
  const { contextTokens, slots, samples, images } = await model.capabilities();
  assert.deepEqual(
    { contextTokens, slots, samples, images },
    { contextTokens: 512, slots: 2, samples: true, images: false },
  );
  bodies.length = 0;
  const sampling = { temperature: 1, seed: 5, maxTokens: 12 };
  const { completions, cost } = await model.generate({ ...prompt(2), n: 4, sampling });
  assert.equal(new Set(completions.map(({ text }) => text)).size, 4);
  assert.equal(cost.calls, 2);
  assert.deepEqual(
    bodies.map(({ n, seed }) => [n, seed]),
    [
      [2, 5],
      [2, 7],
    ],
  );
});

test("an answer ends within the context, and a prompt without room for one is told", { skip }, async (t) => {
  const { model, bodies } = await start(t);
  await model.capabilities();
  const { completions, cost } = await model.generate({ ...prompt(10), sampling: { maxTokens: 4096 } });
  const asked = Number(bodies.at(-1)!.max_tokens);
  assert.ok(asked > 128 && asked < 512, `${asked} asked for`);
  assert.deepEqual([completions[0]!.finish, cost.completionTokens], ["length", asked]);

  /** The tokens of a prompt that is refused, as the error tells them. */
  const needed = async (sentences: number) => {
    const error = await model
      .generate({ ...prompt(sentences), sampling: { maxTokens: 4096 } })
      .catch((e) => e);
    assert.equal(error.code, "context-overflow", error.message);
    assert.equal(error.details.available, 512 - 128);
    return Number(error.details.needed);
  };
  const tokensOf = await needed(200);
  assert.ok(tokensOf > 512, "refused by the server");
  // So that it fits the context, with room for fewer tokens than an answer has.
  const nearly = await needed(Math.floor((450 / tokensOf) * 200));
  assert.ok(nearly > 384 && nearly < 512, `${nearly} tokens: answered, and cut at the end of the context`);
});
