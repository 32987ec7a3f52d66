import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../src/errors.ts";
import { keptChanges, mostForgotten } from "../../src/memory/change-feed.ts";
import type { Change, Memory, MemoryRow } from "../../src/memory/memory.ts";
import { addTestStream, decisionOf, observationOf, remember, statementOf } from "../support/memory.ts";
import { kitchen, type TestStore } from "../support/store.ts";

/** The next changes, without their cursors. */
async function take(changes: AsyncIterator<Change>, count: number): Promise<object[]> {
  const taken: object[] = [];
  while (taken.length < count) {
    const { cursor: _, ...change } = (await changes.next()).value as Change;
    taken.push(change);
  }
  return taken;
}

const listen = (memory: Memory, options: Parameters<Memory["changes"]>[0] = {}) =>
  memory.changes(options)[Symbol.asyncIterator]();

const task = (id: string, text = "Where?") => ({
  ...{ id, askedAtMs: 1, asOfSeconds: null, stream: null, answer: "", option: null, abstained: true },
  ...{ citations: [], reader: "lexical", question: { text, options: [] } },
});

/** Rows of so many entries of one clip. */
function entryRows(count: number): MemoryRow[] {
  const span = { startSeconds: 0, endSeconds: 1 };
  return Array.from({ length: count }, (_, i) => ({
    ...{
      row: "entry",
      id: `entry_${i}`,
      stream: "kitchen",
      clip: 0,
      kind: "episodic",
      ...span,
      writtenAtMs: i,
    },
    ...{ text: "Tea", speakers: [], policy: "choice", revision: "choice@1", closed: null },
    evidence: { clips: [0], ...span, frames: [], sources: [], tiers: {} },
  }));
}

