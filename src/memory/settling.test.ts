/** Waiting vectors and who waits for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, StoreError } from "../errors.ts";
import { type Making, Settling } from "./settling.ts";

/** A maker whose calls end when the test says so. */
function maker() {
  const calls: (PromiseWithResolvers<void> & Making)[] = [];
  const make = (how: Making) => {
    const call = { ...Promise.withResolvers<void>(), ...how };
    calls.push(call);
    how.signal.addEventListener("abort", () => call.reject(how.signal.reason));
    return call.promise;
  };
  return { calls, make };
}

const down = new EngineError("unreachable", "The encoder is down", { isRetryable: true });

test("a write waits until what it needs is made, by one try", async () => {
  const { calls, make } = maker();
  const settling = new Settling(make, { writeMs: 60_000 });
  let isDone = false;
  const write = settling.soon().then(() => {
    isDone = true;
  });
  await Promise.resolve();
  assert.deepEqual([isDone, calls[0]!.once], [false, true]);
  calls[0]!.resolve();
  await write;
});

test("what is written meanwhile is made by a further call, after the running one", async () => {
  const { calls, make } = maker();
  const settling = new Settling(make);
  const writes = [settling.soon(), settling.soon(), settling.soon()];
  assert.equal(calls.length, 1);
  calls[0]!.resolve();
  while (calls.length < 2) await new Promise(setImmediate);
  calls[1]!.resolve();
  await Promise.all(writes);
  assert.equal(calls.length, 2);
});

test("a late encoder holds up no write, and what was written meanwhile is made too", async () => {
  const { calls, make } = maker();
  const settling = new Settling(make, { writeMs: 1 });
  await settling.soon();
  await settling.soon();
  assert.equal(calls.length, 1);
  calls[0]!.resolve();
  while (calls.length < 2) await new Promise(setImmediate);
  calls[1]!.resolve();
});

test("an engine's passing failure is no failure of the write, and any other is", async () => {
  const errors: Error[] = [down, new StoreError("store-io", "The disk failed")];
  const settling = new Settling(async () => {
    const error = errors.shift();
    if (error) throw error;
  });
  await settling.soon();
  await assert.rejects(settling.soon(), { code: "store-io" });
  await settling.soon();
});

test("an import has the engine's patience", async () => {
  const seen: boolean[] = [];
  const settling = new Settling(async ({ once }) => void seen.push(once));
  await settling.whole();
  assert.deepEqual(seen, [false]);
});

test("closing waits for what is being made as long as batches come, and ends what hangs", async () => {
  const { calls, make } = maker();
  const settling = new Settling(make, { writeMs: 1, lastBatchMs: 60_000 });
  await settling.soon();
  const closing = settling.end();
  calls[0]!.onBatch();
  calls[0]!.resolve();
  await closing;
  const hung = new Settling(make, { writeMs: 1, lastBatchMs: 1 });
  await hung.soon();
  await hung.end();
  assert.equal(calls[1]!.signal.aborted, true);
});
