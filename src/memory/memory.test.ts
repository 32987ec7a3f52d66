import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  openTestMemory,
  remember,
  statementOf,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { StoreError } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import type { Memory } from "./memory.ts";
import { keptObservations, keptWithFrames } from "./retention.ts";
import type { SqliteMemory } from "./sqlite.ts";

const folder = temporaryFolder("memory");
let opened = 0;
/** Clips after which a memory deletes what it let go. */
const sweepEvery = 20;
const newDirectory = () => join(folder, String(opened++));

async function kitchen(): Promise<SqliteMemory> {
  const memory = await openTestMemory(newDirectory());
  await addTestStream(memory, "kitchen");
  return memory;
}

const code = (name: string) => (error: unknown) => error instanceof StoreError && error.code === name;
const texts = async (memory: Memory) => (await memory.entries()).map(({ text }) => text);
const kettle = "Ann puts the kettle on the stove";
const phone = "Bob takes a phone call";

describe("streams", () => {
  test("are added once and returned as they are known", async () => {
    const memory = await kitchen();
    const [known] = await memory.streams();
    const stream = {
      id: "kitchen",
      description: "another path",
      clipSeconds: 10,
      clock: { kind: "media" },
      fingerprint: "print-kitchen",
    } as const;
    assert.deepEqual(await memory.addStream(stream), known);
    assert.equal(known!.description, "kitchen.mp4");
    await assert.rejects(memory.addStream({ ...stream, fingerprint: "other" }), code("stream-changed"));
    await assert.rejects(memory.addStream({ ...stream, clipSeconds: 5 }), code("stream-changed"));
    await memory.close();
  });

  test("have ended until another clip of theirs is seen", async () => {
    const memory = await kitchen();
    await memory.addObservation(observationOf("kitchen", 0));
    await memory.endStream("kitchen");
    assert.equal((await memory.streams())[0]!.ended, true);
    await memory.addObservation(observationOf("kitchen", 1));
    assert.equal((await memory.streams())[0]!.ended, false);
    await memory.close();
  });

  test("must be known before anything is said of them", async () => {
    const memory = await openTestMemory(newDirectory());
    await assert.rejects(memory.addObservation(observationOf("hall", 0)), code("stream-unknown"));
    await assert.rejects(memory.commit(decisionOf("hall", [statementOf(0, kettle)])), code("stream-unknown"));
    await assert.rejects(memory.progress("hall", 5), code("stream-unknown"));
    await memory.close();
  });
});

