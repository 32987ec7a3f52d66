import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { inMemoryStore } from "../memory/in-memory.ts";
import type { Memory } from "../memory/memory.ts";
import { choicePolicy } from "../policies/choice/choice.ts";
import { liveBudget } from "../policies/choice/choice-budget.ts";
import { contextDefaults } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import type { PushItem } from "./items.ts";
import { type LiveOptions, type LiveSession, type LiveTools, openLive } from "./live.ts";

const originMs = Date.UTC(2026, 0, 1, 12);
const clock = { kind: "wall", originMs } as const;
const policy = choicePolicy({ words: wordSpace, clipSeconds: 1, budget: liveBudget });

function newMemory(now: () => number = () => originMs): Memory {
  return inMemoryStore({ words: wordSpace, embedder: localEmbedder, now });
}

function toolsFor(memory: Memory, parts: Partial<LiveTools> = {}): LiveTools {
  const perceptors = { transcriber: null, language: null, screenReader: null };
  return { memory, perceptors, policy, limits: contextDefaults, now: () => originMs, ...parts };
}

const open = (memory: Memory, options: Partial<LiveOptions> = {}, parts: Partial<LiveTools> = {}) =>
  openLive(toolsFor(memory, parts), { stream: "hall", clock, decideAfterMs: 60_000, ...options });

const textsOf = async (memory: Memory) => (await memory.entries()).map(({ text }) => text);

test("a receipt names the clip, and what was pushed is answerable after a flush", async () => {
  const memory = newMemory();
  const session = await open(memory);
  const receipt = await session.push({ text: "The ferry leaves at six.", speaker: "Ida", atSeconds: 12.5 });
  assert.deepEqual(receipt, { clip: 12, late: false, duplicate: false });
  assert.deepEqual(await textsOf(memory), [], "nothing is decided before the flush");
  const [event] = await session.flush();
  assert.equal(event!.event, "clip-end");
  const [entry] = await memory.entries();
  assert.deepEqual(
    [entry!.text, entry!.startSeconds, entry!.clip],
    ["Ida: The ferry leaves at six.", 12.5, 12],
  );
  await session.close();
});

test("what is pushed to a paused stream is refused, and the time of it is a gap once it runs again", async () => {
  const memory = newMemory();
  const session = await open(memory);
  await session.push({ text: "The ferry leaves at six.", atSeconds: 2 });
  await memory.pauseStream("hall", true);
  for (const atSeconds of [5, 8])
    await assert.rejects(session.push({ text: "Nobody is to hear this.", atSeconds }), {
      code: "stream-paused",
    });
  await memory.pauseStream("hall", false);
  await session.push({ text: "The bus leaves at nine.", atSeconds: 12 });
  await session.close();
  assert.deepEqual(await textsOf(memory), ["The ferry leaves at six.", "The bus leaves at nine."]);
  assert.deepEqual(
    (await memory.gaps()).map(({ startSeconds, endSeconds, reason }) => [startSeconds, endSeconds, reason]),
    [[5, 12, "paused"]],
  );
});

test("a text is decided within decideAfterMs without a flush", async () => {
  const memory = newMemory(Date.now);
  const session = await openLive(toolsFor(memory, { now: Date.now }), { stream: "hall", decideAfterMs: 20 });
  const events = session.events();
  await session.push({ text: "The ferry leaves at six." });
  for await (const event of events) {
    assert.equal(event.event, "clip-end");
    break;
  }
  assert.deepEqual(await textsOf(memory), ["The ferry leaves at six."]);
  await session.close();
});

test("texts pushed out of order are all kept, late ones with their own times", async () => {
  const memory = newMemory();
  const session = await open(memory);
  const places = Array.from({ length: 22 }, (_, i) => (i * 7) % 22);
  const late: number[] = [];
  for (const [i, place] of places.entries()) {
    const text = `Parcel ${place} has the number ${1000 + place}.`;
    if ((await session.push({ text, atSeconds: place * 5 })).late) late.push(place);
    if (i % 5 === 4) await session.flush();
  }
  await session.close();
  const entries = await memory.entries();
  assert.deepEqual(
    entries.map(({ startSeconds }) => startSeconds),
    Array.from({ length: 22 }, (_, i) => i * 5),
  );
  // After the first flush (places 0, 7, 14, 21, 6) everything before 21 · 5 s is late.
  assert.deepEqual(late, places.slice(5));
  assert.deepEqual(await memory.check(), []);
});

