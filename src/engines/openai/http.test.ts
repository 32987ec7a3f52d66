import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { startOpenAiServer } from "../../../test/support/openai-server.ts";
import { openaiModel } from "./model.ts";

const request = { parts: [{ type: "text", text: "hello" }] } as const;
/** The key with its letters written as escapes. */
const escapedEcho = '{"choices": [{"message": {"content": "it is \\u0073\\u006b-echo-42"}}]}';
const completion = { choices: [{ message: { content: "hi" } }] };

/** A model whose requests are answered here, and what was sent. */
function answered(answer: () => Response, options: { baseURL?: string; apiKey?: string } = {}) {
  const sent: Request[] = [];
  const model = openaiModel({
    baseURL: "http://models.test/v1",
    model: "eyes",
    maxRetries: 0,
    ...options,
    fetch: async (url, init) => {
      sent.push(new Request(url, init));
      return answer();
    },
  });
  return { model, sent };
}

test("a given fetch sends the requests, each with the query of the base URL", async () => {
  const baseURL = "http://models.test/openai/v1/?api-version=2026-01-01";
  const { model, sent } = answered(() => Response.json(completion), { baseURL });
  assert.equal((await model.generate(request)).completions[0]!.text, "hi");
  assert.equal(sent[0]!.url, "http://models.test/openai/v1/chat/completions?api-version=2026-01-01");
});

test("no request ends by the time limits of Node itself, and a dispatcher that was set globally still serves", async (t) => {
  const server = await startOpenAiServer({ models: ["eyes"] });
  t.after(() => server.close());
  await fetch(`${server.baseURL}/models`); // Node loads its dispatcher with the first request
  const symbols = [2, 1].map((form) => Symbol.for(`undici.globalDispatcher.${form}`));
  const node = symbols.map((symbol) => Reflect.get(globalThis, symbol)).find(Boolean);
  const dispatched = t.mock.method(node, "dispatch");
  const model = openaiModel({ baseURL: server.baseURL, model: "eyes", maxRetries: 0 });
  await model.generate(request);
  const [{ path, headersTimeout, bodyTimeout }] = dispatched.mock.calls[0]!.arguments;
  assert.deepEqual([path, headersTimeout, bodyTimeout], ["/v1/chat/completions", 0, 0]);
});

test("a key is sent as a bearer token; without one no such header is sent", async () => {
  const keyed = answered(() => Response.json(completion), { apiKey: "sk-1" });
  const open = answered(() => Response.json(completion));
  await Promise.all([keyed.model.generate(request), open.model.generate(request)]);
  assert.equal(keyed.sent[0]!.headers.get("authorization"), "Bearer sk-1");
  assert.equal(open.sent[0]!.headers.get("authorization"), null);
});

const bodies: readonly [string, unknown, string][] = [
  ["OpenAI's error", { error: { message: "too long", code: "context_length_exceeded" } }, "too long"],
  ["an error that is text", { error: "model not loaded" }, "model not loaded"],
  ["vLLM's error", { object: "error", message: "bad template" }, "bad template"],
  ["FastAPI's detail", { detail: "Not allowed" }, "Not allowed"],
  ["a detail that is a list", { detail: [{ loc: ["body", "n"] }] }, '{"detail":[{"loc":["body","n"]}]}'],
  ["plain text", "upstream refused", "upstream refused"],
  ["nothing at all", "", "no reason given"],
];

for (const [name, body, said] of bodies) {
  test(`a refusal says what the server said: ${name}`, async () => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const { model } = answered(() => new Response(text, { status: 422 }));
    await assert.rejects(model.generate(request), {
      code: "bad-request",
      message: `models.test (model eyes) refused the request (422): ${said}`,
    });
  });
}

test("a spent quota is distinguished from too high a rate by its code", async () => {
  const error = { message: "slow down", code: "insufficient_quota" };
  const { model } = answered(() => Response.json({ error }, { status: 429 }));
  await assert.rejects(model.generate(request), { code: "quota-spent", isRetryable: false });
});