describe("the journal", () => {
  test("takes a clip from perceived to pending to entries", async () => {
    const memory = await kitchen();
    const seen = observationOf("kitchen", 0, {
      frames: [frameOf(0, "picture of a kettle")],
      speech: [{ startSeconds: 1, endSeconds: 2, text: "Tea?", speaker: "Ann" }],
    });
    await memory.addObservation(seen);
    const before = await memory.progress("kitchen", 5);
    assert.equal(before.nextClip, 1);
    assert.deepEqual(
      before.pending.map((one) => ({ ...one, frames: one.frames.map((frame) => ({ ...frame })) })),
      [seen],
    );
    assert.deepEqual([before.storedClips, before.recent.length], [0, 0]);

    const statement = statementOf(0, kettle, { speakers: ["Ann"], frameSeconds: [1] });
    const { stored, skipped } = await memory.commit(decisionOf("kitchen", [statement]));
    assert.deepEqual(skipped, []);
    assert.deepEqual(await memory.entries(), stored);
    const [entry] = stored;
    assert.deepEqual(await memory.entry(entry!.id), entry);
    assert.deepEqual(
      [entry!.text, entry!.startSeconds, entry!.endSeconds, entry!.speakers, entry!.revision],
      [kettle, 1, 3, ["Ann"], "choice@1"],
    );
    assert.deepEqual(entry!.evidence.tiers, { speech: "sidecar" });
    const [frame] = entry!.evidence.frames;
    assert.equal(Buffer.from((await memory.blob(frame!.hash))!).toString(), "picture of a kettle");

    const later = await memory.progress("kitchen", 5);
    assert.deepEqual([later.pending.length, later.storedClips, later.recent.length], [0, 1, 1]);
    assert.deepEqual(await memory.check(), []);
    await memory.close();
  });

  test("finds everything again after the memory was closed", async () => {
    const memory = await kitchen();
    await remember(memory, "kitchen", 0, [kettle]);
    await memory.addObservation(observationOf("kitchen", 1));
    const known = [await memory.entries(), (await memory.progress("kitchen", 5)).pending];
    await memory.close();
    const again = await openTestMemory(memory.directory);
    assert.deepEqual([await again.entries(), (await again.progress("kitchen", 5)).pending], known);
    await again.close();
  });

  test("changes nothing when a clip is perceived twice", async () => {
    const memory = await kitchen();
    await memory.addObservation(observationOf("kitchen", 0, { frames: [frameOf(0, "first")] }));
    await memory.addObservation(observationOf("kitchen", 0, { frames: [frameOf(0, "second")] }));
    const { pending } = await memory.progress("kitchen", 5);
    assert.deepEqual(
      pending.map(({ frames }) => Buffer.from(frames[0]!.jpeg).toString()),
      ["first"],
    );
    assert.equal((await memory.stats()).clips, 1);
    await memory.close();
  });

  test("offers a failed clip again if a later try may help, and not otherwise", async () => {
    const memory = await kitchen();
    for (const clip of [0, 1]) await memory.addObservation(observationOf("kitchen", clip));
    const outage = { code: "engine-down", message: "no answer", retryable: true };
    await memory.failClip("kitchen", 0, outage);
    await memory.failClip("kitchen", 0, outage);
    await memory.failClip("kitchen", 1, { code: "bad-request", message: "refused", retryable: false });
    const directory = memory.directory;
    await memory.close();

    const next = await openTestMemory(directory);
    const { pending, recent, failedClips } = await next.progress("kitchen", 5);
    assert.deepEqual([pending.map(({ clip }) => clip), failedClips], [[0], 2]);
    assert.deepEqual(
      recent.map(({ clip }) => clip),
      [1],
      "the refused clip is of the window",
    );
    assert.deepEqual(await next.clipFailures("kitchen"), [
      { stream: "kitchen", clip: 0, failure: { ...outage, attempts: 2 } },
      {
        stream: "kitchen",
        clip: 1,
        failure: { code: "bad-request", message: "refused", retryable: false, attempts: 1 },
      },
    ]);
    await next.commit(decisionOf("kitchen", [statementOf(0, kettle)]));
    assert.equal((await next.progress("kitchen", 5)).failedClips, 1);
    await next.failClip("kitchen", 0, outage);
    assert.equal((await next.progress("kitchen", 5)).storedClips, 1, "a stored clip stays stored");
    await assert.rejects(next.failClip("kitchen", 9, outage), code("clip-unknown"));
    await next.close();
  });

  test("shows the short-term window, keeps the pictures of the last ten minutes and lets older ones go", async () => {
    const memory = await kitchen();
    await memory.progress("kitchen", 3);
    for (let clip = 0; clip < keptWithFrames + 3; clip++) {
      await remember(memory, "kitchen", clip, [], { frames: [frameOf(clip, `picture ${clip}`)] });
    }
    const { recent, nextClip, storedClips } = await memory.progress("kitchen", 3);
    assert.deepEqual(
      [recent.map(({ clip }) => clip), nextClip, storedClips],
      [[keptWithFrames + 1, keptWithFrames + 2], keptWithFrames + 3, keptWithFrames + 3],
    );
    assert.equal(keptWithFrames, 60);
    await memory.close();
    const again = await openTestMemory(memory.directory);
    assert.equal((await again.stats()).blobs, 60);
    assert.deepEqual(await again.check(), []);
    await again.close();
  });

  test("keeps the pictures of a wider window, of each stream for itself", async () => {
    const memory = await kitchen();
    await addTestStream(memory, "hall");
    await memory.progress("kitchen", 62);
    for (let clip = 0; clip < 64; clip++) {
      await remember(memory, "kitchen", clip, [], { frames: [frameOf(clip, `picture ${clip}`)] });
      if (clip < 3) await remember(memory, "hall", clip, [], { frames: [frameOf(clip, `hall ${clip}`)] });
    }
    const pictures = async (stream: string) =>
      (await memory.observations(stream)).filter(({ frames }) => frames.length > 0).length;
    assert.deepEqual([await pictures("kitchen"), await pictures("hall")], [62, 3]);
    await memory.close();
  });

  test("keeps pictures of two hours in all streams together, and the window of each", async () => {
    const memory = await openTestMemory(newDirectory());
    const streams = Array.from({ length: 14 }, (_, i) => `camera ${i}`);
    for (const stream of streams) {
      await addTestStream(memory, stream);
      for (let clip = 0; clip < 60; clip++) {
        await memory.addObservation(
          observationOf(stream, clip, { frames: [frameOf(clip, `${stream} ${clip}`)] }),
        );
        await memory.commit(decisionOf(stream, [], { clips: [clip] }));
      }
    }
    const pictured = async (stream: string) =>
      (await memory.observations(stream)).filter(({ frames }) => frames.length > 0).map(({ clip }) => clip);
    // 14 × 60 were watched; 12 × 60 keep their pictures, and five more of each of the two before.
    const window = [55, 56, 57, 58, 59];
    assert.deepEqual(await pictured("camera 0"), window);
    assert.deepEqual(await pictured("camera 1"), window);
    assert.equal((await pictured("camera 2")).length, 60);
    assert.equal((await memory.observations("camera 0")).length, 60, "its texts stay");
    await memory.close();
    const again = await openTestMemory(memory.directory);
    assert.equal((await again.stats()).blobs, 720 + 10);
    assert.deepEqual(await again.check(), []);
    await again.close();
  });

  test("lets go of what clips that failed for good showed as it does of stored ones, and of nothing that waits", async () => {
    const memory = await kitchen();
    const fail = (clip: number, retryable: boolean) =>
      memory.failClip("kitchen", clip, { code: "bad-request", message: "refused", retryable });
    const clips = keptObservations + sweepEvery;
    for (let clip = 0; clip < clips; clip++) {
      const frames = [frameOf(clip, `picture ${clip}`)];
      // An entry shows what refused clip 2 does; clip 3 is to be tried again; all others but the last are refused.
      if (clip === 1) await remember(memory, "kitchen", 1, [kettle], { frames: [frameOf(1, "picture 2")] });
      else await memory.addObservation(observationOf("kitchen", clip, { frames }));
      if (clip === clips - 1) await memory.commit(decisionOf("kitchen", [], { clips: [clip] }));
      else if (clip !== 1) await fail(clip, clip === 3);
    }
    const shown = async (hash: string) => Buffer.from((await memory.blob(hash))!).toString();
    const [entry] = await memory.entries();
    assert.equal(await shown(entry!.evidence.frames[0]!.hash), "picture 2", "an entry refers to it");
    const { pending, recent, failedClips } = await memory.progress("kitchen", 5);
    assert.deepEqual(
      pending.map(({ clip, frames }) => [clip, Buffer.from(frames[0]!.jpeg).toString()]),
      [[3, "picture 3"]],
    );
    assert.deepEqual(
      recent.map(({ clip, frames }) => [clip, Buffer.from(frames[0]!.jpeg).toString()]),
      [4, 3, 2, 1].map((back) => [clips - back, `picture ${clips - back}`]),
    );
    assert.equal(failedClips, clips - 2, "they stay visible");
    assert.equal((await memory.clipFailures()).length, clips - 2);
    await memory.close();
    const again = await openTestMemory(memory.directory);
    assert.equal((await again.stats()).blobs, keptWithFrames + 2);
    assert.deepEqual(await again.check(), []);
    const observed: number[] = [];
    for await (const row of again.rows())
      if (row.row === "clip" && row.observation !== null) observed.push(row.clip);
    assert.deepEqual([observed.length, observed[0]], [keptObservations + 1, 3]);
    await again.close();
  });

  test("keeps gaps, and the later end of one that is met again", async () => {
    const memory = await kitchen();
    const gap = {
      kind: "gap",
      stream: "kitchen",
      startSeconds: 20,
      endSeconds: 30,
      reason: "source-down",
      detail: "The camera was off.",
    } as const;
    await memory.addGap(gap);
    await memory.addGap({ ...gap, endSeconds: 45, detail: "The camera was off for long." });
    await memory.addGap({ ...gap, endSeconds: 25 });
    await memory.addGap({ ...gap, startSeconds: 90, endSeconds: 95 });
    const found = await memory.gaps();
    assert.deepEqual(
      found.map(({ startSeconds, endSeconds, detail }) => [startSeconds, endSeconds, detail]),
      [
        [20, 45, "The camera was off for long."],
        [90, 95, "The camera was off."],
      ],
    );
    assert.deepEqual(await memory.gaps({ fromSeconds: 45 }), [found[1]]);
    assert.deepEqual(await memory.gaps({ toSeconds: 90 }), [found[0]]);
    assert.deepEqual(await memory.gaps({ streams: ["hall"] }), []);
    await memory.close();
  });
});

