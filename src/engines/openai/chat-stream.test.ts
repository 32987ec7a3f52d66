import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import {
  eventOf,
  type Fault,
  type Json,
  type ServerOptions,
  startOpenAiServer,
} from "../../../test/support/openai-server.ts";
import { type ModelOptions, openaiModel } from "./model.ts";

const parts = [{ type: "text", text: "Mira: hello there" }] as const;

async function connected(
  t: TestContext,
  server: Partial<ServerOptions> = {},
  options: Partial<ModelOptions> = {},
) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", maxRetries: 0, ...options });
  return { server: running, model, bodies: () => running.requests.map(({ body }) => body) };
}

/** A stream of the given events, parsed or as they are, which then ends. */
const streamed = (...events: readonly (Json | string)[]): Fault => ({
  kind: "answer",
  respond: (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of events) response.write(typeof event === "string" ? event : eventOf(event));
    response.end();
  },
});

const done = "data: [DONE]\n\n";
const piece = (content: string, more: Json = {}): Json => ({
  choices: [{ index: 0, delta: { content }, ...more }],
});

test("an answer is streamed with its usage, and is the same as one that comes at once", async (t) => {
  const request = { parts, n: 2, logprobs: true } as const;
  const [streams, plain] = [await connected(t), await connected(t, { streams: false })];
  const [a, b] = [await streams.model.generate(request), await plain.model.generate(request)];
  assert.deepEqual(a, b);
  assert.equal(a.completions[0]!.tokens!.texts.join(""), a.completions[0]!.text);
  const { stream, stream_options } = streams.bodies()[0]!;
  assert.deepEqual([stream, stream_options], [true, { include_usage: true }]);
});

test("choices that come mixed are put together by their index, thinking, log-probabilities and ids included", async (t) => {
  const { server, model } = await connected(t);
  const token = (token: string, logprob: number) => ({ content: [{ token, logprob }] });
  server.setFaults(() =>
    streamed(
      { id: "c1", prompt_token_ids: [4, 5], choices: [{ index: 1, delta: { reasoning: "Hm" } }] },
      { choices: [{ index: 0, delta: { reasoning_content: "So" } }] },
      { choices: [{ index: 1, delta: { reasoning: "m." } }] },
      { choices: [{ index: 0, delta: { content: "Ye" }, logprobs: token("Ye", -1), token_ids: [7] }] },
      { choices: [{ index: 1, delta: { content: "No." }, finish_reason: "length" }] },
      { choices: [{ index: 0, delta: { content: "s." }, logprobs: token("s.", -2), token_ids: [8, 2] }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 3 } },
      done,
    ),
  );
  const { completions, cost } = await model.generate({ parts, n: 2, logprobs: true });
  const handle = { response: "c1", promptIds: Int32Array.of(4, 5) };
  assert.deepEqual(completions, [
    {
      ...{ text: "Yes.", thinking: "So", finish: "stop", handle },
      tokens: { texts: ["Ye", "s."], logprobs: Float32Array.of(-1, -2), ids: Int32Array.of(7, 8, 2) },
    },
    { text: "No.", thinking: "Hmm.", finish: "length", tokens: null, handle },
  ]);
  // The server reports 3 tokens, as of one choice: 3 ids of the first and 3 pieces of the second were counted.
  assert.deepEqual([cost.promptTokens, cost.completionTokens], [10, 6]);
});

test("without a usage the pieces of the stream are counted", async (t) => {
  const { server, model } = await connected(t);
  server.setFaults(() => streamed(piece("one "), piece("two "), piece("three", { finish_reason: "stop" })));
  const { completions, cost } = await model.generate({ parts });
  assert.deepEqual([completions[0]!.text, cost.completionTokens], ["one two three", 3]);
});

test("a stream is whole with its [DONE] or with the end of every choice, and a lost answer otherwise", async (t) => {
  const { server, model } = await connected(t);
  const textOf = async () => (await model.generate({ parts })).completions[0]!.text;
  server.setFaults(() => streamed(piece("whole"), done));
  assert.equal(await textOf(), "whole");
  server.setFaults(() => streamed(piece("whole", { finish_reason: "stop" })));
  assert.equal(await textOf(), "whole");
  const other = { choices: [{ index: 1, delta: { content: "b" }, finish_reason: "stop" }] };
  for (const events of [[], [piece("half")], [piece("a"), other]]) {
    server.setFaults(() => streamed(...events));
    await assert.rejects(textOf(), {
      code: "bad-response",
      isRetryable: true,
      message: /ended its stream in the middle of an answer/,
    });
  }
});

