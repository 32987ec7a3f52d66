import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory } from "../../src/memory/memory.ts";
import { addTestStream, remember } from "../support/memory.ts";
import { rowsOf, type TestStore } from "../support/store.ts";
import { toyEmbedder, toyEncoder } from "../support/toy-encoder.ts";

/** The texts that a question finds by meaning, in order of time. */
async function meant(memory: Memory, text: string): Promise<string[]> {
  const found = await memory.recall({ text });
  return found
    .filter(({ score }) => score.vector !== undefined)
    .sort((a, b) => a.entry.startSeconds - b.entry.startSeconds)
    .map(({ entry }) => entry.text);
}

async function open(store: TestStore, encoder = toyEncoder()): Promise<Memory> {
  const memory = await store.open({ embedder: toyEmbedder(encoder) });
  await addTestStream(memory, "hall");
  return memory;
}

/** Recall by an embedder that knows meaning. */
export function meaningCases(store: TestStore): void {
  describe("recall by meaning", () => {
    test("finds other words for what was said, and what was said around it", async () => {
      const memory = await open(store);
      await remember(memory, "hall", 0, ["Ann: has anyone seen the opener?", "Bob: over there, I think"]);
      await remember(memory, "hall", 30, ["Ann: the broth is cold"]);
      assert.deepEqual(await meant(memory, "where is the key"), [
        "Ann: has anyone seen the opener?",
        "Bob: over there, I think",
      ]);
      const [best] = await memory.recall({ text: "soup" });
      assert.equal(best!.entry.text, "Ann: the broth is cold");
      assert.ok(Math.abs(best!.score.vector!.score - 1) < 1e-5, "a cosine by meaning alone");
      await memory.close();
    });

    test("asks questions and what is kept in their roles", async () => {
      const encoder = toyEncoder();
      const memory = await open(store, encoder);
      await remember(memory, "hall", 0, ["Ann: the key"]);
      await memory.recall({ text: "opener of the door", meant: "opener" });
      await memory.recall({ text: "opener of a door", meant: "opener", limit: 3 });
      assert.deepEqual(encoder.asked, [
        { texts: ["passage: Ann: the key"], role: "passage" },
        { texts: ["query: opener"], role: "query" },
      ]);
      await memory.close();
    });

    test("a later line is heard in the vectors of the lines before it, within 40 s", async () => {
      const memory = await open(store);
      await remember(memory, "hall", 0, ["Bob: look at that"]);
      assert.deepEqual(await meant(memory, "vehicle"), []);
      await remember(memory, "hall", 2, ["Ann: a red car"]);
      assert.deepEqual(await meant(memory, "vehicle"), ["Bob: look at that", "Ann: a red car"]);
      await remember(memory, "hall", 7, ["Ann: the physician called"]);
      assert.deepEqual(await meant(memory, "doctor"), ["Ann: the physician called"]);
      await memory.close();
    });

    test("what is forgotten leaves the vectors of its neighbours", async () => {
      const memory = await open(store);
      await remember(memory, "hall", 0, ["Bob: look at that", "Ann: a red car", "Carla: yes, the soup"]);
      const car = (await memory.entries()).find(({ text }) => text.includes("car"))!;
      await memory.forget({ entries: [car.id] });
      assert.deepEqual(await meant(memory, "automobile"), []);
      assert.deepEqual(await meant(memory, "broth"), ["Bob: look at that", "Carla: yes, the soup"]);
      assert.deepEqual(await memory.check(), []);
      assert.equal((await memory.stats()).waitingVectors, 0);
      await memory.close();
    });

    test("an encoder that is down costs meaning, not what is kept nor what is asked", async () => {
      const encoder = toyEncoder();
      const memory = await open(store, encoder);
      encoder.down = true;
      await remember(memory, "hall", 0, ["Ann: the automobile is parked"]);
      const [found] = await memory.recall({ text: "automobiles" });
      assert.equal(found!.entry.text, "Ann: the automobile is parked");
      encoder.down = false;
      await remember(memory, "hall", 20, ["Ann: the broth"]);
      assert.deepEqual(await meant(memory, "car"), ["Ann: the automobile is parked"]);
      await memory.close();
    });

    test("an import has the vectors of what was exported", async () => {
      const memory = await open(store);
      await remember(memory, "hall", 0, ["Bob: look at that", "Ann: a red car"]);
      await remember(memory, "hall", 1, ["Carla: yes, the soup"]);
      const other = await store.open({ embedder: toyEmbedder() });
      await other.addRows(await rowsOf(memory), () => null);
      const recalled = async (one: Memory) =>
        (await one.recall({ text: "vehicle and broth" })).map(({ entry, score }) => [
          entry.text,
          score.vector,
        ]);
      assert.deepEqual(await recalled(other), await recalled(memory));
      await memory.close();
      await other.close();
    });
  });
}
