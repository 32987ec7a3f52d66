/** Opening: beside another process, and files that are no memory or a damaged one. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import Database from "better-sqlite3";
import {
  addTestStream,
  frameOf,
  observationOf,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { StoreError } from "../errors.ts";
import { exportMemory } from "./export.ts";
import { applicationId, migrations } from "./schema.ts";

const folder = temporaryFolder("open");
let opened = 0;
const newDirectory = () => join(folder, String(opened++));
const writer = join(import.meta.dirname, "../../test/support/remember-forever.ts");
const code = (name: string) => (error: unknown) => error instanceof StoreError && error.code === name;

async function closedMemory(): Promise<string> {
  const memory = await openTestMemory(newDirectory());
  await addTestStream(memory, "kitchen");
  await remember(memory, "kitchen", 0, ["Ann: the kettle is hot"]);
  await memory.close();
  return memory.directory;
}

describe("two processes at once", () => {
  test("one writes a stream; the other reads it, recalls from it, writes another, and may not write the same", async () => {
    const directory = newDirectory();
    const child = spawn(process.execPath, [writer, directory, "camera"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    try {
      await lines.next();
      const memory = await openTestMemory(directory, { now: Date.now }); // leases compare clocks
      await addTestStream(memory, "hall");
      await assert.rejects(memory.lease("camera"), code("stream-busy"));
      const lease = await memory.lease("hall");
      for (let clip = 0; clip < 12; clip++) {
        const [acknowledged, ...ids] = (await lines.next()).value!.split(" ");
        const entries = await memory.entries({ streams: ["camera"], clips: [Number(acknowledged)] });
        assert.deepEqual(entries.map(({ id }) => id).sort(), ids.sort(), "what was acknowledged is seen");
        const text = `The second thing of clip ${acknowledged}`;
        const [best] = await memory.recall({ text, clips: [Number(acknowledged)] });
        assert.equal(best!.entry.text, text);
        await remember(memory, "hall", clip, [`A thing in the hall ${clip}`]);
      }
      const state = await memory.policyState("choice", "hall");
      assert.deepEqual(state.value, { last: "A thing in the hall 11" });
      await lease.release();
      child.kill("SIGKILL");
      await once(child, "exit");
      const { documents } = await memory.policyState("choice", "hall");
      assert.equal(documents, (await memory.entries()).length, "counts of both processes add up");
      assert.deepEqual(await memory.check(), []);
      await (await memory.lease("camera")).release();
      await memory.close();
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("may create the same memory at the same moment", async () => {
    const directory = newDirectory();
    const children = ["one", "two", "three"].map((stream) =>
      spawn(process.execPath, [writer, directory, stream], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => once(child, "exit")));
    const memory = await openTestMemory(directory);
    assert.equal((await memory.streams()).length, 3);
    assert.deepEqual(await memory.check(), []);
    await memory.close();
  });
});

/** A memory of an early version, with one stream, entry, task and adapter. */
function olderMemory(version: number): string {
  const directory = newDirectory();
  mkdirSync(directory);
  const raw = new Database(join(directory, "memory.db"));
  for (const migration of migrations.slice(0, version)) raw.exec(migration);
  raw.pragma(`application_id = ${applicationId}`);
  raw.pragma(`user_version = ${version}`);
  raw.exec(`
    insert into stream (row, id, description, clip_seconds, clock, added_at_ms, next_clip)
      values (1, 'kitchen', 'kitchen.mp4', 10, '{"kind":"media"}', 5, 1);
    insert into clip (stream, clip, state, start_seconds, end_seconds) values (1, 0, 'stored', 0, 10);
    insert into task (id, asked_at_ms, value)
      values ('task_1', 7, '{"id":"task_1","askedAtMs":7,"question":{"text":"Where?","options":[]},"citations":[]}');
    insert into adapter (id, policy, revision, state, reason, at_ms, tasks, file)
      values ('adapter_1', 'choice', 'r1', 'active', 'it won', 9, '["task_1"]', '{}');
  `);
  raw.close();
  return directory;
}

