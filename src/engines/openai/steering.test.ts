/** Adapters on their way to servers that apply them, ignore them, or hold them: what is sent, and what is refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Body, type Steerable, steerable } from "../../../test/support/steerable-server.ts";
import type { Adapter, RemoteAdapter } from "../../adapter/adapter.ts";
import { createAdapter, rescaleAdapter } from "../../adapter/arithmetic.ts";
import { type ModelOptions, openaiModel } from "./model.ts";

const modelAt = (server: Steerable, options: Partial<ModelOptions>) =>
  openaiModel({ baseURL: server.baseURL, model: "qwen", maxRetries: 0, ...options });
const ask = (text: string, adapter: Adapter | null = null) => ({
  ...{ parts: [{ type: "text" as const, text }], adapter },
  sampling: { temperature: 0 },
});
const vector = createAdapter("residual:qwen@22", 4, [
  [0, 0.5],
  [3, -0.25],
]);
const lora = (uri: string): RemoteAdapter => ({
  ...{ kind: "remote", revision: `adapter-${uri.length}`, space: "weights:qwen", format: "lora", norm: null },
  uri,
});

/** The vector that a body carries for vllm-lens, shape [width]. */
function lensVector(body: Body): Float32Array {
  const { apply_steering_vectors: text } = (body.vllm_xargs ?? {}) as { apply_steering_vectors?: string };
  if (text === undefined) return new Float32Array();
  const [{ activations }] = JSON.parse(text) as [{ activations: { data: string } }];
  return new Float32Array(new Uint8Array(Buffer.from(activations.data, "base64")).buffer);
}

describe("vLLM with vllm-lens", () => {
  const norm = (body: Body) => Math.hypot(...lensVector(body));

  test("is sent the vector and a salt of its own with each steered request, after a probe, and neither without", async () => {
    const server = await steerable(norm);
    const model = modelAt(server, { steering: "vllm-lens", extraBody: { vllm_xargs: { own: 1 } } });
    await model.generate(ask("steered", vector));
    await model.generate(ask("plain"));
    await model.generate(ask("steered again", vector));
    const textOf = (body: Body) => JSON.stringify(body.messages);
    const [steered, plain, again] = ["steered\\", "plain", "steered again"].map((text) =>
      server.bodies.findLast((body) => textOf(body).includes(text.replace("\\", '"'))),
    );
    assert.equal(server.bodies.length, 6, "three of the probe, once");
    for (const body of [steered!, again!]) {
      assert.deepEqual(lensVector(body), Float32Array.of(0.5, 0, 0, -0.25));
      assert.equal(body.cache_salt, vector.revision);
      assert.equal((body.vllm_xargs as Record<string, unknown>).own, 1);
    }
    assert.equal(plain!.cache_salt, undefined);
    assert.deepEqual(plain!.vllm_xargs, { own: 1 });
    const salts = new Set(server.bodies.map((body) => body.cache_salt));
    assert.equal(salts.size, 4, "none, strength 0, a large strength, and as it is");
  });

  test("that ignores the vector is refused before the first request, and asked again when it is set right", async () => {
    let isSetRight = false;
    const server = await steerable((body) => (isSetRight ? norm(body) : 0));
    const model = modelAt(server, { steering: "vllm-lens" });
    await assert.rejects(model.generate(ask("steered", vector)), {
      code: "adapter-ignored",
      message: /at 200 times its strength, it answers as without.*it has 4 numbers/,
    });
    isSetRight = true;
    await model.generate(ask("steered", vector));
  });

  test("that does something at strength 0 is refused", async () => {
    const server = await steerable((body) => lensVector(body).length);
    await assert.rejects(modelAt(server, { steering: "vllm-lens" }).generate(ask("steered", vector)), {
      code: "adapter-ignored",
      message: /At strength 0/,
    });
  });

  test("that fails at the vector and answers without it is asked once more, then refused", async () => {
    const said = "layer_index 99 out of range [0, 30)";
    const server = await steerable((body) => {
      if (norm(body) > 1) throw new Error(said);
      return norm(body);
    });
    const model = modelAt(server, { steering: "vllm-lens", maxRetries: 5, retryMs: 0 });
    await assert.rejects(model.generate(ask("steered", vector)), {
      ...{ name: "ConfigError", code: "adapter-unsupported" },
      message:
        /the server answers 500 with it, and answers without it\. It says: layer_index 99 out of range/,
    });
    const strengths = server.bodies.map((body) => norm(body) > 1);
    assert.deepEqual(strengths, [false, true, true, false]);
    assert.deepEqual(server.bodies[1], server.bodies[2]);
  });

  test("that fails at every request is not blamed on the vector", async () => {
    let asked = 0;
    const server = await steerable(() => {
      if (asked++ > 0) throw new Error("out of memory");
      return 0;
    });
    const model = modelAt(server, { steering: "vllm-lens", maxRetries: 1, retryMs: 0 });
    await assert.rejects(model.generate(ask("steered", vector)), {
      name: "EngineError",
      code: "unavailable",
    });
  });

  test("takes no LoRA, and no vector of words", async () => {
    const model = modelAt(await steerable(norm), { steering: "vllm-lens" });
    await assert.rejects(model.generate(ask("x", lora("cats"))), { code: "adapter-remote" });
    await assert.rejects(model.generate(ask("x", createAdapter("words:abc", 8, [[1, 1]]))), {
      code: "adapter-space",
    });
  });
});

