/** What failures of the engine cost a stream: one bad clip itself, an engine that is down nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openTestMemory, statementOf, temporaryFolder } from "../test/support/memory.ts";
import { createAgent, type StreamEnd, type WatchEvent, type WatchOptions } from "./agent.ts";
import { noCost } from "./engine.ts";
import { lexicalReader, wordSpace } from "./engines/local/index.ts";
import { EngineError } from "./errors.ts";
import type { Memory } from "./memory/memory.ts";
import type { Policy } from "./policy/policy.ts";
import type { Clip, Source } from "./stream/clip.ts";

const folder = temporaryFolder("failures");
const clips = 12;

const refusal = () => new EngineError("bad-request", "The picture is refused.", { status: 400 });
const outage = () => new EngineError("unavailable", "No answer.", { status: 503, isRetryable: true });

const source = (live: boolean): Source => ({
  ...{ id: "talk", description: "talk", live, clock: { kind: "media" }, clipSeconds: 10 },
  ...{ endSeconds: live ? null : clips * 10, fingerprint: null, leftOut: [] },
  open: async function* ({ fromSeconds = 0 } = {}) {
    for (let index = fromSeconds / 10; index < clips; index++)
      yield {
        ...{ kind: "clip", stream: "talk", index, startSeconds: index * 10, endSeconds: index * 10 + 10 },
        ...{ frames: [], largeFrames: [], audio: null, shots: [], cues: [] },
      } satisfies Clip;
  },
});

/** Runs a watch of twelve clips by an engine that fails as said. */
async function watch(
  memory: Memory,
  fails: (clip: number) => Error | false,
  { live = false, ...options }: WatchOptions & { live?: boolean } = {},
) {
  const asked: number[] = [];
  const policy: Policy = {
    ...{ id: "test", revision: "test@1", clipsPerDecision: 1, advance: () => null },
    decide: async ({ observations }) => {
      const { clip } = observations[0]!;
      asked.push(clip);
      const error = fails(clip);
      if (error) throw error;
      const action = { text: "", statements: [statementOf(clip, `Clip ${clip}`)], logprobs: null };
      return { actions: [{ ...action, revision: "test@1", issues: [] }], cost: noCost };
    },
  };
  const perceptors = { transcriber: null, language: null, screenReader: null };
  const agent = createAgent({ memory, policy, perceptors, reader: lexicalReader({ words: wordSpace }) });
  const events: WatchEvent[] = [];
  for await (const event of agent.watch(source(live), options)) events.push(event);
  return { asked, events, end: events.at(-1) as StreamEnd };
}

const opened = (name: string) => openTestMemory(join(folder, name));
const waiting = async (memory: Memory) => (await memory.progress("talk", 5)).pending.map(({ clip }) => clip);
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

for (const [name, error] of Object.entries({ refusal, outage }))
  test(`a lasting ${name} stops the run after three clips, which the next run decides with all others`, async () => {
    const memory = await opened(`lasting ${name}`);
    const { end, asked } = await watch(memory, (clip) => clip >= 2 && error());
    assert.deepEqual([end.reason, asked], ["engine-down", [0, 1, 2, 3, 4]]);
    assert.match(end.message!, /refused 3 clips in a row.*The picture is refused|No answer/);
    assert.deepEqual(await waiting(memory), [2, 3, 4]);
    const again = await watch(memory, () => false);
    assert.deepEqual([again.end.reason, again.asked], ["ended", numbers(2, clips)]);
    assert.equal((await memory.entries()).length, clips);
    await memory.close();
  });

test("a clip refused among good ones fails for good, is named, and is tried again on request", async () => {
  const memory = await opened("single");
  const bad = (clip: number) => (clip === 5 || clip === 7 || clip === 8) && refusal();
  const { end, events } = await watch(memory, bad);
  assert.deepEqual([end.reason, end.failed], ["ended", 3]);
  assert.deepEqual(
    events.flatMap((event) => (event.event === "clip-failed" ? [event.clip] : [])),
    [5, 7, 8],
  );
  assert.deepEqual(await waiting(memory), []);
  assert.equal((await memory.clipFailures())[0]?.failure.message, "The picture is refused.");
  assert.deepEqual((await watch(memory, bad)).asked, []);
  const retried = await watch(memory, () => false, { retryFailed: true });
  assert.deepEqual(retried.asked, [5, 7, 8]);
  assert.deepEqual(retried.events[0]?.event === "stream-start" && retried.events[0].retried, {
    waiting: [5, 7, 8],
    gone: [],
  });
  assert.equal((await memory.entries()).length, clips);
  await memory.close();
});

test("clips that every run refuses do not stop the stream for ever, and are not lost", async () => {
  const memory = await opened("stuck");
  const bad = (clip: number) => clip >= 3 && clip < 7 && refusal();
  assert.equal((await watch(memory, bad)).end.reason, "engine-down");
  const second = await watch(memory, bad);
  assert.deepEqual([second.end.reason, second.asked], ["ended", numbers(3, clips)]);
  assert.deepEqual(await waiting(memory), [3, 4, 5, 6]);
  await watch(memory, () => false);
  assert.equal((await memory.entries()).length, clips);
  await memory.close();
});

test("a live source continues through a lasting refusal, and its clips wait", async () => {
  const memory = await opened("live");
  const { end, asked } = await watch(memory, (clip) => clip >= 2 && clip < 9 && refusal(), { live: true });
  assert.deepEqual([end.reason, asked], ["ended", numbers(0, clips)]);
  assert.deepEqual(await waiting(memory), numbers(2, 9));
  // What waits does not keep it from the present while the engine is down.
  const down = await watch(memory, () => refusal(), { live: true });
  assert.deepEqual(down.asked, [2, 3, 4]);
  await watch(memory, () => false, { live: true });
  assert.equal((await memory.entries()).length, clips);
  await memory.close();
});

test("an empty account stops the run before anything fails", async () => {
  const memory = await opened("quota");
  const spent = () => new EngineError("quota-spent", "The quota is spent.", { status: 402 });
  await assert.rejects(
    watch(memory, (clip) => clip >= 2 && spent()),
    { code: "quota-spent" },
  );
  assert.deepEqual(await memory.clipFailures(), []);
  await watch(memory, () => false);
  assert.equal((await memory.entries()).length, clips);
  await memory.close();
});
