import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Spent } from "../../src/memory/memory.ts";
import { addTestStream } from "../support/memory.ts";
import { kitchen, type TestStore } from "../support/store.ts";

const day = (date: string) => Date.parse(`${date}T12:00:00Z`);

const spent = (stream: string | null, date: string, calls: number, none = 0): Spent => ({
  ...{ stream, purpose: "write", atMs: day(date) },
  cost: {
    ...{ calls, promptTokens: 100 * calls, completionTokens: 10 * calls, usd: 0.5 * calls },
    pricedBy: { server: 0, table: calls - none, none },
  },
});

/** Streams that are paused, and what models cost. */
export function runningCases(store: TestStore): void {
  describe("streams that run", () => {
    test("are paused until they run again, in every process, since when they were paused first", async () => {
      const memory = await kitchen(store);
      await addTestStream(memory, "attic");
      assert.deepEqual(await memory.pauses(), []);
      await memory.pauseStream("attic", true);
      const [first] = await memory.pauses();
      await memory.pauseStream("attic", true);
      assert.deepEqual(await memory.pauses(), [first]);
      assert.equal(first!.stream, "attic");
      const again = await store.reopen(memory);
      assert.deepEqual(await again.pauses(), [first]);
      await again.pauseStream("attic", false);
      await again.pauseStream("attic", false);
      assert.deepEqual(await again.pauses(), []);
      await assert.rejects(again.pauseStream("cellar", true), { code: "stream-unknown" });
      await again.close();
    });

    test("have what models cost summed by day, and lose it with the stream", async () => {
      const memory = await kitchen(store);
      await addTestStream(memory, "attic");
      for (const one of [
        ...[spent("kitchen", "2026-03-01", 2), spent("kitchen", "2026-03-02", 1)],
        ...[
          spent("kitchen", "2026-03-02", 3, 1),
          spent(null, "2026-03-02", 4),
          spent("attic", "2026-03-02", 5),
        ],
      ])
        await memory.addSpent(one);
      const rows = async (sinceMs?: number) =>
        (await memory.spent(sinceMs)).map(({ day, stream, calls, promptTokens, usd, unpriced }) =>
          [day, stream, calls, promptTokens, usd, unpriced].join(" "),
        );
      const second = [
        ...["2026-03-02  4 400 2 0", "2026-03-02 kitchen 4 400 2 1", "2026-03-02 attic 5 500 2.5 0"],
      ];
      assert.deepEqual(await rows(), ["2026-03-01 kitchen 2 200 1 0", ...second]);
      assert.deepEqual(await rows(day("2026-03-02")), second);
      await assert.rejects(memory.addSpent(spent("cellar", "2026-03-02", 1)), { code: "stream-unknown" });
      await memory.forget({ streams: ["kitchen"] });
      assert.deepEqual(await rows(), [second[0], second[2]]);
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });
  });
}