describe("a commit", () => {
  test("is nothing when any part of it is wrong", async () => {
    const memory = await kitchen();
    await memory.addObservation(observationOf("kitchen", 0));
    const good = statementOf(0, kettle);
    const change = { value: "kept", documents: 1, words: new Map([["kettl", 1]]) };
    const wrong = [
      { ...good, text: phone, frameSeconds: [7] },
      { ...good, text: phone, clip: 3 },
      { ...good, text: phone, endSeconds: 0 },
      { ...good, text: phone, startSeconds: Number.NaN },
    ];
    for (const statement of wrong) {
      const decision = decisionOf("kitchen", [good, statement], { clips: [0], stateChange: change });
      await assert.rejects(memory.commit(decision), RangeError);
    }
    const unseen = decisionOf("kitchen", [good, statementOf(1, phone)], { stateChange: change });
    await assert.rejects(memory.commit(unseen), code("clip-unknown"));
    assert.deepEqual(await memory.entries(), []);
    assert.equal((await memory.policyState("choice", "kitchen")).documents, 0);
    assert.equal((await memory.progress("kitchen", 5)).pending.length, 1);
    assert.deepEqual(await memory.check(), []);
    await memory.close();
  });

  test("made twice stores nothing more and counts nothing twice", async () => {
    const memory = await kitchen();
    const first = await remember(memory, "kitchen", 0, [kettle, phone]);
    const state = await memory.policyState("choice", "kitchen");
    const again = await remember(memory, "kitchen", 0, [kettle, phone]);
    assert.deepEqual(
      again.skipped.map(({ reason }) => reason),
      ["already-stored", "already-stored"],
    );
    assert.deepEqual(await memory.entries(), first.stored);
    assert.deepEqual(await memory.policyState("choice", "kitchen"), state);
    const other = decisionOf("kitchen", [statementOf(0, "A new thought")], { clips: [0] });
    assert.deepEqual((await memory.commit(other)).stored, [], "the clip was decided at this revision");
    await memory.close();
  });

  test("by another revision adds what is new", async () => {
    const memory = await kitchen();
    await remember(memory, "kitchen", 0, [kettle]);
    const { stored, skipped } = await memory.commit(
      decisionOf("kitchen", [statementOf(0, kettle), statementOf(0, phone)], { revision: "choice@1+a1" }),
    );
    assert.deepEqual(
      stored.map(({ text, revision }) => [text, revision]),
      [[phone, "choice@1+a1"]],
    );
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      ["duplicate"],
    );
    await memory.close();
  });

  test("skips texts that are empty or said twice", async () => {
    const memory = await kitchen();
    const { stored, skipped } = await remember(memory, "kitchen", 0, [kettle, "  ", kettle]);
    assert.deepEqual([stored.length, skipped.map(({ reason }) => reason)], [1, ["empty", "duplicate"]]);
    await memory.close();
  });

  test("of several clips stores them together, and an empty one stores its clips", async () => {
    const memory = await kitchen();
    for (const clip of [0, 1, 2]) await memory.addObservation(observationOf("kitchen", clip));
    await memory.commit(decisionOf("kitchen", [statementOf(1, kettle)], { clips: [0, 1] }));
    await memory.commit(decisionOf("kitchen", [], { clips: [2] }));
    assert.equal((await memory.progress("kitchen", 5)).storedClips, 3);
    assert.deepEqual(await texts(memory), [kettle]);
    await memory.close();
  });
});

