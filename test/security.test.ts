/** SECURITY.md names a test beside each promise: the file is there, and holds the words. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

test("every promise names a test that exists", () => {
  const text = readFileSync(join(root, "SECURITY.md"), "utf8");
  const [promised = ""] = text.split("## Not promised");
  const rows = promised.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| Promise"));
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const [, file, words] = /\| `([^`]+\.test\.ts|test\/memory-cases\/[^`]+)`: (.+) \|$/.exec(row) ?? [];
    assert.ok(file && words, `a test stands beside: ${row}`);
    assert.ok(readFileSync(join(root, file), "utf8").includes(words), `${file} has no test "${words}"`);
  }
});
