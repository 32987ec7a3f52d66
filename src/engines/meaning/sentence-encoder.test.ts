/** The encoder's thread with the real runtime, on a toy encoder: loading, likeness, faults, idleness. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { toyFolder } from "../../../test/support/toy-encoder.ts";
import { writeSafetensors } from "../../adapter/exchange/safetensors.ts";
import { hasRuntime, sentenceEncoder } from "./sentence-encoder.ts";

const skip = hasRuntime() ? false : "onnxruntime-web is not installed";
const folder = toyFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

const likeness = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

test("gives unit vectors in which words of one meaning are alike", { skip }, async () => {
  const encoder = sentenceEncoder({ folder, id: "toy" });
  const [key, opener, soup, nothing] = await encoder.embed(["the key", "The opener", "the soup", " "]);
  assert.ok(Math.abs(likeness(key!, key!) - 1) < 1e-5);
  assert.ok(likeness(key!, opener!) > 0.999);
  assert.ok(likeness(key!, soup!) < 0.7);
  assert.ok(nothing!.every((value) => value === 0));
  // The mean of two sentences' words points to both.
  const [both] = await encoder.embed(["key soup"]);
  assert.ok(likeness(both!, key!) > likeness(key!, soup!));
  await encoder.close();
});

test("an adapter for vectors changes them", { skip }, async () => {
  // Both kinds of text are moved towards what the soup is.
  const alone = sentenceEncoder({ folder, id: "toy" });
  const [soupAt] = await alone.embed(["soup"]);
  await alone.close();
  const vectors = join(folder, "vectors.safetensors");
  const of = "embeddings.token_type_embeddings";
  const parts = [
    { name: `${of}.a`, shape: [1, soupAt!.length], values: soupAt! },
    { name: `${of}.b`, shape: [2, 1], values: Float32Array.of(1, 1) },
  ];
  writeFileSync(vectors, writeSafetensors(...parts));
  const likenesses: number[] = [];
  for (const given of [{}, { vectors }]) {
    const encoder = sentenceEncoder({ folder, id: "toy", ...given });
    const [key] = await encoder.embed(["the key"]);
    likenesses.push(likeness(key!, soupAt!));
    await encoder.close();
  }
  assert.ok(likenesses[1]! > likenesses[0]! + 0.1, String(likenesses));
});

test("a closed thread fails what waits, and the next text starts another", { skip }, async () => {
  const encoder = sentenceEncoder({ folder, id: "toy" });
  const waiting = encoder.embed(["the key"]);
  const lost = assert.rejects(waiting, { code: "encoder-failed", isRetryable: true });
  await encoder.close();
  await lost;
  const [key] = await encoder.embed(["the key"]);
  assert.ok(key!.some((value) => value !== 0));
  await encoder.close();
});

test("says what is wrong with a folder that is no encoder", { skip }, async () => {
  const broken = toyFolder();
  writeFileSync(join(broken, "model.safetensors"), "cut");
  const encoder = sentenceEncoder({ folder: broken, id: "toy" });
  await assert.rejects(encoder.embed(["the key"]), /Expected a BERT encoder in .*it is cut/);
  await encoder.close();
  rmSync(broken, { recursive: true, force: true });
});

test("an idle thread ends, and does not keep the process", { skip }, async () => {
  const encoder = sentenceEncoder({ folder, id: "toy", idleMs: 1 });
  await encoder.embed(["the key"]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [key] = await encoder.embed(["the key"]);
  assert.ok(key!.some((value) => value !== 0));
});
