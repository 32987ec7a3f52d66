/** Small versions of the soak tests, so that those asked for by name do not rot. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { faultRuns } from "./faults.ts";
import { fuzz } from "./fuzz.ts";
import { kills } from "./kills.ts";
import { emptyFolder, parsers } from "./parsers.ts";
import { isClean, type SoakRow } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-soak-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const assertClean = (rows: readonly SoakRow[]) =>
  assert.deepEqual(
    rows.filter((row) => !isClean(row)),
    [],
  );

test("every parser reads what is right", async () => {
  for (const { name, file, whole, read } of await parsers(join(folder, "seeds"))) {
    for (const bytes of whole) {
      const path = join(emptyFolder(join(folder, "input")), file);
      writeFileSync(path, bytes);
      await assert.doesNotReject(async () => read(path, bytes), name);
    }
  }
});

test("damaged inputs are read or refused", async () => {
  const rows = await fuzz(126, "small");
  assert.equal(
    rows.reduce((sum, { runs }) => sum + runs, 0),
    126,
  );
  assertClean(rows);
});

test("commands that are killed lose nothing, keep nothing twice and leave nothing half", async () => {
  assertClean(await kills(4, "small", null));
});

test("an endpoint that fails costs no clip, and its key is in no byte", async () => {
  assertClean(await faultRuns(["402", "the key, packed"]));
});
