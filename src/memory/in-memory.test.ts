/** The in-memory store: the cases of every store, and agreement with the store on disk. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { memoryCases } from "../../test/memory-cases/index.ts";
import {
  addTestStream,
  frameOf,
  observationOf,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { rowsOf } from "../../test/support/store.ts";
import type { Embedder } from "../engine.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { pick, randomInt, seededRandom } from "../util/random.ts";
import { type InMemoryOptions, inMemoryStore } from "./in-memory.ts";
import type { Entry, Memory, Progress, RecalledEntry, RecallQuery } from "./memory.ts";

const folder = temporaryFolder("in-memory");

function open(options: Partial<InMemoryOptions> = {}): Memory {
  let nowMs = 1_700_000_000_000;
  return inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => nowMs++, ...options });
}

memoryCases({ open: async (options) => open(options), reopen: async (memory) => memory });

const people = ["Ann", "Bob", "Carla"];
const things = ["teapot", "scissors", "ladder", "violin", "blanket", "lantern"];
const places = ["kitchen", "garden", "cellar", "attic", "hall"];

/** Writes the same content into a memory on each call. */
async function lived(memory: Memory): Promise<Memory> {
  const random = seededRandom("lived");
  for (const stream of ["one", "two", "three"]) {
    await addTestStream(memory, stream);
    for (let clip = 0; clip < 25; clip++) {
      const line = () =>
        `${pick(random, people)}${random() < 0.5 ? ": the" : " takes the"} ${pick(random, things)} to the ${pick(random, places)}`;
      const frames = [frameOf(clip, `picture ${randomInt(random, 9)}`)];
      if (clip % 7 === 6) {
        await memory.addObservation(observationOf(stream, clip, { frames }));
        await memory.failClip(stream, clip, { code: "down", message: "m", retryable: clip > 10 });
      } else await remember(memory, stream, clip, [line(), line()].slice(clip % 3 === 0 ? 1 : 0), { frames });
    }
  }
  const entries = await memory.entries();
  for (const [i, { id }] of entries.entries())
    if (i % 9 === 0) await memory.closeEntry(id, "over", entries[i + 1]!.id);
  for (const [i, { id, stream, text }] of entries.slice(0, 20).entries()) {
    await memory.addTask({
      ...{
        id: `task_${i}`,
        askedAtMs: i % 4,
        asOfSeconds: null,
        stream,
        question: { text: `${text}?`, options: [] },
      },
      ...{
        answer: "",
        option: null,
        abstained: i % 2 === 0,
        citations: i % 2 ? [id] : [],
        reader: "lexical",
      },
    });
  }
  await memory.addFeedback("task_3", { atMs: 4, verdict: "wrong", correction: "The violin" });
  for (const [i, state] of (["active", "refused", "active"] as const).entries()) {
    const tasks = [`task_${i}`, `task_${i + 7}`];
    const kept = { policy: "choice", revision: `r${i}`, state, reason: "tried", atMs: i, tasks, file: "{}" };
    await memory.addAdapter({ ...kept, id: `adapter_${i}` });
  }
  const gap = {
    kind: "gap",
    stream: "two",
    startSeconds: 300,
    endSeconds: 310,
    reason: "source-down",
  } as const;
  await memory.addGap({ ...gap, detail: "The camera was off." });
  return memory;
}

const both = async (name: string) =>
  [await lived(open()), await lived(await openTestMemory(join(folder, name)))] as const;

/** Everything a memory returns. */
const told = async (memory: Memory) => ({
  rows: await rowsOf(memory),
  entries: await memory.entries({ includeClosed: true }),
  states: await Promise.all(["one", "two", "three"].map((stream) => memory.policyState("choice", stream))),
  progress: shown(await memory.progress("one", 5)),
  failures: await memory.clipFailures(),
  tasks: await memory.tasks(),
  speakers: await memory.speakers(),
  clips: await memory.page("clips", {}, { limit: 40 }),
  stats: { ...(await memory.stats()), databaseBytes: 0 },
});

/** With pictures as texts: stores return bytes in different classes. */
function shown({ pending, recent, ...counts }: Progress) {
  const texts = (observations: Progress["recent"]) =>
    observations.map((one) => ({
      ...one,
      frames: one.frames.map((frame) => ({ ...frame, jpeg: Buffer.from(frame.jpeg).toString() })),
    }));
  return { ...counts, pending: texts(pending), recent: texts(recent) };
}

