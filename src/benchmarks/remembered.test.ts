import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../test/support/memory.ts";
import { type GenerateRequest, type Model, noCost } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { rememberingModel, rememberingPerceptors } from "./remembered.ts";

const folder = temporaryFolder("remembered");

function counting() {
  const calls = { heard: 0, read: 0 };
  let fails = false;
  const perceptors: Perceptors = {
    language: "en",
    transcriber: {
      id: "ears",
      transcribe: async ({ startSeconds }) => {
        calls.heard += 1;
        return [
          {
            startSeconds,
            endSeconds: startSeconds + 1,
            text: `heard ${calls.heard}`,
            speaker: null,
            language: null,
          },
        ];
      },
    },
    screenReader: {
      id: "eyes",
      read: async ([frame]) => {
        calls.read += 1;
        if (fails) throw new Error("no eyes");
        return [
          {
            startSeconds: frame!.atSeconds,
            endSeconds: frame!.atSeconds,
            text: `read ${calls.read}`,
            confidence: 90,
          },
        ];
      },
    },
  };
  return { calls, perceptors, fail: (now: boolean) => (fails = now) };
}

const audio = (startSeconds: number, first: number) => ({
  startSeconds,
  samples: Int16Array.of(first, 2, 3),
});
const frame = (atSeconds: number, content: string) => ({
  atSeconds,
  width: 1,
  height: 1,
  jpeg: Buffer.from(content),
});

test("what was perceived once is not perceived again, in this process or the next", async () => {
  const { calls, perceptors } = counting();
  const place = join(folder, "once");
  const results = [];
  for (let process = 0; process < 2; process++) {
    const senses = rememberingPerceptors(perceptors, place);
    for (let again = 0; again < 2; again++) {
      results.push([
        await senses.transcriber!.transcribe(audio(10, 1), {}),
        await senses.screenReader!.read([frame(1, "a")]),
      ]);
    }
  }
  assert.deepEqual(calls, { heard: 1, read: 1 });
  assert.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1);
  const files = readdirSync(place, { recursive: true }).map(String);
  assert.equal(files.filter((name) => name.endsWith(".json")).length, 2);
  assert.ok(!files.some((name) => name.includes(".json.")), "nothing unfinished is left");
});

test("another sound, moment, language or picture is perceived anew", async () => {
  const { calls, perceptors } = counting();
  const senses = rememberingPerceptors(perceptors, join(folder, "anew"));
  for (const [sound, language] of [
    [audio(10, 1), "en"],
    [audio(20, 1), "en"],
    [audio(10, 9), "en"],
    [audio(10, 1), "de"],
  ] as const) {
    await senses.transcriber!.transcribe(sound, { language });
  }
  for (const frames of [
    [frame(1, "a")],
    [frame(2, "a")],
    [frame(1, "b")],
    [frame(1, "a"), frame(2, "b")],
    [],
  ]) {
    await senses.screenReader!.read(frames);
  }
  assert.deepEqual(calls, { heard: 4, read: 4 });
});

test("a failure is not kept", async () => {
  const { calls, perceptors, fail } = counting();
  const senses = rememberingPerceptors(perceptors, join(folder, "failure"));
  fail(true);
  await assert.rejects(senses.screenReader!.read([frame(1, "a")]), /no eyes/);
  fail(false);
  assert.equal((await senses.screenReader!.read([frame(1, "a")]))[0]!.text, "read 2");
  assert.equal(calls.read, 2);
});

test("a sense that is not there stays away", () => {
  const senses = rememberingPerceptors({ transcriber: null, screenReader: null, language: null }, folder);
  assert.deepEqual(senses, { transcriber: null, screenReader: null, language: null });
});

/** A model that counts, and fails where told to. */
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

test("what a model said it says again, at no cost, in this process or the next", async () => {
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
  const first = await rememberingModel(model, place).generate(request);
  const again = await rememberingModel(model, place).generate({
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
  assert.equal((await rememberingModel(model, place).capabilities()).logprobs, false);
});

test("what is asked twice at once is asked once, and fails for both", async () => {
  const { asked, model, fail } = counted();
  const remembering = rememberingModel(model, join(folder, "at-once"));
  const request: GenerateRequest = { parts: [{ type: "text", text: "a clip" }] };
  fail(true);
  const failed = await Promise.allSettled([remembering.generate(request), remembering.generate(request)]);
  assert.deepEqual(
    failed.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  fail(false);
  const both = await Promise.all([remembering.generate(request), remembering.generate(request)]);
  assert.equal(asked.length, 1);
  assert.deepEqual(both[1], { ...both[0], cost: noCost });
});

test("whatever what is said depends on makes it another question", async () => {
  const { asked, model } = counted();
  const remembering = rememberingModel(model, join(folder, "others"));
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
  for (const one of requests) await remembering.generate(one);
  await rememberingModel({ ...model, id: "test:another" }, join(folder, "others")).generate(request);
  assert.equal(asked.length, requests.length + 1);
});

test("a model's failure is not kept", async () => {
  const { asked, model, fail } = counted();
  const remembering = rememberingModel(model, join(folder, "fails"));
  const request: GenerateRequest = { parts: [{ type: "text", text: "a" }] };
  fail(true);
  await assert.rejects(remembering.generate(request), /not now/);
  fail(false);
  assert.equal((await remembering.generate(request)).completions[0]!.text, "said 1");
  assert.equal(asked.length, 1);
});