describe("opening brings up to date", () => {
  for (let version = 1; version < migrations.length; version++) {
    test(`a memory of schema version ${version}, with all it holds, and logs changes from then on`, async () => {
      const memory = await openTestMemory(olderMemory(version));
      assert.deepEqual(
        [(await memory.streams()).length, (await memory.tasks()).length, (await memory.adapters())[0]!.id],
        [1, 1, "adapter_1"],
      );
      const changes = memory.changes();
      const { stored } = await remember(memory, "kitchen", 1, ["Ann: tea is ready"]);
      for await (const { cursor: _, ...change } of changes) {
        assert.deepEqual(change, { kind: "entry", entry: stored[0]!.id, stream: "kitchen", clip: 1 });
        break;
      }
      assert.equal((await memory.recall({ text: "tea" }))[0]!.entry.id, stored[0]!.id);
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });
  }
});

describe("files", () => {
  /** Permissions of all that is in a directory, in octal; of the directory itself too if asked. */
  const modesIn = (directory: string) =>
    new Set(
      readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
        const { mode } = statSync(join(entry.parentPath, entry.name));
        return `${entry.isDirectory() ? "directory" : "file"} ${(mode & 0o777).toString(8)}`;
      }),
    );
  const ownOnly = new Set(["file 600", "directory 700"]);

  test("are their owner's only, also in a directory that others may read, and in an export", async (t) => {
    if (process.platform === "win32") return t.skip("files have no such mode there");
    const [directory, exported] = [newDirectory(), newDirectory()];
    for (const path of [directory, exported]) mkdirSync(path, { mode: 0o755 });
    const memory = await openTestMemory(directory);
    await addTestStream(memory, "kitchen");
    await remember(memory, "kitchen", 0, ["Ann: tea"], { frames: [frameOf(0, "a picture")] });
    assert.deepEqual(modesIn(directory), ownOnly);
    await exportMemory(memory, exported);
    assert.deepEqual(modesIn(exported), ownOnly);
    assert.equal(statSync(directory).mode & 0o777, 0o755);
    await memory.close();
  });

  test("of earlier versions become their owner's only", async (t) => {
    if (process.platform === "win32") return t.skip("files have no such mode there");
    const directory = olderMemory(1);
    chmodSync(join(directory, "memory.db"), 0o644);
    mkdirSync(join(directory, "blobs"), { mode: 0o755 });
    await (await openTestMemory(directory)).close();
    assert.deepEqual(modesIn(directory), ownOnly);
  });

  test("cut off while they are open are an error, not the end of the process", async () => {
    const directory = await closedMemory();
    const memory = await openTestMemory(directory);
    truncateSync(join(directory, "memory.db"), 8192);
    const codes = ["store-corrupt", "store-io"];
    await assert.rejects(
      memory.entries(),
      (error: unknown) => error instanceof StoreError && codes.includes(error.code),
    );
    await memory.close();
  });
});

