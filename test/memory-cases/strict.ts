import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, DataError } from "../../src/errors.ts";
import type { Memory } from "../../src/memory/memory.ts";
import type { Clock } from "../../src/util/time.ts";
import { addTestStream, remember } from "../support/memory.ts";
import type { TestStore } from "../support/store.ts";

async function filled(store: TestStore): Promise<Memory> {
  const memory = await store.open();
  for (const stream of ["kitchen", "attic"]) {
    await addTestStream(memory, stream);
    await remember(memory, stream, 0, ["Ann: the tea is hot", "Zoe: so it is", "ann: and sweet"]);
  }
  return memory;
}

/** What a memory refuses instead of ignoring. */
export function strictCases(store: TestStore): void {
  describe("a request", () => {
    test("with an unknown key is refused by name, with the nearest key and all keys", async () => {
      const memory = await filled(store);
      const calls: [string, string | null, () => unknown][] = [
        ["stream", "streams", () => memory.entries({ stream: ["kitchen"] } as never)],
        ["Speakers", "speakers", () => memory.recall({ text: "tea", Speakers: ["Ann"] } as never)],
        ["user", null, () => memory.recall({ text: "tea", user: "ann" } as never)],
        ["entry", "entries", () => memory.forget({ entry: ["a"] } as never)],
        ["dryrun", "dryRun", () => memory.forget({ person: "Ann" }, { dryrun: true } as never)],
        ["from", "fromSeconds", () => memory.gaps({ from: 3 } as never)],
        ["limits", "limit", () => memory.tasks({ limits: 3 } as never)],
        ["status", "state", () => memory.adapters({ status: "active" } as never)],
        ["stream", "streams", () => memory.page("clips", { stream: undefined } as never)],
        ["after", null, () => memory.page("clips", {}, { after: "x" } as never)],
        ["from", null, () => memory.changes({ from: "x" } as never)],
      ];
      for (const [key, meant, call] of calls) {
        await assert.rejects(
          async () => call(),
          (error) => {
            assert.ok(error instanceof ConfigError && error.code === "option-unknown", key);
            assert.deepEqual([error.details.key, error.details.meant], [key, meant]);
            assert.match(error.message, new RegExp(`\`${key}\``));
            for (const there of error.details.keys as string[]) assert.ok(error.message.includes(there));
            return true;
          },
        );
      }
      await assert.rejects(memory.page("people" as never), /entries, tasks, clips, adapters, got "people"/);
      assert.equal((await memory.entries()).length, 6, "nothing was forgotten");
      await memory.close();
    });

    test("with a name where a list is expected, or a page of no length, is refused", async () => {
      const memory = await filled(store);
      await assert.rejects(memory.entries({ streams: "kitchen" as never }), TypeError);
      for (const limit of [0, 1.5, Number.NaN])
        await assert.rejects(memory.page("entries", {}, { limit }), RangeError);
      await memory.close();
    });

    test("for an unknown stream is refused with the streams it holds", async () => {
      const memory = await filled(store);
      const streams = ["kitchen", "attik"];
      for (const call of [
        () => memory.entries({ streams }),
        () => memory.recall({ text: "tea", streams }),
        () => memory.recall({ text: "tea", streams, mode: "whole-memory" }),
        () => memory.gaps({ streams }),
        () => memory.page("entries", { streams }),
        () => memory.page("tasks", { streams }),
      ]) {
        await assert.rejects(call(), (error) => {
          assert.ok(error instanceof DataError && error.code === "stream-unknown");
          return /attik.*kitchen, attic/.test(error.message);
        });
      }
      assert.deepEqual(await memory.entries({ streams: [] }), []);
      await memory.close();
    });
  });

  describe("a stream", () => {
    test("is refused with an invalid clock, clip length or name", async () => {
      const memory = await store.open();
      const stream = {
        id: "a",
        description: "",
        clipSeconds: 10,
        clock: { kind: "media" },
        fingerprint: null,
      } as const;
      const clocks: unknown[] = [
        "media",
        { kind: "wal", originMs: 1 },
        { kind: "wall" },
        { kind: "wall", originMs: 1e16 },
        null,
      ];
      const wrong: [string, object][] = [
        ...clocks.map((clock): [string, object] => ["clock-invalid", { clock: clock as Clock }]),
        ...[0, -1, Number.NaN, "10"].map((clipSeconds): [string, object] => [
          "clip-seconds-invalid",
          { clipSeconds },
        ]),
        ...["", "  ", undefined].map((id): [string, object] => ["stream-id-invalid", { id }]),
      ];
      for (const [code, parts] of wrong) {
        await assert.rejects(
          memory.addStream({ ...stream, ...parts }),
          (error) => error instanceof ConfigError && error.code === code,
          JSON.stringify(parts),
        );
      }
      assert.deepEqual(await memory.streams(), []);
      await memory.close();
    });
  });

  describe("speakers", () => {
    test("are those of current entries, each once in its first spelling", async () => {
      const memory = await filled(store);
      assert.deepEqual(await memory.speakers(), ["Ann", "Zoe"]);
      for (const { id } of await memory.entries({ speakers: ["zoe"] })) await memory.closeEntry(id, "over");
      assert.deepEqual(await memory.speakers(), ["Ann"]);
      await memory.close();
    });
  });
}
