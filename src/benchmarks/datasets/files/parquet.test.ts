import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataError } from "../../../errors.ts";
import { randomInt, seededRandom } from "../../../util/random.ts";
import { readParquet } from "./parquet.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-parquet-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const whole = readFileSync(join(import.meta.dirname, "__fixtures__/official-list.parquet"));

/** The made-up rows with some bytes changed: `[place, value]`. */
function damaged(...changes: readonly (readonly [number, number])[]): string {
  const bytes = Buffer.from(whole);
  for (const [place, value] of changes) bytes[place] = value;
  const path = join(folder, "damaged.parquet");
  writeFileSync(path, bytes);
  return path;
}

const unreadable = (path: string) => (error: unknown) => {
  assert.ok(error instanceof DataError);
  assert.equal(error.code, "annotations-unreadable");
  assert.ok(error.message.includes(path), error.message);
  return true;
};

test("a row has the text and the lists of its columns", async () => {
  const rows = await readParquet(damaged());
  assert.equal(rows.length, 9);
  assert.equal(typeof rows[0]!.question, "string");
  assert.equal((rows[0]!.options as unknown[]).length, 4);
});

test("a file whose reader takes all memory, or never ends, is an error that names it", async () => {
  for (const changes of [
    [
      [1432, 218],
      [3800, 112],
      [3198, 83],
    ],
    [[1432, 224]],
  ] as [number, number][][]) {
    const path = damaged(...changes);
    await assert.rejects(readParquet(path), unreadable(path));
  }
});

test("a damaged file is read or refused, and never ends the process", async () => {
  const random = seededRandom("damaged parquet");
  let refused = 0;
  for (let i = 0; i < 12; i++) {
    const changes = Array.from(
      { length: 1 + randomInt(random, 3) },
      () => [randomInt(random, whole.length), randomInt(random, 256)] as const,
    );
    const path = damaged(...changes);
    try {
      assert.equal((await readParquet(path)).length, 9);
    } catch (error) {
      unreadable(path)(error);
      refused += 1;
    }
  }
  assert.ok(refused > 0);
});

test("a file that is cut, empty or missing is refused", async () => {
  const path = join(folder, "cut.parquet");
  for (const length of [0, 3, 12, whole.length / 2]) {
    writeFileSync(path, whole.subarray(0, length));
    await assert.rejects(readParquet(path), unreadable(path));
  }
  const none = join(folder, "none.parquet");
  await assert.rejects(readParquet(none), unreadable(none));
});