describe("opening refuses", () => {
  test("a file of a newer version, which it names", async () => {
    const directory = await closedMemory();
    const raw = new Database(join(directory, "memory.db"));
    raw.pragma("user_version = 99");
    raw.close();
    const before = readFileSync(join(directory, "memory.db"));
    await assert.rejects(openTestMemory(directory), (error: unknown) => {
      assert.ok(code("store-newer")(error));
      return (error as Error).message.includes(
        `schema version 99; this TaskMem reads versions up to ${migrations.length}`,
      );
    });
    assert.ok(readFileSync(join(directory, "memory.db")).equals(before));
  });

  test("a file that is no database, and leaves it unchanged", async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    const file = join(directory, "memory.db");
    writeFileSync(file, "these are my own notes, not a database ".repeat(200));
    const before = readFileSync(file);
    for (const readOnly of [false, true]) {
      await assert.rejects(openTestMemory(directory, { readOnly }), code("store-corrupt"));
    }
    assert.ok(readFileSync(file).equals(before));
    assert.ok(!existsSync(join(directory, "memory.db-wal")));
  });

  test("a memory with damaged pages, and leaves it unchanged", async () => {
    const directory = await closedMemory();
    const file = join(directory, "memory.db");
    const damaged = readFileSync(file);
    damaged.fill(0x5a, 100, 8192);
    writeFileSync(file, damaged);
    await assert.rejects(openTestMemory(directory), code("store-corrupt"));
    assert.ok(readFileSync(file).equals(damaged));
  });

  test("another program's database, and leaves it unchanged", async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    const file = join(directory, "memory.db");
    const raw = new Database(file);
    raw.exec("create table recipe (name text)");
    raw.close();
    const before = readFileSync(file);
    await assert.rejects(openTestMemory(directory), code("store-foreign"));
    assert.ok(readFileSync(file).equals(before));
  });

  test("a plain file in place of the directory", async () => {
    const file = newDirectory();
    writeFileSync(file, "notes");
    for (const directory of [file, join(file, "below")]) {
      await assert.rejects(openTestMemory(directory), code("store-unopenable"));
    }
    assert.equal(readFileSync(file, "utf8"), "notes");
  });

  test("a directory in place of the file", async () => {
    const directory = newDirectory();
    mkdirSync(join(directory, "memory.db"), { recursive: true });
    await assert.rejects(openTestMemory(directory), code("store-unopenable"));
  });

  test("to read a missing memory, and creates none", async () => {
    const directory = newDirectory();
    await assert.rejects(openTestMemory(directory, { readOnly: true }), code("store-missing"));
    assert.ok(!existsSync(directory));
  });
});

describe("a memory opened read-only", () => {
  test("of an early version is read as of this one, and left as it is", async () => {
    const directory = olderMemory(1);
    const before = readFileSync(join(directory, "memory.db"));
    const memory = await openTestMemory(directory, { readOnly: true });
    assert.deepEqual([(await memory.streams()).length, (await memory.tasks()).length], [1, 1]);
    await assert.rejects(memory.endStream("kitchen"), code("store-read-only"));
    await memory.close();
    assert.ok(readFileSync(join(directory, "memory.db")).equals(before));
  });

  test("answers beside a writer and refuses to write", async () => {
    const directory = await closedMemory();
    const other = await openTestMemory(directory);
    const memory = await openTestMemory(directory, { readOnly: true });
    await remember(other, "kitchen", 1, ["Bob: tea is ready"]);
    assert.equal((await memory.recall({ text: "tea" }))[0]!.entry.text, "Bob: tea is ready");
    await assert.rejects(memory.addObservation(observationOf("kitchen", 2)), code("store-read-only"));
    await assert.rejects(memory.forget({ query: "tea" }), code("store-read-only"));
    assert.deepEqual(await memory.check(), []);
    await memory.close();
    await other.close();
  });

  test("in a read-only directory can be read, and is refused for writing", async (t) => {
    const directory = await closedMemory();
    const script = `
      import { openTestMemory } from ${JSON.stringify(join(import.meta.dirname, "../../test/support/memory.ts"))};
      const [directory] = process.argv.slice(-1);
      const refused = await openTestMemory(directory).then(() => "opened", (error) => error.code);
      const memory = await openTestMemory(directory, { readOnly: true });
      const [{ entry }] = await memory.recall({ text: "kettle" });
      console.log(JSON.stringify([refused, entry.text]));
      await memory.close();
    `;
    // Root may write anywhere, so the child process runs as another user.
    const otherUser = 65_534;
    const isRoot = process.getuid?.() === 0;
    if (process.platform === "win32") return t.skip("directories have no such mode there");
    const user = isRoot ? { uid: otherUser, gid: otherUser } : {};
    const probe = spawnSync(process.execPath, ["--check", writer], user);
    if (probe.status !== 0) return t.skip("another user cannot read this checkout");
    chmodSync(folder, 0o755);
    chmodSync(join(directory, "memory.db"), 0o444);
    chmodSync(directory, 0o555);
    try {
      const out = execFileSync(process.execPath, ["--input-type=module", "-e", script, directory], {
        encoding: "utf8",
        ...user,
      });
      assert.deepEqual(JSON.parse(out), ["store-read-only", "Ann: the kettle is hot"]);
    } finally {
      chmodSync(directory, 0o700);
      rmSync(directory, { recursive: true });
    }
  });
});
