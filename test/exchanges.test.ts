/**
 * What servers answer, replayed: every file of `test/exchanges` through a model of ours, with what comes of it.
 *
 * `node test/support/record-exchanges.ts` records those of llama-server again, with `--vllm` those of a vLLM for CPUs.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { type ExchangeFile, makeCalls, type Outcome, replayingFetch } from "./support/exchanges.ts";

const folder = resolve(import.meta.dirname, "exchanges");

const green = { texts: ["Green."], completionTokens: 3, logprobs: false };
const grey = { texts: ["A grey square."], completionTokens: 4, logprobs: false };
const refused = (error: string) => ({ error, isRetryable: false });

/** What each file's calls come to. */
const expected: Record<string, readonly object[]> = {
  // 512 tokens, 2 slots: no picture is taken, the rest is.
  "llama-server/capabilities": [
    {
      can: {
        ...{ images: false, video: false, jsonSchema: true, samples: true, logprobs: true },
        ...{ contextTokens: 512, slots: 2, served: ["smollm2-135m"] },
      },
    },
  ],
  "llama-server/context-overflow": [refused("context-overflow")],
  "llama-server/key-refused": [refused("unauthorized")],
  "llama-server/logprobs": [{ texts: ["The most obvious clue"], completionTokens: 4, logprobs: true }],
  // Refused with the number of slots, then drawn two at a time. It reports the tokens of one choice.
  "llama-server/more-choices-than-slots": [{ choices: 4, logprobs: false }],
  "llama-server/no-pictures": [refused("no-images")],
  // Left out, once it is known that the server takes others; the next one is shown.
  "llama-server/picture-unreadable": [green, grey],
  "llama-server/schema-with-lengths": [{ json: { colour: "green" }, completionTokens: 11, logprobs: false }],
  // Video is given up, and its frames are shown.
  "llama-server/unknown-part": [grey],
  "llama-server/unknown-route": [refused("unknown-model")],
  // Sent again, though not as it was.
  "llama-server/unreadable-output": [green],
  "llama-server/usage-of-choices": [{ choices: 2, logprobs: false }],
  // Video is refused, then its frames.
  "llama-server/video-part": [refused("no-images")],
  // The model and the LoRA it was started with.
  "vllm/capabilities": [
    {
      can: {
        ...{ images: false, video: false, jsonSchema: true, samples: true, logprobs: true },
        ...{ contextTokens: 4096, slots: null, served: ["smol", "la"] },
      },
    },
  ],
  // Sent again with less room for the answer.
  "vllm/answer-too-long": [{ choices: 1, logprobs: false }],
  "vllm/prompt-too-long": [refused("context-overflow")],
  // A window as video; what it thought first is no part of the text.
  "vllm/checkpoint": [
    { texts: ['\n\n{"description": "<face_1> comes in."}'], completionTokens: 26, logprobs: false },
  ],
  "vllm/cut-by-length": [{ texts: ["Mara's"], completionTokens: 3, logprobs: false }],
  // Four equal choices of one answer.
  "vllm/greedy-choices": [
    { texts: Array(4).fill("Mara's coat is a mix of"), completionTokens: 8, logprobs: false },
  ],
  "vllm/no-pictures": [refused("no-images"), { choices: 1, logprobs: false }],
  "vllm/unknown-model": [refused("unknown-model")],
  // Asked for by words alone, which a model so small does not follow.
  "vllm/schema-refused": [{ choices: 1, logprobs: false }],
  // It reports the tokens of all choices.
  "vllm/usage-of-choices": [
    {
      texts: [
        "The green coat is actually a",
        "To determine the colour of the",
        "Regulars, the girly",
        "Mara is a fun and",
      ],
      completionTokens: 24,
      logprobs: false,
    },
  ],
  "vllm/logprobs": [{ texts: ["Mara"], completionTokens: 2, logprobs: true }],
  // A LoRA that the server holds, and one that it does not.
  "vllm/lora": [
    { texts: ["The color of the chosen colour is determined"], completionTokens: 8, logprobs: false },
    refused("unknown-model"),
  ],
  // With a vector, and without it again.
  "vllm/vector": [
    { texts: ["Mara's a green. She's"], completionTokens: 8, logprobs: false },
    { texts: ["Mara's coat is a mix of"], completionTokens: 8, logprobs: false },
  ],
  "vllm/vector-malformed": [refused("bad-request")],
  // It answers as without, and so does not say that the width is wrong.
  "vllm/vector-too-narrow": [refused("adapter-ignored")],
  // It fails at it each time, and at nothing else.
  "vllm/vector-too-deep": [refused("adapter-unsupported")],
  "sglang/answer-too-long": [green],
  "sglang/prompt-too-long": [refused("context-overflow")],
  "hosted/max-completion-tokens": [green],
  "hosted/prompt-too-long": [refused("context-overflow")],
  "hosted/quota-spent": [refused("quota-spent")],
};

const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as ExchangeFile;

for (const [name, outcomes] of Object.entries(expected))
  test(`${name}: ${read(name).server}, ${read(name).from}`, async () => {
    const file = read(name);
    const { fetch, faults } = replayingFetch(file.exchanges);
    const got = await makeCalls(file, "http://server.test", fetch);
    assert.deepEqual(faults(), []);
    assert.deepEqual(
      got.map((outcome, i) => comparable(outcome, outcomes[i]!)),
      outcomes,
    );
  });

/** An outcome in the terms in which it is expected. */
function comparable(outcome: Outcome, wanted: object): object {
  if ("error" in outcome) return { error: outcome.error, isRetryable: outcome.isRetryable };
  if (!("texts" in outcome)) return outcome;
  const { texts, ...others } = outcome;
  if ("json" in wanted) return { json: JSON.parse(texts[0]!), ...others };
  // Sampled texts of a real model: all are there, distinct, and none of their tokens is free.
  if (!("choices" in wanted)) return outcome;
  assert.ok(outcome.completionTokens >= 5 * texts.length, `${outcome.completionTokens} tokens`);
  return { choices: new Set(texts).size, logprobs: outcome.logprobs };
}

test("every file is replayed", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
  const names = files.map((name) => name.replaceAll("\\", "/").slice(0, -".json".length));
  assert.deepEqual(names.sort(), Object.keys(expected).sort());
});

test("a replay fails at a request that was not recorded, and at one that is no longer made", async () => {
  const file = read("vllm/usage-of-choices");
  const other = { ...file, calls: file.calls.map((call) => ({ ...call, n: 3 })) };
  const { fetch, faults } = replayingFetch(file.exchanges);
  await makeCalls(other, "http://server.test", fetch);
  assert.match(faults()[0]!, /^not recorded: .*"n":3/);
  assert.match(faults().at(-1)!, /^not made: .*"n":4/);
});
