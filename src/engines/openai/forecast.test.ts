import assert from "node:assert/strict";
import { test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import type { Part } from "../../engine.ts";
import { promptMeter } from "./forecast.ts";

const jpeg = (width: number, height: number) => createCanvas(width, height).toBuffer("image/jpeg");

const clip = (frames: number): Part => {
  const picture = jpeg(448, 252);
  return {
    type: "video",
    frames: Array.from({ length: frames }, (_, i) => ({ atSeconds: i, jpeg: picture })),
  };
};
const text = (characters: number): Part => ({ type: "text", text: "word".repeat(characters / 4) });

/** Tokens of one picture of 448 × 252 pixels, by what is known of the model's family. */
const families: readonly [string, number][] = [
  ["Qwen/Qwen2.5-VL-7B-Instruct", 16 * 9], // squares of 28 pixels
  ["Qwen/Qwen3-VL-8B-Instruct", 14 * 8], // squares of 32
  ["google/gemma-3-4b-it", 256],
  ["a-model-of-ones-own", 16 * 9],
  ["SmolLM2-135M", 16 * 9], // sees none, but pictures that are sent have some size
];
for (const [model, tokens] of families)
  test(`a picture is estimated as the family of the model takes it: ${model}`, () => {
    assert.equal(promptMeter(model).estimate({ parts: [clip(10)] }), 10 * tokens);
  });

test("text is estimated at four characters a token, and one of a script of words or syllables", () => {
  const meter = promptMeter("eyes");
  assert.equal(meter.estimate({ system: "abcd", parts: [text(400)] }), 101);
  assert.equal(meter.estimate({ parts: [{ type: "text", text: "钥匙在架子上" }] }), 6);
});

test("a picture of unknown size is estimated like a frame", () => {
  const picture: Part = { type: "image", bytes: Uint8Array.of(1, 2, 3), mediaType: "image/png" };
  assert.equal(promptMeter("eyes").estimate({ parts: [picture] }), 16 * 9);
});

test("what the server counts corrects the estimate of text and of pictures", () => {
  const meter = promptMeter("eyes");
  meter.learn({ parts: [text(400)] }, 150);
  assert.equal(meter.estimate({ parts: [text(800)] }), 300);
  // 150 of 1270 tokens are the text's, so that a picture has 112.
  meter.learn({ parts: [text(400), clip(10)] }, 1270);
  assert.equal(meter.estimate({ parts: [clip(20)] }), 2240);
  assert.equal(meter.estimate({ parts: [text(400), clip(5)] }), 150 + 560);
});

test("a prompt of a few tokens corrects nothing: most of it is the chat template", () => {
  const meter = promptMeter("eyes");
  meter.learn({ parts: [text(40)] }, 60);
  meter.learn({ parts: [{ type: "image", bytes: jpeg(32, 32), mediaType: "image/jpeg" }] }, 64);
  assert.equal(meter.estimate({ parts: [text(400), clip(1)] }), 100 + 144);
});
