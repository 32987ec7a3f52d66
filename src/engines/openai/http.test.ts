import assert from "node:assert/strict";
import { test } from "node:test";
import { openaiModel } from "./model.ts";

const request = { parts: [{ type: "text", text: "hello" }] } as const;
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
