import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory } from "../../src/memory/memory.ts";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  remember,
  statementOf,
} from "../support/memory.ts";
import { kitchen, type TestStore } from "../support/store.ts";

/** Entries and streams from afar. */
export function overviewCases(store: TestStore): void {
  describe("an overview", () => {
    test("has the cursor of every page, and counts entries where they begin", async () => {
      const memory = await store.open();
      for (const stream of ["kitchen", "attic"]) {
        await addTestStream(memory, stream);
        for (const clip of [0, 1, 2, 9])
          await remember(memory, stream, clip, [`Ann: ${stream} ${clip}`, "Rain"]);
      }
      const { entries, cursors, counts } = await memory.overview({}, { limit: 3, stretchSeconds: 20 });
      // 2 streams of 4 clips with 2 entries each: 16 entries, in pages of 3.
      assert.deepEqual([entries, cursors.length], [16, 5]);
      const known = (await memory.entries()).map(({ id }) => id);
      for (const [i, cursor] of cursors.entries()) {
        const { items } = await memory.page("entries", {}, { cursor, limit: 3 });
        assert.deepEqual(
          items.map(({ id }) => id),
          known.slice(3 * (i + 1), 3 * (i + 2)),
        );
      }
      assert.deepEqual(counts.slice(0, 3), [
        { stream: "attic", startSeconds: 0, entries: 4 },
        { stream: "attic", startSeconds: 20, entries: 2 },
        { stream: "attic", startSeconds: 80, entries: 2 },
      ]);
      const some = await memory.overview({ streams: ["kitchen"], fromSeconds: 90 }, { limit: 2 });
      assert.deepEqual([some.entries, some.cursors], [2, []]);
      const none = await memory.overview({ fromSeconds: 1000 });
      assert.deepEqual(none, { entries: 0, cursors: [], counts: [] });
      await assert.rejects(memory.overview({ stream: "kitchen" } as object), { code: "option-unknown" });
      await assert.rejects(memory.overview({ streams: ["cellar"] }), { code: "stream-unknown" });
      await assert.rejects(memory.overview({}, { stretchSeconds: 0 }), RangeError);
      await memory.close();
    });

    test("tells how far each stream is", async () => {
      const memory = await kitchen(store);
      await addTestStream(memory, "attic");
      const frames = [frameOf(0, "picture")];
      for (const clip of [0, 1]) {
        await memory.addObservation(observationOf("kitchen", clip, { frames }));
        await memory.commit(decisionOf("kitchen", [statementOf(clip, "Rain falls", { frameSeconds: [1] })]));
      }
      for (const clip of [2, 3, 4]) await memory.addObservation(observationOf("kitchen", clip));
      const failure = { code: "timeout", message: "late", retryable: true };
      await memory.failClip("kitchen", 2, failure);
      await memory.failClip("kitchen", 3, { ...failure, retryable: false });
      await memory.addGap({
        ...{ kind: "gap", stream: "kitchen", startSeconds: 50, endSeconds: 65 },
        ...{ reason: "source-down", detail: "the camera was off" },
      });
      const [first] = await memory.entries();
      await memory.closeEntry(first!.id, "it stopped");
      const [kitchenStats, attic] = await memory.streamStats();
      const { bytes, lastWrittenAtMs, ...numbers } = kitchenStats!;
      assert.deepEqual(numbers, {
        ...{ stream: "kitchen", clips: 5, storedClips: 2, failedClips: 2, waitingClips: 2, entries: 1 },
        waitingFromSeconds: 20,
        ...{ startSeconds: 0, endSeconds: 50, watchedSeconds: 50, gaps: 1, gapSeconds: 15 },
      });
      assert.equal(lastWrittenAtMs, (await lastOf(memory)).writtenAtMs);
      assert.ok(bytes.entries > 20 && bytes.observations > 100);
      assert.equal(bytes.frames, "picture".length);
      assert.deepEqual(attic, {
        ...{ stream: "attic", clips: 0, storedClips: 0, failedClips: 0, waitingClips: 0, entries: 0 },
        waitingFromSeconds: null,
        ...{ startSeconds: null, endSeconds: null, watchedSeconds: 0, gaps: 0, gapSeconds: 0 },
        ...{ lastWrittenAtMs: null, bytes: { entries: 0, observations: 0, frames: 0 } },
      });
      await memory.close();
    });
  });
}

const lastOf = async (memory: Memory) => (await memory.entries()).at(-1)!;