/** What a listener receives. */
export function changeCases(store: TestStore): void {
  describe("changes", () => {
    test("report everything that is written, in order, by ids", async () => {
      const memory = await kitchen(store);
      const changes = listen(memory);
      const { stored } = await remember(memory, "kitchen", 0, ["Ann: tea", "Bob: coffee"]);
      const [tea, coffee] = stored.map(({ id }) => id);
      await memory.addObservation(observationOf("kitchen", 1));
      await memory.failClip("kitchen", 1, { code: "c", message: "m", retryable: true });
      await memory.closeEntry(tea!, "it is cold", coffee);
      await memory.addTask(task("task_1"));
      await memory.addFeedback("task_1", { atMs: 2, verdict: "right", correction: null });
      const gap = {
        kind: "gap",
        stream: "kitchen",
        startSeconds: 20,
        endSeconds: 30,
        reason: "source-down",
      } as const;
      await memory.addGap({ ...gap, detail: "The camera was off." });
      const adapter = { policy: "choice", state: "active", reason: "it won", atMs: 1, file: "{}" } as const;
      await memory.addAdapter({ ...adapter, id: "adapter_1", revision: "r1", tasks: [] });
      await memory.addAdapter({ ...adapter, id: "adapter_2", revision: "r2", tasks: ["task_1"] });
      assert.deepEqual(await take(changes, 11), [
        { kind: "entry", entry: tea, stream: "kitchen", clip: 0 },
        { kind: "entry", entry: coffee, stream: "kitchen", clip: 0 },
        { kind: "clip", stream: "kitchen", clip: 0, state: "stored" },
        { kind: "clip", stream: "kitchen", clip: 1, state: "failed" },
        { kind: "entry-closed", entry: tea },
        { kind: "task", task: "task_1" },
        { kind: "feedback", task: "task_1" },
        { kind: "gap", stream: "kitchen", startSeconds: 20, endSeconds: 30 },
        { kind: "adapter", adapter: "adapter_1", policy: "choice", state: "active" },
        { kind: "adapter", adapter: "adapter_1", policy: "choice", state: "retired" },
        { kind: "adapter", adapter: "adapter_2", policy: "choice", state: "active" },
      ]);
      await memory.forget({ query: "where coffee" }, { dryRun: true });
      await memory.forget({ query: "coffee" });
      await memory.forget({ query: "nothing" });
      await memory.rollbackAdapter("choice");
      assert.deepEqual(await take(changes, 3), [
        { kind: "forgotten", entries: [coffee], tasks: [], adapters: [] },
        { kind: "adapter", adapter: "adapter_2", policy: "choice", state: "retired" },
        { kind: "adapter", adapter: "adapter_1", policy: "choice", state: "active" },
      ]);
      await memory.close();
    });

    test("are empty if nothing changes", async () => {
      const memory = await kitchen(store);
      const { stored } = await remember(memory, "kitchen", 0, ["Ann: tea"]);
      await memory.addTask(task("task_1"));
      const changes = listen(memory);
      await memory.commit(decisionOf("kitchen", [statementOf(0, "Ann: tea")]));
      await memory.addTask(task("task_1"));
      await assert.rejects(memory.addFeedback("task_2", { atMs: 1, verdict: "right", correction: null }));
      await assert.rejects(memory.commit(decisionOf("kitchen", [statementOf(7, "x")])));
      await memory.closeEntry(stored[0]!.id, "over");
      assert.deepEqual(await take(changes, 1), [{ kind: "entry-closed", entry: stored[0]!.id }]);
      await memory.close();
    });

    test("resume after a cursor, also in a reopened memory, for each listener by itself", async () => {
      const memory = await kitchen(store);
      const first = listen(memory);
      for (const id of ["a", "b", "c"]) await memory.addTask(task(id));
      const { cursor } = (await first.next()).value as Change;
      const again = await store.reopen(memory);
      const two = [listen(again, { since: cursor }), listen(again, { since: cursor })];
      for (const changes of two)
        assert.deepEqual(await take(changes, 2), [
          { kind: "task", task: "b" },
          { kind: "task", task: "c" },
        ]);
      const waiting = two.map((changes) => take(changes, 1));
      await again.addTask(task("d"));
      for (const taken of waiting) assert.deepEqual(await taken, [{ kind: "task", task: "d" }]);
      await again.close();
    });

    test("end for a listener that leaves, when its signal aborts, and when the memory closes", async () => {
      const memory = await kitchen(store);
      const stop = new AbortController();
      const [leaving, aborted, closed] = [
        listen(memory),
        listen(memory, { signal: stop.signal }),
        listen(memory),
      ];
      const waiting = [leaving, aborted, closed].map((changes) => changes.next());
      await leaving.return!();
      stop.abort();
      assert.deepEqual(
        await Promise.all(waiting.slice(0, 2)),
        Array(2).fill({ done: true, value: undefined }),
      );
      await memory.addTask(task("a"));
      assert.equal((await waiting[2])!.value.kind, "task");
      const last = closed.next();
      await memory.close();
      assert.equal((await last).done, true);
    });

    test("keep nothing of what was forgotten but its ids", async () => {
      const memory = await kitchen(store);
      await addTestStream(memory, "zanzibar room");
      const changes = memory.changes();
      const kept = await remember(memory, "kitchen", 0, ["Ann: tea"]);
      const gone = await remember(memory, "zanzibar room", 0, ["Ann: the zanzibar key"]);
      await memory.addTask(task("task_zanzibar", "Where is the zanzibar key?"));
      await memory.forget({ streams: ["zanzibar room"] });
      await memory.forget({ query: "zanzibar" });
      assert.deepEqual(await take(changes[Symbol.asyncIterator](), 4), [
        { kind: "entry", entry: kept.stored[0]!.id, stream: "kitchen", clip: 0 },
        { kind: "clip", stream: "kitchen", clip: 0, state: "stored" },
        { kind: "forgotten", entries: gone.stored.map(({ id }) => id), tasks: [], adapters: [] },
        { kind: "forgotten", entries: [], tasks: ["task_zanzibar"], adapters: [] },
      ]);
      await memory.close();
    });

    const skip = store.isDistant && "10,000 writes over a connection; the store's own test logs them at once";
    test("are a reset if too many were missed or forgotten at once", { skip }, async () => {
      const memory = await kitchen(store);
      const first = listen(memory);
      const early = listen(memory);
      await memory.addTask(task("a"));
      const { cursor } = (await first.next()).value as Change;
      await memory.addRows(entryRows(keptChanges), () => null);
      const since = listen(memory, { since: cursor });
      assert.deepEqual(await take(since, 1), [
        { kind: "entry", entry: "entry_0", stream: "kitchen", clip: 0 },
      ]);
      assert.deepEqual(await take(early, 1), [{ kind: "reset" }], "it had seen none of them");
      await memory.addTask(task("b"));
      assert.deepEqual(await take(listen(memory, { since: cursor }), 1), [{ kind: "reset" }]);
      assert.deepEqual(await take(early, 1), [{ kind: "task", task: "b" }]);

      await memory.forget({ entries: Array.from({ length: mostForgotten + 1 }, (_, i) => `entry_${i}`) });
      assert.deepEqual(await take(early, 1), [{ kind: "reset" }]);
      await memory.close();
    });

    test("refuse the cursor of something else", async () => {
      const memory = await kitchen(store);
      for (const since of ["", Buffer.from('["tasks",1]').toString("base64url")]) {
        assert.throws(
          () => memory.changes({ since }),
          (error) => error instanceof ConfigError && error.code === "cursor-invalid",
        );
      }
      await memory.close();
    });
  });
}
