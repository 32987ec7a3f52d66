import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type StoreError, TaskMemError } from "../../src/errors.ts";
import { keptObservations, keptWithFrames, sweepEvery } from "../../src/memory/retention.ts";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  remember,
  statementOf,
} from "../support/memory.ts";
import { kitchen, rowsOf, type TestStore, texts } from "../support/store.ts";

const code = (name: string) => (error: unknown) => error instanceof TaskMemError && error.code === name;
const kettle = "Ann puts the kettle on the stove";
const phone = "Bob takes a phone call";

/** Streams, clips, decisions, and what policies remember. */
export function journalCases(store: TestStore): void {
  describe("streams", () => {
    test("are added once and returned as they are known", async () => {
      const memory = await kitchen(store);
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
      assert.deepEqual(await memory.addStream({ ...stream, fingerprint: null }), known, "a live source");
      await memory.close();
    });

    test("count as ended until another of their clips is seen", async () => {
      const memory = await kitchen(store);
      await memory.addObservation(observationOf("kitchen", 0));
      await memory.endStream("kitchen");
      assert.equal((await memory.streams())[0]!.ended, true);
      await memory.addObservation(observationOf("kitchen", 1));
      assert.equal((await memory.streams())[0]!.ended, false);
      await memory.close();
    });

    test("keep what the last run left out of them, and pass it on", async () => {
      const memory = await kitchen(store);
      assert.deepEqual((await memory.streams())[0]!.leftOut, []);
      const items = [{ kind: "track", name: "audio 2 (fr)", reason: "Another language." }] as const;
      await memory.keepLeftOut("kitchen", [{ kind: "file", name: "a.doc", reason: "Not read." }]);
      await memory.keepLeftOut("kitchen", items);
      assert.deepEqual((await memory.streams())[0]!.leftOut, items);
      await assert.rejects(memory.keepLeftOut("hall", items), code("stream-unknown"));
      const copy = await store.open();
      await copy.addRows(await rowsOf(memory), () => null);
      assert.deepEqual((await copy.streams())[0]!.leftOut, items);
      await memory.close();
      await copy.close();
    });

    test("must be added before anything is written about them", async () => {
      const memory = await store.open();
      await assert.rejects(memory.addObservation(observationOf("hall", 0)), code("stream-unknown"));
      await assert.rejects(
        memory.commit(decisionOf("hall", [statementOf(0, kettle)])),
        code("stream-unknown"),
      );
      await assert.rejects(memory.progress("hall", 5), code("stream-unknown"));
      await memory.close();
    });
  });

  describe("the journal", () => {
    test("takes a clip from perceived to pending to entries", async () => {
      const memory = await kitchen(store);
      const seen = observationOf("kitchen", 0, {
        frames: [frameOf(0, "picture of a kettle")],
        speech: [{ startSeconds: 1, endSeconds: 2, text: "Tea?", speaker: "Ann" }],
      });
      await memory.addObservation(seen);
      const before = await memory.progress("kitchen", 5);
      assert.equal(before.nextClip, 1);
      assert.deepEqual(
        before.pending.map((one) => ({
          ...one,
          frames: one.frames.map((frame) => ({ ...frame, jpeg: Buffer.from(frame.jpeg) })),
        })),
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
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, [kettle]);
      await memory.addObservation(observationOf("kitchen", 1));
      const known = [await memory.entries(), (await memory.progress("kitchen", 5)).pending];
      const again = await store.reopen(memory);
      assert.deepEqual([await again.entries(), (await again.progress("kitchen", 5)).pending], known);
      await again.close();
    });

    test("changes nothing when a clip is perceived twice", async () => {
      const memory = await kitchen(store);
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

    test("refuses a decided clip, and leaves a waiting one as it is", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, [kettle]);
      for (const [clip, retryable] of [
        [1, false],
        [2, true],
      ] as const) {
        await memory.addObservation(observationOf("kitchen", clip));
        await memory.failClip("kitchen", clip, { code: "c", message: "m", retryable });
      }
      for (const clip of [0, 1]) {
        const again = observationOf("kitchen", clip, { frames: [frameOf(clip, "late")] });
        await assert.rejects(memory.addObservation(again), (error) => {
          assert.ok(code("clip-decided")(error));
          assert.deepEqual((error as StoreError).details, { stream: "kitchen", clip });
          return true;
        });
      }
      await memory.addObservation(observationOf("kitchen", 2));
      assert.equal((await memory.clipFailures("kitchen")).length, 2);
      const again = await store.reopen(memory);
      assert.equal((await again.stats()).blobs, 0, "the picture of a refused clip is not kept");
      await again.close();
    });

    test("offers a failed clip again only if the failure is retryable", async () => {
      const memory = await kitchen(store);
      for (const clip of [0, 1]) await memory.addObservation(observationOf("kitchen", clip));
      const outage = { code: "engine-down", message: "no answer", retryable: true };
      await memory.failClip("kitchen", 0, outage);
      await memory.failClip("kitchen", 0, outage);
      await memory.failClip("kitchen", 1, { code: "bad-request", message: "refused", retryable: false });

      const next = await store.reopen(memory);
      const { pending, recent, failedClips } = await next.progress("kitchen", 5);
      assert.deepEqual([pending.map(({ clip }) => clip), failedClips], [[0], 2]);
      assert.deepEqual(
        recent.map(({ clip }) => clip),
        [1],
        "the refused clip is in the window",
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

    test("shows the short-term window, keeps the pictures of the last ten minutes and deletes older ones", async () => {
      const memory = await kitchen(store);
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
      const again = await store.reopen(memory);
      assert.equal((await again.stats()).blobs, 60);
      assert.deepEqual(await again.check(), []);
      await again.close();
    });

    test("tells observations of clips that failed for good from those that were decided", async () => {
      const memory = await kitchen(store);
      await remember(memory, "kitchen", 0, []);
      const failure = { code: "bad-request", message: "Refused.", retryable: false };
      for (const clip of [1, 2, 3]) await memory.addObservation(observationOf("kitchen", clip));
      await memory.failClip("kitchen", 1, failure);
      await memory.failClip("kitchen", 2, { ...failure, retryable: true });
      const clips = async (which?: "stored" | "failed") =>
        (await memory.observations("kitchen", which)).map(({ clip }) => clip);
      assert.deepEqual([await clips(), await clips("stored"), await clips("failed")], [[0], [0], [1]]);
      await memory.retryClips("kitchen");
      assert.deepEqual(await clips("failed"), []);
      await memory.close();
    });

    test("keeps the pictures of a wider window, of each stream for itself", async () => {
      const memory = await kitchen(store);
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
      const memory = await store.open();
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
      const again = await store.reopen(memory);
      assert.equal((await again.stats()).blobs, 720 + 10);
      assert.deepEqual(await again.check(), []);
      await again.close();
    });

    test("deletes observations of clips that failed for good as of stored ones, and none that wait", async () => {
      const memory = await kitchen(store);
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
      const again = await store.reopen(memory);
      assert.equal((await again.stats()).blobs, keptWithFrames + 2);
      assert.deepEqual(await again.check(), []);
      const observed: number[] = [];
      for await (const row of again.rows())
        if (row.row === "clip" && row.observation !== null) observed.push(row.clip);
      assert.deepEqual([observed.length, observed[0]], [keptObservations + 1, 3]);
      await again.close();
    });

    test("gives failed clips up, and has them wait again where their observation is kept", async () => {
      const memory = await kitchen(store);
      const clips = keptObservations + 2 * sweepEvery;
      for (let clip = 0; clip < clips; clip++) {
        await memory.addObservation(observationOf("kitchen", clip));
        await memory.failClip("kitchen", clip, { code: "bad-request", message: "refused", retryable: true });
      }
      assert.equal((await memory.progress("kitchen", 5)).pending.length, clips);
      const all = Array.from({ length: clips - 1 }, (_, clip) => clip);
      await memory.giveUpClips("kitchen", all);
      assert.deepEqual((await memory.clipFailures()).at(0)?.failure, {
        ...{ code: "bad-request", message: "refused", retryable: false, attempts: 1 },
      });
      const pending = async () => (await memory.progress("kitchen", 5)).pending.map(({ clip }) => clip);
      assert.deepEqual(await pending(), [clips - 1]);
      for (let more = clips; more < clips + sweepEvery; more++) {
        await memory.addObservation(observationOf("kitchen", more));
        await memory.commit(decisionOf("kitchen", [], { clips: [more] }));
      }
      const { waiting, gone } = await memory.retryClips("kitchen");
      assert.deepEqual([...gone, ...waiting], all, "in order, the oldest gone");
      assert.ok(gone.length > 0 && waiting.length >= keptObservations - sweepEvery, `${waiting.length}`);
      assert.deepEqual(await pending(), [...waiting, clips - 1]);
      assert.deepEqual(await memory.retryClips("kitchen"), { waiting: [], gone });
      await memory.close();
    });

    test("masks keys in the failures it keeps", async () => {
      const memory = await kitchen(store);
      await memory.addObservation(observationOf("kitchen", 0));
      const message = "POST https://me:hush@models.test/v1?api_key=abc: Authorization: Bearer xyz";
      await memory.failClip("kitchen", 0, { code: "unreachable", message, retryable: true });
      assert.doesNotMatch(JSON.stringify(await memory.clipFailures()), /hush|abc|xyz/);
      await memory.close();
    });

    test("keeps gaps, and the later end of a gap that is met again", async () => {
      const memory = await kitchen(store);
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
      await addTestStream(memory, "hall");
      assert.deepEqual(await memory.gaps({ streams: ["hall"] }), []);
      await memory.close();
    });
  });

  describe("a commit", () => {
    test("stores nothing if any part of it is wrong", async () => {
      const memory = await kitchen(store);
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
      const memory = await kitchen(store);
      const first = await remember(memory, "kitchen", 0, [kettle, phone]);
      const state = await memory.policyState("choice", "kitchen");
      const again = await memory.commit(
        decisionOf("kitchen", [statementOf(0, kettle), statementOf(0, phone)]),
      );
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

    test("of an explicit fact is stored once", async () => {
      const memory = await kitchen(store);
      await memory.addObservation(observationOf("kitchen", 0));
      const fact = decisionOf("kitchen", [statementOf(0, kettle)], {
        policy: "remember",
        revision: "remember@1",
      });
      const { stored } = await memory.commit(fact);
      assert.deepEqual([stored[0]!.policy, stored[0]!.text], ["remember", kettle]);
      const { stored: none, skipped } = await memory.commit(fact);
      assert.deepEqual([none, skipped.map(({ reason }) => reason)], [[], ["already-stored"]]);
      await memory.forget({ entries: [stored[0]!.id] });
      await memory.close();
    });

    test("by another revision adds what is new", async () => {
      const memory = await kitchen(store);
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

    test("skips empty and repeated texts", async () => {
      const memory = await kitchen(store);
      const { stored, skipped } = await remember(memory, "kitchen", 0, [kettle, "  ", kettle]);
      assert.deepEqual([stored.length, skipped.map(({ reason }) => reason)], [1, ["empty", "duplicate"]]);
      await memory.close();
    });

    test("of several clips stores them together, and an empty one stores its clips", async () => {
      const memory = await kitchen(store);
      for (const clip of [0, 1, 2]) await memory.addObservation(observationOf("kitchen", clip));
      await memory.commit(decisionOf("kitchen", [statementOf(1, kettle)], { clips: [0, 1] }));
      await memory.commit(decisionOf("kitchen", [], { clips: [2] }));
      assert.equal((await memory.progress("kitchen", 5)).storedClips, 3);
      assert.deepEqual(await texts(memory), [kettle]);
      await memory.close();
    });
  });

  describe("decisions", () => {
    test("are told by clip, with who decided and when, and go with what is forgotten", async () => {
      const memory = await kitchen(store);
      for (const clip of [0, 1, 2]) await memory.addObservation(observationOf("kitchen", clip));
      await memory.commit(decisionOf("kitchen", [], { clips: [2], revision: "choice@1+a1" }));
      await memory.commit(decisionOf("kitchen", [statementOf(1, kettle)], { clips: [0, 1] }));
      const told = await memory.decisions("kitchen");
      assert.deepEqual(
        told.map(({ clip, policy, revision }) => [clip, policy, revision]),
        [
          [0, "choice", "choice@1"],
          [1, "choice", "choice@1"],
          [2, "choice", "choice@1+a1"],
        ],
      );
      assert.ok(told[0]!.decidedAtMs === told[1]!.decidedAtMs && told[2]!.decidedAtMs < told[0]!.decidedAtMs);
      await assert.rejects(memory.decisions("attic"), { code: "stream-unknown" });
      await memory.forget({ streams: ["kitchen"], fromSeconds: 10, toSeconds: 20 });
      assert.deepEqual(
        (await memory.decisions("kitchen")).map(({ clip }) => clip),
        [0, 2],
      );
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
      const memory = await kitchen(store);
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
  });
}
