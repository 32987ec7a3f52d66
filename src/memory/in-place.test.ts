/** Files deleted or replaced under a process that writes: nothing more is acknowledged, and others lose nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { addTestStream, openTestMemory, remember, temporaryFolder } from "../../test/support/memory.ts";
import { texts } from "../../test/support/store.ts";
import { StoreError } from "../errors.ts";
import type { StoredMemory } from "./stored-memory.ts";

const folder = temporaryFolder("in-place");
let opened = 0;
const newDirectory = () => join(folder, String(opened++));
const replaced = (error: unknown) => error instanceof StoreError && error.code === "store-replaced";
const writer = join(import.meta.dirname, "../../test/support/remember-forever.ts");

async function kitchen(): Promise<StoredMemory> {
  const memory = await openTestMemory(newDirectory());
  await addTestStream(memory, "kitchen");
  await remember(memory, "kitchen", 0, ["Ann: the kettle is hot"]);
  return memory;
}

describe("while a memory is written", () => {
  test("a deleted file ends it before anything more is acknowledged", async () => {
    const memory = await kitchen();
    rmSync(join(memory.directory, "memory.db"));
    await assert.rejects(remember(memory, "kitchen", 1, ["Ann: tea is ready"]), replaced);
    await assert.rejects(memory.addGap(gap), replaced);
    await memory.close();
  });

  test("a directory that is moved ends it, and holds all that was acknowledged", async () => {
    const memory = await kitchen();
    const moved = `${memory.directory}-moved`;
    renameSync(memory.directory, moved);
    await assert.rejects(remember(memory, "kitchen", 1, ["Ann: tea is ready"]), replaced);
    await memory.close();
    const again = await openTestMemory(moved);
    assert.deepEqual(await texts(again), ["Ann: the kettle is hot"]);
    await again.close();
  });

  test("another memory in its place ends it, and keeps all it holds", async () => {
    const [memory, other] = [await kitchen(), await openTestMemory(newDirectory())];
    await addTestStream(other, "hall");
    await remember(other, "hall", 0, ["Bob: the dog is out"]);
    // With its log, as a copy of a memory in use is restored.
    cpSync(other.directory, `${other.directory}-copy`, { recursive: true });
    rmSync(`${other.directory}-copy/memory.db-shm`, { force: true });
    renameSync(memory.directory, `${memory.directory}-old`);
    renameSync(`${other.directory}-copy`, memory.directory);
    await assert.rejects(remember(memory, "kitchen", 1, ["Ann: tea is ready"]), replaced);
    await memory.close();
    await other.close();
    const again = await openTestMemory(memory.directory);
    assert.deepEqual(await texts(again), ["Bob: the dog is out"]);
    assert.deepEqual(await again.check(), []);
    await again.close();
  });

  test("a deleted log ends it, and what was acknowledged is written into the file", async () => {
    const memory = await kitchen();
    rmSync(join(memory.directory, "memory.db-wal"));
    await assert.rejects(remember(memory, "kitchen", 1, ["Ann: tea is ready"]), replaced);
    await memory.close();
    const again = await openTestMemory(memory.directory);
    assert.deepEqual(await texts(again), ["Ann: the kettle is hot"]);
    await again.close();
  });

  test("a deleted log ends it, and a second process that came after keeps what it wrote", async () => {
    const directory = newDirectory();
    const child = spawn(process.execPath, [writer, directory, "camera"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      const said: string[] = [];
      child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      for (let clip = 0; clip < 5; clip++) await lines.next();
      child.kill("SIGSTOP");
      for (const end of ["-wal", "-shm"]) rmSync(join(directory, `memory.db${end}`));
      const memory = await openTestMemory(directory);
      await addTestStream(memory, "hall");
      for (let clip = 0; clip < 20; clip++) await remember(memory, "hall", clip, [`Lamp ${clip} is on`]);
      const exited = once(child, "exit");
      child.kill("SIGCONT");
      assert.notEqual((await exited)[0], 0);
      assert.match(said.join(""), /memory\.db-wal was deleted, moved or replaced/);
      await memory.close();
      const again = await openTestMemory(directory);
      assert.equal((await again.entries({ streams: ["hall"] })).length, 20);
      assert.deepEqual(await again.check(), []);
      await again.close();
    } finally {
      child.kill("SIGKILL");
    }
  });
});

const gap = {
  ...{ kind: "gap" as const, stream: "kitchen", startSeconds: 20, endSeconds: 30 },
  ...{ reason: "source-down" as const, detail: "The camera was off." },
};
