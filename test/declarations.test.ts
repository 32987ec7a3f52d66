/** The built declarations: what an entry shows can be imported, and what can be imported says what it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packageJson } from "./support/consumer.ts";
import { missingOf, readEntries } from "./support/declarations.ts";

const entries = readEntries();

test("every entry of the package is read, and exports something", () => {
  assert.equal(entries.length, Object.keys(packageJson().exports).length - 1);
  for (const { name, names } of entries) assert.ok(names.length > 0, name);
});

test("every name has a doc sentence, and every type it shows can be imported", () => {
  assert.deepEqual(missingOf(entries), []);
});
