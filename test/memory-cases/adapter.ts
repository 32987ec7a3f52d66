import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StoreError } from "../../src/errors.ts";
import { canaryOf } from "../../src/memory/adapter-history.ts";
import type { KeptAdapter, Memory } from "../../src/memory/memory.ts";
import { keptWithFrames } from "../../src/memory/retention.ts";
import { addTestStream, decisionOf, frameOf, observationOf } from "../support/memory.ts";
import { rowsOf, type TestStore } from "../support/store.ts";

const adapter = (id: string, parts: Partial<KeptAdapter> = {}): KeptAdapter => ({
  id,
  policy: "choice",
  revision: `r-${id}`,
  state: "active",
  reason: "it won",
  atMs: 1,
  tasks: [],
  file: "{}",
  ...parts,
});
const states = async (memory: Memory) => (await memory.adapters()).map(({ id, state }) => [id, state]);

/** A question that was asked; `t1` is about a zither. */
const task = (id: string) => ({
  ...{ id, askedAtMs: 1, asOfSeconds: null, stream: null, answer: "", option: null, abstained: true },
  ...{ citations: [], reader: "lexical" },
  question: { text: id === "t1" ? "Where is the zither?" : "Where is the kettle?", options: [] },
});

/** Adapters: at most one active per policy, their history, and how they are forgotten. */
export function adapterCases(store: TestStore): void {
  describe("adapters", () => {
    test("an adapter that is activated retires the one before, and rolling back restores it", async () => {
      const memory = await store.open();
      await memory.addAdapter(adapter("a"));
      await memory.addAdapter(adapter("b"));
      await memory.addAdapter(adapter("c", { state: "refused", reason: "it lost" }));
      assert.deepEqual(await states(memory), [
        ["a", "retired"],
        ["b", "active"],
        ["c", "refused"],
      ]);
      assert.equal(await memory.rollbackAdapter("choice"), "a");
      assert.deepEqual((await states(memory)).slice(0, 2), [
        ["a", "active"],
        ["b", "retired"],
      ]);
      await memory.activateAdapter("choice", null, "put away");
      assert.equal((await memory.adapters()).filter(({ state }) => state === "active").length, 0);
      await memory.close();
    });

    test("one adapter is on canary, until another is, it is taken off, or another becomes active", async () => {
      const memory = await store.open();
      const canary = { share: 0.5, salt: 3 };
      const onIt = async () =>
        (await memory.adapters()).flatMap((one) => (canaryOf(one) ? [[one.id, canaryOf(one)!.salt]] : []));
      for (const id of ["a", "b", "c"]) await memory.addAdapter(adapter(id, { state: "candidate" }));
      await memory.activateAdapter("choice", "a", "promoted by hand");
      await memory.canaryAdapter("choice", "b", canary, "tried");
      assert.deepEqual(await onIt(), [["b", 3]]);
      await memory.canaryAdapter("choice", "c", { share: 0.5, salt: 4 }, "tried");
      assert.deepEqual(await onIt(), [["c", 4]]);
      assert.deepEqual(await states(memory), [
        ["a", "active"],
        ["b", "retired"],
        ["c", "candidate"],
      ]);
      await memory.canaryAdapter("choice", "a", canary, "it is active");
      assert.deepEqual(await onIt(), [["c", 4]]);
      await memory.canaryAdapter("choice", null, null, "it did worse");
      assert.deepEqual(await onIt(), []);
      assert.equal((await memory.adapters()).find(({ id }) => id === "c")!.reason, "it did worse");
      await memory.canaryAdapter("choice", "c", canary, "again");
      await memory.activateAdapter("choice", "b", "promoted by hand");
      assert.deepEqual(await onIt(), []);
      await memory.canaryAdapter("choice", "c", canary, "again");
      await memory.activateAdapter("choice", "c", "for all");
      assert.deepEqual((await states(memory)).at(-1), ["c", "active"]);
      assert.deepEqual(await onIt(), []);
      assert.equal(await memory.rollbackAdapter("choice"), "b");
      await assert.rejects(memory.canaryAdapter("choice", "none", canary, ""), { code: "adapter-unknown" });
      await memory.close();
    });

    test("rolling back goes back one by one, and never to what was rolled back", async () => {
      const memory = await store.open();
      for (const [i, id] of ["a", "b", "c"].entries()) await memory.addAdapter(adapter(id, { atMs: i }));
      await memory.activateAdapter("choice", "a", "promoted by hand");
      const back = [0, 1, 2, 3, 4].map(() => memory.rollbackAdapter("choice"));
      assert.deepEqual(await Promise.all(back), ["c", "b", "a", null, null]);
      await memory.addAdapter(adapter("d", { atMs: Date.now() + 1 }));
      assert.equal(await memory.rollbackAdapter("choice"), null);
      await memory.close();
    });

    test("the history of an adapter is kept, the gate's verdict first, also when moved as rows", async () => {
      const memory = await store.open();
      await memory.addAdapter(adapter("a"));
      await memory.addAdapter(adapter("b", { atMs: 2 }));
      await memory.rollbackAdapter("choice");
      await memory.activateAdapter("choice", "a", "already active: no change");
      const historyOf = async (of: Memory) =>
        Object.fromEntries(
          (await of.adapters()).map(({ id, history }) => [
            id,
            history!.map(({ state, reason }) => [state, reason]),
          ]),
        );
      const expected = {
        a: [
          ["active", "it won"],
          ["retired", "replaced by r-b"],
          ["active", "rolled back"],
        ],
        b: [
          ["active", "it won"],
          ["retired", "rolled back"],
        ],
      };
      assert.deepEqual(await historyOf(memory), expected);
      const other = await store.open();
      await other.addRows(await rowsOf(memory), () => null);
      assert.deepEqual(await historyOf(other), expected);
      assert.equal(await other.rollbackAdapter("choice"), null);
      await memory.close();
      await other.close();
    });

    test("an unknown adapter is refused and the active one stays", async () => {
      const memory = await store.open();
      await memory.addAdapter(adapter("a"));
      await assert.rejects(
        memory.activateAdapter("choice", "z", "promoted"),
        (error) => error instanceof StoreError && error.code === "adapter-unknown",
      );
      await assert.rejects(memory.activateAdapter("nano", "a", "promoted"), StoreError);
      assert.deepEqual(await states(memory), [["a", "active"]]);
      await memory.close();
    });

    test("each policy has its own active adapter, and adding one again changes nothing", async () => {
      const memory = await store.open();
      await memory.addAdapter(adapter("a"));
      await memory.addAdapter(adapter("n", { policy: "nano" }));
      await memory.addAdapter(adapter("a", { state: "refused" }));
      await memory.addAdapter(adapter("a"));
      assert.deepEqual(await states(memory), [
        ["a", "active"],
        ["n", "active"],
      ]);
      assert.deepEqual(
        (await memory.adapters({ policy: "nano" })).map(({ id }) => id),
        ["n"],
      );
      await memory.close();
    });

    test("forgetting a task forgets the adapters trained on it, the active one too", async () => {
      const memory = await store.open();
      for (const id of ["t1", "t2"]) await memory.addTask(task(id));
      await memory.addAdapter(adapter("a", { tasks: ["t1", "t2"] }));
      await memory.addAdapter(adapter("b", { state: "candidate", tasks: ["t2"] }));
      const report = await memory.forget({ query: "zither" });
      assert.deepEqual([report.tasks, report.adapters], [1, 1]);
      assert.deepEqual(await states(memory), [["b", "candidate"]]);
      await memory.close();
    });

    test("an adapter whose task was forgotten while it was trained is not kept, and the active one stays", async () => {
      const memory = await store.open();
      for (const id of ["t1", "t2"]) await memory.addTask(task(id));
      await memory.addAdapter(adapter("a", { tasks: ["t2"] }));
      await memory.forget({ query: "zither" });
      await assert.rejects(
        memory.addAdapter(adapter("b", { tasks: ["t2", "t1"] })),
        (error) => error instanceof StoreError && error.code === "task-unknown" && /t1/.test(error.message),
      );
      assert.deepEqual(await states(memory), [["a", "active"]]);
      await memory.close();
    });

    test("observations are kept to compare policies on: texts of an hour, pictures of its last ten minutes", async () => {
      const memory = await store.open();
      await addTestStream(memory, "kitchen");
      const lease = await memory.lease("kitchen");
      const clips = keptWithFrames + 3;
      for (let clip = 0; clip < clips; clip++) {
        const said = {
          startSeconds: clip * 10,
          endSeconds: clip * 10 + 2,
          text: `line ${clip}`,
          speaker: null,
        };
        await memory.addObservation(
          observationOf("kitchen", clip, { frames: [frameOf(clip, `picture ${clip}`)], speech: [said] }),
        );
        await memory.commit(decisionOf("kitchen", [], { clips: [clip] }));
      }
      const observations = await memory.observations("kitchen");
      assert.deepEqual(
        observations.map(({ clip, speech, frames }) => [
          ...[clip, speech[0]!.text],
          ...frames.map(({ jpeg }) => Buffer.from(jpeg).toString()),
        ]),
        Array.from({ length: clips }, (_, clip) => [
          ...[clip, `line ${clip}`],
          ...(clip < 3 ? [] : [`picture ${clip}`]),
        ]),
      );
      assert.deepEqual(await memory.check(), []);
      await lease.release();
      await memory.close();
    });
  });
}
