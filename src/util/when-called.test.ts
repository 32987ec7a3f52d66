import assert from "node:assert/strict";
import { test } from "node:test";
import { whenCalled } from "./when-called.ts";

test("a function is loaded when it is called, not before", async () => {
  let loads = 0;
  const twice = whenCalled(async () => {
    loads += 1;
    return async (n: number) => 2 * n;
  });
  assert.equal(loads, 0);
  assert.equal(await twice(21), 42);
  assert.equal(loads, 1);
});

test("the caller gets the function's error", async () => {
  const failing = whenCalled(async () => async () => {
    throw new RangeError("no");
  });
  await assert.rejects(failing(), RangeError);
});
