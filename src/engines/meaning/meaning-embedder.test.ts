/** What a question costs while the encoder cannot be asked: its meaning, and one try. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toyEncoder } from "../../../test/support/toy-encoder.ts";
import type { Embedder } from "../../engine.ts";
import { localEmbedder } from "../local/index.ts";
import { meaningEmbedder } from "./meaning-embedder.ts";

/** An embedder over a toy that counts its tries, and a clock. */
function opened() {
  const encoder = toyEncoder();
  const clock = { ms: 0 };
  const tries: { readonly once: boolean }[] = [];
  const counted: Embedder = {
    ...encoder,
    embed: (texts, signal, how = {}) => {
      tries.push({ once: how.once === true });
      return encoder.embed(texts, signal, how);
    },
  };
  const why: string[] = [];
  const embedder = meaningEmbedder({
    ...{
      encoder: counted,
      spelling: localEmbedder,
      now: () => clock.ms,
      onSpelling: (said) => why.push(said),
    },
  });
  const isMeant = async (question: string) => {
    const [vector] = await embedder.embed([question], undefined, { role: "query" });
    return vector!.subarray(0, embedder.meaning).some((value) => value !== 0);
  };
  return { encoder, clock, tries, why, embedder, isMeant };
}

test("after a failure questions are compared by spelling for half a minute, without a try", async () => {
  const { encoder, clock, tries, why, isMeant } = opened();
  encoder.down = true;
  assert.equal(await isMeant("the key"), false);
  clock.ms = 29_999;
  assert.equal(await isMeant("the car"), false);
  assert.deepEqual(tries, [{ once: true }]);
  assert.deepEqual(why, ["The toy is down", "The toy is down"]);
  encoder.down = false;
  clock.ms = 30_000;
  assert.equal(await isMeant("the key"), true);
  assert.equal(await isMeant("the car"), true);
  assert.equal(why.length, 2);
});

test("a question that was compared by meaning keeps its vector while the encoder rests", async () => {
  const { encoder, tries, isMeant } = opened();
  assert.equal(await isMeant("the key"), true);
  encoder.down = true;
  assert.equal(await isMeant("the car"), false);
  assert.equal(await isMeant("the key"), true);
  assert.equal(tries.length, 2);
});

test("passages are tried again all the same, and their success ends the rest", async () => {
  const { encoder, tries, embedder, isMeant } = opened();
  encoder.down = true;
  assert.equal(await isMeant("the key"), false);
  await assert.rejects(embedder.embed(["the mat"], undefined, { once: true }), { code: "unreachable" });
  encoder.down = false;
  await embedder.embed(["the mat"]);
  assert.equal(await isMeant("the key"), true);
  assert.deepEqual(
    tries.map(({ once }) => once),
    [true, true, false, true],
  );
});
