import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory, MemoryRow } from "../../src/memory/memory.ts";
import { sha256 } from "../../src/util/hash.ts";
import { canary, canaryPicture, canaryRequests, fillWithCanary, traces } from "../support/canary.ts";
import { addTestStream, remember } from "../support/memory.ts";
import { rowsOf, type TestStore, texts } from "../support/store.ts";

/** The pictures of `fillWithCanary`, by their hashes. */
const contents = [
  canaryPicture,
  ...["kitchen", "hall"].flatMap((stream) => Array.from({ length: 10 }, (_, i) => `picture ${stream} ${i}`)),
];
const byHash = new Map(contents.map((content) => [sha256(content), Buffer.from(content)]));
const pictures = (hash: string) => byHash.get(hash) ?? null;

async function assertNoTrace(memory: Memory): Promise<void> {
  const rows = JSON.stringify(await rowsOf(memory)).toLowerCase();
  for (const trace of traces) assert.ok(!rows.includes(trace), trace);
}

/** Rows as an export of an older version has them, before what was forgotten was kept. */
const without = (rows: readonly MemoryRow[]) => rows.filter(({ row }) => row !== "forgotten");

/** What forgotten memories stay, when an earlier export is read. */
export function tombstoneCases(store: TestStore): void {
  describe("an export from before stays forgotten by", () => {
    for (const [name, [request]] of Object.entries(canaryRequests)) {
      test(`${name}, unless it is asked for`, async () => {
        const memory = await store.open();
        const target = await fillWithCanary(memory);
        const before = await rowsOf(memory);
        const all = await texts(memory);
        await memory.forget(request(target));
        const left = await texts(memory);
        const added = await memory.addRows(before, pictures);
        assert.ok(added.forgotten > 0);
        assert.equal(added.added + added.skipped + added.forgotten, before.length);
        assert.deepEqual(await texts(memory), left);
        await assertNoTrace(memory);
        assert.deepEqual(await memory.check(), []);
        const again = await memory.addRows(before, pictures, { forgotten: true });
        assert.equal(again.forgotten, 0);
        assert.deepEqual(await texts(memory), all);
        await memory.close();
      });

      test(`${name}, also in a memory that reads a later export first`, async () => {
        const memory = await store.open();
        const target = await fillWithCanary(memory);
        const before = await rowsOf(memory);
        await memory.forget(request(target));
        const left = await texts(memory);
        const after = await rowsOf(memory);
        const other = await store.open();
        assert.equal((await other.addRows(after, pictures)).forgotten, 0);
        assert.deepEqual(await texts(other), left);
        assert.ok((await other.addRows(before, pictures)).forgotten > 0);
        assert.deepEqual(await texts(other), left);
        await assertNoTrace(other);
        await memory.close();
        await other.close();
      });
    }
  });

  describe("tombstones", () => {
    test("hold a name in every spelling, and let others of its words through", async () => {
      const memory = await store.open();
      await addTestStream(memory, "hall");
      await remember(memory, "hall", 0, ["Ann: hello", "Jürgen: the soup is hot"]);
      await remember(memory, "hall", 1, ["Ann: I met Juergen", "Ann: Jurgensen called", "Rain"]);
      const before = await rowsOf(memory);
      await memory.forget({ person: "JÜRGEN" });
      const kept = ["Ann: hello", "Ann: Jurgensen called", "Rain"];
      assert.deepEqual(await texts(memory), kept);
      await memory.addRows(before, () => null);
      assert.deepEqual(await texts(memory), kept);
      const tombstones = JSON.stringify((await rowsOf(memory)).filter(({ row }) => row === "forgotten"));
      assert.doesNotMatch(tombstones, /rgen/i);
      await memory.close();
    });

    test("let through what came after: an export of the memory itself comes back whole", async () => {
      const memory = await store.open();
      await fillWithCanary(memory);
      await memory.forget({ streams: ["kitchen"] });
      await addTestStream(memory, "kitchen");
      await remember(memory, "kitchen", 4, [`Quentin: another ${canary}`]);
      const rows = await rowsOf(memory);
      const other = await store.open();
      assert.equal((await other.addRows(rows, pictures)).forgotten, 0);
      assert.deepEqual(await texts(other), await texts(memory));
      assert.deepEqual(await rowsOf(other), rows);
      assert.ok((await other.addRows(without(rows), () => null)).forgotten > 0, "a copy without the list");
      await memory.close();
      await other.close();
    });

    test("are of this memory's streams: a span of another stream comes in", async () => {
      const memory = await store.open();
      await fillWithCanary(memory);
      await memory.forget({ fromSeconds: 0, toSeconds: 30 });
      const other = await store.open();
      await addTestStream(other, "garden");
      await remember(other, "garden", 1, ["Ann: a bird sings"]);
      assert.equal((await memory.addRows(await rowsOf(other), () => null)).forgotten, 0);
      assert.ok((await texts(memory)).includes("Ann: a bird sings"));
      await memory.close();
      await other.close();
    });

    test("are not left by a dry run", async () => {
      const memory = await store.open();
      await fillWithCanary(memory);
      const before = await rowsOf(memory);
      await memory.forget({ query: canary }, { dryRun: true });
      assert.deepEqual(await rowsOf(memory), before);
      await memory.close();
    });
  });
}
