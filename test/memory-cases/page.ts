import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../src/errors.ts";
import type { Memory, Paged, PageFilters } from "../../src/memory/memory.ts";
import { addTestStream, observationOf, remember } from "../support/memory.ts";
import type { TestStore } from "../support/store.ts";

/** Entries, tasks, clips and adapters that are not written in list order. */
async function filled(store: TestStore): Promise<Memory> {
  const memory = await store.open();
  for (const stream of ["kitchen", "attic", "hall"]) {
    await addTestStream(memory, stream);
    for (const clip of [2, 0, 1]) await remember(memory, stream, clip, [`Ann: ${stream} ${clip}`, "Rain"]);
    await memory.addObservation(observationOf(stream, 3));
  }
  await memory.failClip("hall", 3, { code: "bad-request", message: "refused", retryable: false });
  for (let i = 0; i < 7; i++) {
    await addTask(memory, `task_${i}`, i % 3, i % 2 ? "kitchen" : null);
    await addAdapter(memory, `adapter_${i}`, i % 2 ? "choice" : "nano");
  }
  return memory;
}

const addTask = (memory: Memory, id: string, askedAtMs: number, stream: string | null) =>
  memory.addTask({
    ...{ id, askedAtMs, asOfSeconds: null, stream, question: { text: `What of ${id}?`, options: [] } },
    ...{ answer: "", option: null, abstained: true, citations: [], reader: "lexical" },
  });

const addAdapter = (memory: Memory, id: string, policy: string) =>
  memory.addAdapter({
    ...{ id, policy, revision: `r-${id}`, state: "active", reason: "it won", atMs: 1, tasks: [], file: "{}" },
  });

/** All items of a list, page by page. */
async function pages<List extends keyof Paged>(
  memory: Memory,
  list: List,
  filter: PageFilters[List],
  limit: number,
): Promise<Paged[List][]> {
  const items: Paged[List][] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await memory.page(list, filter, { limit, ...(cursor !== undefined && { cursor }) });
    assert.ok(page.items.length <= limit && (page.items.length === limit || page.next === null));
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

/** Pages of a memory. */
export function pageCases(store: TestStore): void {
  describe("pages", () => {
    test("together give the whole list, at any page length", async () => {
      const memory = await filled(store);
      const whole = {
        entries: await memory.entries(),
        tasks: await memory.tasks(),
        clips: (await memory.page("clips", {}, { limit: 1000 })).items,
        adapters: await memory.adapters(),
      };
      assert.deepEqual(
        [whole.entries.length, whole.tasks.length, whole.clips.length, whole.adapters.length],
        [18, 7, 12, 7],
      );
      for (const list of ["entries", "tasks", "clips", "adapters"] as const) {
        for (let limit = 1; limit <= whole[list].length + 1; limit++)
          assert.deepEqual(await pages(memory, list, {}, limit), whole[list], `${list} by ${limit}`);
      }
      await memory.close();
    });

    test("apply the filter of their list", async () => {
      const memory = await filled(store);
      const filter = { streams: ["hall", "kitchen"], speakers: ["ann"], fromSeconds: 5 };
      assert.deepEqual(await pages(memory, "entries", filter, 2), await memory.entries(filter));
      const asked = await pages(memory, "tasks", { streams: ["kitchen"] }, 2);
      assert.deepEqual(asked.map(({ id }) => id).sort(), ["task_1", "task_3", "task_5"]);
      const active = { policy: "choice", state: "active" } as const;
      assert.deepEqual(await pages(memory, "adapters", active, 1), await memory.adapters(active));
      const clips = await pages(memory, "clips", { states: ["failed", "perceived"] }, 2);
      assert.deepEqual(clips, [
        {
          stream: "attic",
          clip: 3,
          startSeconds: 30,
          endSeconds: 40,
          state: "perceived",
          failure: null,
          attempts: 0,
          look: null,
        },
        {
          ...{
            stream: "hall",
            clip: 3,
            startSeconds: 30,
            endSeconds: 40,
            state: "failed",
            attempts: 1,
            look: null,
          },
          failure: { code: "bad-request", message: "refused", retryable: false },
        },
        {
          stream: "kitchen",
          clip: 3,
          startSeconds: 30,
          endSeconds: 40,
          state: "perceived",
          failure: null,
          attempts: 0,
          look: null,
        },
      ]);
      await memory.close();
    });

    test("neither repeat nor miss an item if others are written and forgotten in between", async () => {
      const memory = await filled(store);
      const before = { entries: await memory.entries(), tasks: await memory.tasks() };
      const first = await memory.page("entries", {}, { limit: 5 });
      const asked = await memory.page("tasks", {}, { limit: 3 });
      await remember(memory, "attic", 4, ["A thing before the cursor"]);
      await memory.forget({ entries: [first.items[0]!.id] });
      await memory.forget({ query: asked.items[0]!.question.text.slice(-7) });
      const rest = await memory.page("entries", {}, { cursor: first.next! });
      const later = await memory.page("tasks", {}, { cursor: asked.next! });
      const seen = [...first.items, ...rest.items].map(({ id }) => id);
      assert.deepEqual(
        seen.filter((id) => before.entries.some((entry) => entry.id === id)),
        before.entries.map(({ id }) => id),
      );
      assert.deepEqual([...asked.items, ...later.items], before.tasks);
      await memory.close();
    });

    test("begin where the page before ended, also in a reopened memory", async () => {
      const memory = await filled(store);
      const { next } = await memory.page("entries", {}, { limit: 4 });
      const again = await store.reopen(memory);
      const page = await again.page("entries", {}, { cursor: next!, limit: 2 });
      assert.deepEqual(page.items, (await again.entries()).slice(4, 6));
      await again.close();
    });

    test("refuse a cursor of another list or filter, and a text that is no cursor", async () => {
      const memory = await filled(store);
      const { next } = await memory.page("entries", { streams: ["kitchen"] }, { limit: 1 });
      const cursor = next!;
      const again = await memory.page(
        "entries",
        { streams: ["kitchen"], kinds: undefined as never },
        { cursor },
      );
      assert.equal(again.items.length, 5, "an undefined key counts as absent");
      const foreign: [keyof Paged, object, string][] = [
        ["entries", {}, cursor],
        ["entries", { streams: ["hall"] }, cursor],
        ["clips", { streams: ["kitchen"] }, cursor],
        ["entries", {}, ""],
        ["entries", {}, "bm90IGpzb24"],
        ["tasks", {}, Buffer.from('["tasks",{"a":1},2]').toString("base64url")],
      ];
      for (const [list, filter, given] of foreign) {
        await assert.rejects(
          memory.page(list, filter, { cursor: given }),
          (error) => error instanceof ConfigError && error.code === "cursor-invalid",
        );
      }
      await memory.close();
    });
  });
}
