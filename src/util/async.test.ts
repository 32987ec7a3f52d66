import assert from "node:assert/strict";
import { test } from "node:test";
import { mapAhead } from "./async.ts";

test("keeps order and never works further ahead than asked", async () => {
  let pulled = 0;
  async function* numbers() {
    for (let i = 0; i < 6; i++) {
      pulled = i + 1;
      yield i;
    }
  }
  const seen: number[] = [];
  for await (const value of mapAhead(numbers(), 1, async (n) => n * 10)) {
    seen.push(value);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(pulled <= seen.length + 1, `pulled ${pulled} with ${seen.length} consumed`);
  }
  assert.deepEqual(seen, [0, 10, 20, 30, 40, 50]);
});

test("raises an error at its place and closes the source", async () => {
  let closed = false;
  async function* numbers() {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed = true;
    }
  }
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const value of mapAhead(numbers(), 1, async (n) => {
      if (n === 2) throw new Error("two");
      return n;
    })) {
      seen.push(value);
    }
  }, /two/);
  assert.deepEqual(seen, [0, 1]);
  assert.ok(closed);
});