test("EasySteer is sent the path of the vector, its block and its strength", async () => {
  type Field = { vectors: [{ source: string; scale: number; layers: number[] }] };
  const server = await steerable((body) => (body.steering as Field | undefined)?.vectors[0].scale ?? 0);
  const adapter: RemoteAdapter = {
    ...{ kind: "remote", revision: "adapter-1", space: "residual:qwen@22", format: "steer", norm: null },
    uri: "/adapters/cats.gguf",
  };
  await modelAt(server, { steering: "easysteer" }).generate(ask("steered", adapter));
  assert.deepEqual((server.bodies.at(-1)!.steering as Field).vectors[0], {
    ...{ source: "/adapters/cats.gguf", scale: 1, layers: [22], normalize: false },
    apply: { prompt: "all", generation: "all" },
  });
});

describe("a LoRA by name", () => {
  test("is the model of the request, and a plain request keeps its own", async () => {
    const server = await steerable((body) => (body.model === "cats" ? 5 : 0));
    const model = modelAt(server, { steering: "lora-name" });
    await model.generate(ask("steered", lora("cats")));
    assert.equal(server.bodies.at(-1)!.model, "cats");
    await model.generate(ask("plain"));
    assert.equal(server.bodies.at(-1)!.model, "qwen");
    assert.ok(!server.paths.includes("/v1/load_lora_adapter"));
  });

  test("is loaded once under its revision where a path is given", async () => {
    const adapter = lora("/adapters/cats");
    const server = await steerable((body) => (body.model === adapter.revision ? 5 : 0), {
      "/v1/load_lora_adapter": "Success: LoRA adapter added.",
    });
    const model = modelAt(server, { steering: "lora-name" });
    await Promise.all([model.generate(ask("a", adapter)), model.generate(ask("b", adapter))]);
    assert.equal(server.paths.filter((path) => path === "/v1/load_lora_adapter").length, 1);
  });
});

describe("llama-server's LoRAs", () => {
  const held = {
    "/lora-adapters": [
      { id: 0, path: "/a/cats.gguf" },
      { id: 1, path: "/a/dogs.gguf" },
    ],
  };
  type Scales = { id: number; scale: number }[];
  const strength = (body: Body) =>
    ((body.lora ?? []) as Scales).reduce((sum, { scale }) => sum + scale, 0) * 3;

  test("all get a scale with every request, 0 for those that are not meant", async () => {
    const server = await steerable(strength, held);
    const model = modelAt(server, { steering: "llama-lora" });
    await model.generate(ask("plain"));
    assert.deepEqual(server.bodies.at(-1)!.lora, [
      { id: 0, scale: 0 },
      { id: 1, scale: 0 },
    ]);
    assert.equal(server.bodies.at(-1)!.cache_prompt, false);
    await model.generate(ask("steered", lora("dogs.gguf")));
    assert.equal(server.bodies.at(-1)!.cache_prompt, false);
    assert.deepEqual(server.bodies.at(-1)!.lora, [
      { id: 0, scale: 0 },
      { id: 1, scale: 1 },
    ]);
    assert.equal(server.paths.filter((path) => path === "/lora-adapters").length, 1);
  });

  test("that it does not hold are refused with those it does", async () => {
    const model = modelAt(await steerable(strength, held), { steering: "llama-lora" });
    await assert.rejects(model.generate(ask("x", lora("birds.gguf"))), {
      code: "adapter-unsupported",
      message: /got birds.gguf. It holds \/a\/cats.gguf, \/a\/dogs.gguf/,
    });
    const none = modelAt(await steerable(() => 0), { steering: "llama-lora" });
    await assert.rejects(none.generate(ask("x")), { code: "adapter-unsupported", message: /lora-adapters/ });
  });
});

test("a vector that llama-server adds from its start fits that adapter alone", async () => {
  const server = await steerable(() => 0);
  const model = modelAt(server, { steering: "llama-control-vector", controlVector: vector.revision });
  await model.generate(ask("steered", vector));
  assert.equal(server.bodies.length, 1);
  for (const other of [null, rescaleAdapter(vector, 7)])
    await assert.rejects(model.generate(ask("x", other)), { code: "adapter-unsupported" });
});

test("without a way, an adapter is refused and never sent", async () => {
  const server = await steerable(() => 0);
  await assert.rejects(modelAt(server, {}).generate(ask("x", vector)), {
    code: "adapter-unsupported",
    message: /--steering/,
  });
  assert.equal(server.bodies.length, 0);
});
