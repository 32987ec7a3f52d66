/** Workers share the streams of spaces by a real queue: one at a time watches each, and none is watched twice. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { taskMemClient } from "../src/client/index.ts";
import { serve } from "../src/http/index.ts";
import { openRoot } from "../src/memory/root.ts";
import { openTaskMem } from "../src/taskmem.ts";
import {
  readinessOf,
  Worker,
  type WorkerEvent,
  type WorkerOptions,
  WorkQueue,
} from "../src/workers/index.ts";
import { addressOf, type CameraOptions, openCamera, textOfClip } from "./support/camera.ts";
import { taskmem } from "./support/cli.ts";
import { testPostgres } from "./support/postgres.ts";

const memories = { choice: { budget: 1 }, embedder: { meaning: "off" } } as const;
const space = "home";

const postgres = await testPostgres();
const address = "skip" in postgres ? "" : postgres.address;

/** A root with one space, and the queue of it. */
async function ground(
  t: TestContext,
): Promise<{ queue: WorkQueue; options: WorkerOptions; directory: string }> {
  const root = mkdtempSync(join(tmpdir(), "taskmem-workers-"));
  mkdirSync(join(root, space));
  const url = address;
  const queue = await WorkQueue.open({ url, root, name: "serve" });
  t.after(async () => {
    await queue.close();
    rmSync(root, { recursive: true, force: true });
  });
  return { queue, options: { queue: url, root, memories }, directory: join(root, space) };
}

/** A worker in this process, and what happened in it. */
async function worker(
  t: TestContext,
  options: WorkerOptions,
): Promise<{ worker: Worker; events: WorkerEvent[] }> {
  const events: WorkerEvent[] = [];
  const started = await Worker.start({
    openSource: async ({ source }) => (source.startsWith("camera:") ? openCamera(source) : source) as never,
    ...options,
    onEvent: (event) => events.push(event),
  });
  t.after(() => started.drain());
  return { worker: started, events };
}

/** Waits until something holds. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 50) {
    if (waited > 60_000) throw new Error(`Never: ${what}`);
    await sleep(50);
  }
}

async function textsOf(directory: string, stream: string): Promise<string[]> {
  await using memory = await openTaskMem({ directory, ...memories });
  return (await memory.store.entries({ streams: [stream] })).map(({ text }) => text);
}

/** What a camera said from its first clip on, each once, as far as it is remembered. */
async function assertWhole(directory: string, { name }: CameraOptions, atLeast: number): Promise<number> {
  const texts = await textsOf(directory, name);
  const said = texts.flatMap(
    (text) => text.match(/Camera \S+ sees parcel number \d+ on the shelf in hall \d\./g) ?? [],
  );
  assert.deepEqual(
    said,
    Array.from({ length: said.length }, (_, clip) => textOfClip(name, clip)),
  );
  assert.ok(said.length >= atLeast, `${said.length} clips of at least ${atLeast}`);
  return said.length;
}

const camera = (name: string, clipMs = 100): CameraOptions => ({ name, beganMs: Date.now(), clipMs });
const stored = (events: readonly { event: string }[]) =>
  events.filter(({ event }) => event === "clip-end").length;

