/** Every example runs as it stands against the built package, asserts its own result, and stays short. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "./support/cli.ts";

const folder = resolve(import.meta.dirname, "../examples");
const mostLines = 60;

for (const name of readdirSync(folder)) {
  test(`${name} runs and is at most ${mostLines} lines`, async () => {
    const path = join(folder, name);
    assert.ok(readFileSync(path, "utf8").split("\n").length - 1 <= mostLines);
    // What goes wrong rejects with the example's own message.
    const { stdout } = await promisify(execFile)(process.execPath, [path], {
      env: { ...process.env, TMPDIR: temporaryFolder() },
    });
    assert.notEqual(stdout.trim(), "");
  });
}
