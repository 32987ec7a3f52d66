import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import Database from "better-sqlite3";
import { addTestStream, openTestMemory, remember, temporaryFolder } from "../../test/support/memory.ts";
import { logDamage, withLog } from "./write-ahead-log.ts";

const folder = temporaryFolder("write-ahead-log");
let opened = 0;

/** All texts in a database, in the order they were written. */
function textsIn(db: Database.Database): string[] {
  assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
  return db
    .prepare<[], { text: string }>("select text from entry order by row")
    .all()
    .map(({ text }) => text);
}

/** What SQLite reads when it recovers the log itself. */
function recovered(database: Buffer, log: Buffer): string[] {
  const directory = join(folder, String(opened++));
  mkdirSync(directory);
  writeFileSync(join(directory, "memory.db"), database);
  writeFileSync(join(directory, "memory.db-wal"), log);
  const db = new Database(join(directory, "memory.db"));
  const texts = textsIn(db);
  db.close();
  return texts;
}

function overlaid(database: Buffer, log: Buffer): string[] {
  const db = new Database(withLog(database, log), { readonly: true });
  const texts = textsIn(db);
  db.close();
  return texts;
}

describe("a database with its log", () => {
  test("is what SQLite makes of them, also where the log breaks off or is damaged", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    await addTestStream(memory, "kitchen");
    for (let clip = 0; clip < 20; clip++) await remember(memory, "kitchen", clip, [`Ann: kettle ${clip}`]);
    const [database, log] = ["", "-wal"].map((end) =>
      readFileSync(join(memory.directory, `memory.db${end}`)),
    );
    assert.equal(overlaid(database!, log!).length, 20);
    const made = [5, 4, 3, 2, 1].map((parts) => log!.subarray(0, Math.floor((log!.length * parts) / 6)));
    for (const offset of [0.4, 0.9].map((share) => Math.floor(log!.length * share))) {
      const damaged = Buffer.from(log!);
      damaged[offset]! ^= 4;
      made.push(damaged);
    }
    for (const part of made) {
      const expected = recovered(database!, part);
      assert.ok(expected.length < 20);
      assert.deepEqual(overlaid(database!, part), expected);
    }
    await memory.close();
  });

  test("is refused where the log is damaged before its end, and resumes where it was cut off", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    await addTestStream(memory, "kitchen");
    for (let clip = 0; clip < 20; clip++) await remember(memory, "kitchen", clip, [`Ann: kettle ${clip}`]);
    const copy = join(folder, String(opened++));
    cpSync(memory.directory, copy, { recursive: true });
    await memory.close();
    rmSync(join(copy, "memory.db-shm"));
    const path = join(copy, "memory.db-wal");
    const whole = readFileSync(path);
    assert.equal(logDamage(whole), null);
    for (const share of [0.5, 0.99]) assert.equal(logDamage(whole.subarray(0, whole.length * share)), null);
    for (const at of [0.1, 0.4, 0.8]) {
      const damaged = Buffer.from(whole);
      damaged[Math.floor(whole.length * at)]! ^= 1;
      writeFileSync(path, damaged);
      for (const readOnly of [false, true]) {
        await assert.rejects(
          openTestMemory(copy, { readOnly }),
          /memory\.db-wal is damaged at byte \d+, and \d+ commits/,
        );
      }
      assert.ok(readFileSync(path).equals(damaged));
    }
    truncateSync(path, logDamage(readFileSync(path))!.offset);
    const cut = await openTestMemory(copy);
    assert.ok((await cut.entries()).length > 10);
    assert.deepEqual(await cut.check(), []);
    await cut.close();
  });

  test("is the database where the log is empty", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    await addTestStream(memory, "kitchen");
    await remember(memory, "kitchen", 0, ["Ann: tea"]);
    await memory.close();
    const database = readFileSync(join(memory.directory, "memory.db"));
    assert.deepEqual(overlaid(database, Buffer.alloc(0)), ["Ann: tea"]);
  });
});