test("a key that a long refusal repeats where it is cut is not shown in part", async () => {
  const apiKey = "sk-0123456789";
  const message = `${"x".repeat(495)}${apiKey}`;
  const { model } = answered(() => Response.json({ error: { message } }, { status: 400 }), { apiKey });
  await assert.rejects(model.generate(request), (error: Error) => !error.message.includes("sk-"));
});

const echoes: readonly [string, unknown][] = [
  ["another shape", { headers: { authorization: "Bearer sk-echo-42" } }],
  ["choices", { choices: [{ message: { content: "I was sent sk-echo-42 today" } }] }],
  ["escapes", escapedEcho],
];

for (const [name, body] of echoes) {
  test(`a body that repeats the key is masked before it is read: ${name}`, async () => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "content-type": "application/json" };
    const { model } = answered(() => new Response(text, { headers }), { apiKey: "sk-echo-42" });
    const said = await model.generate(request).then(
      ({ completions }) => completions[0]!.text,
      (error: Error) => inspect(error, { depth: null, showHidden: true }),
    );
    assert.match(said, /\[key\]/);
    assert.doesNotMatch(said, /echo-42/);
  });
}

test("a redirect to another host is refused, and nothing is sent there", async () => {
  const location = "http://elsewhere.test/v1/chat/completions";
  const { model, sent } = answered(() => new Response(null, { status: 307, headers: { location } }));
  await assert.rejects(model.generate(request), {
    code: "redirect-refused",
    isRetryable: false,
    message: /models\.test.*elsewhere\.test/,
  });
  assert.equal(sent.length, 1);
});

test("a redirect on the same host is followed with the request, unless it would lose it", async () => {
  const answers = [
    () => new Response(null, { status: 308, headers: { location: "/v2/chat/completions" } }),
    () => Response.json(completion),
  ];
  const { model, sent } = answered(() => answers.shift()!());
  await model.generate(request);
  assert.equal(sent[1]!.url, "http://models.test/v2/chat/completions");
  assert.match(await sent[1]!.text(), /hello/);
  for (const status of [301, 302, 303]) {
    const lossy = answered(() => new Response(null, { status, headers: { location: "/v2/" } }));
    await assert.rejects(lossy.model.generate(request), { code: "redirect-refused", message: /v2/ });
  }
});

test("a redirect in a circle ends", async () => {
  const { model, sent } = answered(() => new Response(null, { status: 307, headers: { location: "" } }));
  await assert.rejects(model.generate(request), { code: "redirect-refused" });
  assert.ok(sent.length < 10);
});

test("an endless body is cut off at the limit", async () => {
  let pulled = 0;
  let cancelled = false;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (control) => {
        pulled += 1;
        control.enqueue(new Uint8Array(2 ** 20).fill(0x20));
      },
      cancel: () => {
        cancelled = true;
      },
    });
  const { model } = answered(
    () => new Response(endless(), { headers: { "content-type": "application/json" } }),
  );
  await assert.rejects(model.generate(request), { code: "bad-response", message: /more than 32 MB/ });
  assert.ok(cancelled && pulled <= 40, `${pulled} MB were read`);
});

for (const usage of [
  { prompt_tokens: -5_000_000, completion_tokens: -1 },
  { prompt_tokens: 1e308, completion_tokens: 1e12 },
  { prompt_tokens: "many", completion_tokens: null },
  "none",
]) {
  test(`usage that cannot be is replaced by the forecast: ${JSON.stringify(usage)}`, async () => {
    const { model } = answered(() => Response.json({ ...completion, usage }));
    const { cost } = await model.generate(request);
    // "hello" and "hi" at four characters a token
    assert.deepEqual([cost.promptTokens, cost.completionTokens], [2, 1]);
  });
}

test("402, and words that say the account is empty, are a spent quota", async () => {
  for (const [status, message] of [
    [402, "Payment required"],
    [400, "Your credit balance is too low to access the API"],
    [403, "Insufficient balance"],
  ] as const) {
    const { model } = answered(() => Response.json({ error: { message } }, { status }));
    await assert.rejects(model.generate(request), { code: "quota-spent", isRetryable: false });
  }
});
