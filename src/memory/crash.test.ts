/** Kills a process while it writes, and checks what it left. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import {
  addTestStream,
  frameOf,
  observationOf,
  openTestMemory,
  rawDatabase,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { sha256 } from "../util/hash.ts";
import { randomInt, seededRandom } from "../util/random.ts";
import { blobPath } from "./blobs.ts";

const folder = temporaryFolder("crash");
const writer = join(import.meta.dirname, "../../test/support/remember-forever.ts");

/** Runs the writer, kills it some time after its first commit, and returns the lines it printed. */
async function runUntilKilled(directory: string, afterMs: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [writer, directory, "camera"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on("line", (line) => lines.push(line));
  const ended = once(reader, "close");
  await once(reader, "line");
  await sleep(afterMs);
  child.kill("SIGKILL");
  const [[, signal]] = await Promise.all([once(child, "exit"), ended]);
  assert.equal(signal, "SIGKILL", "the writer ran until it was killed");
  return lines;
}

function blobFiles(directory: string): string[] {
  const blobs = join(directory, "blobs");
  if (!existsSync(blobs)) return [];
  return readdirSync(blobs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const isPartial = (path: string) => path.endsWith(".partial");

test("everything acknowledged is there after ten kills, no clip twice, and the file is intact", async () => {
  const directory = join(folder, "killed");
  const random = seededRandom("kills");
  const acknowledged = new Map<string, string[]>();
  for (let kill = 0; kill < 10; kill++) {
    for (const line of await runUntilKilled(directory, randomInt(random, 120))) {
      const [clip, ...ids] = line.split(" ");
      assert.ok(!acknowledged.has(clip!), `clip ${clip} was decided once`);
      acknowledged.set(clip!, ids);
    }
    const raw = new Database(join(directory, "memory.db"), { readonly: true });
    assert.equal(raw.pragma("integrity_check", { simple: true }), "ok");
    raw.close();
    for (const path of blobFiles(directory).filter((path) => !isPartial(path))) {
      assert.equal(sha256(readFileSync(path)), basename(path), "a blob is whole or absent");
    }

    const memory = await openTestMemory(directory);
    assert.deepEqual(await memory.check(), []);
    const entries = await memory.entries();
    const byClip = Map.groupBy(entries, ({ clip }) => clip);
    for (const [clip, ids] of acknowledged) {
      assert.deepEqual(
        byClip
          .get(Number(clip))
          ?.map(({ id }) => id)
          .sort(),
        ids.toSorted(),
      );
    }
    for (const ofClip of byClip.values()) assert.equal(ofClip.length, 2, "both statements of a clip or none");
    const { storedClips, nextClip, pending } = await memory.progress("camera", 5);
    assert.equal(storedClips, byClip.size);
    assert.equal(nextClip, storedClips + pending.length, "clips follow each other");
    const { documents, words } = await memory.policyState("choice", "camera");
    assert.deepEqual([documents, words.get("thing")], [2 * storedClips, 2 * storedClips]);
    for (const { evidence } of entries) {
      assert.ok((await memory.blob(evidence.frames[0]!.hash)) !== null, "a frame that is cited is there");
    }
    assert.deepEqual(blobFiles(directory).filter(isPartial), [], "half-written blobs are deleted");
    await memory.close();
  }
  assert.ok(acknowledged.size >= 10);
});

test("a half-written blob is invisible, is deleted, and does not stop the picture from being written", async () => {
  const memory = await openTestMemory(join(folder, "torn"));
  await addTestStream(memory, "camera");
  const bytes = Buffer.from("a picture of the garden");
  const hash = sha256(bytes);
  const path = blobPath(join(memory.directory, "blobs"), hash);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.torn.partial`, bytes.subarray(0, 7));
  assert.equal(await memory.blob(hash), null);
  await memory.close();
  // as the writer left it: the blob was announced, then written
  const raw = rawDatabase(memory.directory);
  raw.prepare("insert into loose_blob (hash) values (?)").run(hash);
  raw.close();
  const again = await openTestMemory(memory.directory);
  assert.deepEqual(blobFiles(memory.directory), []);
  await again.addObservation(observationOf("camera", 0, { frames: [frameOf(0, bytes.toString())] }));
  assert.deepEqual(Buffer.from((await again.blob(hash))!), bytes);
  assert.deepEqual(await again.check(), []);
  await again.close();
});
