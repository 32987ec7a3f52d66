import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { localEmbedder } from "./embedder.ts";

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

async function similarity(a: string, b: string): Promise<number> {
  const [first, second] = await localEmbedder.embed([a, b]);
  return dot(first!, second!);
}

describe("spelling embedder", () => {
  test("returns unit vectors of its dimension, zeros for a text with nothing to embed", async () => {
    const [text, nothing] = await localEmbedder.embed(["The clock shows 17:05", "is it?"]);
    assert.equal(text!.length, localEmbedder.dimension);
    assert.ok(Math.abs(dot(text!, text!) - 1) < 1e-5);
    assert.ok(nothing!.every((x) => x === 0));
  });

  test("puts a misread word nearer to the right one than to any other", async () => {
    for (const [word, misread] of [
      ["Reykjavik", "Reykjavlk"],
      ["Librarian", "Libranan"],
      ["departures gate", "departure gates"],
      ["天津北站候车", "天津比站候车"],
    ]) {
      const near = await similarity(word!, misread!);
      const far = await similarity(word!, "umbrella soup 雨伞");
      assert.ok(near > far + 0.15, `${word}: ${near} against ${far}`);
    }
  });

  test("knows no meaning: a synonym is as far as a stranger", async () => {
    assert.ok(Math.abs(await similarity("automobile", "car")) < 0.2);
  });

  test("gives the same vector for the same text regardless of the texts beside it", async () => {
    const [alone] = await localEmbedder.embed(["blue mug"]);
    const [, beside] = await localEmbedder.embed(["red", "blue mug"]);
    assert.deepEqual(alone, beside);
  });
});
