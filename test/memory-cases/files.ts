import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory, SourceFile } from "../../src/memory/memory.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { decisionOf, frameOf, observationOf, remember, statementOf } from "../support/memory.ts";
import { kitchen, rowsOf, type TestStore, texts } from "../support/store.ts";

const file = (parts: Partial<SourceFile> = {}): SourceFile => ({
  ...{ id: "head-1", name: "day/morning.mp4", startSeconds: 0, watchedSeconds: 4, bytes: 100, whole: true },
  ...parts,
});
const said = (clip: number, at: number, text: string): Partial<Observation> => ({
  startSeconds: clip * 10 + at,
  endSeconds: clip * 10 + at + 2,
  speech: [{ startSeconds: clip * 10 + at, endSeconds: clip * 10 + at + 1, text, speaker: null }],
});
const commit = (memory: Memory, clip: number, text: string) =>
  memory.commit(decisionOf("kitchen", [statementOf(clip, text)]));
const copyOf = async (memory: Memory, store: TestStore) => {
  const copy = await store.open();
  await copy.addRows(await rowsOf(memory), () => null);
  return copy;
};
const spans = async (memory: Memory) =>
  (await memory.gaps()).map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]);

/** Files that a stream was watched from, and clips that get more material from them. */
export function fileCases(store: TestStore): void {
  describe("files of a stream", () => {
    test("are kept with the clip that holds them, replaced by their ids, and go with the stream", async () => {
      const memory = await kitchen(store);
      assert.deepEqual(await memory.sourceFiles("kitchen"), []);
      await memory.addObservation(observationOf("kitchen", 0), [file()]);
      const later = file({ id: "head-0", startSeconds: -60 });
      await memory.keepFiles("kitchen", [
        later,
        file({ name: "renamed.mp4", watchedSeconds: 9, whole: false }),
      ]);
      const known = [later, file({ name: "renamed.mp4", watchedSeconds: 9, whole: false })];
      assert.deepEqual(await memory.sourceFiles("kitchen"), known);
      const copy = await copyOf(memory, store);
      assert.deepEqual(await copy.sourceFiles("kitchen"), known);
      // The further mark is kept, whichever memory has it.
      await memory.keepFiles("kitchen", [file({ watchedSeconds: 12 })]);
      assert.equal((await copy.addRows(await rowsOf(memory), () => null)).added, 1);
      assert.equal((await memory.addRows(await rowsOf(copy), () => null)).added, 0);
      assert.equal((await copy.sourceFiles("kitchen"))[1]!.watchedSeconds, 12);
      await memory.forget({ query: "renamed morning" });
      await memory.forget({ person: "Morning" });
      assert.deepEqual(
        (await memory.sourceFiles("kitchen")).map(({ name }) => name),
        ["", ""],
      );
      await memory.forget({ streams: ["kitchen"] });
      assert.equal(JSON.stringify(await rowsOf(memory)).includes("head-0"), false);
      for (const each of [memory, copy]) await each.close();
    });

    test("lie where they were watched last, which no export tells, until something of the stream is forgotten", async () => {
      const memory = await kitchen(store);
      await memory.addObservation(observationOf("kitchen", 0, said(0, 1, "Rain")), [
        file({ path: "/films/a.mp4" }),
      ]);
      await commit(memory, 0, "Rain");
      const path = async () => (await memory.sourceFiles("kitchen"))[0]!.path;
      assert.equal(await path(), "/films/a.mp4");
      assert.equal(JSON.stringify(await rowsOf(memory)).includes("/films"), false);
      await memory.keepFiles("kitchen", [file({ path: "/films/b.mp4", watchedSeconds: 9 })]);
      assert.equal(await path(), "/films/b.mp4");
      await memory.forget({ query: "snow" });
      assert.equal(await path(), "/films/b.mp4");
      await memory.forget({ query: "rain" });
      assert.equal(await path(), "");
      await memory.keepFiles("kitchen", [file({ path: "/films/b.mp4", watchedSeconds: 12 })]);
      assert.equal(await path(), "");
      await memory.close();
    });

    test("add another part to a decided clip, decided about alone, once", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, ["The kettle boils"], { ...said(0, 1, "kettle"), endSeconds: 4 });
      const more = observationOf("kitchen", 0, { ...said(0, 5, "phone"), frames: [frameOf(0, "phone")] });
      await memory.addObservation(more, [file({ watchedSeconds: 7 })]);
      const { pending, nextClip, storedClips } = await memory.progress("kitchen", 5);
      assert.deepEqual(
        pending.map(({ clip, speech }) => [clip, speech.map(({ text }) => text)]),
        [[0, ["phone"]]],
      );
      assert.deepEqual([nextClip, storedClips], [1, 0]);
      assert.equal((await commit(memory, 0, "The phone rings")).stored.length, 1);
      assert.deepEqual(await texts(memory), ["The kettle boils", "The phone rings"]);
      const again = await commit(memory, 0, "Something else");
      assert.deepEqual(
        again.skipped.map(({ reason }) => reason),
        ["already-stored"],
      );
      const [clip] = (await memory.page("clips")).items;
      assert.deepEqual([clip!.startSeconds, clip!.endSeconds, clip!.state], [1, 7, "stored"]);
      assert.deepEqual(await memory.check(), []);

      const copy = await copyOf(memory, store);
      const rows = (await rowsOf(memory)).filter(({ row }) => row !== "clip");
      assert.deepEqual(
        (await rowsOf(copy)).filter(({ row }) => row !== "clip"),
        rows,
      );
      assert.equal((await copy.addRows(await rowsOf(memory), () => null)).added, 0);
      for (const each of [memory, copy]) await each.close();
    });

    test("are added to a waiting clip, which is decided about all of it", async () => {
      const memory = await kitchen(store);
      await memory.addObservation(observationOf("kitchen", 0, said(0, 5, "later")), [file()]);
      await memory.addObservation(
        observationOf("kitchen", 0, { ...said(0, 1, "earlier"), frames: [frameOf(0, "seen")] }),
        [file({ id: "head-2" })],
      );
      const [waiting] = (await memory.progress("kitchen", 5)).pending;
      assert.deepEqual(
        [waiting!.startSeconds, waiting!.endSeconds, waiting!.speech.map(({ text }) => text)],
        [1, 7, ["earlier", "later"]],
      );
      assert.equal(Buffer.from(waiting!.frames[0]!.jpeg).toString(), "seen");
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("that come later cut the gaps kept before, and may lie before the first", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, ["The kettle boils"]);
      const gap = { kind: "gap", stream: "kitchen", reason: "between-files", detail: "no file" } as const;
      await memory.addGap({ ...gap, startSeconds: 10, endSeconds: 60 });
      await memory.addGap({ ...gap, startSeconds: -20, endSeconds: 0 });
      await memory.addObservation(observationOf("kitchen", 3), [file({ id: "between" })]);
      await memory.addObservation(observationOf("kitchen", -2), [file({ id: "before", startSeconds: -20 })]);
      const left = [
        [-10, 0],
        [10, 30],
        [40, 60],
      ];
      assert.deepEqual(await spans(memory), left);
      await commit(memory, -2, "The lamp is lit");
      assert.deepEqual(await texts(memory), ["The lamp is lit", "The kettle boils"]);
      const copy = await copyOf(memory, store);
      assert.deepEqual(await spans(copy), left);
      assert.deepEqual(
        (await copy.page("clips")).items.map(({ clip }) => clip),
        [-2, 0, 3],
      );
      for (const each of [memory, copy]) await each.close();
    });

    test("give a memory that was copied before the part that came after", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 1, ["The kettle boils"]);
      const copy = await copyOf(memory, store);
      await memory.addObservation(observationOf("kitchen", 1, { ...said(1, -1, "phone") }), [file()]);
      await commit(memory, 1, "The phone rings");
      await memory.addObservation(observationOf("kitchen", 1, { ...said(1, 2, "door") }), [file()]);
      await copy.addRows(await rowsOf(memory), () => null);
      assert.deepEqual(await texts(copy), await texts(memory));
      const waiting = async (one: Memory) =>
        (await one.progress("kitchen", 5)).pending.map(({ speech }) => speech.map(({ text }) => text));
      assert.deepEqual([await waiting(copy), await waiting(memory)], [[["door"]], [["door"]]]);
      assert.deepEqual(await rowsOf(copy), await rowsOf(memory));
      assert.deepEqual(await copy.check(), []);
      for (const each of [memory, copy]) await each.close();
    });
  });
}
