/** Commands that only read work on a read-only mount and on a full disk, with all that was acknowledged before. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { type CliRun, taskmem, temporaryFolder } from "./support/cli.ts";
import { addTestStream, frameOf, openTestMemory, remember } from "./support/memory.ts";

const folder = temporaryFolder();
const mounts: string[] = [];
after(() => {
  for (const path of mounts) spawnSync("umount", [path]);
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A memory whose last entries are in the log alone, as a killed process leaves it.
 * @param options.shared whether its shared file is there too; a backup often leaves it out
 */
async function killedMemory(directory: string, { shared = false } = {}): Promise<void> {
  const place = join(folder, "alive");
  const memory = await openTestMemory(place);
  await addTestStream(memory, "kitchen");
  await remember(memory, "kitchen", 0, ["Ann: the kettle is hot"], { frames: [frameOf(0, "a picture")] });
  await remember(memory, "kitchen", 1, ["Bob: the deadline is on Friday"]);
  cpSync(place, directory, { recursive: true });
  if (!shared) rmSync(join(directory, "memory.db-shm"));
  await memory.close();
  rmSync(place, { recursive: true });
}

/** Mounts a file system in memory at a new path; skips the test where that is not allowed. */
function mounted(t: TestContext, name: string, size: string): string | null {
  const path = join(folder, name);
  mkdirSync(path);
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  if (status === 0) {
    mounts.push(path);
    return path;
  }
  t.skip(`a file system cannot be mounted here: ${stderr ?? "there is no mount"}`);
  return null;
}

/** Runs a command on a memory, which must do its work. */
async function works(directory: string, ...args: string[]): Promise<CliRun> {
  const run = await taskmem([...args, "--memory", directory]);
  assert.equal(run.code, 0, `${args.join(" ")}: ${run.stderr}`);
  return run;
}

async function assertReadable(directory: string, why: RegExp): Promise<void> {
  assert.match((await works(directory, "timeline")).stdout, /kettle is hot[\s\S]*deadline is on Friday/);
  const asked = await works(directory, "ask", "When is the deadline?");
  assert.match(asked.stdout, /Friday/);
  assert.match(asked.stderr, /could not be recorded/);
  assert.match(asked.stderr, why);
  const [answer] = (await works(directory, "ask", "When is the deadline?", "--json")).rows;
  assert.equal(answer!.task, null);
  assert.match(String(answer!.notRecorded), why);
  await works(directory, "tasks");
  await works(directory, "adapt");
  assert.match((await works(directory, "doctor")).stdout, /1 stream, 2 clips, 2 entries.*sound/);
  const exported = join(folder, `export-of-${directory.split("/").at(-1)}`);
  await works(directory, "export", exported);
  assert.ok(readFileSync(join(exported, "memory.jsonl"), "utf8").includes("deadline is on Friday"));
  const refused = await taskmem(["forget", "--query", "kettle", "--memory", directory, "--json"]);
  assert.equal(refused.code, 5);
  assert.match(String(refused.rows[0]!.code), /^(store-read-only|disk-full)$/);
}

describe("a memory with a log", { skip: process.platform !== "linux" && "mounts are made for Linux" }, () => {
  test("is read on a read-only mount, and left as it is", async (t) => {
    const path = mounted(t, "read-only", "8m");
    if (path === null) return;
    await killedMemory(path);
    const before = readdirSync(path).sort();
    spawnSync("mount", ["-o", "remount,ro", path]);
    await assertReadable(path, /read-only/);
    assert.deepEqual(readdirSync(path).sort(), before);
  });

  test("is read on a read-only mount that holds its shared file", async (t) => {
    const path = mounted(t, "read-only-shared", "8m");
    if (path === null) return;
    await killedMemory(path, { shared: true });
    spawnSync("mount", ["-o", "remount,ro", path]);
    assert.match((await works(path, "timeline")).stdout, /kettle is hot[\s\S]*deadline is on Friday/);
  });

  test("is read on a full disk", async (t) => {
    const path = mounted(t, "full", "2m");
    if (path === null) return;
    await killedMemory(path);
    assert.throws(() => writeFileSync(join(path, "ballast"), Buffer.alloc(4e6)), /ENOSPC/);
    assert.ok(existsSync(join(path, "ballast")));
    await assertReadable(path, /disk is full|read-only/);
    const exported = await taskmem(["export", join(path, "export"), "--memory", path, "--json"]);
    assert.equal(exported.code, 5);
    assert.equal(exported.rows[0]!.code, "disk-full");
    assert.ok(!existsSync(join(path, "export")));
  });
});
