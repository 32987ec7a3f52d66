import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import { openEndpoint } from "./client.ts";
import { askLimits, askLoaded } from "./limits.ts";

/** The limits that a server with one model, `eyes`, tells of `model`. */
async function limitsOf(t: TestContext, server: Partial<ServerOptions>, model = "eyes", below = "") {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const options = { baseURL: running.baseURL.replace(/\/v1$/, below || "/v1"), model };
  const limits = await askLimits(openEndpoint(options), model, undefined);
  assert.equal(running.requests.length, 0, "no call to the model");
  return limits;
}

test("the context and the models that vLLM lists are read", async (t) => {
  const card = { max_model_len: 4096, root: "/models/eyes" };
  const limits = await limitsOf(t, { card, models: ["eyes", "ears"] });
  assert.deepEqual(limits, { contextTokens: 4096, slots: null, served: ["eyes", "ears"] });
});

test("a model under another name has the context of the only one listed", async (t) => {
  const limits = await limitsOf(t, { card: { max_model_len: 4096 } }, "nick");
  assert.deepEqual(limits, { contextTokens: 4096, slots: null, served: ["eyes"] });
});

test("a LoRA has the context of the model it belongs to", async () => {
  const data = [
    { id: "eyes", max_model_len: 2048, parent: null },
    { id: "la", max_model_len: null, parent: "eyes" },
  ];
  const told = { tells: async (path: string) => [path === "models" ? { object: "list", data } : null] };
  const limits = await askLimits(told, "la", undefined);
  assert.deepEqual(limits, { contextTokens: 2048, slots: null, served: ["eyes", "la"] });
});

test("llama-server's context and slots are read beside /v1, and below a root without it", async (t) => {
  const props = { default_generation_settings: { n_ctx: 8192 }, total_slots: 4, chat_template: "…" };
  const told = { contextTokens: 8192, slots: 4, served: ["eyes"] };
  assert.deepEqual(await limitsOf(t, { props }), told);
  assert.deepEqual(await limitsOf(t, { props }, "eyes", "/v1/"), told);
});

test("of several servers, what all of them take", async () => {
  const list = (...ids: string[]) => ({ data: ids.map((id) => ({ id })) });
  const props = (n_ctx: number, total_slots: number) => ({
    default_generation_settings: { n_ctx },
    total_slots,
  });
  const told = {
    tells: async (path: string) =>
      path === "models" ? [list("eyes", "ears"), list("eyes"), null] : [props(8192, 2), props(4096, 4), null],
  };
  const limits = await askLimits(told, "eyes", undefined);
  assert.deepEqual(limits, { contextTokens: 4096, slots: 2, served: ["eyes"] });
});

test("the context of a loaded model is that of Ollama's list, under its name with or without a tag", async () => {
  const models = [
    { name: "ears:latest", model: "ears:latest", context_length: 8192 },
    { name: "eyes:latest", model: "eyes:latest", context_length: 4096 },
    { name: "old:latest", model: "old:latest" },
  ];
  const told = { tells: async (path: string) => [path === "../api/ps" ? { models } : null] };
  const known = { contextTokens: null, slots: null, served: ["eyes:latest"] };
  const contextOf = async (model: string) => (await askLoaded(told, known, model, undefined)).contextTokens;
  assert.equal(await contextOf("eyes"), 4096);
  assert.equal(await contextOf("eyes:latest"), 4096);
  assert.equal(await contextOf("old"), null);
  assert.equal(await contextOf("nose"), null);
  const other = { ...known, contextTokens: 2048 };
  assert.deepEqual(await askLoaded(told, other, "eyes", undefined), other, "what is known is not asked");
});

test("what a server does not tell, or tells in another form, is unknown", async (t) => {
  const none = { contextTokens: null, slots: null, served: ["eyes"] };
  assert.deepEqual(await limitsOf(t, {}), none);
  assert.deepEqual(await limitsOf(t, { card: { max_model_len: "long" }, props: "<html>" }), none);
  assert.deepEqual(await limitsOf(t, { props: { default_generation_settings: 3, total_slots: 0 } }), none);
  assert.deepEqual(await limitsOf(t, {}, "eyes", "/elsewhere"), { ...none, served: null });
});

test("a server that does not answer tells nothing; an abort is passed on", async () => {
  const running = await startOpenAiServer({ models: ["eyes"] });
  await running.close();
  const options = { baseURL: running.baseURL, model: "eyes" };
  const none = { contextTokens: null, slots: null, served: null };
  assert.deepEqual(await askLimits(openEndpoint(options), "eyes", undefined), none);
  const aborted = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(askLimits(openEndpoint(options), "eyes", aborted), /stopped/);
});
