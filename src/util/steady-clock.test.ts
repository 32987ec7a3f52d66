import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyMs } from "./steady-clock.ts";

test("the steady clock does not follow the system's clock", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1e12 });
  const before = steadyMs();
  t.mock.timers.setTime(1e12 + 7_200_000);
  assert.ok(steadyMs() - before < 60_000);
  t.mock.timers.setTime(1e12 - 3_600_000);
  assert.ok(steadyMs() >= before);
});
