/** The generated pages say what the code says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents, thrownCodes } from "../scripts/docs.ts";
import { EngineError, errorCodes, isTaskMemError, StoreError } from "../src/errors.ts";
import { root } from "./support/built.ts";

const pages = documents();

for (const [path, text] of Object.entries(pages)) {
  test(`${path} is what scripts/docs.ts writes`, () => {
    assert.ok(
      readFileSync(join(root, path), "utf8") === text,
      `${path} is out of date: node scripts/docs.ts`,
    );
  });
}

test("every code that is thrown is on the list, and every listed code is thrown", () => {
  const thrown = new Set(thrownCodes().map(({ code }) => code));
  assert.ok(thrown.size > 50, "found the codes");
  assert.deepEqual(
    [...thrown].filter((code) => !(code in errorCodes)),
    [],
  );
  assert.deepEqual(
    Object.keys(errorCodes).filter((code) => !thrown.has(code)),
    [],
  );
});

test("the list is in order, a sentence a code", () => {
  const codes = Object.keys(errorCodes);
  assert.deepEqual(codes, codes.toSorted());
  for (const [code, meaning] of Object.entries(errorCodes)) assert.match(meaning, /^[A-Zf].*\.$/, code);
});

test("docs/errors.md names every code with a class, its exit code and where it comes from", () => {
  const lines = pages["docs/errors.md"]!.split("\n");
  for (const code of Object.keys(errorCodes)) {
    const row = lines.find((line) => line.startsWith(`| \`${code}\` |`));
    assert.match(row ?? "", /\| (\w+Error(, )?)+ \| \d(, \d)* \| `[\w/-]+`/, code);
  }
});

test("`isTaskMemError` tells an error of TaskMem from others, and by its code", () => {
  const error = new EngineError("budget-spent", "The budget is spent");
  assert.ok(isTaskMemError(error));
  assert.ok(isTaskMemError(error, "budget-spent"));
  assert.ok(!isTaskMemError(error, "timeout"));
  assert.ok(isTaskMemError(new StoreError("disk-full", "The disk is full"), "disk-full"));
  assert.ok(!isTaskMemError(Object.assign(new Error("other"), { code: "timeout" }), "timeout"));
});
