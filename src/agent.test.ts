/** The acting loop, and what a run writes with when an adapter becomes active in the middle of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  openTestMemory,
  temporaryFolder,
} from "../test/support/memory.ts";
import { createAdapter } from "./adapter/arithmetic.ts";
import { createAgent } from "./agent.ts";
import { noCost } from "./engine.ts";
import { lexicalReader, wordSpace } from "./engines/local/index.ts";
import { StoreError } from "./errors.ts";
import { choicePolicy } from "./policies/choice/choice.ts";
import { contextDefaults } from "./policy/context.ts";
import type { Policy } from "./policy/policy.ts";
import type { Clip, Source } from "./stream/clip.ts";
import { StreamWriter } from "./stream-writer.ts";

const folder = temporaryFolder("agent");

const said = (clip: number): Clip => ({
  ...{ kind: "clip", stream: "talk", index: clip, startSeconds: clip * 10, endSeconds: clip * 10 + 10 },
  ...{ frames: [], largeFrames: [], audio: null, shots: [] },
  cues: [
    {
      ...{ startSeconds: clip * 10 + 1, endSeconds: clip * 10 + 3, speaker: null, language: null },
      ...{ kind: "speech", origin: "stream", text: `Lantern number ${clip} is in the cellar.` },
    },
  ],
});

test("an adapter activated while a stream is watched is used from the next decision", async () => {
  const memory = await openTestMemory(join(folder, "memory"));
  const adapter = createAdapter(wordSpace.id, wordSpace.dimension, [[wordSpace.bucket("lantern").index, 1]]);
  const policyNow = async () => {
    const [active] = await memory.adapters({ policy: "choice", state: "active" });
    return choicePolicy({ words: wordSpace, adapter: active ? adapter : null });
  };
  const source: Source = {
    ...{ id: "talk", description: "talk", live: false, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: 90, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (let clip = 0; clip < 9; clip++) {
        if (clip === 5) {
          await memory.addAdapter({
            ...{ id: "a", policy: "choice", revision: adapter.revision, state: "active" },
            ...{ reason: "", atMs: 0, tasks: [], file: "" },
          });
        }
        yield said(clip);
      }
    },
  };
  const agent = createAgent({
    memory,
    policy: await policyNow(),
    currentPolicy: policyNow,
    perceptors: { transcriber: null, language: null, screenReader: null },
    reader: lexicalReader({ words: wordSpace }),
  });
  const revisions: string[] = [];
  for await (const event of agent.watch(source)) {
    if (event.event === "clip-end") revisions[event.clip] = event.revision;
  }
  const adapted = `choice@1+${adapter.revision}`;
  assert.equal(revisions[0], "choice@1");
  assert.deepEqual(revisions.slice(6), [adapted, adapted, adapted]);
  for (const { clip, revision } of await memory.entries()) assert.equal(revision, revisions[clip]);
  await memory.close();
});

/** Watches five clips of a source that is paused before one and runs again before another. */
async function watchedPaused(live: boolean, [pauseAt, resumeAt]: readonly [number, number]) {
  const memory = await openTestMemory(join(folder, `paused-${live}`));
  const source: Source = {
    ...{ id: "talk", description: "talk", live, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: null, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (let clip = 0; clip < 6; clip++) {
        if (clip === pauseAt) await memory.pauseStream("talk", true);
        if (clip === resumeAt) await memory.pauseStream("talk", false);
        yield said(clip);
        // Each clip is looked at before the next one is there.
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
  };
  const policy = choicePolicy({ words: wordSpace });
  const perceptors = { transcriber: null, language: null, screenReader: null };
  const agent = createAgent({ memory, policy, perceptors, reader: lexicalReader({ words: wordSpace }) });
  const clips: number[] = [];
  const watching = agent.watch(source);
  return { memory, clips, watching };
}

test("what a live source shows while it is paused is a gap that nothing was perceived of", async () => {
  const { memory, clips, watching } = await watchedPaused(true, [2, 4]);
  for await (const event of watching) if (event.event === "clip-end") clips.push(event.clip);
  // Clip 4 began while it was paused.
  assert.deepEqual(clips, [0, 1, 5]);
  const gaps = await memory.gaps();
  assert.deepEqual(
    gaps.map(({ startSeconds, endSeconds, reason }) => [startSeconds, endSeconds, reason]),
    [[20, 50, "paused"]],
  );
  const observed = await memory.observations("talk");
  assert.deepEqual(
    observed.map(({ clip }) => clip),
    [0, 1, 5],
  );
  await memory.close();
});

test("a recording that is paused waits, and misses nothing", async () => {
  const { memory, clips, watching } = await watchedPaused(false, [2, -1]);
  const resumed = setTimeout(() => void memory.pauseStream("talk", false), 700);
  for await (const event of watching) if (event.event === "clip-end") clips.push(event.clip);
  clearTimeout(resumed);
  assert.deepEqual([clips, await memory.gaps()], [[0, 1, 2, 3, 4, 5], []]);
  await memory.close();
});

test("a source that repeats a decided clip is refused, and another run may watch", async () => {
  const memory = await openTestMemory(join(folder, "again"));
  const source: Source = {
    ...{ id: "talk", description: "talk", live: true, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: null, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (const clip of [0, 1, 2, 1]) yield said(clip);
    },
  };
  const agent = createAgent({
    memory,
    policy: choicePolicy({ words: wordSpace }),
    perceptors: { transcriber: null, language: null, screenReader: null },
    reader: lexicalReader({ words: wordSpace }),
  });
  const watch = async () => {
    for await (const _ of agent.watch(source));
  };
  await assert.rejects(watch, (error) => error instanceof StoreError && error.code === "clip-decided");
  assert.equal((await memory.progress("talk", 5)).storedClips, 3);
  await (await memory.lease("talk")).release();
  await memory.close();
});

test("a policy that retries old clips still sees the pictures of the window", async () => {
  const memory = await openTestMemory(join(folder, "late"));
  await addTestStream(memory, "talk");
  const late = 25;
  for (let clip = 0; clip < 100; clip++) {
    await memory.addObservation(observationOf("talk", clip, { frames: [frameOf(clip, `picture ${clip}`)] }));
    if (clip >= late) await memory.commit(decisionOf("talk", [], { clips: [clip] }));
    else await memory.failClip("talk", clip, { code: "no-usable-text", message: "", retryable: true });
  }
  const seen: string[][] = [];
  const policy: Policy = {
    ...{ id: "looks", revision: "looks@1", clipsPerDecision: 1, advance: () => null },
    decide: async ({ observations, recent }) => {
      const shown = [...recent.observations, ...observations].flatMap(({ frames }) => frames);
      seen.push(shown.map(({ jpeg }) => Buffer.from(jpeg).toString()));
      const action = { text: "", statements: [], logprobs: null, revision: "looks@1", issues: [] };
      return { actions: [action], cost: noCost };
    },
  };
  const { pending, recent } = await memory.progress("talk", 3);
  const state = await memory.policyState(policy.id, "talk");
  const setting = {
    memory,
    stream: "talk",
    policy,
    limits: { ...contextDefaults, windowClips: 3 },
    live: false,
    now: Date.now,
  };
  const writer = new StreamWriter(setting, state, recent);
  for (const observation of pending) for await (const _ of writer.take(observation));
  assert.equal(seen.length, late);
  assert.deepEqual(seen[0], ["picture 98", "picture 99", "picture 0"]);
  assert.deepEqual(seen.at(-1), ["picture 22", "picture 23", "picture 24"]);
  await memory.close();
});

test("a source that was watched to its end is marked as ended, one that was stopped is not", async () => {
  const memory = await openTestMemory(join(folder, "ended"));
  const sourceOf = (id: string): Source => ({
    ...{ id, description: id, live: false, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: 20, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (const clip of [0, 1]) yield { ...said(clip), stream: id };
    },
  });
  const agent = createAgent({
    ...{ memory, policy: choicePolicy({ words: wordSpace }), reader: lexicalReader({ words: wordSpace }) },
    perceptors: { transcriber: null, language: null, screenReader: null },
  });
  for await (const _ of agent.watch(sourceOf("whole")));
  const stop = new AbortController();
  for await (const event of agent.watch(sourceOf("stopped"), { signal: stop.signal }))
    if (event.event === "stream-start") stop.abort();
  const ended = (await memory.streams()).map((stream) => [stream.id, stream.ended]);
  assert.deepEqual(ended, [
    ["whole", true],
    ["stopped", false],
  ]);
  await memory.close();
});

test("what a model was not shown of a clip is among the clip's problems", async () => {
  const memory = await openTestMemory(join(folder, "left out"));
  const leftOut = "The context of small is too short: 9 of 10 frames were not shown.";
  const policy: Policy = {
    ...{ id: "short", revision: "short@1", clipsPerDecision: 1, advance: () => null },
    decide: async ({ observations: [observation] }) => {
      const action = { text: "", statements: [], logprobs: null, revision: "short@1", issues: [] };
      return { actions: [{ ...action, ...(observation!.clip === 0 && { leftOut }) }], cost: noCost };
    },
  };
  const agent = createAgent({
    ...{ memory, policy, reader: lexicalReader({ words: wordSpace }) },
    perceptors: { transcriber: null, language: null, screenReader: null },
  });
  const source: Source = {
    ...{ id: "talk", description: "talk", live: false, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: 20, fingerprint: null, leftOut: [] },
    open: async function* () {
      yield said(0);
      yield said(1);
    },
  };
  const problems: (readonly string[])[] = [];
  for await (const event of agent.watch(source))
    if (event.event === "clip-end") problems.push(event.problems);
  assert.deepEqual(problems, [[leftOut], []]);
  await memory.close();
});