describe("entries", () => {
  async function timeline(): Promise<SqliteMemory> {
    const memory = await kitchen();
    await addTestStream(memory, "attic");
    await remember(memory, "kitchen", 2, ["Ann: the kettle is hot"]);
    await remember(memory, "kitchen", 0, ["Bob: good morning", "The radio plays for Anna"]);
    await remember(memory, "attic", 1, ["A box for Ann falls"]);
    return memory;
  }
  const all = [
    "A box for Ann falls",
    "Bob: good morning",
    "The radio plays for Anna",
    "Ann: the kettle is hot",
  ] as const;
  const [box, morning, radio, hot] = all;

  test("come in time order by stream", async () => {
    const memory = await timeline();
    assert.deepEqual(await texts(memory), all);
    const list = async (filter: Parameters<Memory["entries"]>[0]) =>
      (await memory.entries(filter)).map(({ text }) => text);
    assert.deepEqual(await list({ limit: 2 }), [box, morning]);
    assert.deepEqual(await list({ limit: 2, newest: true }), [box, hot]);
    assert.deepEqual(await list({ streams: ["kitchen"], limit: 1, newest: true }), [hot]);
    await memory.close();
  });

  test("are filtered by stream, clip, kind, time, moment of knowing, and person", async () => {
    const memory = await timeline();
    const cases: [Parameters<Memory["entries"]>[0], readonly string[]][] = [
      [{ streams: ["attic"] }, [box]],
      [{ streams: [] }, []],
      [{ clips: [0, 1] }, [box, morning, radio]],
      [{ kinds: ["semantic"] }, []],
      [{ fromSeconds: 1, toSeconds: 11 }, [box, radio]],
      [{ fromSeconds: 1.5, toSeconds: 1.6 }, [radio]],
      [{ toSeconds: 1 }, [morning]],
      // known only when its clip was over: at 10, 20 and 30 s
      [{ asOfSeconds: 9.9 }, []],
      [{ asOfSeconds: 10 }, [morning, radio]],
      [{ asOfSeconds: 29.9 }, [box, morning, radio]],
      // spoken by or naming, whole words, case aside: Ann is not in Anna
      [{ speakers: ["ann"] }, [box, hot]],
      [{ speakers: ["BOB"], streams: ["kitchen"] }, [morning]],
      [{ speakers: [""] }, []],
    ];
    for (const [filter, expected] of cases) {
      assert.deepEqual(
        (await memory.entries(filter)).map(({ text }) => text),
        expected,
        JSON.stringify(filter),
      );
    }
    await memory.close();
  });

  test("that are closed stay readable and are left out unless asked for", async () => {
    const memory = await timeline();
    const entries = await memory.entries();
    const closing = entries.find(({ text }) => text === hot)!;
    await memory.closeEntry(closing.id, "it cooled down", entries[0]!.id);
    assert.deepEqual(await texts(memory), [box, morning, radio]);
    const { closed, ...rest } = (await memory.entry(closing.id))!;
    assert.deepEqual({ ...rest, closed: null }, closing);
    assert.deepEqual([closed!.reason, closed!.supersededBy], ["it cooled down", entries[0]!.id]);
    await memory.closeEntry(closing.id, "again");
    assert.equal((await memory.entry(closing.id))!.closed!.reason, "it cooled down");
    const count = async (filter: Parameters<Memory["entries"]>[0]) => (await memory.entries(filter)).length;
    assert.equal(await count({ includeClosed: true }), 4);
    assert.equal(await count({ writtenByMs: closed!.atMs - 1 }), 4, "it was not closed by then");
    assert.equal(await count({ writtenByMs: closed!.atMs }), 3);
    await assert.rejects(memory.closeEntry("entry_unknown", "why"), code("entry-unknown"));
    assert.equal(await memory.entry("entry_unknown"), null);
    await memory.close();
  });
});

