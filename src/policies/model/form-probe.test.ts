/** The made-up clip that shows whether a model can fill in a form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Completion,
  type GenerateRequest,
  type Model,
  type ModelCapabilities,
  noCost,
  unknownLimits,
} from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { EngineError } from "../../errors.ts";
import { memoryInstructions, memorySchema } from "../../policy/prompts.ts";
import { fillsForms, madeUpClip, probeForms } from "./form-probe.ts";

const options = { countTokens: wordSpace.countTokens, semantic: false };
const cost = { calls: 1, promptTokens: 100, completionTokens: 10, usd: 0.5 };

/** A model that writes what it is told to. */
function modelOf(write: () => Partial<Completion>, can: Partial<ModelCapabilities> = {}) {
  const requests: GenerateRequest[] = [];
  const all = { images: true, video: true, jsonSchema: true, samples: true, logprobs: true };
  const model: Model = {
    id: "small",
    capabilities: async () => ({ ...all, ...unknownLimits, ...can }),
    cost: () => noCost,
    async generate(request) {
      requests.push(request);
      const completion = { text: "", thinking: null, finish: "stop" as const, tokens: null, ...write() };
      return { completions: [completion], cost };
    },
  };
  return { model, requests };
}

const told = (description: string) => ({ text: JSON.stringify({ description }) });
const fills = async (completion: Partial<Completion>) =>
  (await probeForms(modelOf(() => completion).model, options)).fills;

test("a model fills in forms where the memory names the thing that was told of, or where it thinks", async () => {
  assert.equal(await fills(told("Mara put the suitcase under the stairs.")), true);
  assert.equal(await fills({ text: "{", thinking: "A suitcase…", finish: "length" }), true);
  assert.equal(await fills(told("Somebody speaks.")), false);
  assert.equal(await fills({ text: "{ suitcase" }), false, "a broken form");
  assert.equal(await fills(told("The suitcase is there. ".repeat(9))), false, "a loop");
});

test("it is asked greedily about one line said, in words of text alone and with room for a memory", async () => {
  const { model, requests } = modelOf(() => told("A suitcase."));
  const { signal } = new AbortController();
  await probeForms(model, options, signal);
  const [{ system, parts, sampling, schema, signal: given }] = requests as [GenerateRequest];
  assert.equal(system, memoryInstructions(false, options));
  assert.deepEqual([sampling, given], [{ temperature: 0, maxTokens: 512 }, signal]);
  assert.deepEqual(schema, memorySchema(false));
  assert.ok(parts.every(({ type }) => type === "text"));
  assert.match(JSON.stringify(parts), /\[00:00:01\] Mara says: I put the blue suitcase under the stairs\./);
  const without = modelOf(() => told("A suitcase."), { jsonSchema: false });
  await probeForms(without.model, options);
  assert.deepEqual([without.requests[0]!.schema, "signal" in without.requests[0]!], [undefined, false]);
});

test("it is asked once, however often and whoever asks at the same time; what it cost is told once", async () => {
  const { model, requests } = modelOf(() => told("Somebody speaks."));
  assert.equal(await fillsForms(model), null);
  assert.deepEqual(await probeForms(model, options), { fills: false, cost });
  assert.deepEqual(await probeForms(model, options), { fills: false, cost: noCost });
  assert.deepEqual([await fillsForms(model), requests.length], [false, 1]);
});

test("a model that could not be asked is asked the next time", async () => {
  let isDown = true;
  const { model } = modelOf(() => {
    if (isDown) throw new EngineError("unreachable", "no route", { isRetryable: true });
    return told("A suitcase.");
  });
  await assert.rejects(probeForms(model, options), EngineError);
  isDown = false;
  assert.equal((await probeForms(model, options)).fills, true);
});

test("the made-up clip is the first of a stream, as long as is asked for", () => {
  const frames = [{ atSeconds: 0, width: 1, height: 1, jpeg: Uint8Array.of(1) }];
  for (const [clip, seconds] of [
    [madeUpClip(frames), 10],
    [madeUpClip(frames, 30), 30],
  ] as const) {
    const [one, ...others] = clip.observations;
    assert.deepEqual([one!.clip, one!.startSeconds, one!.endSeconds, others], [0, 0, seconds, []]);
    assert.deepEqual([one!.frames, one!.speech.length], [frames, 1]);
    assert.deepEqual([clip.state.documents, clip.recent.entries], [0, []]);
  }
});
