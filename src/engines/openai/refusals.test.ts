import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateRequest, Part } from "../../engine.ts";
import type { WireFeatures } from "./chat.ts";
import { refusedFeature, refusesGreedySamples, samplesAfter, usesOf } from "./refusals.ts";

const clip: Part = { type: "video", frames: [{ atSeconds: 0, jpeg: Uint8Array.of(1) }] };
/** A request that uses every feature. */
const everything: GenerateRequest = {
  parts: [clip],
  n: 4,
  logprobs: true,
  schema: { name: "note", schema: { type: "strin" } },
  sampling: { temperature: 0.7, topP: 0.9, maxTokens: 50 },
};
/** All features but video. */
const sent: WireFeatures = { ...usesOf(everything), video: false };

/** What servers say, in their own words, and the feature that is left out. */
const said: readonly [string, keyof WireFeatures | undefined][] = [
  // vLLM and llama-server, of a schema that they cannot compile: it is left to the prompt
  ["Grammar error: Invalid type: strin", "jsonSchema"],
  [
    "Unable to generate parser for this template. Automatic parser generation failed: JSON schema error at #: unrecognized type strin",
    "jsonSchema",
  ],
  ["smol is not a multimodal model", "images"],
  [
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    "images",
  ],
  ["Field 'n': Value must be between 1 <= value <= 4, but got 8", "samples"],
  [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "maxTokens",
  ],
  ["Unsupported value: 'temperature' does not support 0.7 with this model.", "temperature"],
  ["Invalid schema for response_format 'note': 'maxLength' is not permitted.", "bounds"],
  ["layer_index 99 out of range [0, 30)", undefined],
];
for (const [words, feature] of said)
  test(`a refusal is read: ${words}`, () => {
    assert.equal(refusedFeature(words, everything, sent), feature);
  });

test("a feature that was not sent was not refused", () => {
  const words = "smol is not a multimodal model";
  assert.equal(refusedFeature(words, { parts: [{ type: "text", text: "Hello" }] }, sent), undefined);
  assert.equal(refusedFeature(words, everything, { ...sent, images: false }), undefined);
});

test("what is said of pictures, or not understood, is about video while that is sent", () => {
  const whole = { ...sent, video: true };
  for (const words of ["unsupported content[].type", "smol is not a multimodal model", "What is this?"])
    assert.equal(refusedFeature(words, everything, whole), "video");
  assert.equal(refusedFeature("Grammar error: Invalid type: strin", everything, whole), "jsonSchema");
});

test("the most samples of a call are what the server says, one, or half", () => {
  assert.equal(samplesAfter("Field 'n': Value must be between 1 <= value <= 4, but got 8", 8), 4);
  assert.equal(samplesAfter("n must be at most 2", 8), 2);
  assert.equal(samplesAfter("Unsupported parameter: 'n' is not supported with this model", 8), 1);
  assert.equal(samplesAfter("n is too large", 9), 4);
  assert.equal(samplesAfter("n may be up to 16", 8), 7, "fewer than were refused");
});

test("greedy samples are told from samples", () => {
  assert.equal(refusesGreedySamples("n must be 1 when using greedy sampling, got 4."), true);
  assert.equal(refusesGreedySamples("n must be 1"), false);
});
