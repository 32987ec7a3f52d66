import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TaskMemError } from "../../src/errors.ts";
import type { Memory } from "../../src/memory/memory.ts";
import type { Task } from "../../src/tasks/task.ts";
import { addTestStream, frameOf, observationOf, remember } from "../support/memory.ts";
import { kitchen, type TestStore, texts } from "../support/store.ts";

const code = (name: string) => (error: unknown) => error instanceof TaskMemError && error.code === name;
const kettle = "Ann puts the kettle on the stove";
const phone = "Bob takes a phone call";

/** Entries and their filters, tasks, and the memory as a whole. */
export function entriesCases(store: TestStore): void {
  describe("entries", () => {
    async function timeline(): Promise<Memory> {
      const memory = await kitchen(store);
      await addTestStream(memory, "attic");
      await remember(memory, "kitchen", 2, ["Ann: the kettle is hot"]);
      await remember(memory, "kitchen", 0, ["Bob: good morning", "The radio plays for Anna"]);
      await remember(memory, "attic", 1, ["A box for Ann falls"]);
      return memory;
    }
    const all = [
      "A box for Ann falls",
      "Bob: good morning",
      "The radio plays for Anna",
      "Ann: the kettle is hot",
    ] as const;
    const [box, morning, radio, hot] = all;

    test("come in time order by stream", async () => {
      const memory = await timeline();
      assert.deepEqual(await texts(memory), all);
      const list = async (filter: Parameters<Memory["entries"]>[0]) =>
        (await memory.entries(filter)).map(({ text }) => text);
      assert.deepEqual(await list({ limit: 2 }), [box, morning]);
      assert.deepEqual(await list({ limit: 2, newest: true }), [box, hot]);
      assert.deepEqual(await list({ streams: ["kitchen"], limit: 1, newest: true }), [hot]);
      await memory.close();
    });

    test("are filtered by stream, clip, kind, time, moment of knowing, and person", async () => {
      const memory = await timeline();
      const cases: [Parameters<Memory["entries"]>[0], readonly string[]][] = [
        [{ streams: ["attic"] }, [box]],
        [{ streams: [] }, []],
        [{ clips: [0, 1] }, [box, morning, radio]],
        [{ kinds: ["semantic"] }, []],
        [{ fromSeconds: 1, toSeconds: 11 }, [box, radio]],
        [{ fromSeconds: 1.5, toSeconds: 1.6 }, [radio]],
        [{ toSeconds: 1 }, [morning]],
        // known when its clip has ended: at 10, 20 and 30 s
        [{ asOfSeconds: 9.9 }, []],
        [{ asOfSeconds: 10 }, [morning, radio]],
        [{ asOfSeconds: 29.9 }, [box, morning, radio]],
        // spoken by or naming, whole words, case aside: Ann is not in Anna
        [{ speakers: ["ann"] }, [box, hot]],
        [{ speakers: ["BOB"], streams: ["kitchen"] }, [morning]],
        [{ speakers: [""] }, []],
      ];
      for (const [filter, expected] of cases) {
        assert.deepEqual(
          (await memory.entries(filter)).map(({ text }) => text),
          expected,
          JSON.stringify(filter),
        );
      }
      await memory.close();
    });

    test("that are closed stay readable and are listed only on request", async () => {
      const memory = await timeline();
      const entries = await memory.entries();
      const closing = entries.find(({ text }) => text === hot)!;
      await memory.closeEntry(closing.id, "it cooled down", entries[0]!.id);
      assert.deepEqual(await texts(memory), [box, morning, radio]);
      const { closed, ...rest } = (await memory.entry(closing.id))!;
      assert.deepEqual({ ...rest, closed: null }, closing);
      assert.deepEqual([closed!.reason, closed!.supersededBy], ["it cooled down", entries[0]!.id]);
      await memory.closeEntry(closing.id, "again");
      assert.equal((await memory.entry(closing.id))!.closed!.reason, "it cooled down");
      const count = async (filter: Parameters<Memory["entries"]>[0]) => (await memory.entries(filter)).length;
      assert.equal(await count({ includeClosed: true }), 4);
      assert.equal(await count({ writtenByMs: closed!.atMs - 1 }), 4, "it was not closed by then");
      assert.equal(await count({ writtenByMs: closed!.atMs }), 3);
      await assert.rejects(memory.closeEntry("entry_unknown", "why"), code("entry-unknown"));
      assert.equal(await memory.entry("entry_unknown"), null);
      await memory.close();
    });
  });

  describe("tasks", () => {
    const task: Omit<Task, "feedback"> = {
      id: "task_1",
      askedAtMs: 5,
      asOfSeconds: 30,
      stream: "kitchen",
      question: { text: "What is hot?", options: [{ letter: "A", text: "The kettle" }] },
      answer: "The kettle",
      option: "A",
      abstained: false,
      citations: ["entry_1"],
      reader: "lexical",
    };

    test("are recorded once, in the order asked, with their feedback", async () => {
      const memory = await kitchen(store);
      await memory.addTask({ ...task, id: "task_2", askedAtMs: 9 });
      await memory.addTask(task);
      await memory.addTask({ ...task, answer: "another" });
      const feedback = { atMs: 7, verdict: "wrong", correction: "The stove" } as const;
      await memory.addFeedback("task_1", feedback);
      assert.deepEqual(await memory.tasks(), [
        { ...task, feedback },
        { ...task, id: "task_2", askedAtMs: 9, feedback: null },
      ]);
      const ids = async (filter: Parameters<Memory["tasks"]>[0]) =>
        (await memory.tasks(filter)).map(({ id }) => id);
      assert.deepEqual(await ids({ limit: 1 }), ["task_1"]);
      assert.deepEqual(await ids({ limit: 1, newest: true }), ["task_2"]);
      await assert.rejects(memory.addFeedback("task_3", feedback), code("task-unknown"));
      await memory.close();
    });
  });

  describe("a memory", () => {
    test("counts what it holds", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, [kettle, phone], {
        frames: [frameOf(0, "12345"), { ...frameOf(0, "123"), atSeconds: 2 }],
      });
      await memory.addObservation(observationOf("kitchen", 1));
      await memory.failClip("kitchen", 1, { code: "c", message: "m", retryable: true });
      const { databaseBytes: _, ...counts } = await memory.stats();
      assert.deepEqual(counts, {
        streams: 1,
        clips: 2,
        failedClips: 1,
        entries: 2,
        gaps: 0,
        tasks: 0,
        blobs: 2,
        waitingClips: 1,
        waitingVectors: 0,
        blobBytes: 8,
      });
      await memory.close();
    });

    test("refuses calls after it was closed, and may be closed twice", async () => {
      const memory = await kitchen(store);
      await memory.close();
      await memory.close();
      await assert.rejects(memory.entries(), code("store-closed"));
    });
  });
}
