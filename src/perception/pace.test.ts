/** The pace of the senses on a live stream: thinner where they are late, whole again where there is room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAgent, type WatchEvent } from "../agent.ts";
import { leftOutLines } from "../answer/left-out.ts";
import { watchPrinter } from "../cli/commands/watch.ts";
import type { Output } from "../cli/output.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../engines/local/index.ts";
import { openLive } from "../live/live.ts";
import { inMemoryStore } from "../memory/in-memory.ts";
import { choicePolicy } from "../policies/choice/choice.ts";
import { contextDefaults } from "../policy/context.ts";
import type { Clip, Source } from "../stream/clip.ts";
import { createCanvas } from "../util/canvas.ts";
import { Pace } from "./pace.ts";
import type { Perceptors } from "./perceive.ts";

/** Clips of 10 s: its senses may take 8 s each. */
const clipAt = (i: number) => ({ startSeconds: 10 * i, endSeconds: 10 * i + 10 });

/** One of how many pictures is looked at after each of these times. */
function paces(...took: readonly number[]): number[] {
  const pace = new Pace();
  return took.map((seconds, i) => {
    pace.took(clipAt(i), seconds, false);
    return pace.every;
  });
}

test("senses that keep up look at everything; those that do not look at less and less", () => {
  assert.deepEqual(paces(8, 8, 8), [1, 1, 1]);
  // Late by 2 s, 4, then 6, which is more than half a clip; then 7; then 8.
  assert.deepEqual(paces(10, 10, 10, 9, 9, 9), [1, 1, 2, 4, 8, 8]);
});

test("after three clips with room for twice as much they look at more again", () => {
  // 14 - 8 = 6 s late. 3 s of 8 catch 5 up, then 1; from there on there is room.
  assert.deepEqual(paces(14, 3, 3, 3, 3, 3), [2, 2, 2, 2, 1, 1]);
  // Twice 5 s are more than there is.
  assert.deepEqual(paces(14, 2, 5, 5, 5, 5), [2, 2, 2, 2, 2, 2]);
});

test("who waited for what comes next is in time", () => {
  const pace = new Pace();
  pace.took(clipAt(0), 12, false);
  pace.took(clipAt(1), 1, true);
  pace.took(clipAt(2), 12, false);
  assert.equal(pace.every, 1);
});

/** A clock that only the sense below moves. */
function slowSense(secondsOf: (picture: number) => number) {
  let ms = 0;
  const looked: number[] = [];
  const perceptors: Perceptors = {
    ...{ transcriber: null, language: null },
    screenReader: {
      id: "slow",
      read: async (frames) => {
        looked.push(frames.length);
        for (const { atSeconds } of frames) ms += 1000 * secondsOf(atSeconds);
        return [];
      },
    },
  };
  return { perceptors, looked, clockMs: () => ms };
}

const jpeg = await createCanvas(8, 8).encode("jpeg");
const filmed = (index: number): Clip => ({
  ...{ kind: "clip", stream: "door", index, ...clipAt(index), largeFrames: [], audio: null, shots: [] },
  frames: Array.from({ length: 10 }, (_, i) => ({ atSeconds: 10 * index + i, width: 8, height: 8, jpeg })),
  cues: [],
});

/** 1.5 s a picture up to here, then a tenth. */
const slowUntil = 40;
const secondsOf = (at: number) => (at < slowUntil ? 1.5 : 0.1);

async function watched(live: boolean) {
  const { perceptors, looked, clockMs } = slowSense(secondsOf);
  await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => 0 });
  const source: Source = {
    ...{ id: "door", description: "door", live, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: live ? null : 120, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (let clip = 0; clip < 12; clip++) yield filmed(clip);
    },
  };
  const reader = lexicalReader({ words: wordSpace });
  const policy = choicePolicy({ words: wordSpace });
  const events: WatchEvent[] = [];
  let whileLate: readonly string[] = [];
  for await (const event of createAgent({ memory, policy, perceptors, reader, clockMs }).watch(source)) {
    events.push(event);
    const [stream] = await memory.streams();
    if (event.event === "pace" && whileLate.length === 0) whileLate = leftOutLines(stream!.leftOut);
  }
  const [stream] = await memory.streams();
  return { events, looked, whileLate, atEnd: leftOutLines(stream!.leftOut) };
}

test("a live camera is looked at more thinly while its senses are late, and says so", async () => {
  const { events, looked, whileLate, atEnd } = await watched(true);
  // 15 s of the first clip are 7 too many; half of the second, and a quarter of the third, catch that up but slowly.
  const paceOf = events.flatMap((event) => (event.event === "pace" ? [[event.atSeconds, event.every]] : []));
  assert.deepEqual(paceOf[0], [20, 2]);
  assert.deepEqual(paceOf.at(-1)![1], 1);
  assert.equal(looked[0], 10);
  assert.ok(looked.slice(1, 5).every((count) => count <= 5));
  assert.equal(looked.at(-1), 10);
  assert.match(
    whileLate.join("\n"),
    /slower than the stream: for 10 s they looked at as few as one of 2 pictures/,
  );
  assert.match(
    atEnd.join("\n"),
    /slower than the stream: for 1 min \d+ s they looked at as few as one of \d pictures/,
  );

  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const output = { text: say, note: say, progress: say, object: () => {}, dim: (text: string) => text };
  const print = watchPrinter(output as unknown as Output, { live: true, endSeconds: null });
  for (const event of events) print(event);
  assert.match(lines.join("\n"), /00:00:20: the senses are late: they look at one of 2 pictures/);
  assert.match(lines.join("\n"), /× real time, senses look at one of 2 pictures/);
  assert.match(lines.join("\n"), /the senses are in time again: they look at every picture/);
});

test("what was recorded is looked at whole", async () => {
  const { events, looked, atEnd } = await watched(false);
  assert.deepEqual(new Set(looked), new Set([10]));
  assert.ok(events.every(({ event }) => event !== "pace"));
  assert.doesNotMatch(atEnd.join("\n"), /slower than the stream/);
});

test("pictures that an agent pushes are looked at at the same pace", async () => {
  const { perceptors, looked, clockMs } = slowSense(() => 1.5);
  await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => 0 });
  const session = await openLive(
    {
      memory,
      perceptors,
      policy: choicePolicy({ words: wordSpace }),
      limits: contextDefaults,
      now: () => 0,
      clockMs,
    },
    { stream: "door", clock: { kind: "media" } },
  );
  for (let clip = 0; clip < 3; clip++) {
    await session.push(filmed(clip).frames.map(({ atSeconds }) => ({ atSeconds, jpeg })));
    await session.flush();
  }
  await session.close();
  assert.deepEqual(looked.slice(0, 2), [10, 5]);
  const [stream] = await memory.streams();
  assert.match(leftOutLines(stream!.leftOut).join("\n"), /slower than the stream/);
});
