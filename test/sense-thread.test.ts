/** The thread of the senses: one for all, and what goes wrong in it costs the question it happened at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SenseParts, SenseThread } from "../src/engines/sense-thread.ts";
import type { Word } from "./support/small-sense.ts";

const module = new URL("./support/small-sense", import.meta.url);
const parts = (setup: object = {}): SenseParts => ({
  module,
  setup,
  failed: (why) => new Error(`lost: ${why}`),
});
const words = (thread: SenseThread, setup?: object) => thread.sense<Word, string>(parts(setup));

test("two senses share a thread, each is opened once, and it ends with the last of them", async () => {
  const thread = new SenseThread();
  const [a, b] = [words(thread, { of: "a" }), words(thread, { of: "b" })];
  assert.deepEqual(await Promise.all([a.ask({ word: "x" }), b.ask({ word: "y" }), a.ask({ word: "z" })]), [
    "x 1",
    "y 2",
    "z 1",
  ]);
  await a.close();
  assert.equal(await b.ask({ word: "still" }), "still 2");
  await b.close();
  assert.equal(await b.ask({ word: "again" }), "again 1");
  await b.close();
});

test("a crash costs the question it happened at, and those behind it are answered", async () => {
  const thread = new SenseThread();
  const [a, b] = [words(thread, { of: "a" }), words(thread, { of: "b" })];
  const [first, crash, last] = await Promise.allSettled([
    a.ask({ word: "x" }),
    a.ask({ word: "", does: "end" }),
    b.ask({ word: "y" }),
  ]);
  assert.deepEqual(first, { status: "fulfilled", value: "x 1" });
  assert.match(String((crash as PromiseRejectedResult).reason), /lost: its thread ended with 3/);
  assert.deepEqual(last, { status: "fulfilled", value: "y 1" });
  await Promise.all([a.close(), b.close()]);
});

test("a net that ran out of memory gives it back: its thread is another afterwards", async () => {
  const thread = new SenseThread();
  const [a, b] = [words(thread, { of: "a" }), words(thread, { of: "b" })];
  assert.equal(await a.ask({ word: "x" }), "x 1");
  assert.equal(await b.ask({ word: "x" }), "x 2");
  await assert.rejects(a.ask({ word: "wrong size", does: "throw" }), /lost: wrong size/);
  assert.equal(await b.ask({ word: "same thread" }), "same thread 2");
  await assert.rejects(a.ask({ word: "std::bad_alloc", does: "throw" }), /lost: std::bad_alloc/);
  assert.equal(await b.ask({ word: "another" }), "another 1");
  await Promise.all([a.close(), b.close()]);
});

test("an idle thread ends, and a net that is missing is looked for again", async () => {
  const idle = words(new SenseThread(1));
  assert.equal(await idle.ask({ word: "x" }), "x 1");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await idle.ask({ word: "x" }), "x 1");
  const broken = words(new SenseThread(), { broken: true });
  await assert.rejects(broken.ask({ word: "x" }), /lost: no such net/);
  await assert.rejects(broken.ask({ word: "x" }), /lost: no such net/);
  await Promise.all([idle.close(), broken.close()]);
});
