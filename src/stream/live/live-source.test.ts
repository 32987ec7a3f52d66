/** With a real TCP sender: a connection that ends becomes a gap, and a slow consumer loses the newest clips. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test as nodeTest } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requireProgram } from "../../util/program.ts";
import type { Clip, Gap } from "../clip.ts";
import { openSource } from "../open-source.ts";

const test = (name: string, body: () => Promise<void>) => nodeTest(name, { timeout: 120_000 }, body);

/** Sends some seconds of pictures and a tone to each connection, in real time, then closes it. */
async function sender(seconds: number) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const args = [
      "-v",
      "error",
      "-re",
      "-f",
      "lavfi",
      "-i",
      `testsrc=size=160x90:rate=10:duration=${seconds}`,
    ];
    const tone = ["-re", "-f", "lavfi", "-i", `sine=duration=${seconds}`];
    const child = spawn(requireProgram("ffmpeg"), [
      ...args,
      ...tone,
      "-c:v",
      "mpeg2video",
      "-g",
      "5",
      "-c:a",
      "mp2",
      "-f",
      "mpegts",
      "-",
    ]);
    child.stdout.pipe(socket);
    socket.on("error", () => child.kill("SIGKILL"));
    socket.on("close", () => child.kill("SIGKILL"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `tcp://127.0.0.1:${port}`, connections: () => connections, close: () => server.close() };
}

test("an outage is a gap, and watching resumes after it on the same clock", async () => {
  const { url, connections, close } = await sender(3);
  const source = await openSource(url, { clipSeconds: 1, live: { reconnectMs: 4000 } });
  assert.equal(source.live, true);
  const items: (Clip | Gap)[] = [];
  try {
    for await (const item of source.open()) {
      items.push(item);
      if (items.some(({ kind }) => kind === "gap") && item.kind === "clip") break;
    }
  } finally {
    close();
  }
  assert.ok(connections() >= 2, "connected again");
  const gap = items.find((item) => item.kind === "gap")!;
  assert.equal(gap.reason, "source-down");
  const clips = items.filter((item) => item.kind === "clip");
  assert.ok(clips.some(({ endSeconds }) => endSeconds <= gap.startSeconds + 1e-6));
  assert.ok(clips.some(({ startSeconds }) => startSeconds >= gap.startSeconds));
  assert.ok(clips.some(({ frames, audio }) => frames.length >= 1 && audio !== null));
  const starts = items.map(({ startSeconds }) => startSeconds);
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => a - b),
    "in time order",
  );
});

test("a later run keeps the first run's clock, and the time between is a gap", async () => {
  const source = await openSource("lavfi:testsrc=size=160x90:rate=10,realtime", { clipSeconds: 1 });
  const originMs = Date.now() - 60_000;
  const items: (Clip | Gap)[] = [];
  for await (const item of source.open({ fromSeconds: 20, clock: { kind: "wall", originMs } })) {
    items.push(item);
    if (item.kind === "clip") break;
  }
  const [gap, clip] = items;
  assert.ok(gap?.kind === "gap" && gap.reason === "not-watched");
  assert.equal(gap.startSeconds, 20);
  assert.ok(gap.endSeconds >= 60 && clip!.startSeconds >= gap.endSeconds);
});

nodeTest("the system's clock may jump while a source is watched", { timeout: 120_000 }, async (t) => {
  const source = await openSource("lavfi:testsrc=size=64x36:rate=5,realtime", { clipSeconds: 0.5 });
  const items: (Clip | Gap)[] = [];
  const jumps = [-3_600_000, 7_200_000];
  for await (const item of source.open()) {
    items.push(item);
    const jump = jumps.shift();
    if (jump !== undefined)
      t.mock.method(Date, "now", () => performance.timeOrigin + performance.now() + jump);
    if (items.length >= 5) break;
  }
  assert.ok(items.every(({ kind }) => kind === "clip"));
  const [first] = items as [Clip];
  assert.deepEqual(
    (items as Clip[]).map(({ index }) => index),
    items.map((_, i) => first.index + i),
  );
});

test("a slow consumer loses the newest clips to a gap, never the order", async () => {
  const source = await openSource("lavfi:testsrc=size=64x36:rate=5,realtime", {
    clipSeconds: 0.5,
    live: { queueClips: 2 },
  });
  const items: (Clip | Gap)[] = [];
  for await (const item of source.open()) {
    items.push(item);
    if (items.length === 1) await sleep(4000);
    if (items.some(({ kind }) => kind === "gap") && item.kind === "clip") break;
  }
  const gap = items.find((item) => item.kind === "gap")!;
  assert.equal(gap.reason, "behind");
  for (const [i, item] of items.entries()) {
    const before = items[i - 1];
    if (before)
      assert.ok(
        item.startSeconds >= before.endSeconds - 1e-6,
        `${before.endSeconds} then ${item.startSeconds}`,
      );
  }
});

test("an unreachable source is an error if reconnecting is limited", async () => {
  const source = await openSource("tcp://127.0.0.1:9", { live: { maxReconnects: 1, reconnectMs: 10 } });
  await assert.rejects(async () => {
    for await (const _ of source.open());
  }, /127\.0\.0\.1:9/);
});
