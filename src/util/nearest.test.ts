import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./nearest.ts";

test("finds the name that a misspelt one is nearest to, and none that is far", () => {
  const known = ["Tom", "Tina", "Łukasz", "Jürgen Müller", "hall"];
  assert.equal(nearestName("Tim", known), "Tom");
  assert.equal(nearestName("Tian", known), "Tina"); // two letters swapped
  assert.equal(nearestName("Lukas", known), "Łukasz");
  assert.equal(nearestName("Jurgen Miller", known), "Jürgen Müller");
  assert.equal(nearestName("Robert", known), null);
  assert.equal(nearestName("Al", known), null);
});
