import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { type Fault, type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { EndpointOptions } from "./client.ts";
import { openaiModel } from "./model.ts";

const request = { parts: [{ type: "text", text: "Mira: hello there" }] } as const;

async function connected(
  t: TestContext,
  options: Partial<EndpointOptions> = {},
  server: Partial<ServerOptions> = {},
) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", retryMs: 1, ...options });
  /** Injects the given faults into the first requests, in order. */
  const inject = (...faults: Fault[]) => running.setFaults(({ index }) => faults[index]);
  return { server: running, model, inject };
}

const passing: readonly [string, Fault][] = [
  ["429", { kind: "status", status: 429 }],
  ["500", { kind: "status", status: 500 }],
  ["503", { kind: "status", status: 503 }],
  ["408", { kind: "status", status: 408 }],
  ["silence", { kind: "hang" }],
  ["silence after the head", { kind: "hang", afterHead: true }],
  ["a body cut in the middle", { kind: "cut" }],
  ["a body that is not JSON", { kind: "malformed" }],
  ["a body without choices", { kind: "body", body: { object: "chat.completion", choices: [] } }],
  ["a body with broken choices", { kind: "body", body: { choices: [null] } }],
  ["a body of null", { kind: "body", body: null }],
];

for (const [name, fault] of passing) {
  test(`${name} is retried`, async (t) => {
    const { server, model, inject } = await connected(t, fault.kind === "hang" ? { timeoutMs: 500 } : {});
    inject(fault, fault);
    const { completions, cost } = await model.generate(request);
    assert.match(completions[0]!.text, /hello there/);
    assert.equal(server.requests.length, 3);
    assert.equal(cost.calls, 1);
  });
}

const lasting: readonly [string, Fault, { code: string; status?: number }][] = [
  ["429", { kind: "status", status: 429 }, { code: "rate-limited", status: 429 }],
  ["500", { kind: "status", status: 500 }, { code: "unavailable", status: 500 }],
  ["silence", { kind: "hang" }, { code: "timeout" }],
  ["a cut body", { kind: "cut" }, { code: "unreachable" }],
  ["a malformed body", { kind: "malformed" }, { code: "bad-response" }],
];

for (const [name, fault, facts] of lasting) {
  test(`${name} that persists is a retryable error after the configured retries`, async (t) => {
    const { server, model } = await connected(t, { timeoutMs: 500, maxRetries: 2 });
    server.setFaults(() => fault);
    await assert.rejects(model.generate(request), { name: "EngineError", isRetryable: true, ...facts });
    assert.equal(server.requests.length, 3);
    assert.deepEqual(model.cost().calls, 0);
  });
}

const final: readonly [number, string, string][] = [
  [400, "bad-request", "top_p is out of range"],
  [400, "context-overflow", "the prompt is too long"],
  [401, "unauthorized", "no such key"],
  [403, "unauthorized", "not for you"],
  [404, "unknown-model", "no such model"],
  [429, "quota-spent", "You exceeded your current quota"],
  [501, "bad-request", "not here"],
];

for (const [status, code, message] of final) {
  test(`${status} (${code}) is not retried`, async (t) => {
    const { server, model } = await connected(t);
    server.setFaults(() => ({ kind: "status", status, message }));
    await assert.rejects(model.generate(request), { name: "EngineError", code, status, isRetryable: false });
    assert.equal(server.requests.length, 1);
  });
}

test("waits as long as retry-after says instead of the back-off", async (t) => {
  const { server, model, inject } = await connected(t, { retryMs: 3_600_000, random: () => 1 });
  inject(
    { kind: "status", status: 429, retryAfter: "0.01" },
    { kind: "status", status: 503, retryAfter: "0" },
  );
  await model.generate(request);
  assert.equal(server.requests.length, 3);
});

test("a retry-after date in the past means at once", async (t) => {
  const { model, inject } = await connected(t, { retryMs: 3_600_000, random: () => 1 });
  inject({ kind: "status", status: 429, retryAfter: "Wed, 21 Oct 2015 07:28:00 GMT" });
  assert.match((await model.generate(request)).completions[0]!.text, /hello/);
});

test("an unreachable server is a retryable error that names it", async () => {
  const server = await startOpenAiServer({ models: ["eyes"] });
  await server.close();
  const { host } = new URL(server.baseURL);
  const model = openaiModel({ baseURL: server.baseURL, model: "eyes", retryMs: 1, maxRetries: 1 });
  const expected = { code: "unreachable", isRetryable: true, message: new RegExp(`${host}.*ECONNREFUSED`) };
  await assert.rejects(model.generate(request), expected);
});