const errorEvents: readonly [string, Json | string, { code: string; status?: number; message: RegExp }][] = [
  [
    "llama-server's",
    { error: { code: 500, message: "The model produced output that does not match", type: "server_error" } },
    { code: "unavailable", status: 500, message: /does not match/ },
  ],
  [
    "an older llama-server's",
    'error: {"code": 400, "message": "the request exceeds the context", "type": "invalid_request_error"}\n\n',
    { code: "bad-request", status: 400, message: /exceeds the context/ },
  ],
  [
    "vLLM's",
    { error: { message: "top_k must be -1", type: "BadRequestError", param: null, code: 400 } },
    { code: "bad-request", status: 400, message: /top_k/ },
  ],
  [
    "an older vLLM's",
    { object: "error", message: "engine died", type: "InternalServerError", code: 500 },
    { code: "unavailable", status: 500, message: /engine died/ },
  ],
  [
    "a hosted one's without a status",
    { error: { message: "Slow down", type: "rate_limit_error", code: null } },
    { code: "rate-limited", status: 429, message: /Slow down/ },
  ],
  [
    "a text",
    { error: "the worker was stopped" },
    { code: "unavailable", status: 500, message: /worker was stopped/ },
  ],
];

for (const [name, event, expected] of errorEvents)
  test(`an error in the middle of a stream is an error of its kind: ${name}`, async (t) => {
    const { server, model } = await connected(t);
    server.setFaults(() => streamed(piece("half"), event, done));
    await assert.rejects(model.generate({ parts }), { name: "EngineError", ...expected });
  });

for (const [name, event] of [
  ["not JSON", "data: {half\n\n"],
  ["another JSON", "data: 7\n\n"],
  ["a choice that is none", { choices: [null] }],
] as const)
  test(`an event that is ${name} spoils the answer`, async (t) => {
    const { server, model } = await connected(t);
    server.setFaults(() => streamed(piece("half"), event, done));
    await assert.rejects(model.generate({ parts }), { code: "bad-response", isRetryable: true });
  });

test("an event without choices is no token and does no harm", async (t) => {
  const { server, model } = await connected(t);
  server.setFaults(() => streamed({ type: "ping" }, ": wait\n\n", piece("hi"), done));
  assert.equal((await model.generate({ parts })).completions[0]!.text, "hi");
});

test("a server that refuses streams, or their usage, is asked without, and one that ignores the wish is read", async (t) => {
  for (const [options, expected] of [
    [{ refuses: ["stream"] }, [true, undefined, undefined]],
    [{ streams: false }, [true, true]],
  ] as const) {
    const { model, bodies } = await connected(t, options);
    for (let i = 0; i < 2; i++)
      assert.match((await model.generate({ parts })).completions[0]!.text, /hello there/);
    assert.deepEqual(
      bodies().map(({ stream }) => stream),
      expected,
    );
  }
  const { model, bodies } = await connected(t, { refuses: ["stream_options"] });
  await model.generate({ parts });
  assert.deepEqual(
    bodies().map(({ stream, stream_options }) => [stream, stream_options !== undefined]),
    [
      [true, true],
      [true, false],
    ],
  );
});

test("a key that a stream repeats is in no answer and no error, even when it is spread over events", async (t) => {
  const apiKey = "sk-stream-echo-42";
  const { server, model } = await connected(t, {}, { apiKey });
  server.setFaults(() => streamed(piece("I was sent sk-stre"), piece("am-echo-42 today"), done));
  const { completions } = await model.generate({ parts });
  assert.equal(completions[0]!.text, "I was sent [key] today");
  for (const event of [{ error: { code: 400, message: `who sent ${apiKey}?` } }, `data: {${apiKey}\n\n`]) {
    server.setFaults(() => streamed(piece("a"), event));
    const error = await model.generate({ parts }).catch((error) => error);
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /echo-42/);
  }
});

test("the prompt's progress is asked of a llama-server alone, once an answer has shown that it is one", async (t) => {
  const timings = { prompt_n: 5, prompt_ms: 10, predicted_n: 3, predicted_ms: 30 };
  const [plain, llama] = [await connected(t), await connected(t)];
  llama.server.setFaults(() => streamed(piece("hi", { finish_reason: "stop" }), { choices: [], timings }));
  for (const { model } of [plain, llama]) for (let i = 0; i < 2; i++) await model.generate({ parts });
  const asked = ({ bodies }: typeof plain) => bodies().map(({ return_progress }) => return_progress);
  assert.deepEqual(asked(plain), [undefined, undefined]);
  assert.deepEqual(asked(llama), [undefined, true]);
  // Its streams lack log-probabilities of tokens that it holds back, so these are asked for at once.
  await llama.model.generate({ parts, logprobs: true });
  assert.equal(llama.bodies().at(-1)!.stream, undefined);
});

test("a slow answer is awaited as long as tokens or the prompt's progress come", async (t) => {
  const { server, model } = await connected(t, {}, { timeoutMs: 1500 });
  const progress = (processed: number) => ({ choices: [], prompt_progress: { total: 3, processed } });
  const events = [...[1, 2, 3].map(progress), ...[..."slowly"].map((letter) => piece(letter))];
  server.setFaults(() => ({
    kind: "answer",
    respond: async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of events) {
        response.write(eventOf(event));
        await new Promise((resolve) => setTimeout(resolve, 300)); // 2.7 s in all
      }
      response.end(done);
    },
  }));
  assert.equal((await model.generate({ parts })).completions[0]!.text, "slowly");
});
