import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory } from "../../src/memory/memory.ts";
import type { Look } from "../../src/perception/look.ts";
import { addTestStream, observationOf, remember } from "../support/memory.ts";
import { kitchen, rowsOf, type TestStore } from "../support/store.ts";

const bright: Look = {
  recordedAtMs: Date.UTC(2023, 9, 23, 14, 5),
  picture: { width: 640, height: 360, brightness: 0.5, changed: 0.2, cuts: 0 },
  sound: { seconds: 10, levelDb: -20, speechSeconds: 8 },
  lines: { said: 0, captions: 0, read: 0 },
  problems: [],
};
const still: Look = {
  ...bright,
  picture: { ...bright.picture!, changed: 0 },
  sound: { seconds: 10, levelDb: -80, speechSeconds: 0 },
};

const spans = async (memory: Memory, filter: Parameters<Memory["floor"]>[0] = {}) =>
  (await memory.floor(filter)).map(({ stream, startSeconds, endSeconds }) => [
    stream,
    startSeconds,
    endSeconds,
  ]);

async function watch(memory: Memory, stream: string, looks: readonly (Look | null)[]): Promise<void> {
  for (const [clip, look] of looks.entries())
    await memory.addObservation(observationOf(stream, clip, look ? { look } : {}));
}

/** What is known of everything that was watched. */
export function floorCases(store: TestStore): void {
  describe("the floor", () => {
    test("says in words what a cheap look told, once for a film", async () => {
      const memory = await kitchen(store);
      await watch(memory, "kitchen", [bright, bright]);
      const [row, ...others] = await memory.floor();
      assert.deepEqual(others, []);
      assert.equal(
        row!.text,
        "20 s of video, 640×360; one shot; something moves; bright; sound, mostly speech-like; recorded 2023-10-23 14:05 UTC, as the recording says.",
      );
      assert.equal(row!.look.sound!.speechSeconds, 16);
      assert.deepEqual(await memory.entries(), []);
      assert.deepEqual(await memory.recall({ text: "video sound recorded" }), []);
      await memory.close();
    });

    test("has a row a minute, an hour where nothing happens, and starts again after a hole", async () => {
      const memory = await kitchen(store);
      await addTestStream(memory, "hall");
      await watch(memory, "hall", Array(13).fill(still));
      await watch(memory, "kitchen", [...Array(8).fill(bright), null, bright]);
      const kitchenRows = [
        ["kitchen", 0, 60],
        ["kitchen", 60, 80],
        ["kitchen", 90, 100],
      ];
      assert.deepEqual(await spans(memory), [["hall", 0, 130], ...kitchenRows]);
      assert.deepEqual(await spans(memory, { streams: ["kitchen"], fromSeconds: 70, toSeconds: 75 }), [
        ["kitchen", 70, 80],
      ]);
      assert.deepEqual(await spans(memory, { asOfSeconds: 15 }), [
        ["hall", 0, 10],
        ["kitchen", 0, 10],
      ]);
      await memory.close();
    });

    test("follows a clip that grows, is exported, and outlives the observation", async () => {
      const memory = await kitchen(store);
      await memory.growObservation(observationOf("kitchen", 0, { look: still }));
      await memory.growObservation(observationOf("kitchen", 0, { look: bright }));
      assert.match((await memory.floor())[0]!.text, /speech-like/);
      const copy = await store.open();
      await copy.addRows(await rowsOf(memory), () => null);
      assert.deepEqual(await copy.floor(), await memory.floor());
      await memory.close();
      await copy.close();
    });

    test("is forgotten with its span, and with it the answers that cite it", async () => {
      const memory = await kitchen(store);
      for (const clip of [0, 1]) await remember(memory, "kitchen", clip, [`Tea ${clip}`], { look: bright });
      const [row] = await memory.floor();
      const task = { askedAtMs: 1, asOfSeconds: null, stream: null, option: null, abstained: false };
      const question = { text: "When was it recorded?", options: [] };
      const said = { question, answer: row!.text, citations: [row!.id], reader: "floor" };
      await memory.addTask({ id: "task_1", ...task, ...said });
      await memory.forget({ fromSeconds: 100 });
      assert.equal((await memory.tasks()).length, 1);
      await memory.forget({ streams: ["kitchen"], fromSeconds: 12 });
      assert.deepEqual(await spans(memory), [["kitchen", 0, 10]]);
      assert.deepEqual(await memory.tasks(), []);
      await memory.close();
    });
  });
}