test("an item from before the stream's beginning has a time below 0", async () => {
  const memory = newMemory();
  const session = await open(memory);
  await session.push({ text: "The ferry left at five.", atMs: originMs - 90_000 });
  await session.close();
  assert.equal((await memory.entries())[0]!.startSeconds, -90);
});

describe("an id", () => {
  test("makes pushing again safe: within a batch, in a session, in the next one", async () => {
    const memory = newMemory();
    const item: PushItem = { id: "a", text: "The ferry leaves at six.", atSeconds: 3 };
    const session = await open(memory);
    const [first, second] = await session.push([item, item]);
    assert.deepEqual([first!.duplicate, second!.duplicate, second!.clip], [false, true, first!.clip]);
    await session.close();
    const next = await open(memory);
    assert.deepEqual(await next.push(item), { clip: first!.clip, late: false, duplicate: true });
    await next.close();
    assert.equal((await memory.entries()).length, 1);
  });

  test("of an item that could not be journaled does not count as pushed", async () => {
    const memory = newMemory();
    let full = true;
    const failing: Memory = Object.assign(Object.create(memory), {
      growObservation: async (observation: Parameters<Memory["growObservation"]>[0]) => {
        if (full) throw new Error("disk full");
        return memory.growObservation(observation);
      },
    });
    const session = await open(failing);
    const item: PushItem = { id: "a", text: "The ferry leaves at six.", atSeconds: 3 };
    await assert.rejects(session.push(item), /disk full/);
    full = false;
    assert.equal((await session.push(item)).duplicate, false);
    await session.close();
    assert.equal((await memory.entries()).length, 1);
  });
});

test("the next session decides what an unclosed one journaled: nothing acknowledged is lost", async () => {
  const memory = newMemory();
  const stop = new AbortController();
  const session = await open(memory, { signal: stop.signal });
  await session.push({ text: "The ferry leaves at six.", atSeconds: 3 });
  await session.push({ text: "The bridge is closed.", atSeconds: 14 });
  stop.abort(new Error("power cut"));
  await assert.rejects(session.push({ text: "Too late.", atSeconds: 15 }), /power cut/);
  assert.deepEqual(await textsOf(memory), []);
  await (await open(memory)).close();
  assert.deepEqual(await textsOf(memory), ["The ferry leaves at six.", "The bridge is closed."]);
  assert.deepEqual(await memory.check(), []);
});

test("pictures and sound wait for a whole clip, and reach policy and transcriber", async () => {
  const memory = newMemory();
  const seen: { frames: number[]; heard: string[] }[] = [];
  const watching: Policy = {
    ...choicePolicy({ words: wordSpace, clipSeconds: 10 }),
    clipsPerDecision: 1,
    decide: async ({ observations }) => {
      for (const { frames, speech } of observations)
        seen.push({
          frames: frames.map(({ atSeconds }) => atSeconds),
          heard: speech.map(({ text }) => text),
        });
      const action = { text: "", statements: [], logprobs: null, revision: "r", issues: [] };
      return { actions: [action], cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 } };
    },
    advance: () => null,
  };
  const transcriber = {
    id: "counts-samples",
    transcribe: async ({ startSeconds, samples }: { startSeconds: number; samples: Int16Array }) => [
      {
        startSeconds,
        endSeconds: startSeconds + 1,
        text: `${samples.length} samples`,
        speaker: null,
        language: null,
      },
    ],
  };
  const perceptors = { transcriber, language: null, screenReader: null };
  const session = await open(memory, {}, { policy: watching, perceptors });
  const jpeg = createCanvas(32, 18).toBuffer("image/jpeg");
  for (const atSeconds of [1, 0, 2]) await session.push({ jpeg, atSeconds });
  // Two seconds of sound at 16 kHz in two pieces.
  await session.push([
    { pcm16: new Int16Array(16_000), atSeconds: 0 },
    { pcm16: new Int16Array(16_000), atSeconds: 1 },
  ]);
  await session.close();
  assert.deepEqual(seen, [{ frames: [0, 1, 2], heard: ["32000 samples"] }]);
});

