import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Fault, type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { Part } from "../../engine.ts";
import { openaiModel } from "./model.ts";
import { answerTokensFor, type Overflow, readOverflow, shorterAnswer } from "./overflow.ts";

/** What servers say, in their own words: context, prompt, and whether the prompt may be longer. */
const refusals: readonly [string, Overflow["context"], Overflow["prompt"], boolean, string][] = [
  [
    "vLLM",
    ...([4096, 4037, true] as const),
    "This model's maximum context length is 4096 tokens. However, you requested 60 output tokens and your prompt contains at least 4037 input tokens, for a total of at least 4097 tokens. Please reduce the length of the input prompt or the number of requested output tokens.",
  ],
  [
    "vLLM 0.11",
    ...([4096, 510, false] as const),
    "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 tokens and your request has 510 input tokens (4096 > 4096 - 510).",
  ],
  [
    "vLLM with pictures",
    ...([4096, 25938, false] as const),
    "The prompt (total length 25938) is too long to fit into the model (context length 4096). Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal tokens.",
  ],
  [
    "vLLM, an answer longer than all",
    ...([65536, null, false] as const),
    "max_completion_tokens=131072 cannot be greater than max_model_len=max_total_tokens=65536.",
  ],
  [
    "OpenAI and older vLLM",
    ...([8192, 7691, false] as const),
    "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens (7691 in the messages, 512 in the completion). Please reduce the length of the messages or completion.",
  ],
  [
    "OpenAI, the prompt alone",
    ...([128000, 202868, false] as const),
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 202868 tokens (202767 in the messages, 101 in the functions). Please reduce the length of the messages or functions.",
  ],
  [
    "SGLang",
    ...([202752, 170941, false] as const),
    "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
  ],
  [
    "SGLang, the prompt alone",
    ...([40960, 61709, false] as const),
    "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
  ],
  [
    "llama-server",
    ...([2048, 2569, false] as const),
    "request (2569 tokens) exceeds the available context size (2048 tokens), try increasing it",
  ],
  [
    "Mistral",
    ...([32768, 40000, false] as const),
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
  ],
  [
    "Ollama",
    ...([null, null, false] as const),
    "prompt too long; exceeded max context length by 4021 tokens",
  ],
  ["Ollama's runner", ...([null, null, false] as const), "the input length exceeds the context length"],
  ["Groq", ...([null, null, false] as const), "Please reduce the length of the messages or completion."],
];

for (const [server, context, prompt, isAtLeast, said] of refusals) {
  test(`a refusal for want of room is read: ${server}`, () => {
    assert.deepEqual(readOverflow(said), { context, prompt, isAtLeast });
  });
}

test("refusals of something else are not for want of room", () => {
  const others = [
    "At most 1 image(s) may be provided in one prompt.",
    "Field 'n': Value must be between 1 <= value <= 4, but got 8",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "Grammar error: Invalid type: strin",
  ];
  for (const said of others) assert.equal(readOverflow(said), null, said);
});

test("an answer has the room that the context leaves, with a margin, and at least that of a short one", () => {
  assert.equal(answerTokensFor(4096, 1000, null), 4096);
  assert.equal(answerTokensFor(4096, 1000, 32_768), 4096);
  // 4096 − 1000 − (32 + 1000 / 20)
  assert.equal(answerTokensFor(4096, 1000, 4096), 3014);
  assert.equal(answerTokensFor(4096, 4090, 4096), 128);
  assert.equal(answerTokensFor(60, 4090, 4096), 60);
});

test("a refused answer is shortened to what is left, or halved where that is not known", () => {
  const exact = { context: 4096, prompt: 3000, isAtLeast: false };
  assert.equal(shorterAnswer(4096, exact, 2000), 1096);
  assert.equal(shorterAnswer(4096, { ...exact, prompt: 4000 }, 2000), null);
  const least = { context: 4096, prompt: 1, isAtLeast: true };
  assert.equal(shorterAnswer(4096, least, 2500), 4096 - 2500 - 32 - 125);
  assert.equal(shorterAnswer(1000, least, 100), 500);
  assert.equal(shorterAnswer(128, least, 100), null);
  assert.equal(shorterAnswer(4096, { ...least, context: null, prompt: null }, 100), 128);
  assert.equal(shorterAnswer(undefined, exact, 2000), null);
});

async function connected(t: TestContext, server: Partial<ServerOptions> = {}) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", retryMs: 1 });
  return { model, server: running, rooms: () => running.requests.map(({ body }) => body.max_tokens) };
}

/** 400 tokens as the test server counts them. */
const prompt: Part = { type: "text", text: "word".repeat(400) };

