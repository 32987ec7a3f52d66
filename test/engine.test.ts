/** A whole video through the engine policy, against a server that really speaks the protocol, sound and at fault. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { type CliRun, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import {
  type Fault,
  type OpenAiServer,
  type ServerRequest,
  startOpenAiServer,
} from "./support/openai-server.ts";

const folder = temporaryFolder();
let video: string;

before(() => {
  video = inventedVideo(folder, 122);
});

const allClips = Array.from({ length: 13 }, (_, clip) => clip);

async function start(t: TestContext): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ models: ["eyes"] });
  t.after(() => server.close());
  return server;
}

/** Watches the video into a memory of this name, with these options of the model. */
function watch(server: OpenAiServer, memory: string, model: Row = {}): Promise<CliRun> {
  const config = join(folder, `${memory}-${server.requests.length}.json`);
  writeFileSync(config, JSON.stringify({ model: { baseUrl: server.baseURL, model: "eyes", ...model } }));
  const flags = ["--config", config, "--memory", join(folder, memory), "--policy", "engine"];
  return taskmem(["watch", video, "--json", "--no-screen-text", ...flags]);
}

const clipsOf = ({ rows }: CliRun, event: string) =>
  rows.filter((row) => row.event === event).map(({ clip }) => Number(clip));

const endOf = ({ rows }: CliRun) => rows.at(-1)!;

/** The clips that hold entries, one number per entry. */
async function remembered(memory: string): Promise<number[]> {
  const run = await taskmem(["timeline", "--json", "--memory", join(folder, memory)]);
  assert.equal(run.code, 0, run.stderr);
  return run.rows.map(({ clip }) => Number(clip));
}

/** The clip a request is about, from the last line said in it: the subtitles count themselves, one every 4 s from 0.5 s on. */
function clipOf({ text }: ServerRequest): number | null {
  const last = [...text.matchAll(/number (\d+)/g)].at(-1);
  return last ? Math.floor((0.5 + 4 * (Number(last[1]) - 1)) / 10) : null;
}

test("frames arrive as images, the schema is honoured, every clip gets its entry", async (t) => {
  const server = await start(t);
  const extraBody = { cache_salt: "own", chat_template_kwargs: { language: "en" } };
  const run = await watch(server, "sound", { thinking: false, extraBody });
  const [, { body }] = server.requests as [unknown, ServerRequest];
  assert.deepEqual(
    [body.cache_salt, body.chat_template_kwargs, body.logprobs],
    ["own", { enable_thinking: false, language: "en" }, undefined],
  );
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(clipsOf(run, "clip-end"), allClips);
  for (const { entries } of run.rows.filter(({ event }) => event === "clip-end")) {
    assert.equal((entries as Row[]).length, 1);
    assert.match(String((entries as Row[])[0]!.text), /[1-9]\d* pictures were shown.* is in the /);
  }
  assert.ok(Number((endOf(run).cost as Row).calls) >= allClips.length);
});

test("faults that pass cost retries, not clips", async (t) => {
  const server = await start(t);
  const faults: Fault[] = [
    { kind: "status", status: 429, retryAfter: "0.01" },
    { kind: "status", status: 500 },
    { kind: "hang" },
    { kind: "cut" },
    { kind: "malformed" },
  ];
  // Every third request, from the second on.
  server.setFaults(({ index }) =>
    index % 3 === 1 ? faults[Math.floor(index / 3) % faults.length] : undefined,
  );
  const run = await watch(server, "passing", { timeoutSeconds: 1, maxRetries: 4 });
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(clipsOf(run, "clip-end"), allClips);
  assert.deepEqual(clipsOf(run, "clip-failed"), []);
  assert.ok(server.requests.length >= 1 + allClips.length + faults.length);
  assert.deepEqual(await remembered("passing"), allClips);
});

test("faults that last leave visible failed clips; the next run retries those that may pass", async (t) => {
  const server = await start(t);
  const refused = 10;
  const lasting = new Map<number | null, [Fault, string]>([
    [0, [{ kind: "status", status: 429, retryAfter: "0" }, "rate-limited"]],
    [2, [{ kind: "status", status: 500 }, "unavailable"]],
    [3, [{ kind: "hang" }, "timeout"]],
    [5, [{ kind: "cut" }, "unreachable"]],
    [6, [{ kind: "malformed" }, "bad-response"]],
    [8, [{ kind: "content", content: '{"colour": [1, 2]}' }, "no-usable-text"]],
    [9, [{ kind: "content", content: "" }, "no-usable-text"]],
    [refused, [{ kind: "status", status: 400, message: "the prompt is too long" }, "context-overflow"]],
  ]);
  server.setFaults((request) => lasting.get(clipOf(request))?.[0]);
  const first = await watch(server, "lasting", { timeoutSeconds: 1, maxRetries: 1 });
  assert.equal(first.code, 0, first.stderr);
  const failures = first.rows.filter(({ event }) => event === "clip-failed");
  assert.deepEqual(
    failures.map(({ clip, code, retryable }) => [clip, code, retryable]),
    // A refusal may last too: its clip waits until an answer about another one shows that it alone was refused.
    [...lasting].map(([clip, [, code]]) => [clip, code, true]),
  );
  for (const { message } of failures) assert.ok(String(message).length > 0);
  assert.deepEqual(
    clipsOf(first, "clip-end"),
    allClips.filter((clip) => !lasting.has(clip)),
  );
  assert.equal(endOf(first).failed, lasting.size);

  server.setFaults(undefined);
  const second = await watch(server, "lasting");
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(
    clipsOf(second, "clip-end"),
    [...lasting.keys()].filter((clip) => clip !== refused),
  );
  assert.deepEqual(
    await remembered("lasting"),
    allClips.filter((clip) => clip !== refused),
  );
});

test("a server that goes away stops the run as engine-down, and another run resumes there", async (t) => {
  const leaving = await start(t);
  let left: Promise<void> | undefined;
  leaving.setFaults((request) => {
    if (clipOf(request) !== 4) return undefined;
    left ??= leaving.close();
    return { kind: "hang" };
  });
  const first = await watch(leaving, "leaving", { maxRetries: 1 });
  await left;
  assert.equal(first.code, 4, first.stderr);
  assert.equal(endOf(first).reason, "engine-down");
  assert.deepEqual(clipsOf(first, "clip-end"), [0, 1, 2, 3]);
  const failed = clipsOf(first, "clip-failed");
  assert.deepEqual(failed, [4, 5, 6]);

  const second = await watch(await start(t), "leaving");
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(clipsOf(second, "clip-end"), allClips.slice(4));
  assert.deepEqual(await remembered("leaving"), allClips);
});

test("a spent budget stops the run before the call that would exceed it; a larger one resumes there", async (t) => {
  const server = await start(t);
  const first = await watch(server, "budget", { budget: { calls: 6 } });
  assert.equal(first.code, 6, first.stderr);
  assert.equal(endOf(first).reason, "budget-spent");
  assert.equal(server.requests.length, 6);
  const stored = clipsOf(first, "clip-end");
  assert.ok(stored.length > 0 && stored.length < 6);
  assert.deepEqual(clipsOf(first, "clip-failed"), []);

  const second = await watch(server, "budget");
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(clipsOf(second, "clip-end"), allClips.slice(stored.length));
  assert.deepEqual(await remembered("budget"), allClips);
});
