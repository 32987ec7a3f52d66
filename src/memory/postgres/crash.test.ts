/** Kills of processes that write a memory in Postgres, and of the server itself: nothing acknowledged is lost or twice. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addTestStream, remember } from "../../../test/support/memory.ts";
import { testPostgres } from "../../../test/support/postgres.ts";
import { localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { openPostgresMemory } from "./postgres.ts";

const server = await testPostgres({ durable: true });
const skip = "skip" in server && server.skip;
const writer = join(import.meta.dirname, "../../../test/support/remember-forever.ts");
const open = (url: string) =>
  openPostgresMemory(url, { words: wordSpace, embedder: localEmbedder, now: Date.now });

/** Runs the writer, kills it some time after its first commit, and returns the lines it printed. */
async function runUntilKilled(url: string, afterMs: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [writer, url, "camera"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on("line", (line) => lines.push(line));
  const ended = once(reader, "close");
  await once(reader, "line");
  await sleep(afterMs);
  child.kill("SIGKILL");
  await Promise.all([once(child, "exit"), ended]);
  return lines;
}

test("everything acknowledged is there after kills of the writer, and no clip twice", { skip }, async () => {
  if ("skip" in server) return;
  const url = server.url("killed");
  const acknowledged = new Map<string, string[]>();
  for (let kill = 0; kill < 3; kill++) {
    for (const line of await runUntilKilled(url, 40 * kill)) {
      const [clip, ...ids] = line.split(" ");
      assert.ok(!acknowledged.has(clip!), `clip ${clip} was decided once`);
      acknowledged.set(clip!, ids);
    }
    const memory = await open(url);
    assert.deepEqual(await memory.check(), []);
    const byClip = Map.groupBy(await memory.entries(), ({ clip }) => clip);
    for (const [clip, ids] of acknowledged)
      assert.deepEqual(
        byClip
          .get(Number(clip))
          ?.map(({ id }) => id)
          .sort(),
        ids.toSorted(),
      );
    for (const ofClip of byClip.values()) assert.equal(ofClip.length, 2, "both statements of a clip or none");
    const { storedClips } = await memory.progress("camera", 5);
    const { documents, words } = await memory.policyState("choice", "camera");
    assert.deepEqual([documents, words.get("thing")], [2 * storedClips, 2 * storedClips]);
    await memory.close();
  }
  assert.ok(acknowledged.size >= 3);
});

test("a server that is killed and started again is waited for: nothing is lost and nothing twice", {
  skip,
}, async () => {
  if ("skip" in server) return;
  const memory = await open(server.url("restarted"));
  const cameras = ["north", "south"];
  for (const camera of cameras) await addTestStream(memory, camera);
  const kills = 3;
  let done = false;
  let acknowledged = 0;
  const written = cameras.map(async (camera) => {
    let clip = 0;
    for (; !done; clip++) {
      await remember(memory, camera, clip, [`Ann: kettle ${clip} of ${camera}`]);
      acknowledged += 1;
    }
    return clip;
  });
  for (let kill = 0; kill < kills; kill++) {
    const before = acknowledged;
    while (acknowledged < before + 4) await sleep(5 + 3 * kill);
    await server.kill();
    await server.restart();
  }
  const before = acknowledged;
  while (acknowledged < before + 2) await sleep(10);
  done = true;
  const clips = await Promise.all(written);
  const entries = await memory.entries();
  for (const [i, camera] of cameras.entries()) {
    const own = entries.filter(({ stream }) => stream === camera);
    assert.deepEqual(
      own.map(({ clip }) => clip),
      Array.from({ length: clips[i]! }, (_, clip) => clip),
    );
  }
  const { documents, words } = await memory.policyState("choice", "north");
  const all = clips.reduce((sum, clip) => sum + clip);
  assert.deepEqual([documents, words.get(wordSpace.stems("kettle")[0]!)], [all, all]);
  assert.deepEqual(await memory.check(), []);
  await memory.close();
});
