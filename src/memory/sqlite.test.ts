/** The store on disk: the cases of every store, and cases that need several processes or files. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { memoryCases } from "../../test/memory-cases/index.ts";
import {
  addTestStream,
  decisionOf,
  leasedWrites,
  observationOf,
  openTestMemory,
  rawDatabase,
  remember,
  statementOf,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { kitchen, texts } from "../../test/support/store.ts";
import { StoreError } from "../errors.ts";
import type { Memory } from "./memory.ts";

const folder = temporaryFolder("memory");
let opened = 0;
const newDirectory = () => join(folder, String(opened++));
const store = {
  open: (options: { now?: () => number } = {}) => openTestMemory(newDirectory(), options),
  reopen: async (memory: Memory) => {
    await memory.close();
    return openTestMemory(memory.directory);
  },
};
const code = (name: string) => (error: unknown) => error instanceof StoreError && error.code === name;
const kettle = "Ann puts the kettle on the stove";
const phone = "Bob takes a phone call";

memoryCases(store);

describe("policy state", () => {
  const change = (value: string, words: Record<string, number>, documents = 1) => ({
    value,
    documents,
    words: new Map(Object.entries(words)),
  });

  test("of two handles on two streams is not overwritten or lost", async () => {
    const one = await kitchen(store);
    await addTestStream(one, "hall");
    const two = await openTestMemory(one.directory);
    const leases = [await one.lease("kitchen"), await two.lease("hall")];
    const watched = [
      [one, "kitchen"],
      [two, "hall"],
    ] as const;
    for (let clip = 0; clip < 10; clip++) {
      await Promise.all(
        watched.map(async ([memory, stream]) => {
          await memory.addObservation(observationOf(stream, clip));
          const stateChange = change(`${stream} ${clip}`, { tea: 1, [stream]: 1 });
          await memory.commit(decisionOf(stream, [], { clips: [clip], stateChange }));
        }),
      );
    }
    const words = new Map([
      ["tea", 20],
      ["kitchen", 10],
      ["hall", 10],
    ]);
    for (const memory of [one, two]) {
      for (const stream of ["kitchen", "hall"]) {
        const state = { value: `${stream} 9`, documents: 20, words };
        assert.deepEqual(await memory.policyState("choice", stream), state);
      }
    }
    for (const lease of leases) await lease.release();
    await one.close();
    await two.close();
  });
});

describe("leases", () => {
  test("let one handle write a stream at a time", async () => {
    const one = await kitchen(store);
    await addTestStream(one, "hall");
    const two = await openTestMemory(one.directory);
    const lease = await one.lease("kitchen");
    await assert.rejects(two.lease("kitchen"), (error: StoreError) => {
      assert.equal(error.code, "stream-busy");
      return error.message.includes(String(process.pid));
    });
    await assert.rejects(one.lease("kitchen"), code("stream-busy"));
    const other = await two.lease("hall");
    await lease.release();
    const next = await two.lease("kitchen");
    await next.release();
    await other.release();
    await one.close();
    await two.close();
  });

  test("end when the memory is closed", async () => {
    const one = await kitchen(store);
    await one.lease("kitchen");
    await one.close();
    const two = await openTestMemory(one.directory);
    await (await two.lease("kitchen")).release();
    await two.close();
  });

  test("are taken over after a minute of silence, after which the former holder may not write", async () => {
    const nowMs = 1_700_000_000_000;
    const one = await openTestMemory(newDirectory(), { now: () => nowMs });
    await addTestStream(one, "kitchen");
    await one.addObservation(observationOf("kitchen", 0));
    const lease = await one.lease("kitchen");
    const two = await openTestMemory(one.directory, { now: () => nowMs + 59_000 });
    await assert.rejects(two.lease("kitchen"), code("stream-busy"));
    const three = await openTestMemory(one.directory, { now: () => nowMs + 61_000 });
    const taken = await three.lease("kitchen");
    await assert.rejects(one.addObservation(observationOf("kitchen", 1)), code("lease-lost"));
    await assert.rejects(one.commit(decisionOf("kitchen", [statementOf(0, kettle)])), code("lease-lost"));
    await lease.release();
    await assert.rejects(two.lease("kitchen"), code("stream-busy"), "releasing a lost lease frees nothing");
    await three.commit(decisionOf("kitchen", [statementOf(0, kettle)]));
    await taken.release();
    for (const memory of [one, two, three]) await memory.close();
  });

  test("are given up one by one: an old one ends no newer one of the same memory", async () => {
    const one = await kitchen(store);
    const two = await openTestMemory(one.directory);
    const old = await one.lease("kitchen");
    await two.lease("kitchen", { takeOver: true });
    await one.lease("kitchen", { takeOver: true });
    await old.release();
    await two.lease("kitchen", { takeOver: true });
    await assert.rejects(one.addObservation(observationOf("kitchen", 1)), code("lease-lost"));
    for (const memory of [one, two]) await memory.close();
  });

  test("are taken over by request, and say from whom", async () => {
    const one = await kitchen(store);
    assert.equal((await one.lease("kitchen")).tookOver, null);
    const two = await openTestMemory(one.directory);
    const { tookOver } = await two.lease("kitchen", { takeOver: true });
    assert.deepEqual([tookOver?.pid, tookOver?.host], [process.pid, hostname()]);
    for (const [name, write] of Object.entries(leasedWrites(one, "kitchen")))
      await assert.rejects(write(), code("lease-lost"), name);
    assert.deepEqual([await two.gaps(), (await two.streams())[0]!.ended], [[], false]);
    for (const memory of [one, two]) await memory.close();
  });

  test("are not held by a heartbeat in the future, which a clock set back leaves", async () => {
    const nowMs = 1_700_000_000_000;
    const one = await openTestMemory(newDirectory(), { now: () => nowMs + 11_000 });
    await addTestStream(one, "kitchen");
    await one.lease("kitchen");
    const near = await openTestMemory(one.directory, { now: () => nowMs + 5_000 });
    await assert.rejects(
      near.lease("kitchen"),
      code("stream-busy"),
      "clocks of two machines differ a little",
    );
    const two = await openTestMemory(one.directory, { now: () => nowMs });
    await (await two.lease("kitchen")).release();
    for (const memory of [one, near, two]) await memory.close();
  });

  test("are renewed by writing, for a process that does not get to its timers", async () => {
    let nowMs = 1_700_000_000_000;
    const one = await openTestMemory(newDirectory(), { now: () => nowMs });
    await addTestStream(one, "kitchen");
    await one.lease("kitchen");
    for (let clip = 0; clip < 10; clip++) {
      nowMs += 20_000;
      await one.addObservation(observationOf("kitchen", clip));
    }
    const two = await openTestMemory(one.directory, { now: () => nowMs });
    await assert.rejects(two.lease("kitchen"), code("stream-busy"));
    for (const memory of [one, two]) await memory.close();
  });

  test("are not held by another program that got the process id", {
    skip: process.platform !== "linux",
  }, async () => {
    const one = await kitchen(store);
    await one.lease("kitchen");
    const file = rawDatabase(one.directory);
    // The parent of this process lives, but began at another time than the holder says.
    const row = { token: "earlier 00000000-0000-0000-0000-000000000000:1", pid: process.ppid };
    file.prepare("update lease set token = :token, pid = :pid").run(row);
    file.close();
    const two = await openTestMemory(one.directory);
    await (await two.lease("kitchen")).release();
    for (const memory of [one, two]) await memory.close();
  });
});

describe("a memory", () => {
  test("counts the bytes of its file", async () => {
    const memory = await kitchen(store);
    assert.ok((await memory.stats()).databaseBytes >= statSync(join(memory.directory, "memory.db")).size);
    await memory.close();
  });

  test("indexed with another embedder is refused for writing and searching until it is reindexed", async () => {
    const memory = await kitchen(store);
    await remember(memory, "kitchen", 0, [kettle, phone]);
    await memory.close();
    const embedder = {
      id: "letters",
      dimension: 2,
      embed: async (given: readonly string[]) =>
        given.map((text) => {
          const share = [...text].filter((letter) => letter === "e").length / text.length;
          return Float32Array.of(Math.cos(share), Math.sin(share));
        }),
    };
    const other = await openTestMemory(memory.directory, { embedder });
    assert.deepEqual(await texts(other), [kettle, phone]);
    await assert.rejects(other.recall({ text: "kettle" }), code("space-mismatch"));
    await assert.rejects(other.commit(decisionOf("kitchen", [statementOf(0, "x")])), code("space-mismatch"));
    assert.deepEqual(await other.reindex(), { entries: 2 });
    const [best] = await other.recall({ text: kettle });
    assert.equal(best!.entry.text, kettle);
    assert.ok(Math.abs(best!.score.vector!.score - 1) < 1e-6);
    assert.deepEqual(await other.check(), []);
    await other.close();
  });
});