describe("policy state", () => {
  const change = (value: string, words: Record<string, number>, documents = 1) => ({
    value,
    documents,
    words: new Map(Object.entries(words)),
  });

  test("is empty at first, then the stream's last value and the counts of all streams", async () => {
    const memory = await kitchen();
    await addTestStream(memory, "hall");
    for (const clip of [0, 1]) await memory.addObservation(observationOf("kitchen", clip));
    await memory.addObservation(observationOf("hall", 0));
    const empty = { value: null, documents: 0, words: new Map() };
    assert.deepEqual(await memory.policyState("choice", "kitchen"), empty);
    const commit = (stream: string, clip: number, stateChange: ReturnType<typeof change> | null) =>
      memory.commit(decisionOf(stream, [], { clips: [clip], stateChange }));
    await commit("kitchen", 0, change("a", { tea: 1, cup: 2 }, 2));
    await commit("hall", 0, change("b", { tea: 3 }, 3));
    const words = new Map([
      ["tea", 4],
      ["cup", 2],
    ]);
    assert.deepEqual(await memory.policyState("choice", "kitchen"), { value: "a", documents: 5, words });
    assert.deepEqual(await memory.policyState("choice", "hall"), { value: "b", documents: 5, words });
    assert.deepEqual(await memory.policyState("choice", "attic"), { value: null, documents: 5, words });
    assert.deepEqual(await memory.policyState("engine", "kitchen"), empty);
    await commit("kitchen", 1, null);
    assert.equal((await memory.policyState("choice", "kitchen")).value, "a", "no change leaves it");
    await memory.close();
  });

  test("of two handles on two streams is neither overwritten nor lost", async () => {
    const one = await kitchen();
    await addTestStream(one, "hall");
    const two = await openTestMemory(one.directory);
    const leases = [await one.lease("kitchen"), await two.lease("hall")];
    const watched = [
      [one, "kitchen"],
      [two, "hall"],
    ] as const;
    for (let clip = 0; clip < 10; clip++) {
      await Promise.all(
        watched.map(async ([memory, stream]) => {
          await memory.addObservation(observationOf(stream, clip));
          const stateChange = change(`${stream} ${clip}`, { tea: 1, [stream]: 1 });
          await memory.commit(decisionOf(stream, [], { clips: [clip], stateChange }));
        }),
      );
    }
    const words = new Map([
      ["tea", 20],
      ["kitchen", 10],
      ["hall", 10],
    ]);
    for (const memory of [one, two]) {
      for (const stream of ["kitchen", "hall"]) {
        const state = { value: `${stream} 9`, documents: 20, words };
        assert.deepEqual(await memory.policyState("choice", stream), state);
      }
    }
    for (const lease of leases) await lease.release();
    await one.close();
    await two.close();
  });
});

