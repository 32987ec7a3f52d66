/** A policy in training in word space: it acts with the adapter it starts from until a step or a load moves that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../test/support/memory.ts";
import { adapterNorm, createAdapter } from "../adapter/arithmetic.ts";
import { noCost } from "../engine.ts";
import { wordSpace } from "../engines/local/index.ts";
import type { Policy } from "../policy/policy.ts";
import { trainableWords } from "./trainable-words.ts";

const start = createAdapter(wordSpace.id, wordSpace.dimension, [[3, 0.5]]);
const trainable = (adapter: typeof start | null) =>
  trainableWords({
    words: wordSpace,
    adapter,
    policyWith: (one): Policy => ({
      ...{ id: "plain", revision: one?.revision ?? "none", clipsPerDecision: 1, advance: () => null },
      decide: async () => ({ actions: [], cost: noCost }),
    }),
    sampleOf: async () => {
      throw new Error("not needed");
    },
  });

test("before a step it acts with what it starts from, and after one with what was trained", async () => {
  assert.equal((await trainable(start).policy()).revision, start.revision);
  const { trainer, policy } = trainable(null);
  assert.equal((await policy()).revision, "none");
  await trainer.step({ learningRate: 0.1 });
  assert.equal((await policy()).revision, (await trainer.snapshot()).revision);
});

test("after a load it acts with what was loaded", async () => {
  const path = join(temporaryFolder("trainable-words"), "state");
  await trainable(start).trainer.save(path);
  const { trainer, policy } = trainable(null);
  await trainer.load(path);
  const loaded = await trainer.snapshot();
  assert.equal(adapterNorm(loaded), 0.5);
  assert.equal((await policy()).revision, loaded.revision);
});