test("the budget of calls is never exceeded, not even by simultaneous calls", async (t) => {
  const { server, model } = await connected(t, { budget: { calls: 3 }, concurrency: 8 });
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => model.generate(request)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 3);
  for (const result of results) {
    if (result.status === "rejected") {
      assert.equal(result.reason.code, "budget-spent");
      assert.equal(result.reason.isRetryable, false);
    }
  }
  assert.equal(server.requests.length, 3);
  assert.equal(model.cost().calls, 3);
});

test("the budget of tokens and dollars stops before the call that would exceed it", async (t) => {
  const prices = { promptPerMillion: 1_000_000, completionPerMillion: 1_000_000 };
  for (const budget of [{ tokens: 500 }, { usd: 500 }]) {
    const { server, model } = await connected(t, { budget, prices });
    const outcome = async () => {
      while (true) await model.generate(request);
    };
    await assert.rejects(outcome(), { code: "budget-spent", message: /raise it/ });
    const { promptTokens, completionTokens } = model.cost();
    assert.ok(server.requests.length > 0 && promptTokens + completionTokens <= 500);
  }
});

test("a failed attempt releases its share of the budget", async (t) => {
  const { server, model, inject } = await connected(t, { budget: { calls: 1 } });
  inject({ kind: "status", status: 500 }, { kind: "cut" });
  await model.generate(request);
  assert.equal(server.requests.length, 3);
});

test("as many calls as allowed run at once, and no more", async (t) => {
  const { server, model } = await connected(t, { concurrency: 3 });
  const full = Promise.withResolvers<void>();
  server.setFaults(async ({ index }) => {
    if (index === 2) setTimeout(full.resolve, 50); // time for a fourth, if it were sent
    await full.promise;
    return undefined;
  });
  await Promise.all(Array.from({ length: 12 }, () => model.generate(request)));
  assert.equal(server.requests.length, 12);
  assert.equal(server.mostAtOnce(), 3);
});

for (const limit of [{ requestsPerMinute: 1 }, { tokensPerMinute: 1 }])
  test(`${Object.keys(limit)[0]} holds the second call back while calls without it pass`, async (t) => {
    const { server, model } = await connected(t, limit);
    const unlimited = openaiModel({ baseURL: server.baseURL, model: "eyes" });
    await model.generate(request);
    const control = new AbortController();
    const second = model.generate({ ...request, signal: control.signal });
    for (let i = 0; i < 5; i++) await unlimited.generate(request);
    assert.equal(server.requests.length, 6);
    control.abort(new Error("enough"));
    await assert.rejects(second, /enough/);
  });

test("an abort stops a call in flight, those waiting and those between retries at once, with its reason", async (t) => {
  const waits: [Fault, Partial<EndpointOptions>][] = [
    [{ kind: "hang" }, { concurrency: 1, timeoutMs: 3_600_000 }],
    [
      { kind: "hang", afterHead: true },
      { concurrency: 1, timeoutMs: 3_600_000 },
    ],
    [
      { kind: "status", status: 503 },
      { retryMs: 3_600_000, random: () => 1 },
    ],
  ];
  for (const [fault, options] of waits) {
    const { server, model } = await connected(t, options);
    const reason = new Error("enough");
    const control = new AbortController();
    server.setFaults(() => {
      setImmediate(() => control.abort(reason));
      return fault;
    });
    const calls = [1, 2].map(() => model.generate({ ...request, signal: control.signal }));
    for (const call of await Promise.allSettled(calls)) {
      assert.equal(call.status === "rejected" && call.reason, reason);
    }
    await assert.rejects(model.generate({ ...request, signal: control.signal }), reason);
  }
});

test("the key is sent as a bearer token and is in no error, even when the server repeats it", async (t) => {
  const apiKey = "sk-very-secret";
  const { server, model } = await connected(t, { apiKey, maxRetries: 0 }, { apiKey: "another" });
  const caught = async () =>
    inspect(await model.generate(request).catch((error) => error), { depth: null, showHidden: true });
  const refused = await caught();
  assert.match(refused, /refused the key \(401\): set TASKMEM_API_KEY/);
  assert.equal(server.requests[0]!.authorization, `Bearer ${apiKey}`);
  const shown = [refused];
  for (const status of [400, 404, 429, 500]) {
    server.setFaults(() => ({ kind: "status", status, message: `who sent ${apiKey}?` }));
    shown.push(await caught());
    assert.match(shown.at(-1)!, /who sent \[key\]\?/);
  }
  assert.ok(shown.every((text) => !text.includes(apiKey)));
});

test("a base URL that cannot be called is refused before anything is sent, its password not repeated", () => {
  for (const baseURL of ["localhost:8000/v1", "nonsense", "ftp://host/v1", "http://me:hush@host/v1"]) {
    assert.throws(
      () => openaiModel({ baseURL, model: "eyes" }),
      (error: Error & { code?: string }) =>
        error.code === "base-url-invalid" && !error.message.includes("hush"),
    );
  }
});