describe("leases", () => {
  test("let one handle write a stream at a time", async () => {
    const one = await kitchen();
    await addTestStream(one, "hall");
    const two = await openTestMemory(one.directory);
    const lease = await one.lease("kitchen");
    await assert.rejects(two.lease("kitchen"), (error: StoreError) => {
      assert.equal(error.code, "stream-busy");
      return error.message.includes(String(process.pid));
    });
    await assert.rejects(one.lease("kitchen"), code("stream-busy"));
    const other = await two.lease("hall");
    await lease.release();
    const next = await two.lease("kitchen");
    await next.release();
    await other.release();
    await one.close();
    await two.close();
  });

  test("end when the memory is closed", async () => {
    const one = await kitchen();
    await one.lease("kitchen");
    await one.close();
    const two = await openTestMemory(one.directory);
    await (await two.lease("kitchen")).release();
    await two.close();
  });

  test("are taken over after a minute of silence, and then the former holder may not write", async () => {
    const nowMs = 1_700_000_000_000;
    const one = await openTestMemory(newDirectory(), { now: () => nowMs });
    await addTestStream(one, "kitchen");
    await one.addObservation(observationOf("kitchen", 0));
    const lease = await one.lease("kitchen");
    const two = await openTestMemory(one.directory, { now: () => nowMs + 59_000 });
    await assert.rejects(two.lease("kitchen"), code("stream-busy"));
    const three = await openTestMemory(one.directory, { now: () => nowMs + 61_000 });
    const taken = await three.lease("kitchen");
    await assert.rejects(one.addObservation(observationOf("kitchen", 1)), code("lease-lost"));
    await assert.rejects(one.commit(decisionOf("kitchen", [statementOf(0, kettle)])), code("lease-lost"));
    await lease.release();
    await assert.rejects(two.lease("kitchen"), code("stream-busy"), "releasing a lost lease frees nothing");
    await three.commit(decisionOf("kitchen", [statementOf(0, kettle)]));
    await taken.release();
    for (const memory of [one, two, three]) await memory.close();
  });
});

