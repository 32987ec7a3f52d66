/** The change log on disk: other processes, bounds, and what forgetting leaves in the file. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import Database from "better-sqlite3";
import {
  addTestStream,
  filesHolding,
  observationOf,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { keptChanges } from "./change-feed.ts";
import { logChange } from "./change-log.ts";
import { openDatabase } from "./database.ts";

const folder = temporaryFolder("changes");
const writer = join(import.meta.dirname, "../../test/support/remember-forever.ts");

test("entries of another process arrive once and in order, and nothing uncommitted does", async () => {
  const directory = join(folder, "two");
  const memory = await openTestMemory(directory);
  const child = spawn(process.execPath, [writer, directory, "camera"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const told: string[] = [];
    const acknowledged: string[] = [];
    const reading = (async () => {
      for await (const line of createInterface({ input: child.stdout }))
        acknowledged.push(...line.split(" ").slice(1));
    })();
    for await (const change of memory.changes()) {
      if (change.kind === "entry") told.push(change.entry);
      if (told.length >= 20) break;
    }
    child.kill("SIGKILL");
    await Promise.all([once(child, "exit"), reading]);
    assert.deepEqual(told.slice(0, acknowledged.length), acknowledged.slice(0, told.length));
    for (const id of told) assert.notEqual(await memory.entry(id), null);
  } finally {
    child.kill("SIGKILL");
    await memory.close();
  }
});

test("a memory opened read-only follows what is written to it", async () => {
  const memory = await openTestMemory(join(folder, "watched"));
  await addTestStream(memory, "kitchen");
  const reader = await openTestMemory(memory.directory, { readOnly: true });
  const changes = reader.changes()[Symbol.asyncIterator]();
  const next = changes.next();
  const { stored } = await remember(memory, "kitchen", 0, ["Ann: tea"]);
  const { cursor, ...change } = (await next).value!;
  assert.deepEqual(change, { kind: "entry", entry: stored[0]!.id, stream: "kitchen", clip: 0 });
  await reader.close();
  await memory.close();
});

test("the log keeps only the last changes", () => {
  const db = openDatabase(join(folder, "bounded"), { readOnly: false });
  db.perform((steps) =>
    steps.write(function* () {
      for (let i = 0; i < keptChanges + 1000; i++) yield* logChange(steps, { kind: "task", id: `task_${i}` });
    }),
  );
  db.close();
  const raw = new Database(join(folder, "bounded", "memory.db"));
  assert.deepEqual(raw.prepare("select count(*) as n, max(row) as last from change").get(), {
    n: keptChanges,
    last: keptChanges + 1000,
  });
  raw.close();
});

test("a change that is rolled back is not in the log", async () => {
  const memory = await openTestMemory(join(folder, "rolled-back"));
  await addTestStream(memory, "kitchen");
  const { stored } = await remember(memory, "kitchen", 0, ["Ann: tea"]);
  const changes = memory.changes();
  await memory.forget({ entries: [stored[0]!.id] }, { dryRun: true });
  await memory.addObservation(observationOf("kitchen", 1));
  await memory.closeEntry(stored[0]!.id, "over");
  for await (const change of changes) {
    assert.equal(change.kind, "entry-closed");
    break;
  }
  await memory.close();
});

test("neither the text nor the name of a forgotten stream is in the file", async () => {
  const memory = await openTestMemory(join(folder, "forgotten"));
  await addTestStream(memory, "zanzibarkanarie");
  await remember(memory, "zanzibarkanarie", 0, ["Quentin: the quetzal sleeps"]);
  await memory.addGap({
    ...{ kind: "gap", stream: "zanzibarkanarie", startSeconds: 10, endSeconds: 20 },
    ...{ reason: "source-down", detail: "The quetzal's camera was off." },
  });
  for (const trace of ["zanzibarkanarie", "quetzal"])
    assert.ok(filesHolding(memory.directory, trace).length > 0, trace);
  await memory.forget({ streams: ["zanzibarkanarie"] });
  for (const trace of ["zanzibarkanarie", "quetzal"])
    assert.deepEqual(filesHolding(memory.directory, trace), [], trace);
  await memory.close();
});
