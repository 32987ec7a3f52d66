import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Fault, startOpenAiServer } from "../../../test/support/openai-server.ts";
import { costText, noCost } from "../../engine.ts";
import type { EndpointOptions } from "./client.ts";
import { openaiEmbedder } from "./embedder.ts";
import { openaiModel } from "./model.ts";
import { type Prices, priceFigures, tablePrice } from "./prices.ts";
import { openaiTranscriber } from "./transcriber.ts";

const request = { parts: [{ type: "text", text: "hello" }] } as const;
const prices = { promptPerMillion: 2, cachedPromptPerMillion: 0.5, completionPerMillion: 10 };

/** An answer of 1000 tokens in and 100 out, with this in its usage and these headers. */
function answering(usage: object, headers: Record<string, string> = {}): Fault {
  const body = {
    choices: [{ message: { content: "Mira waves." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1000, completion_tokens: 100, ...usage },
  };
  const respond: Extract<Fault, { kind: "answer" }>["respond"] = (response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
  return { kind: "answer", respond };
}

async function connected(t: TestContext, fault: Fault, options: Partial<EndpointOptions> = {}) {
  const server = await startOpenAiServer({ models: ["eyes"], faults: () => fault });
  t.after(() => server.close());
  return { server, model: openaiModel({ baseURL: server.baseURL, model: "eyes", ...options }) };
}

const byServer = { server: 1, table: 0, none: 0 };
const byTable = { server: 0, table: 1, none: 0 };
const byNone = { server: 0, table: 0, none: 1 };

const sources: readonly [string, Fault, Prices | undefined, number, object][] = [
  ["OpenRouter's figure, before the table's", answering({ cost: 0.25 }), prices, 0.25, byServer],
  ["a figure of nothing: it is free", answering({ cost: 0 }), prices, 0, byServer],
  [
    "OpenRouter's fee and the provider's price, with the user's own key there",
    answering({ cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 1 } }),
    undefined,
    1.05,
    byServer,
  ],
  [
    "OpenRouter's figure alone where the provider's price is within it",
    answering({ cost: 0.05, is_byok: false, cost_details: { upstream_inference_cost: 0.05 } }),
    undefined,
    0.05,
    byServer,
  ],
  ["LiteLLM's header", answering({}, { "x-litellm-response-cost": "0.000415" }), prices, 0.000415, byServer],
  // 1000 × 2 + 100 × 10 dollars for a million
  ["the table", answering({}), prices, 0.003, byTable],
  [
    "the table where the figures are unusable",
    answering({ cost: -1 }, { "x-litellm-response-cost": "None" }),
    prices,
    0.003,
    byTable,
  ],
  // 200 × 2 + 800 × 0.5 + 100 × 10
  [
    "the table, cached tokens by their own price",
    answering({ prompt_tokens_details: { cached_tokens: 800 } }),
    prices,
    0.0018,
    byTable,
  ],
  ["nothing", answering({}), undefined, 0, byNone],
  ["nothing, where the table lacks a price", answering({}), { promptPerMillion: 2 }, 0, byNone],
];

for (const [name, fault, table, usd, pricedBy] of sources)
  test(`a call is priced by ${name}`, async (t) => {
    const { model } = await connected(t, fault, table && { prices: table });
    const { cost } = await model.generate(request);
    assert.equal(cost.usd.toFixed(9), usd.toFixed(9));
    assert.deepEqual(cost.pricedBy, pricedBy);
    assert.deepEqual(model.cost(), cost);
  });

test("speech is priced by the minute, or by the tokens that its server reports", async (t) => {
  const server = await startOpenAiServer({ models: ["ears"] });
  t.after(() => server.close());
  const audio = { startSeconds: 0, samples: new Int16Array(16_000 * 30).fill(5000) };
  const listen = async (table: Prices) => {
    const ears = openaiTranscriber({ baseURL: server.baseURL, model: "ears", prices: table });
    await ears.transcribe(audio, {});
    return ears.cost!();
  };
  const minute = await listen({ soundPerMinute: 0.006 });
  assert.equal(minute.usd, 0.003); // half a minute
  assert.deepEqual(minute.pricedBy, byTable);
  assert.deepEqual((await listen(prices)).pricedBy, byNone); // the server reports no tokens
  const usage = { type: "tokens", input_tokens: 1000, output_tokens: 100 };
  server.setFaults(() => ({ kind: "body", body: { text: "Hello.", usage } }));
  const tokens = await listen(prices);
  assert.deepEqual([tokens.promptTokens, tokens.completionTokens, tokens.usd], [1000, 100, 0.003]);
});

test("embeddings are priced by the tokens they read", async (t) => {
  const server = await startOpenAiServer({ models: ["words"] });
  t.after(() => server.close());
  const options = {
    baseURL: server.baseURL,
    model: "words",
    dimension: 8,
    prices: { promptPerMillion: 1e6 },
  };
  const embedder = openaiEmbedder(options);
  await embedder.embed(["The keys are on the shelf."]);
  const { promptTokens, usd, pricedBy } = embedder.cost!();
  assert.ok(promptTokens > 0 && usd === promptTokens);
  assert.deepEqual(pricedBy, byTable);
});

test("a budget in dollars counts the server's figures, and expects of the next call what earlier ones cost", async (t) => {
  const { server, model } = await connected(t, answering({ cost: 1 }), { budget: { usd: 3.5 } });
  for (let i = 0; i < 3; i++) await model.generate(request);
  await assert.rejects(model.generate(request), { code: "budget-spent" });
  assert.equal(server.requests.length, 3);
});

test("a table without a price for a part of a use has none for the whole", () => {
  const use = { promptTokens: 10, completionTokens: 0 };
  assert.equal(tablePrice({ completionPerMillion: 1 }, use), null);
  assert.equal(tablePrice({ promptPerMillion: 1 }, use), 10 / 1e6);
  assert.equal(tablePrice(prices, { promptTokens: 0, completionTokens: 0 }), null);
  assert.equal(tablePrice({ promptPerMillion: 2, cachedPromptPerMillion: 1 }, use, 99), 10 / 1e6);
});

test("an answer that is no object says no price", () => {
  for (const body of [
    null,
    "text",
    [],
    { usage: "much" },
    { usage: { cost: "1" } },
    { usage: { cost: 1e300 } },
  ])
    assert.deepEqual(priceFigures(new Headers(), body), { usd: null, cachedTokens: 0 });
});

test("the line of a cost says by what it is priced, and never shows an unknown price as nothing", () => {
  const cost = { calls: 3, promptTokens: 10, completionTokens: 5, usd: 0.5 };
  const priced = (server: number, table: number, none: number, usd = 0.5) =>
    costText({ ...cost, usd, pricedBy: { server, table, none } });
  assert.equal(priced(3, 0, 0), "3 calls, 15 tokens, $0.5000 by the server");
  assert.equal(priced(3, 0, 0, 0), "3 calls, 15 tokens, $0.0000 by the server");
  assert.equal(priced(1, 2, 0), "3 calls, 15 tokens, $0.5000 by the server and the price table");
  assert.equal(
    priced(0, 1, 2),
    "3 calls, 15 tokens, $0.5000 by the price table (the price of 2 calls is unknown)",
  );
  assert.equal(priced(0, 0, 3, 0), "3 calls, 15 tokens, price unknown");
  assert.equal(costText(cost), "3 calls, 15 tokens, $0.5000");
  assert.equal(costText({ ...noCost, calls: 1 }), "1 call, 0 tokens");
});