test("with too many open clips a push waits until the oldest are decided", async () => {
  const memory = newMemory();
  const session = await open(memory);
  for (let i = 0; i < 40; i++) await session.push({ text: `Parcel ${i} is here.`, atSeconds: i * 10 });
  const decided = (await memory.entries()).length;
  assert.equal(decided, 28, "40 pushed, 12 still open");
  await session.close();
  assert.equal((await memory.entries()).length, 40);
});

test("every listener gets every event, and the end", async () => {
  const session = await open(newMemory());
  const count = async (events: AsyncIterable<unknown>) => {
    let n = 0;
    for await (const _ of events) n += 1;
    return n;
  };
  const counts = [count(session.events()), count(session.events())];
  await session.push({ text: "One parcel came.", atSeconds: 1 });
  await session.flush();
  await session.push({ text: "Two parcels came.", atSeconds: 20 });
  await session.close();
  assert.deepEqual(await Promise.all(counts), [2, 2]);
});

test("a stream has one session, and a closed one says so", async () => {
  const memory = newMemory();
  const session = await open(memory);
  await assert.rejects(open(memory), { code: "stream-busy" });
  await session.close();
  await assert.rejects(session.push({ text: "Late.", atSeconds: 1 }), { code: "session-closed" });
  await (await open(memory)).close();
});

test("a time without a session is a gap on a wall clock", async () => {
  let nowMs = originMs;
  const memory = newMemory(() => nowMs);
  const first = await open(memory, {}, { now: () => nowMs });
  await first.push({ text: "The ferry leaves at six.", atSeconds: 5 });
  await first.close();
  nowMs += 3_600_000;
  await (await open(memory, {}, { now: () => nowMs })).close();
  const [gap] = await memory.gaps();
  assert.deepEqual([gap!.reason, Math.round(gap!.endSeconds)], ["not-watched", 3600]);
});

describe("an item that cannot be used is refused with its place, and nothing of its batch is kept:", () => {
  const cases: [string, unknown, RegExp][] = [
    ["no content", { atSeconds: 1 }, /expected `text`, `jpeg` or `pcm16`/],
    ["an empty text", { text: "  ", atSeconds: 1 }, /some text/],
    ["an unknown key", { text: "Hello", at: 1 }, /unknown key `at`/],
    ["a time that is none", { text: "Hello", atSeconds: Number.NaN }, /`atSeconds` from 0 up/],
    ["two times", { text: "Hello", atSeconds: 1, atMs: originMs }, /not both/],
    ["bytes that are no JPEG", { jpeg: new Uint8Array(9), atSeconds: 1 }, /JPEG/],
    ["sound of another kind", { pcm16: new Float32Array(9), atSeconds: 1 }, /Int16Array/],
    ["an end before its start", { text: "Hello", atSeconds: 2, endSeconds: 1 }, /`endSeconds` from 2 up/],
    [
      "an end that never comes",
      { text: "Hello", atSeconds: 2, endSeconds: Infinity },
      /`endSeconds` from 2 up/,
    ],
    ["a time beyond every date", { text: "Hello", atSeconds: 1e300 }, /within 10000000000 s/],
    ["an end beyond every date", { text: "Hello", atSeconds: 2, endSeconds: 1e300 }, /within 10000000000 s/],
    [
      "a speaker without a name",
      { text: "Hello", atSeconds: 2, speaker: 7 },
      /`speaker` to be a text or null/,
    ],
  ];
  for (const [what, item, message] of cases)
    test(what, async () => {
      const memory = newMemory();
      const session: LiveSession = await open(memory);
      const good: PushItem = { text: "The ferry leaves at six.", atSeconds: 1 };
      const refused = session.push([good, item as PushItem]);
      await assert.rejects(refused, ({ code, message: said }: { code: string; message: string }) => {
        assert.equal(code, "item-invalid");
        assert.match(said, /^Item 2 /);
        assert.match(said, message);
        return true;
      });
      await session.close();
      assert.deepEqual(await textsOf(memory), []);
    });

  test("a wall time on a stream that has none", async () => {
    const session = await open(newMemory(), { clock: { kind: "media" } });
    await assert.rejects(session.push({ text: "Hello", atMs: originMs }), /media clock/);
    await assert.rejects(session.push({ text: "Hello" }), /give `atSeconds`/);
    await session.close();
  });
});
