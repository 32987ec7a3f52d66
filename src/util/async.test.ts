import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Broadcast, mapAhead, mapConcurrently, Notices, SerialQueue } from "./async.ts";
import { seededRandom } from "./random.ts";

test("keeps order and never works further ahead than `ahead`", async () => {
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

test("throws an error at its place and closes the source", async () => {
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

test("tasks in a serial queue run one after the other, also after a failure", async () => {
  const queue = new SerialQueue();
  const order: string[] = [];
  const first = queue.run(async () => {
    await setTimeout(5);
    order.push("first");
    throw new Error("no");
  });
  const second = queue.run(() => order.push("second"));
  await assert.rejects(first, /no/);
  await second;
  assert.deepEqual(order, ["first", "second"]);
});

test("every listener of a broadcast gets everything sent after it began", async () => {
  const broadcast = new Broadcast<number>();
  const early = broadcast.listen();
  broadcast.send(1);
  const late = broadcast.listen();
  broadcast.send(2);
  broadcast.end();
  const all = async (listener: AsyncIterable<number>) => {
    const values: number[] = [];
    for await (const value of listener) values.push(value);
    return values;
  };
  assert.deepEqual(await Promise.all([all(early), all(late), all(broadcast.listen())]), [[1, 2], [2], []]);
});

test("a broadcast that ends with an error throws it after everything was received", async () => {
  const broadcast = new Broadcast<number>();
  const listener = broadcast.listen();
  broadcast.send(1);
  broadcast.end(new Error("down"));
  assert.deepEqual(await listener.next(), { done: false, value: 1 });
  await assert.rejects(Promise.resolve(listener.next()), /down/);
});

test("a listener that leaves while it waits is released", async () => {
  const broadcast = new Broadcast<number>();
  const listener = broadcast.listen();
  const waiting = listener.next();
  await listener.return?.();
  assert.equal((await waiting).done, true);
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

test("after the first error no item starts, and it is thrown when the running ones have ended", async () => {
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

test("notices are yielded while a promise is awaited, and what comes with its value before it", async () => {
  const notices = new Notices<string>();
  const work = Promise.withResolvers<number>();
  const waiting = notices.until(work.promise);
  const first = waiting.next();
  notices.add("a");
  assert.deepEqual(await first, { done: false, value: "a" });
  notices.add("b");
  work.resolve(1);
  assert.deepEqual(await waiting.next(), { done: false, value: "b" });
  assert.deepEqual(await waiting.next(), { done: true, value: 1 });
  await assert.rejects(notices.until(Promise.reject(new Error("down"))).next(), /down/);
});
