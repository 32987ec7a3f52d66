import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { mapAhead, mapConcurrently } from "./async.ts";
import { seededRandom } from "./random.ts";

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

for (const concurrency of [1, 3, 16]) {
  test(`gives results in the order of the items, ${concurrency} at once and never more`, async () => {
    const random = seededRandom("delays");
    const items = Array.from({ length: 20 }, (_, i) => i);
    let running = 0;
    let most = 0;
    const squares = await mapConcurrently(items, { concurrency }, async (item) => {
      most = Math.max(most, ++running);
      await setTimeout(5 * random());
      running -= 1;
      return item ** 2;
    });
    assert.deepEqual(
      squares,
      items.map((item) => item ** 2),
    );
    assert.equal(most, concurrency);
  });
}

test("after the first error no item is begun, and it is thrown when the others have ended", async () => {
  const ended: number[] = [];
  const begun: number[] = [];
  const mapped = mapConcurrently([0, 1, 2, 3, 4, 5], { concurrency: 2 }, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("one");
    await setTimeout(5);
    ended.push(item);
  });
  await assert.rejects(mapped, /one/);
  assert.deepEqual([begun, ended], [[0, 1], [0]]);
});

test("an abort stops before the next item, and a concurrency below 1 is refused", async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  const mapped = mapConcurrently([0, 1, 2], { signal: stop.signal }, async (item) => {
    begun.push(item);
    stop.abort(new Error("enough"));
  });
  await assert.rejects(mapped, /enough/);
  assert.deepEqual(begun, [0]);
  await assert.rejects(
    mapConcurrently([0], { concurrency: 0 }, async () => 0),
    RangeError,
  );
});
