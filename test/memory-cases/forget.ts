import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace } from "../../src/engines/local/index.ts";
import type { Entry, Memory } from "../../src/memory/memory.ts";
import {
  canary,
  canaryPicture,
  canaryRequests,
  canaryText,
  counted,
  fillWithCanary,
  nothing,
  traces,
} from "../support/canary.ts";
import { countsOfOthers, guest, guestWords, watchGuests } from "../support/long-stream.ts";
import { decisionOf, frameOf, observationOf, remember, statementOf } from "../support/memory.ts";
import { rowsOf, type TestStore } from "../support/store.ts";

async function household(store: TestStore): Promise<{ memory: Memory; target: Entry }> {
  const memory = await store.open();
  return { memory, target: await fillWithCanary(memory) };
}

async function textOf(memory: Memory): Promise<string> {
  return JSON.stringify(await rowsOf(memory)).toLowerCase();
}

/** What forgetting removes, and what it leaves. */
export function forgetCases(store: TestStore): void {
  describe("forgetting by", () => {
    for (const [name, [request, expected]] of Object.entries(canaryRequests)) {
      test(`${name} reports what it removes, in a dry run too, and no row holds it afterwards`, async () => {
        const { memory, target } = await household(store);
        const known = await memory.entries();
        const dry = await memory.forget(request(target), { dryRun: true });
        assert.deepEqual(await memory.entries(), known);
        const report = await memory.forget(request(target));
        assert.deepEqual(report, { ...dry, dryRun: false });
        assert.deepEqual(counted(report), { ...nothing, ...expected });
        const rows = JSON.stringify(await rowsOf(memory)).toLowerCase();
        for (const trace of traces) assert.ok(!rows.includes(trace), trace);
        assert.equal(await memory.blob(target.evidence.frames[0]!.hash), null);
        assert.deepEqual(await memory.check(), []);
        assert.deepEqual(counted(await memory.forget(request(target))), nothing);
        await memory.close();
      });
    }
  });

  describe("in a stream longer than observations are kept, forgetting", () => {
    const clips = 400;
    const allWords = [...guestWords].flatMap(([clip, words]) => (clip < clips ? words : []));

    test("a person takes every word that only they said, and no count of others", async () => {
      const memory = await store.open();
      await watchGuests(memory, clips);
      const before = await textOf(memory);
      for (const word of allWords) assert.ok(before.includes(`"${word}"`), word);
      await memory.forget({ person: guest });
      const after = await textOf(memory);
      for (const word of [guest.toLowerCase(), ...allWords]) assert.ok(!after.includes(word), word);
      assert.deepEqual(sorted(await memory.policyState("choice", "guests")), sorted(countsOfOthers(clips)));
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("by query takes the other words of what was said", async () => {
      const memory = await store.open();
      await watchGuests(memory, clips);
      const [asked, beside] = guestWords.get(3)!;
      await memory.forget({ query: asked });
      const { words } = await memory.policyState("choice", "guests");
      for (const word of [asked, beside]) {
        assert.ok(!(await textOf(memory)).includes(word), word);
        assert.ok(!words.has(word), word);
      }
      assert.ok(words.has(guestWords.get(100)![1]));
      await memory.close();
    });

    test("a person in a span of time leaves what they said at other times", async () => {
      const memory = await store.open();
      await watchGuests(memory, clips);
      await memory.forget({ person: guest, streams: ["guests"], toSeconds: 500 });
      const { words } = await memory.policyState("choice", "guests");
      assert.ok(guestWords.get(3)!.every((word) => !words.has(word)));
      assert.ok(guestWords.get(101)!.every((word) => words.has(word)));
      await memory.close();
    });

    test("a person takes the counts of exports that do not say who spoke", async () => {
      const memory = await store.open();
      await watchGuests(memory, clips);
      const rows = (await rowsOf(memory)).map((row) => {
        if (row.row !== "decision") return row;
        const { bySpeaker: _, ...older } = row;
        return older;
      });
      await memory.close();
      const copy = await store.open();
      await copy.addRows(rows, () => null);
      await copy.forget({ person: guest });
      const { documents, words } = await copy.policyState("choice", "guests");
      assert.deepEqual([documents, words.size], [0, 0]);
      await copy.close();
    });
  });

  describe("forgetting", () => {
    test("removes what was left out under the name of a person", async () => {
      const { memory } = await household(store);
      const item = (name: string) => ({ kind: "file" as const, name, reason: "It is not read." });
      await memory.keepLeftOut("kitchen", [item("Ann's birthday.doc"), item("list.doc")]);
      await memory.forget({ person: "Ann" });
      const stream = (await memory.streams()).find(({ id }) => id === "kitchen");
      assert.deepEqual(stream?.leftOut, [item("list.doc")]);
      await memory.close();
    });

    test("reaches a person however the name is typed", async () => {
      const { memory } = await household(store);
      const item = (name: string) => ({ kind: "file" as const, name, reason: "It is not read." });
      await memory.keepLeftOut("kitchen", [item("Łukasz at sea.doc"), item("list.doc")]);
      const speakers = ["Änn"];
      assert.deepEqual(await memory.entries({ speakers }), await memory.entries({ speakers: ["Ann"] }));
      await memory.forget({ person: "Lukasz" });
      const stream = (await memory.streams()).find(({ id }) => id === "kitchen");
      assert.deepEqual(stream?.leftOut, [item("list.doc")]);
      await memory.forget({ person: "Änn" });
      assert.deepEqual(await memory.entries({ speakers: ["Ann"] }), []);
      await memory.close();
    });

    test("says what it cannot reach", async () => {
      const { memory } = await household(store);
      const about = (id: string, description: string) => ({
        ...{ id, description, clipSeconds: 10, clock: { kind: "media" as const }, fingerprint: id },
      });
      await memory.addStream(about("2024_ann-porch", "porch.mp4"));
      await memory.addStream(about("yard", "/videos/AnnInTheYard.mp4"));
      await memory.addStream(about("annex", "annex.mp4"));
      const { outOfReach } = await memory.forget({ person: "Ann" });
      assert.match(outOfReach[0]!, /^Exports, backups, logs \(TASKMEM_LOG\) and the files/);
      assert.match(outOfReach[1]!, /^The stream 2024_ann-porch \(porch\.mp4\) is named so/);
      assert.match(outOfReach[2]!, /^The stream yard /);
      assert.match(outOfReach[3]!, /^1 question cites no memory/);
      assert.equal(outOfReach.length, 4);
      assert.equal((await memory.forget({ streams: ["yard"] })).outOfReach.length, 2);
      await memory.close();
    });

    test("keeps a picture that another entry shows", async () => {
      const { memory, target } = await household(store);
      await remember(memory, "hall", 10, ["The same picture again"], {
        frames: [frameOf(10, canaryPicture)],
      });
      const report = await memory.forget({ entries: [target.id] });
      assert.equal(report.blobs, 0);
      assert.ok(await memory.blob(target.evidence.frames[0]!.hash));
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("subtracts what its decisions counted and leaves the counts of others", async () => {
      const { memory, target } = await household(store);
      const before = await memory.policyState("choice", "kitchen");
      await memory.forget({ entries: [target.id] });
      const { documents, words, value } = await memory.policyState("choice", "kitchen");
      assert.equal(documents, before.documents - 1);
      const expected = new Map(before.words);
      for (const stem of new Set(wordSpace.stems(canaryText))) {
        if (expected.get(stem) === 1) expected.delete(stem);
        else expected.set(stem, expected.get(stem)! - 1);
      }
      assert.deepEqual(words, expected);
      assert.equal(value, null, "the policy's value of this stream may hold the words");
      assert.deepEqual((await memory.policyState("choice", "hall")).value, { last: "Rain 9" });
      await memory.close();
    });

    test("does not watch a forgotten clip again", async () => {
      const { memory } = await household(store);
      await memory.forget({ streams: ["kitchen"], fromSeconds: 80 });
      const { nextClip, pending } = await memory.progress("kitchen", 5);
      assert.deepEqual([nextClip, pending.length], [10, 0]);
      await memory.close();
    });

    test("with several conditions forgets what meets all of them", async () => {
      const { memory } = await household(store);
      const report = await memory.forget({
        streams: ["hall"],
        person: "Ann",
        query: "kettle",
        toSeconds: 25,
      });
      assert.deepEqual(
        report.sample.map(({ text }) => text),
        ["Ann: kettle 0 of the hall", "Ann: kettle 1 of the hall", "Ann: kettle 2 of the hall"],
      );
      assert.equal((await memory.entries({ streams: ["hall"] })).length, 17);
      await memory.close();
    });

    test("removes closed entries and their successors", async () => {
      const { memory, target } = await household(store);
      const [old] = await memory.entries({ streams: ["kitchen"], clips: [3] });
      await memory.closeEntry(old!.id, "it changed", target.id);
      await memory.closeEntry(target.id, "it changed again");
      assert.equal((await memory.forget({ query: canary })).entries, 1);
      assert.equal((await memory.entry(old!.id))!.closed!.supersededBy, null);
      await memory.close();
    });

    test("of everything leaves an empty memory", async () => {
      const { memory } = await household(store);
      await memory.addObservation(observationOf("hall", 10));
      await memory.commit(decisionOf("hall", [statementOf(10, "One thing more")], { revision: "engine@1" }));
      const streams = (await memory.streams()).map(({ id }) => id);
      await memory.forget({ streams });
      const { databaseBytes: _, tasks, ...counts } = await memory.stats();
      assert.ok(Object.values(counts).every((count) => count === 0));
      assert.equal(tasks, 1, "a question about none of the streams stays");
      assert.equal((await memory.policyState("choice", "hall")).documents, 0);
      await memory.close();
    });

    test("refuses an empty request, name or query instead of forgetting everything", async () => {
      const { memory } = await household(store);
      await assert.rejects(memory.forget({}), TypeError);
      await assert.rejects(memory.forget({ person: " " }), RangeError);
      await assert.rejects(memory.forget({ query: "the of" }), RangeError);
      for (const none of [
        { streams: [] },
        { entries: [] },
        { streams: ["attic"] },
        { entries: ["entry_x"] },
      ]) {
        assert.deepEqual((await memory.forget(none)).entries, 0);
      }
      assert.equal((await memory.entries()).length, 39);
      await memory.close();
    });
  });
}

const sorted = ({ documents, words }: { documents: number; words: ReadonlyMap<string, number> }) => ({
  documents,
  words: new Map([...words].sort()),
});