test("the same calls leave the same memory as on disk, before and after forgetting", async () => {
  const [here, disk] = await both("life");
  assert.deepEqual(await told(here), await told(disk));
  const [{ id }] = (await here.entries({ streams: ["three"] })) as [Entry, ...Entry[]];
  for (const request of [
    { query: "violin cellar" },
    { person: "Carla" },
    { fromSeconds: 40, toSeconds: 90, streams: ["one", "three"] },
    { entries: [id] },
    { streams: ["two"] },
  ]) {
    const report = await disk.forget(request);
    assert.deepEqual(await here.forget(request, { dryRun: true }), { ...report, dryRun: true });
    assert.deepEqual(await here.forget(request), report, JSON.stringify(request));
    const left = await told(here).catch((error: Error) => error.message);
    assert.deepEqual(left, await told(disk).catch((error: Error) => error.message));
  }
  await disk.close();
});

/**
 * Four of 16 components are ½: a unit vector whose distances are the same in any precision and order of adding.
 * Distances of real vectors differ in the last digits, and so do their near ties.
 */
const exactEmbedder: Embedder = {
  id: "halves",
  dimension: 16,
  embed: async (texts) =>
    texts.map((text) => {
      const vector = new Float32Array(16);
      const random = seededRandom(wordSpace.stems(text).slice(-1).join(" "));
      while (vector.filter((value) => value > 0).length < 4) vector[randomInt(random, 16)] = 0.5;
      return vector;
    }),
};

test("recall ranks as the text index and the vectors on disk do", async () => {
  const here = await lived(open({ embedder: exactEmbedder }));
  const disk = await lived(await openTestMemory(join(folder, "recall"), { embedder: exactEmbedder }));
  const random = seededRandom("questions");
  for (let i = 0; i < 60; i++) {
    const query: RecallQuery = {
      text: `Where did ${pick(random, people)} put the ${pick(random, things)} and the ${pick(random, things)}?`,
      limit: 200,
      ...(i % 3 === 0 && { nearSeconds: randomInt(random, 250) }),
      ...(i % 4 === 0 && { aboutSpeakers: [pick(random, people)] }),
      ...(i % 5 === 0 && { streams: ["one", "three"] }),
      ...(i % 6 === 0 && { asOfSeconds: 120 }),
      ...(i % 7 === 0 && { includeClosed: true }),
    };
    const [ours, theirs] = [await here.recall(query), await disk.recall(query)];
    assert.ok(ours.length > 0);
    assertAlike(ours, theirs, JSON.stringify(query));
  }
  await disk.close();
});

function assertAlike(ours: readonly RecalledEntry[], theirs: readonly RecalledEntry[], label: string): void {
  const ranks = (recalled: readonly RecalledEntry[]) =>
    recalled.map(({ entry, score: { fullText, vector, time, speaker } }) => [
      entry.id,
      ...[fullText?.rank, vector?.rank, time?.rank, speaker?.rank],
    ]);
  assert.deepEqual(ranks(ours), ranks(theirs), label);
  for (const [place, { score }] of ours.entries()) {
    for (const channel of ["fullText", "vector", "time", "speaker"] as const) {
      const away = (score[channel]?.score ?? 0) - (theirs[place]!.score[channel]?.score ?? 0);
      assert.ok(Math.abs(away) < 1e-6, `${label}: ${channel} is ${away} away`);
    }
  }
}

test("a memory moves from disk into this process and back", async () => {
  const disk = await lived(await openTestMemory(join(folder, "there")));
  const rows = await rowsOf(disk);
  const blobs = new Map<string, Uint8Array>();
  for (const row of rows)
    if (row.row === "clip")
      for (const { hash } of row.observation?.frames ?? []) blobs.set(hash, (await disk.blob(hash))!);
  const here = open();
  const read = (hash: string) => blobs.get(hash) ?? null;
  assert.equal((await here.addRows(rows, read)).added, rows.length);
  assert.deepEqual(await here.addRows(rows, read), {
    ...{ added: 0, skipped: rows.length, forgotten: 0, blobs: 0 },
  });
  assert.deepEqual(await rowsOf(here), rows);
  assert.deepEqual(await here.check(), []);
  const back = await openTestMemory(join(folder, "back"));
  await back.addRows(await rowsOf(here), read);
  assert.deepEqual(await rowsOf(back), rows);
  for (const memory of [disk, back]) await memory.close();
});

test("what it returns is a copy of what it holds", async () => {
  const memory = open();
  await addTestStream(memory, "kitchen");
  const { stored } = await remember(memory, "kitchen", 0, ["Ann: tea"]);
  (stored[0] as { text: string }).text = "changed";
  ((await memory.entries())[0]!.speakers as string[]).push("Mallory");
  const [entry] = await memory.entries();
  assert.deepEqual([entry!.text, entry!.speakers], ["Ann: tea", ["Ann"]]);
});
