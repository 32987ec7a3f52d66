import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openTestMemory, rawDatabase, temporaryFolder } from "../../test/support/memory.ts";

test("an adapter of an older file has its state as its history", async () => {
  const memory = await openTestMemory(join(temporaryFolder("adapters"), "older"));
  await memory.addAdapter({
    ...{ id: "a", policy: "choice", revision: "r-a", state: "active", reason: "it was good", atMs: 7 },
    ...{ tasks: [], file: "{}" },
  });
  const { directory } = memory;
  await memory.close();
  const raw = rawDatabase(directory);
  raw.exec("update adapter set history = '[]'");
  raw.close();
  const again = await openTestMemory(directory);
  const [kept] = await again.adapters();
  assert.deepEqual(kept!.history, [{ state: "active", reason: "it was good", atMs: 7 }]);
  assert.equal(await again.rollbackAdapter("choice"), null);
  await again.close();
});