/** Refuses as vLLM does: it stops counting the prompt where the two no longer fit. */
function vllm(context: number): (request: { readonly body: Record<string, unknown> }) => Fault | undefined {
  return ({ body }) => {
    const asked = Number(body.max_tokens);
    if (400 + asked <= context) return undefined;
    const least = context - asked + 1;
    const beyond = `max_tokens=${asked} cannot be greater than max_model_len=max_total_tokens=${context}.`;
    const message =
      asked > context
        ? beyond
        : `This model's maximum context length is ${context} tokens. However, you requested ${asked} output tokens and your prompt contains at least ${least} input tokens, for a total of at least ${context + 1} tokens.`;
    return { kind: "status", status: 400, message };
  };
}

test("an answer asks for no more tokens than the context leaves, once the server told it", async (t) => {
  const { model, rooms } = await connected(t, { card: { max_model_len: 1024 }, faults: vllm(1024) });
  assert.equal((await model.capabilities()).contextTokens, 1024);
  await model.generate({ parts: [prompt], sampling: { maxTokens: 4096 } });
  // 1024 − 400 − (32 + 400 / 20); the probe comes first
  assert.deepEqual(rooms().slice(1), [572]);
});

test("a prompt that fits is sent again with less room for its answer, and the next asks for less at once", async (t) => {
  const { model, rooms } = await connected(t, { faults: vllm(1024) });
  const request = { parts: [prompt], sampling: { maxTokens: 4096 } };
  await model.generate(request);
  await model.generate(request);
  assert.deepEqual(rooms(), [4096, 572, 572]);
});

test("the context that a refusal tells is among the capabilities from then on", async (t) => {
  const { model } = await connected(t, { faults: vllm(1024) });
  assert.equal((await model.capabilities()).contextTokens, null);
  await model.generate({ parts: [prompt], sampling: { maxTokens: 4096 } });
  assert.equal((await model.capabilities()).contextTokens, 1024);
});

test("a prompt that leaves no room for an answer is a `context-overflow` with its numbers", async (t) => {
  const llama = "request (2569 tokens) exceeds the available context size (2048 tokens), try increasing it";
  const { model, rooms } = await connected(t, {
    faults: () => ({ kind: "status", status: 400, message: llama }),
  });
  await assert.rejects(model.generate({ parts: [prompt], sampling: { maxTokens: 4096 } }), {
    ...{ name: "EngineError", code: "context-overflow", isRetryable: false, status: 400 },
    details: { needed: 2569, available: 1920 },
    message: /2569 tokens .* eyes's context of 2048 tokens.*--frames-per-clip/,
  });
  assert.equal(rooms().length, 1);
});

test("where the server does not say what fits, a short answer is tried once", async (t) => {
  const message = "the input length exceeds the context length";
  const { model, rooms } = await connected(t, { faults: () => ({ kind: "status", status: 400, message }) });
  await assert.rejects(model.generate({ parts: [prompt], sampling: { maxTokens: 4096 } }), {
    code: "context-overflow",
    details: { needed: null, available: null },
  });
  assert.deepEqual(rooms(), [4096, 128]);
});

for (const message of [
  "max_tokens is too large: 4096. This model supports at most 2048 completion tokens, whereas you provided 4096.",
  "Invalid max_tokens value, the valid range of max_tokens is [1, 2048]",
  "`max_tokens` must be less than or equal to `2048`, the maximum value for `max_tokens` is less than the `context_window` for this model",
  "max_tokens: 4096 > 2048, which is the maximum allowed number of output tokens for this model",
])
  test(`an answer gets no more room than the longest that the server allows: ${message}`, async (t) => {
    const { model, rooms } = await connected(t, {
      faults: ({ body }) =>
        Number(body.max_tokens) > 2048 ? { kind: "status", status: 400, message } : undefined,
    });
    const request = { parts: [prompt], sampling: { maxTokens: 4096 } };
    await model.generate(request);
    await model.generate(request);
    assert.deepEqual(rooms(), [4096, 2048, 2048]);
  });

test("an answer that the end of the context cuts short at once is a `context-overflow` too", async (t) => {
  const choices = [{ message: { content: "The" }, finish_reason: "length" }];
  const usage = { prompt_tokens: 500, completion_tokens: 12 };
  const { model, server } = await connected(t, {
    props: { default_generation_settings: { n_ctx: 512 }, total_slots: 1 },
  });
  await model.capabilities();
  server.setFaults(() => ({ kind: "body", body: { choices, usage } }));
  await assert.rejects(model.generate({ parts: [prompt], sampling: { maxTokens: 4096 } }), {
    code: "context-overflow",
    details: { needed: 500, available: 384 },
  });
});
