/** Forgetting in a thread does what forgetting here does, while this thread serves others and the memory waits. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { canary, fillWithCanary, traces } from "../../test/support/canary.ts";
import {
  addTestStream,
  filesHolding,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { StoreError } from "../errors.ts";
import type { MemoryRow } from "./memory.ts";
import type { StoredMemory } from "./stored-memory.ts";

const folder = temporaryFolder("forget-apart");
const forgetProgram = new URL("../taskmem/forget-thread", import.meta.url);
const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

/** Enough entries for a thread. */
const others = Array.from({ length: 2100 }, (_, i): MemoryRow => {
  const span = { startSeconds: i * 10, endSeconds: i * 10 + 10 };
  return {
    ...{ row: "entry", id: `entry_${i}`, stream: "store-room", clip: i, kind: "episodic", ...span },
    ...{ writtenAtMs: i, text: `Box ${i} is on shelf ${i % 90}.`, speakers: [], closed: null },
    ...{ policy: "choice", revision: "choice@1" },
    evidence: { clips: [i], ...span, frames: [], sources: [], tiers: {} },
  };
});

async function household(
  name: string,
  options: { readonly forgetProgram?: URL } = {},
): Promise<StoredMemory> {
  const memory = await openTestMemory(join(folder, name), options);
  await addTestStream(memory, "store-room");
  await memory.addRows(others, () => null);
  await fillWithCanary(memory);
  return memory;
}

const query = { query: `the ${canary}` };
const isGone = ({ directory }: StoredMemory) =>
  traces.every((trace) => filesHolding(directory, trace).length === 0);

test("it reports and removes what forgetting here does, and tells who follows the changes", async () => {
  const here = await household("here");
  const apart = await household("apart", { forgetProgram });
  const changes = apart.changes();
  const next = changes[Symbol.asyncIterator]().next();
  for (const dryRun of [true, false]) {
    const report = await apart.forget(query, { dryRun });
    assert.deepEqual(report, await here.forget(query, { dryRun }));
    assert.equal(report.entries, 1);
    assert.equal(isGone(apart), !dryRun);
  }
  assert.equal(threads.length, 1, "one thread, for the memory that has its program");
  assert.equal((await next).value.kind, "forgotten");
  assert.deepEqual(await apart.entries(), await here.entries());
  assert.deepEqual(await apart.check(), []);
  await assert.rejects(apart.forget({ query: "the" }), RangeError);
  // What is opened to be read alone starts no thread that writes.
  const reader = await openTestMemory(apart.directory, { forgetProgram, readOnly: true });
  await assert.rejects(reader.forget({ query: "shelf" }), { code: "store-read-only" });
  assert.equal(threads.length, 1);
  await reader.close();
  await here.close();
  await apart.close();
});

test("this thread serves others meanwhile, and what the memory is asked waits", async () => {
  const memory = await household("meanwhile", { forgetProgram });
  const order: string[] = [];
  const done = (name: string) => () => void order.push(name);
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  const forgetting = memory.forget(query).then(done("forgot"));
  const again = memory.forget({ query: "kettle 3" }).then(done("forgot more"));
  await Promise.all([
    forgetting,
    again,
    remember(memory, "hall", 20, ["Ann: the lamp is new"]).then(done("kept")),
    memory.entries({ streams: ["kitchen"], clips: [4] }).then((found) => order.push(`found ${found.length}`)),
  ]);
  clearInterval(ticking);
  assert.ok(turns > 0);
  assert.equal(order[0], "forgot");
  assert.ok(order.includes("found 0"));
  assert.equal((await memory.entries({ streams: ["hall"], clips: [20] })).length, 1);
  // A memory that is closed meanwhile has forgotten first.
  const last = memory.forget({ query: "kettle 5" });
  await memory.close();
  assert.equal((await last).entries, 2);
});

test("a thread that is lost loses nothing, and the same forget again does it", async () => {
  const memory = await household("lost", { forgetProgram });
  const started = once(process, "worker");
  const forgetting = memory.forget(query);
  forgetting.catch(() => {});
  const [thread] = (await started) as [Worker];
  await thread.terminate();
  await assert.rejects(forgetting, (error) => error instanceof StoreError && error.code === "store-failed");
  assert.deepEqual(await memory.check(), []);
  await memory.forget(query);
  assert.ok(isGone(memory));
  assert.equal((await memory.entries({ streams: ["store-room"] })).length, others.length);
  await memory.close();
});
