import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../test/support/memory.ts";
import { type GenerateRequest, type Model, noCost, unknownLimits } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { cachedModel, folderCache } from "./cached-model.ts";

const folder = temporaryFolder("cached-model");

const frame = (atSeconds: number, content: string) => ({
  atSeconds,
  width: 1,
  height: 1,
  jpeg: Buffer.from(content),
});

function counted() {
  const asked: GenerateRequest[] = [];
  let fails = false;
  const model: Model = {
    id: "test:counts",
    capabilities: async () => ({
      images: true,
      video: true,
      jsonSchema: true,
      samples: true,
      logprobs: true,
      ...unknownLimits,
    }),
    generate: async (request) => {
      if (fails) throw new EngineError("unavailable", "not now", { isRetryable: true });
      asked.push(request);
      const text = `said ${asked.length}`;
      const tokens = { texts: [text], logprobs: Float32Array.of(-1) };
      return {
        completions: [{ text, thinking: null, finish: "stop" as const, tokens }],
        cost: { ...noCost, calls: 1 },
      };
    },
    cost: () => noCost,
  };
  return { asked, model, fail: (now: boolean) => (fails = now) };
}

test("a model repeats a kept answer at no cost, in this process and the next", async () => {
  const { asked, model } = counted();
  const place = join(folder, "said");
  const request: GenerateRequest = {
    system: "Look.",
    parts: [
      { type: "text", text: "a clip" },
      { type: "video", frames: [frame(1, "a")] },
    ],
    logprobs: true,
  };
  const first = await cachedModel(model, folderCache(place)).generate(request);
  const again = await cachedModel(model, folderCache(place)).generate({
    ...request,
    signal: new AbortController().signal,
  });
  assert.deepEqual(again, { ...first, cost: noCost });
  assert.deepEqual(
    [first.cost.calls, first.completions[0]!.text, first.completions[0]!.tokens],
    [1, "said 1", null],
  );
  assert.deepEqual(
    asked.map(({ logprobs }) => logprobs),
    [false],
  );
  assert.equal((await cachedModel(model, folderCache(place)).capabilities()).logprobs, false);
});

test("two equal requests at once are one call, and fail together", async () => {
  const { asked, model, fail } = counted();
  const cached = cachedModel(model, folderCache(join(folder, "at-once")));
  const request: GenerateRequest = { parts: [{ type: "text", text: "a clip" }] };
  fail(true);
  const failed = await Promise.allSettled([cached.generate(request), cached.generate(request)]);
  assert.deepEqual(
    failed.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  fail(false);
  const both = await Promise.all([cached.generate(request), cached.generate(request)]);
  assert.equal(asked.length, 1);
  assert.deepEqual(both[1], { ...both[0], cost: noCost });
});

test("everything an answer depends on is part of its key", async () => {
  const { asked, model } = counted();
  const cached = cachedModel(model, folderCache(join(folder, "others")));
  const request: GenerateRequest = { parts: [{ type: "text", text: "a" }] };
  const image = (content: string) =>
    ({ type: "image", bytes: Buffer.from(content), mediaType: "image/jpeg" }) as const;
  const requests: GenerateRequest[] = [
    request,
    { ...request, system: "Look." },
    { ...request, n: 2 },
    { ...request, sampling: { temperature: 0.7 } },
    { ...request, sampling: { temperature: 0.7, seed: 1 } },
    { ...request, schema: { name: "x", schema: {} } },
    { parts: [{ type: "text", text: "b" }] },
    { parts: [image("a")] },
    { parts: [image("b")] },
    { parts: [{ type: "video", frames: [frame(1, "a")] }] },
    { parts: [{ type: "video", frames: [frame(2, "a")] }] },
  ];
  for (const one of requests) await cached.generate(one);
  await cachedModel({ ...model, id: "test:another" }, folderCache(join(folder, "others"))).generate(request);
  assert.equal(asked.length, requests.length + 1);
});

test("a model's failure is not kept", async () => {
  const { asked, model, fail } = counted();
  const cached = cachedModel(model, folderCache(join(folder, "fails")));
  const request: GenerateRequest = { parts: [{ type: "text", text: "a" }] };
  fail(true);
  await assert.rejects(cached.generate(request), /not now/);
  fail(false);
  assert.equal((await cached.generate(request)).completions[0]!.text, "said 1");
  assert.equal(asked.length, 1);
});
