import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startOpenAiServer } from "../../../test/support/openai-server.ts";
import { openaiEmbedder, openOpenaiEmbedder } from "./embedder.ts";

async function connected(t: TestContext) {
  const server = await startOpenAiServer({ models: ["letters"], dimension: 5 });
  t.after(() => server.close());
  return { server, options: { baseURL: server.baseURL, model: "letters", retryMs: 1 } };
}

test("texts become unit vectors in their order; texts without words become zeros and are not sent", async (t) => {
  const { server, options } = await connected(t);
  const embedder = openaiEmbedder({ ...options, dimension: 5 });
  assert.equal(embedder.id, "openai:letters");
  // The server counts letters by code point modulo 5: "d" is 100, "e" 101, "f" 102; 3, 4 and 5 make a triangle.
  const [both, empty, blank, f] = await embedder.embed(["dddeeee", "", " \n", "f"]);
  assert.deepEqual(
    [...both!].map((value) => value.toFixed(4)),
    ["0.6000", "0.8000", "0.0000", "0.0000", "0.0000"],
  );
  assert.deepEqual([...empty!], [0, 0, 0, 0, 0]);
  assert.deepEqual([...blank!], [0, 0, 0, 0, 0]);
  assert.deepEqual([...f!], [0, 0, 1, 0, 0]);
  assert.deepEqual(server.requests[0]!.body.input, ["dddeeee", "f"]);
});

test("many texts are sent in batches of at most 64 and come back in order", async (t) => {
  const { server, options } = await connected(t);
  const letters = ["d", "e", "f", "g", "h"];
  const texts = Array.from({ length: 150 }, (_, i) => letters[i % 5]!);
  const vectors = await openaiEmbedder({ ...options, dimension: 5 }).embed(texts);
  const sizes = server.requests.map(({ body }) => (body.input as string[]).length);
  assert.deepEqual(sizes.toSorted(), [22, 64, 64]);
  assert.ok(vectors.every((vector, i) => vector[i % 5] === 1));
});

test("nothing is sent without texts", async (t) => {
  const { server, options } = await connected(t);
  assert.deepEqual(await openaiEmbedder({ ...options, dimension: 5 }).embed([]), []);
  assert.equal(server.requests.length, 0);
});

test("a dimension that is not given is asked for once", async (t) => {
  const { server, options } = await connected(t);
  assert.equal((await openOpenaiEmbedder(options)).dimension, 5);
  assert.equal(server.requests.length, 1);
  assert.equal((await openOpenaiEmbedder({ ...options, dimension: 7 })).dimension, 7);
  assert.equal(server.requests.length, 1);
});

test("vectors of a dimension other than the configured one are refused", async (t) => {
  const { server, options } = await connected(t);
  const embedder = openaiEmbedder({ ...options, dimension: 7 });
  await assert.rejects(embedder.embed(["d"]), { code: "dimension-mismatch", isRetryable: false });
  assert.equal(server.requests.length, 1);
});

test("a body that holds no, or too few, vectors is retried", async (t) => {
  const { server, options } = await connected(t);
  const bodies = [null, { data: [] }, { data: [{ index: 0, embedding: ["x"] }] }];
  server.setFaults(({ index }) => (index < 3 ? { kind: "body", body: bodies[index] } : undefined));
  const [vector] = await openaiEmbedder({ ...options, dimension: 5 }).embed(["d"]);
  assert.deepEqual([...vector!], [1, 0, 0, 0, 0]);
  assert.equal(server.requests.length, 4);
});

test("what is to be tried once is asked for once, and a question is not waited for long", async (t) => {
  const { server, options } = await connected(t);
  const embedder = openaiEmbedder({ ...options, dimension: 5, onceMs: { query: 20, passage: 60_000 } });
  server.setFaults(() => ({ kind: "status", status: 503 }));
  await assert.rejects(embedder.embed(["d"], undefined, { once: true }), { code: "unavailable" });
  assert.equal(server.requests.length, 1);
  server.setFaults(() => ({ kind: "hang" }));
  await assert.rejects(embedder.embed(["d"], undefined, { role: "query", once: true }), {
    code: "timeout",
    isRetryable: true,
    message: /\(model letters\) sent no vectors within 0.02 s$/,
  });
  assert.equal(server.requests.length, 2);
  server.setFaults(undefined);
  assert.equal((await embedder.embed(["d"], undefined, { once: true })).length, 1);
});
