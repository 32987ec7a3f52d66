/** What a check finds: damage that SQLite itself does not see. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bitRot, fillWithEverything } from "../../test/support/bit-rot.ts";
import { openTestMemory, rawDatabase, temporaryFolder } from "../../test/support/memory.ts";
import { blobPath } from "./blobs.ts";
import type { StoredMemory } from "./stored-memory.ts";

const folder = temporaryFolder("check");
let opened = 0;

async function everything(): Promise<StoredMemory> {
  const directory = join(folder, String(opened++));
  await fillWithEverything(directory);
  return openTestMemory(directory);
}

test("none of 24 damaged copies of a memory is read as if it were whole", async () => {
  const all = await bitRot(join(folder, "copies"), 24, "check");
  assert.deepEqual(
    all.filter(({ outcome }) => outcome === "silent" || outcome === "unclear"),
    [],
  );
  assert.ok(all.filter(({ outcome }) => outcome === "found").length > 8);
});

describe("a check finds", () => {
  test("nothing in a memory that holds something of everything, also after it was indexed again", async () => {
    const memory = await everything();
    assert.deepEqual(await memory.check(), []);
    await memory.reindex();
    assert.deepEqual(await memory.check(), []);
    await memory.close();
  });

  test("a byte of a picture", async () => {
    const memory = await everything();
    const [entry] = (await memory.entries()).filter(({ evidence }) => evidence.frames.length > 0);
    const path = blobPath(join(memory.directory, "blobs"), entry!.evidence.frames[0]!.hash);
    const bytes = readFileSync(path);
    bytes[3]! ^= 1;
    writeFileSync(path, bytes);
    assert.match((await memory.check()).join(), /^The blob .* changed on the disk/);
    await memory.close();
  });

  // Triggers keep checksums, so what is changed past them is changed as a disk would.
  const changes: Readonly<Record<string, readonly [change: string, found: RegExp]>> = {
    "a word of an entry": [
      "update entry set text = replace(text, 'kettle 3', 'kettle 8')",
      /2 rows of entry changed on the disk: the checksum does not match \(entry_.*, entry_.*\)/,
    ],
    "a time of a clip": ["update clip set start_seconds = 5 where row = 2", /1 row of clip changed/],
    "a count of a word": ["update word set documents = documents + 1 where row = 3", /1 row of word changed/],
    "a missing trigger": [
      "drop trigger if exists checksum_update_gap",
      /tables are not those of this version/,
    ],
    "a word of the text index": [
      "update entry_text set stems = 'nothing' where rowid = 4",
      /1 entries are not in the text index as they are/,
    ],
    "a number of a vector": [
      "update entry_vector_1_vector_chunks00 set vectors = zeroblob(length(vectors))",
      /vectors changed on the disk/,
    ],
    "a time in the vector index": [
      "update entry_vector_1_metadatachunks00 set data = zeroblob(length(data))",
      /vectors changed on the disk/,
    ],
    "a vector that is missing": [
      "update entry_vector_1_chunks set validity = zeroblob(length(validity))",
      /entries have no vector/,
    ],
  };
  for (const [what, [change, found]] of Object.entries(changes)) {
    test(what, async () => {
      const memory = await everything();
      const raw = rawDatabase(memory.directory);
      const triggers = raw
        .prepare<[], { name: string; sql: string }>(
          "select name, sql from sqlite_schema where type = 'trigger'",
        )
        .all();
      for (const { name } of triggers) raw.exec(`drop trigger ${name}`);
      raw.exec(change);
      for (const { name, sql } of triggers) if (!change.includes(name)) raw.exec(sql);
      raw.close();
      assert.match((await memory.check()).join(" "), found);
      await memory.close();
    });
  }
});
