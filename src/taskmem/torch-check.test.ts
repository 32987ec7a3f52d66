import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../config.ts";
import { torchFinding } from "./torch-check.ts";

const folder = mkdtempSync(join(tmpdir(), "torch-check-"));
const plain = parseConfig({});
const withFolder = parseConfig({ model: { model: folder } });

/** A program that stands for a Python: it prints these lines, or fails with one. */
function python(name: string, body: string): { TASKMEM_PYTHON: string; PATH: string | undefined } {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return { TASKMEM_PYTHON: path, PATH: process.env.PATH };
}

const versions = '{"torch": "2.13.0", "transformers": "5.23.0", "safetensors": "0.8.0", "python": "3.11.7"}';

test("an environment that is not there is missing, and broken for a model in a folder", async () => {
  const env = { XDG_CACHE_HOME: join(folder, "empty") };
  const without = await torchFinding(plain, env);
  assert.deepEqual([without.state, without.fix?.split("   ")[0]], ["missing", "taskmem train setup"]);
  assert.equal((await torchFinding(withFolder, env)).state, "broken");
});

test("one that works tells its versions, and what it computes on where it is needed", async () => {
  const idle = await torchFinding(plain, python("idle", `echo '${versions}'`));
  assert.equal(idle.state, "ok");
  assert.match(idle.detail, /^torch 2\.13\.0, transformers 5\.23\.0 \(Python 3\.11\.7, /);
  const cpu = await torchFinding(withFolder, python("cpu", `echo '${versions}'\necho null`));
  assert.match(cpu.detail, /, on the CPU \(/);
  const gpu = await torchFinding(withFolder, python("gpu", `echo '${versions}'\necho '"NVIDIA H100"'`));
  assert.match(gpu.detail, /, on NVIDIA H100 \(/);
});

test("one that does not work says why, and how to mend it", async () => {
  const failing = python("failing", "echo 'ModuleNotFoundError: No module named torch' >&2\nexit 1");
  const named = await torchFinding(withFolder, failing);
  assert.equal(named.state, "broken");
  assert.match(named.detail, /failing does not work: ModuleNotFoundError: No module named torch$/);
  assert.match(named.fix!, /TASKMEM_PYTHON/);
  const gone = await torchFinding(plain, { TASKMEM_PYTHON: join(folder, "gone") });
  assert.equal(gone.state, "missing");
  assert.match(gone.detail, /gone/);
});
