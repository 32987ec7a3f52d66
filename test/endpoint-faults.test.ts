/** No fault of a model endpoint costs a clip or lets the key out. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { canaryKey } from "./support/canary.ts";
import { endpointFaults, meetFault } from "./support/endpoint-faults.ts";
import { temporaryFolder } from "./support/memory.ts";

process.env.TASKMEM_API_KEY = canaryKey;
const folder = temporaryFolder("faults");

for (const [i, kind] of endpointFaults.entries())
  test(`${kind.name}: exit code ${kind.code}, nothing lost, no key`, async () => {
    const { codes, stored, failed, spentTokens, leaks } = await meetFault(kind, join(folder, String(i)));
    assert.deepEqual(
      { codes, stored, failed, leaks },
      { codes: [kind.code, 0], stored: 6, failed: 0, leaks: [] },
    );
    assert.ok(spentTokens >= 0, "usage is sane");
  });
