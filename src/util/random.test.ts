import assert from "node:assert/strict";
import { test } from "node:test";
import { pick, randomInt, seededRandom, shuffle } from "./random.ts";

test("gives the same sequence for the same seed and another for another", () => {
  const take = (seed: string | number) => Array.from({ length: 5 }, seededRandom(seed));
  assert.deepEqual(take(7), take(7));
  assert.notDeepEqual(take(7), take(8));
  assert.notDeepEqual(take("a"), take("b"));
});

test("is uniform on [0, 1) to three standard errors", () => {
  const random = seededRandom("uniform");
  const n = 20_000;
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < n; i++) counts[Math.floor(random() * 10)]!++;
  // Each cell is binomial(20000, 0.1): mean 2000, standard deviation 42.4; five of them is 212.
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 212, String(counts));
});

test("shuffles into a permutation and picks members", () => {
  const random = seededRandom(3);
  const items = [1, 2, 3, 4, 5, 6];
  assert.deepEqual(shuffle(random, items).sort(), items);
  assert.ok(items.includes(pick(random, items)));
  for (let i = 0; i < 100; i++) assert.ok([0, 1, 2].includes(randomInt(random, 3)));
});
