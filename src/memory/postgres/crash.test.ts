/**
 * Kills of processes that write a memory in Postgres, and of the server itself, and commits whose answer is lost: nothing
 * acknowledged is lost or twice.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
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
  const writing = Promise.all(
    cameras.map(async (camera) => {
      let clip = 0;
      for (; !done; clip++) {
        await remember(memory, camera, clip, [`Ann: kettle ${clip} of ${camera}`]);
        acknowledged += 1;
      }
      return clip;
    }),
  );
  const more = async (count: number) => {
    for (const before = acknowledged; acknowledged < before + count; ) await sleep(5);
  };
  const killing = async () => {
    for (let kill = 0; kill < kills; kill++) {
      await more(4);
      await sleep(3 * kill);
      await server.kill();
      await server.restart();
    }
    await more(2);
    done = true;
  };
  // A write that fails ends the test, which would wait for more of them for ever.
  await Promise.race([killing(), writing]);
  const clips = await writing;
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

test("a commit whose answer is lost is told from one that never came", { skip }, async (t) => {
  if ("skip" in server) return;
  const between = await standBetween(server.address);
  t.after(() => between.stop());
  const memory = await open(`${between.address}&space=unanswered`);
  await addTestStream(memory, "camera");
  const stored = async () => (await memory.entries()).map(({ text }) => text);

  between.atCommit = async () => "lose";
  await remember(memory, "camera", 0, ["Ann: never came"]);
  between.atCommit = async () => "deliver";
  await remember(memory, "camera", 1, ["Ann: came, but was not answered"]);
  assert.deepEqual(await stored(), ["Ann: never came", "Ann: came, but was not answered"]);

  // The server crashes before it has written anything of the transaction, and gives its number to another.
  const elsewhere = await open(server.url("elsewhere"));
  await addTestStream(elsewhere, "camera");
  between.atCommit = async () => {
    await server.kill();
    await server.restart();
    for (let clip = 0; clip < 20; clip++) await remember(elsewhere, "camera", clip, [`Bob: number ${clip}`]);
    return "lose";
  };
  await remember(memory, "camera", 2, ["Ann: never written"]);
  assert.deepEqual((await stored()).slice(2), ["Ann: never written"]);
  assert.deepEqual(await memory.check(), []);
  await Promise.all([memory.close(), elsewhere.close()]);
});

/** What becomes of a commit; either way the connection is lost, and none is made until it is known. */
type Fate = "lose" | "deliver";

/** A way to a server that loses the connection at the next commit. */
interface Between {
  readonly address: string;
  /** Called once, at the next commit. */
  atCommit: (() => Promise<Fate>) | null;
  stop(): void;
}

async function standBetween(address: string): Promise<Between> {
  const real = new URL(address);
  const upstream = `${real.searchParams.get("host")}/.s.PGSQL.5432`;
  const folder = mkdtempSync(join(tmpdir(), "taskmem-between-"));
  chmodSync(folder, 0o755);
  const ends = new Set<Socket>();
  let losing = false;
  const listener = createServer((client) => {
    if (losing) {
      client.destroy();
      return;
    }
    const onward = dial(upstream);
    const lose = () => [client, onward].map((end) => end.destroy());
    for (const end of [client, onward]) {
      ends.add(end);
      end.on("error", lose);
      end.on("close", lose);
    }
    client.on("data", (sent) => {
      if (losing) return;
      const { atCommit } = between;
      if (atCommit === null || !/insert into writer[^;]*; commit/.test(sent.toString("latin1"))) {
        onward.write(sent);
        return;
      }
      between.atCommit = null;
      losing = true;
      void (async () => {
        if ((await atCommit()) === "deliver") {
          onward.write(sent);
          await once(onward, "data");
        }
        losing = false;
        lose();
      })();
    });
    onward.on("data", (said) => losing || client.write(said));
  });
  await new Promise<void>((resolve) => listener.listen(join(folder, ".s.PGSQL.5432"), resolve));
  real.searchParams.set("host", folder);
  const between: Between = {
    address: String(real),
    atCommit: null,
    stop: () => {
      for (const end of ends) end.destroy();
      listener.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return between;
}
