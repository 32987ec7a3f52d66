/** The built declarations: what an entry shows can be imported, and what can be imported says what it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageJson } from "./support/consumer.ts";
import { readEntries, todoFile, todoOf } from "./support/declarations.ts";

const entries = readEntries();
const todo = readFileSync(todoFile, "utf8")
  .split("\n")
  .filter((line) => line !== "");
const found = todoOf(entries);

test("every entry of the package is read, and exports something", () => {
  assert.equal(entries.length, Object.keys(packageJson().exports).length - 1);
  for (const { name, names } of entries) assert.ok(names.length > 0, name);
});

test("every name has a doc sentence, and every type it shows can be imported", (t) => {
  t.diagnostic(`${todo.length} names still to do in test/declarations-todo.txt`);
  assert.deepEqual(
    found.filter((line) => !todo.includes(line)),
    [],
  );
});

test("the list of names to document holds none that is done", () => {
  assert.deepEqual(
    todo.filter((line) => !found.includes(line)),
    [],
    "node test/support/declarations.ts writes the list as it stands",
  );
});