describe("tasks", () => {
  const task: Omit<Task, "feedback"> = {
    id: "task_1",
    askedAtMs: 5,
    asOfSeconds: 30,
    stream: "kitchen",
    question: { text: "What is hot?", options: [{ letter: "A", text: "The kettle" }] },
    answer: "The kettle",
    option: "A",
    abstained: false,
    citations: ["entry_1"],
    reader: "lexical",
  };

  test("are recorded once, in the order asked, with their feedback", async () => {
    const memory = await kitchen();
    await memory.addTask({ ...task, id: "task_2", askedAtMs: 9 });
    await memory.addTask(task);
    await memory.addTask({ ...task, answer: "another" });
    const feedback = { atMs: 7, verdict: "wrong", correction: "The stove" } as const;
    await memory.addFeedback("task_1", feedback);
    assert.deepEqual(await memory.tasks(), [
      { ...task, feedback },
      { ...task, id: "task_2", askedAtMs: 9, feedback: null },
    ]);
    const ids = async (filter: Parameters<Memory["tasks"]>[0]) =>
      (await memory.tasks(filter)).map(({ id }) => id);
    assert.deepEqual(await ids({ limit: 1 }), ["task_1"]);
    assert.deepEqual(await ids({ limit: 1, newest: true }), ["task_2"]);
    await assert.rejects(memory.addFeedback("task_3", feedback), code("task-unknown"));
    await memory.close();
  });
});

describe("a memory", () => {
  test("counts what it holds", async () => {
    const memory = await kitchen();
    await remember(memory, "kitchen", 0, [kettle, phone], {
      frames: [frameOf(0, "12345"), { ...frameOf(0, "123"), atSeconds: 2 }],
    });
    await memory.addObservation(observationOf("kitchen", 1));
    await memory.failClip("kitchen", 1, { code: "c", message: "m", retryable: true });
    const { databaseBytes, ...counts } = await memory.stats();
    assert.deepEqual(counts, {
      streams: 1,
      clips: 2,
      failedClips: 1,
      entries: 2,
      gaps: 0,
      tasks: 0,
      blobs: 2,
      blobBytes: 8,
    });
    assert.ok(databaseBytes > 0);
    await memory.close();
  });

  test("says that it was closed when it is used afterwards, and closes twice", async () => {
    const memory = await kitchen();
    await memory.close();
    await memory.close();
    await assert.rejects(memory.entries(), code("store-closed"));
  });

  test("indexed with another embedder is refused for writing and searching until it is reindexed", async () => {
    const memory = await kitchen();
    await remember(memory, "kitchen", 0, [kettle, phone]);
    await memory.close();
    const embedder = {
      id: "letters",
      dimension: 2,
      embed: async (given: readonly string[]) =>
        given.map((text) => {
          const share = [...text].filter((letter) => letter === "e").length / text.length;
          return Float32Array.of(Math.cos(share), Math.sin(share));
        }),
    };
    const other = await openTestMemory(memory.directory, { embedder });
    assert.deepEqual(await texts(other), [kettle, phone]);
    await assert.rejects(other.recall({ text: "kettle" }), code("space-mismatch"));
    await assert.rejects(other.commit(decisionOf("kitchen", [statementOf(0, "x")])), code("space-mismatch"));
    assert.deepEqual(await other.reindex(), { entries: 2 });
    const [best] = await other.recall({ text: kettle });
    assert.equal(best!.entry.text, kettle);
    assert.ok(Math.abs(best!.score.vector!.score - 1) < 1e-6);
    assert.deepEqual(await other.check(), []);
    await other.close();
  });
});
