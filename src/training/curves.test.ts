import assert from "node:assert/strict";
import { test } from "node:test";
import { curvesPage } from "./curves.ts";

test("a title and the names of numbers are text on the page, whatever they hold", () => {
  const name = `"><script>alert(1)</script>`;
  const page = curvesPage(`run ${name}`, [
    { step: 0, [name]: 1 },
    { step: 1, [name]: 2 },
  ]);
  assert.ok(!page.includes("<script"), page);
  assert.ok(page.includes("alert(1)"));
});

test("numbers that never change have no curve", () => {
  const page = curvesPage("run", [
    { step: 0, loss: 2, rate: 1 },
    { step: 1, loss: 1, rate: 1 },
  ]);
  assert.ok(page.includes("<figcaption>loss</figcaption>"));
  assert.ok(!page.includes("<figcaption>rate</figcaption>"));
});