describe("workers", { skip: "skip" in postgres && postgres.skip }, () => {
  test("one that fell silent is replaced, and writes nothing when it wakes up", async (t) => {
    const { queue, options, directory } = await ground(t);
    const door = camera("door");
    await queue.watch({ space, stream: door.name, source: addressOf(door) });
    const first = workerProcess(t, options);
    await until("the first watches", () => stored(first.events) >= 3);
    first.child.kill("SIGUSR2");
    const second = workerProcess(t, options);
    const stoppedMs = Date.now();
    await until("the second took it over", () => stored(second.events) > 0);
    t.diagnostic(`taken over after ${((Date.now() - stoppedMs) / 1000).toFixed(1)} s`);
    const before = stored(first.events);
    first.child.kill("SIGCONT");
    await until("the first has lost it", () => first.events.some(isEnd("lost")));
    assert.equal(stored(first.events), before, "the first wrote nothing more");
    const reached = stored(second.events);
    await until("the second watches on", () => stored(second.events) > reached + 3);
    second.child.kill("SIGTERM");
    await until("the second is drained", () => second.events.some(({ event }) => event === "worker-end"));
    await assertWhole(directory, door, stored(first.events) + stored(second.events));
  });

  test("one that is killed is missed by its session, and another has its stream", async (t) => {
    const { queue, options, directory } = await ground(t);
    const door = camera("door");
    await queue.watch({ space, stream: door.name, source: addressOf(door) });
    const first = workerProcess(t, options);
    await until("the first watches", () => stored(first.events) >= 3);
    const one = async () => (await queue.streams())[0]!;
    assert.deepEqual(
      [(await one()).worker?.pid, (await queue.workers()).map(({ pid }) => pid)],
      [first.child.pid, [first.child.pid]],
    );
    assert.ok((await one()).heardMs! > door.beganMs);
    const second = await worker(t, options);
    await until("both are there", async () => (await queue.workers()).length === 2);
    // Whoever leads judges no other until all could have come back from a restart of the server.
    await sleep(7000);
    first.child.kill("SIGKILL");
    await until("the second watches", () => stored(second.events) > 0);
    assert.equal((await one()).worker?.pid, process.pid);
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    const { rows } = await client.query(
      "select output from pgboss.job where state = 'active' and data->>'space' = $1",
      [space],
    );
    await client.end();
    assert.deepEqual(rows.at(-1).output, { workerLost: true }, "it was not its heartbeat that told");
    await second.worker.drain();
    await assertWhole(directory, door, stored(first.events) + stored(second.events));
  });

  test("a worker that joins gets its part of the streams, by what each may watch", async (t) => {
    const { queue, options } = await ground(t);
    const cameras = ["a", "b", "c", "d", "e", "f"].map((name) => camera(name));
    for (const one of cameras) await queue.watch({ space, stream: one.name, source: addressOf(one) });
    const first = await worker(t, options);
    await until("the first has them all", () => first.worker.jobs === 6);
    const second = await worker(t, { ...options, streams: 4 });
    await until("the second has its part", () => first.worker.jobs === 4 && second.worker.jobs === 2);
    assert.equal(first.events.filter(isEnd("handed-over")).length, 2);
    assert.deepEqual(
      (await queue.workers()).map(({ streams }) => streams),
      [8, 4],
    );
    await second.worker.drain();
    await until("the first has them again", () => first.worker.jobs === 6);
  });

  test("a drained worker hands its stream over at once, after its clip", async (t) => {
    const { queue, options, directory } = await ground(t);
    const door = camera("door");
    await queue.watch({ space, stream: door.name, source: addressOf(door) });
    const first = await worker(t, options);
    await until("the first watches", () => stored(first.events) >= 3);
    await first.worker.drain();
    assert.ok(first.events.some(isEnd("handed-over")));
    const second = await worker(t, options);
    await until("the second watches", () => stored(second.events) >= 3);
    assert.deepEqual(first.events.filter(isEnd("lost")), []);
    await second.worker.drain();
    await assertWhole(directory, door, stored(first.events) + stored(second.events));
  });

  test("takes no more streams than it may; those that are paused rest until they are resumed", async (t) => {
    const { queue, options } = await ground(t);
    const cameras = ["a", "b", "c"].map((name) => camera(name));
    for (const one of cameras) await queue.watch({ space, stream: one.name, source: addressOf(one) });
    const { events } = await worker(t, { ...options, streams: 2 });
    const states = async () => (await queue.streams(space)).map(({ state }) => state).sort();
    await until("two are watched", async () => (await states()).join() === "waiting,watching,watching");
    await until("the age of the third is told", async () => (await queue.standing())[0]!.waiting === 1);
    const watched = (await queue.streams()).find(({ state }) => state === "watching")!;
    await queue.pause(space, watched.stream);
    await until("it is left", () => events.some(isEnd("lost")));
    await until("the third is taken", async () => (await states()).join() === "paused,watching,watching");
    await queue.resume(space, watched.stream);
    assert.deepEqual(await states(), ["waiting", "watching", "watching"]);
    for (const { name } of cameras) await queue.unwatch(space, name);
    assert.deepEqual(await queue.streams(), []);
    await assert.rejects(queue.pause(space, "a"), { code: "watch-unknown" });
  });

  test("files that are followed are watched on as they grow; a recording ends, and what cannot be read fails", async (t) => {
    const { queue, options, directory } = await ground(t);
    const notes = join(options.root, "notes.jsonl");
    const line = (at: number, text: string) => JSON.stringify({ startSeconds: at, endSeconds: at + 2, text });
    writeFileSync(notes, `${line(1, "The blue ladder stands in the cellar.")}\n`);
    await queue.watch({ space, stream: "notes", source: notes, follow: true });
    await queue.watch({ space, stream: "talk", source: notes });
    await queue.watch({ space, stream: "nothing", source: join(options.root, "missing.jsonl") });
    const { events } = await worker(t, { ...options, followMs: 100 });
    const states = async () =>
      Object.fromEntries((await queue.streams()).map(({ stream, state }) => [stream, state]));
    await until("the recording ended", async () => (await states()).talk === "ended");
    await until("the missing one failed", async () => (await states()).nothing === "failed");
    await until("the notes are read", () =>
      events.some((one) => one.event === "stream-end" && one.stream === "notes"),
    );
    writeFileSync(
      notes,
      `${line(1, "The blue ladder stands in the cellar.")}\n${line(40, "The red kettle is in the attic.")}\n`,
    );
    await until("what was added is read", async () => (await textsOf(directory, "notes")).length === 2);
    const failed = (await queue.streams()).find(({ stream }) => stream === "nothing")!;
    assert.equal(failed.problem!.code, "file-missing");
    assert.equal(await queue.watch({ space, stream: "notes", source: notes, follow: true }), false);
    assert.deepEqual((await textsOf(directory, "talk")).length, 1);
  });

  test("a space learns in a worker, once at a time", async (t) => {
    const { queue, options, directory } = await ground(t);
    await worker(t, options);
    {
      await using memory = await openTaskMem({ directory, ...memories });
      await memory.ask("Where is the key?");
    }
    const { signal } = new AbortController();
    const jobs = [await queue.learn(space), await queue.learn(space)];
    assert.equal(jobs[0], jobs[1]);
    assert.equal((await queue.learned(jobs[0]!, signal)).activated, false);
    const stopped = await queue.learn("elsewhere");
    await queue.stopLearning(stopped);
    assert.match((await queue.learned(stopped, signal)).problem!.code, /cancelled|space-unknown/);
    const unknown = await queue.learned(await queue.learn("nowhere"), signal);
    assert.equal(unknown.problem!.code, "space-unknown");
  });

  test("a server has streams watched, and learns in a worker", async (t) => {
    const { options, directory } = await ground(t);
    const door = camera("door");
    const served = await serve({ root: options.root, port: 0, spaces: memories, queue: options.queue });
    t.after(() => served.close());
    const home = taskMemClient({ url: served.url, space });
    await assert.rejects(home.watch({ stream: "notes", source: "notes.srt" }), { code: "input-invalid" });
    const watch = await home.watch({ stream: door.name, source: addressOf(door) });
    assert.deepEqual([watch.state, watch.source], ["waiting", "camera://x/"]);
    const { events } = await worker(t, options);
    await until("the stream is watched", () => stored(events) > 3);
    const readiness = async () => (await (await fetch(`${served.url}/readyz`)).json()) as { status: string };
    await until("the server is ready", async () => (await readiness()).status === "ready");
    const metrics = async () => (await fetch(`${served.url}/metrics`)).text();
    await until("the metrics count it", async () =>
      /taskmem_queue_active\{queue="watch"\} 1/.test(await metrics()),
    );
    await home.ask({ question: "Where is parcel number 2?" });
    const learned = await home.ended(await home.learn());
    assert.equal(learned.state, "done");
    assert.ok(events.some((one) => one.event === "job-end" && one.kind === "learn" && one.how === "done"));
    assert.equal((await home.watches({})).watches[0]!.state, "watching");
    assert.deepEqual(await home.unwatch({ stream: door.name }), { watches: [] });
    await until("it is left", () => events.some(isEnd("lost")));
    await assert.rejects(home.unwatch({ stream: door.name }), { status: 404, code: "watch-unknown" });
    await assertWhole(directory, door, stored(events));
  });

  test("a run that is told that the stream is another's writes nothing of it", async (t) => {
    const { directory } = await ground(t);
    await using memory = await openTaskMem({ directory, ...memories });
    const source = openCamera(addressOf({ name: "door", beganMs: 0, clipMs: 1, clips: 6 }));
    const refused = memory.watch(source, {
      takeOver: true,
      confirm: () => Promise.reject(new Error("It is another's")),
    });
    await assert.rejects(async () => await refused, /It is another's/);
    assert.equal((await memory.store.progress("door", 1)).nextClip, 0);
    const end = await memory.watch(source);
    assert.equal(end.clips, 6);
  });

  test("a run whose stream was taken over keeps no gap of it, and does not end it", async (t) => {
    const { directory } = await ground(t);
    await using memory = await openTaskMem({ directory, ...memories });
    await using other = await openTaskMem({ directory, ...memories });
    const source = openCamera(addressOf({ name: "door", beganMs: 0, clipMs: 1, clips: 3 }));
    const { promise: taken, resolve: take } = Promise.withResolvers<void>();
    const gap = {
      kind: "gap",
      stream: "door",
      startSeconds: 30,
      endSeconds: 90,
      reason: "source-down",
      detail: "down",
    } as const;
    async function* open() {
      yield* source.open({});
      await taken;
      yield gap;
    }
    const watched = memory.watch({ ...source, open });
    const ended = assert.rejects(
      async () => {
        for await (const { event } of watched)
          if (event === "clip-end") {
            await other.store.lease("door", { takeOver: true });
            take();
          }
      },
      { code: "lease-lost" },
    );
    await ended;
    assert.deepEqual(await other.store.gaps(), []);
    assert.equal((await other.streams())[0]!.ended, false);
  });

  test("a memory in Postgres is watched as one in a directory is", async (t) => {
    const root = address;
    const queue = await WorkQueue.open({ url: root, root, name: "serve" });
    const spaces = await openRoot(root);
    await spaces.create(space);
    t.after(async () => {
      await queue.close();
      await spaces.close();
    });
    const door = camera("door");
    await queue.watch({ space, stream: door.name, source: addressOf(door) });
    const first = await worker(t, { queue: root, root, memories });
    await until("the first watches", () => stored(first.events) >= 3);
    await first.worker.drain();
    const second = await worker(t, { queue: root, root, memories });
    await until("the second watches", () => stored(second.events) >= 3);
    await second.worker.drain();
    await queue.unwatch(space, door.name);
    const all = stored(first.events) + stored(second.events);
    await assertWhole("skip" in postgres ? "" : postgres.url(space), door, all);
  });

  test("the command adds a stream, watches it until it is told to stop, and tells how it stands", async (t) => {
    const { options } = await ground(t);
    const notes = join(options.root, "notes.jsonl");
    writeFileSync(
      notes,
      `${JSON.stringify({ startSeconds: 1, endSeconds: 3, text: "The blue ladder stands in the cellar." })}\n`,
    );
    const env = { TASKMEM_QUEUE: options.queue };
    const run = (...args: string[]) =>
      taskmem(["worker", ...args, "--root", options.root, "--json"], { env });
    const [added] = (await run("add", space, "notes", notes, "--follow")).rows;
    assert.deepEqual([added!.state, added!.kind], ["waiting", "watch"]);
    const worked = await taskmem(["worker", "--root", options.root, "--meaning", "off", "--json"], {
      env,
      onLine: (line, child) => void (line.includes('"clip-end"') && child.kill("SIGTERM")),
    });
    assert.equal(worked.code, 0, worked.stderr);
    const events = worked.rows.map(({ event }) => event);
    assert.deepEqual([events.at(0), events.at(-1)], ["worker-start", "worker-end"]);
    assert.ok(worked.rows.some(({ event, how }) => event === "job-end" && how === "handed-over"));
    const standing = await run("status");
    assert.equal(standing.rows.find(({ event }) => event === "stream")!.state, "waiting");
    // Workers of other tests that were killed count for half a minute.
    const { state, reasons } = standing.rows.at(-1)!;
    assert.deepEqual([state, reasons], ["ready", []]);
    const unnamed = await taskmem(["worker", "status", "--json"], { env: { TASKMEM_QUEUE: "" } });
    assert.equal(unnamed.rows[0]!.code, "queue-missing");
  });

  test("who cannot reach the queue is told so", async () => {
    const url = "postgres://someone:sesame@127.0.0.1:9/none";
    const opened = WorkQueue.open({
      url,
      root: mkdtempSync(join(tmpdir(), "taskmem-workers-")),
      name: "command",
    });
    await assert.rejects(opened, ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, "queue-unreachable");
      assert.match(message, /127\.0\.0\.1:9/);
      assert.doesNotMatch(message, /sesame/);
      return true;
    });
  });
});

test("work that waits too long for a worker is said, by its age", () => {
  const watch = { kind: "watch", waiting: 3, active: 5, oldestSeconds: 12 } as const;
  assert.deepEqual(readinessOf([watch]), { state: "ready", reasons: [] });
  const { state, reasons } = readinessOf([{ ...watch, oldestSeconds: 31 }]);
  assert.equal(state, "degraded");
  assert.match(reasons[0]!, /^3 of the watch queue .* 31 s/);
  assert.equal(readinessOf([{ ...watch, kind: "learn", oldestSeconds: 31 }]).state, "ready");
});

const isEnd = (how: string) => (event: { event: string; how?: string }) =>
  event.event === "job-end" && event.how === how;

interface Process {
  readonly child: ChildProcess;
  readonly events: { event: string; how?: string }[];
}

function workerProcess(t: TestContext, options: WorkerOptions): Process {
  const program = join(import.meta.dirname, "support/camera-worker.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const events: Process["events"] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => events.push(JSON.parse(line)));
  t.after(() => child.kill("SIGKILL"));
  return { child, events };
}
