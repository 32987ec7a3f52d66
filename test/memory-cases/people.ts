import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory, MemoryRow } from "../../src/memory/memory.ts";
import type { ClipFaces } from "../../src/perception/faces.ts";
import type { Observation, ScreenText } from "../../src/perception/observation.ts";
import { sha256 } from "../../src/util/hash.ts";
import { addTestStream, decisionOf, frameOf, observationOf, statementOf } from "../support/memory.ts";
import { rowsOf, type TestStore, texts } from "../support/store.ts";

/** Who looks how: places far apart, so that no two are near. */
const places = { mia: 0, tom: 2, ann: 4, twin: 2.55 };
type Who = keyof typeof places;

const cropOf = (who: Who, clip: number) => Buffer.from(`face of ${who} in ${clip}`);

/** A track over the first seconds of a clip, four good faces long. */
const track = (who: Who, clip: number, { good = 4, off = 0, at = 0 } = {}): ClipFaces["tracks"][number] => {
  const vector = Float32Array.of(places[who] + off, 0);
  return {
    atSeconds: Array.from({ length: good }, (_, i) => clip * 10 + at + i),
    vectors: Array.from({ length: good }, () => vector),
    ...{ vector, crop: cropOf(who, clip), cropSeconds: clip * 10 + at },
    box: boxOf(who),
    boxes: Array.from({ length: good }, () => boxOf(who)),
  };
};
const boxOf = (who: Who) => ({ left: places[who] / 10, top: 0.1, width: 0.1, height: 0.2 });

interface Clip {
  readonly stream?: string;
  readonly screen?: readonly ScreenText[];
  readonly says?: string;
  readonly told?: string;
  readonly speech?: Observation["speech"];
}

/** A clip is seen, and written about if something is to be said. */
async function see(
  memory: Memory,
  clip: number,
  tracks: ClipFaces["tracks"],
  { stream = "kitchen", screen = [], speech = [], says, told }: Clip = {},
) {
  const alone = tracks.length === 1 ? tracks[0]!.atSeconds : [];
  const observation = observationOf(stream, clip, {
    frames: [frameOf(clip, `picture ${stream} ${clip}`)],
    ...{ screen, speech },
    faces: { space: "test", tracks, aloneSeconds: alone },
  });
  const kept = await memory.addObservation(observation);
  const parts = { frameSeconds: [clip * 10 + 1], ...(told !== undefined && { told }) };
  const statements = says === undefined ? [] : [statementOf(clip, says, parts)];
  await memory.commit(decisionOf(stream, statements, { clips: [clip] }));
  return kept;
}

async function open(store: TestStore): Promise<Memory> {
  const memory = await store.open();
  for (const stream of ["kitchen", "hall"]) await addTestStream(memory, stream);
  return memory;
}

const known = async (memory: Memory) =>
  (await memory.people()).map(({ id, name, faces }) => [name ?? id, faces] as const);
const faceIds = async (memory: Memory, person: number | null) =>
  (await memory.faces(person)).map(({ id }) => id);

/** Everything that a change of people may touch, as an export has it. */
async function bytesOf(memory: Memory): Promise<string> {
  const rows = (await rowsOf(memory)).filter(({ row }) => ["person", "face", "entry"].includes(row));
  const people = await memory.people();
  const found = await memory.recall({ text: "who laid the table" });
  return JSON.stringify([rows, people, found.map(({ entry, score }) => [entry.text, score])]);
}

/** What every store does about people. */
export function peopleCases(store: TestStore): void {
  describe("people", () => {
    test("the same face in two streams is one person, two faces of one picture are two", async () => {
      const memory = await open(store);
      const first = await see(memory, 0, [track("mia", 0), track("tom", 0)]);
      assert.deepEqual(
        first.people.map(({ id, atSeconds }) => [id, atSeconds.length]),
        [
          ["person_1", 4],
          ["person_2", 4],
        ],
      );
      assert.ok(!("faces" in first));
      const second = await see(memory, 3, [track("tom", 3, { off: 0.2 })], { stream: "hall" });
      assert.deepEqual(
        second.people.map(({ id }) => id),
        ["person_2"],
      );
      const [mia, tom] = await memory.people();
      assert.deepEqual(
        [mia!.faces, mia!.goodFaces, mia!.told, tom!.streams.map(({ stream }) => stream)],
        [1, 4, true, ["hall", "kitchen"]],
      );
      assert.deepEqual(Buffer.from((await memory.blob(mia!.crop!))!), cropOf("mia", 0));
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("a person is told of from the fourth good face on, and what is between two is kept as unsure", async () => {
      const memory = await open(store);
      assert.deepEqual((await see(memory, 0, [track("tom", 0, { good: 2 })])).people, []);
      assert.deepEqual(
        (await memory.people()).map(({ told }) => told),
        [false],
      );
      assert.equal((await see(memory, 1, [track("tom", 1, { good: 2 })])).people.length, 1);
      assert.deepEqual((await see(memory, 2, [track("twin", 2, { good: 1 })])).people, []);
      const [tom] = await memory.people();
      assert.equal(tom!.unsureFaces, 1);
      const [unsure] = await memory.faces(null);
      assert.deepEqual([unsure!.person, unsure!.maybe], [null, "person_1"]);
      await memory.changePeople({ kind: "add", person: 1, faces: [unsure!.id] });
      assert.deepEqual(await known(memory), [["person_1", 3]]);
      await memory.close();
    });

    test("a name reaches what was written before, the search, and what is written after", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)], { says: "[person_1] laid the table. [person_7] left." });
      assert.deepEqual(await texts(memory), ["[person_1] laid the table. Someone left."]);
      await memory.changePeople({ kind: "name", person: 1, name: " Mia " });
      assert.deepEqual(await texts(memory), ["Mia laid the table. Someone left."]);
      const { people } = await see(memory, 1, [track("mia", 1)], { says: "[person_1] sang." });
      assert.deepEqual([people[0]!.id, people[0]!.name], ["person_1", "Mia"]);
      const found = await memory.recall({ text: "What did Mia do?", speakers: ["mia"] });
      assert.deepEqual(found.map(({ entry }) => entry.text).sort(), [
        "Mia laid the table. Someone left.",
        "Mia sang.",
      ]);
      await see(memory, 2, [track("mia", 2)], {
        says: "Mia sat at Mia's.",
        told: "[person_1] sat at Mia's.",
      });
      assert.equal((await texts(memory))[2], "Mia sat at Mia's.");
      assert.deepEqual(await memory.check(), []);
      await memory.changePeople({ kind: "undo" });
      assert.deepEqual((await texts(memory)).slice(1), ["[person_1] sang.", "[person_1] sat at Mia's."]);
      await memory.close();
    });

    test("a merge and its undo restore the same bytes", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)], { says: "[person_1] laid the table." });
      await see(memory, 1, [track("ann", 1)], { says: "[person_2] lit a candle." });
      await memory.changePeople({ kind: "name", person: 1, name: "Mia" });
      const before = await bytesOf(memory);
      const merge = await memory.changePeople({ kind: "merge", into: 1, people: [2] });
      assert.deepEqual(await texts(memory), ["Mia laid the table.", "Mia lit a candle."]);
      assert.deepEqual(await known(memory), [["Mia", 2]]);
      await assert.rejects(memory.changePeople({ kind: "name", person: 2, name: "Ann" }), {
        code: "person-unknown",
        message: /merged into person_1/,
      });
      assert.deepEqual(await memory.check(), []);
      const undone = await memory.changePeople({ kind: "undo" });
      assert.deepEqual([undone.number, undone.undone], [merge.number, true]);
      assert.equal(await bytesOf(memory), before);
      await memory.close();
    });

    test("a split takes the texts of its faces along, and its undo restores the same bytes", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)], { says: "[person_1] laid the table." });
      await see(memory, 1, [track("mia", 1, { off: 0.3 })], { says: "[person_1] lit a candle." });
      const before = await bytesOf(memory);
      const [, second] = await faceIds(memory, 1);
      const split = await memory.changePeople({ kind: "split", person: 1, faces: [second!] });
      assert.equal(split.made, 2);
      await memory.changePeople({ kind: "name", person: 2, name: "Zoe" });
      assert.deepEqual(await texts(memory), ["[person_1] laid the table.", "Zoe lit a candle."]);
      await assert.rejects(memory.changePeople({ kind: "undo", number: split.number }), {
        code: "people-undo-order",
      });
      await memory.changePeople({ kind: "undo" });
      await memory.changePeople({ kind: "undo" });
      assert.equal(await bytesOf(memory), before);
      await assert.rejects(memory.changePeople({ kind: "undo" }), { code: "people-nothing-to-undo" });
      assert.deepEqual(
        (await memory.peopleEvents()).map(({ undone }) => undone),
        [true, true],
      );
      await memory.close();
    });

    test("a face that came to a person who was split off goes back with the undo", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)]);
      await see(memory, 1, [track("mia", 1, { off: 0.3 })]);
      const [, second] = await faceIds(memory, 1);
      await memory.changePeople({ kind: "split", person: 1, faces: [second!] });
      await memory.changePeople({ kind: "name", person: 2, name: "Zoe" });
      await memory.changePeople({ kind: "undo" });
      await see(memory, 2, [track("mia", 2, { off: 0.38 })]);
      await memory.changePeople({ kind: "undo" });
      assert.deepEqual(await known(memory), [["person_1", 3]]);
      assert.deepEqual(await memory.faces(null), []);
      await memory.close();
    });

    test("a rejected face is no one's, and faces like it are not taken for the person again", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)]);
      await see(memory, 1, [track("mia", 1, { off: 0.35 })], { says: "[person_1] broke a cup." });
      const before = await bytesOf(memory);
      const [, wrong] = await faceIds(memory, 1);
      await memory.changePeople({ kind: "reject", person: 1, faces: [wrong!] });
      assert.deepEqual(await texts(memory), ["Someone broke a cup."]);
      await see(memory, 2, [track("mia", 2, { off: 0.34 })]);
      const [, like] = await memory.faces(null);
      assert.deepEqual([like!.person, like!.maybe], [null, "person_1"]);
      await memory.changePeople({ kind: "undo" });
      assert.deepEqual(await texts(memory), ["[person_1] broke a cup."]);
      assert.notEqual(await bytesOf(memory), before);
      await memory.close();
    });

    test("who were in one picture are not merged, and wrong changes are refused by name", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0), track("tom", 0)]);
      const refused = (change: Parameters<Memory["changePeople"]>[0], code: string) =>
        assert.rejects(memory.changePeople(change), { code });
      const [own] = await faceIds(memory, 1);
      await refused({ kind: "merge", into: 1, people: [2] }, "people-met");
      await refused({ kind: "merge", into: 1, people: [1] }, "people-invalid");
      await refused({ kind: "name", person: 9, name: "Bo" }, "person-unknown");
      await refused({ kind: "name", person: 1, name: "[x]" }, "people-invalid");
      await refused({ kind: "split", person: 1, faces: [own!] }, "people-invalid");
      await refused({ kind: "reject", person: 2, faces: [own!] }, "people-invalid");
      await refused({ kind: "reject", person: 1, faces: ["face_none"] }, "face-unknown");
      await memory.changePeople({ kind: "name", person: 1, name: "Mia" });
      await refused({ kind: "name", person: 2, name: "mia" }, "people-invalid");
      assert.equal((await memory.peopleEvents()).length, 1);
      await memory.close();
    });

    describe("who was made too early", () => {
      /** A face far from those that follow, but for who is known by five of them. */
      const early = async (memory: Memory) => {
        await see(memory, 0, [track("mia", 0)], { says: "[person_1] laid the table." });
        for (let clip = 1; clip <= 4; clip++)
          await see(memory, clip, [track("mia", clip, { off: 0.43 + clip / 100 })]);
      };
      const fifth = (memory: Memory) =>
        see(memory, 5, [track("mia", 5, { off: 0.48 })], { says: "[person_2] lit a candle." });

      test("becomes one with whom is known better, and a text of it follows", async () => {
        const memory = await open(store);
        await early(memory);
        assert.deepEqual(await known(memory), [
          ["person_1", 1],
          ["person_2", 4],
        ]);
        await fifth(memory);
        assert.deepEqual(await known(memory), [["person_2", 6]]);
        assert.deepEqual(await texts(memory), ["[person_2] laid the table.", "[person_2] lit a candle."]);
        const [event] = await memory.peopleEvents();
        assert.deepEqual(event!.change, { kind: "merge", into: 2, people: [1], by: "memory" });
        assert.deepEqual(await memory.check(), []);
        await memory.close();
      });

      test("is as before once that is undone, and stays so", async () => {
        const [memory, never] = [await open(store), await open(store)];
        for (const one of [memory, never]) await early(one);
        // Whom someone named and unnamed is not merged but by hand.
        await never.changePeople({ kind: "name", person: 1, name: "Zoe" });
        await never.changePeople({ kind: "undo" });
        for (const one of [memory, never]) await fifth(one);
        await assert.rejects(memory.changePeople({ kind: "undo" }), { code: "people-nothing-to-undo" });
        await memory.changePeople({ kind: "undo", number: 1 });
        const timeless = async (one: Memory) => (await bytesOf(one)).replaceAll(/"writtenAtMs":\d+,/g, "");
        assert.equal(await timeless(memory), await timeless(never));
        await see(memory, 6, [track("mia", 6, { off: 0.49 })]);
        assert.deepEqual(await known(memory), [
          ["person_1", 1],
          ["person_2", 6],
        ]);
        for (const one of [memory, never]) await one.close();
      });

      test("stays another if the two were in one picture, or if it has a name", async () => {
        const [met, named] = [await open(store), await open(store)];
        await early(met);
        const beside = { ...track("mia", 5, { off: -0.01 }), box: boxOf("tom") };
        await see(met, 5, [track("mia", 5, { off: 0.48 }), beside]);
        assert.deepEqual(
          (await known(met)).map(([id]) => id),
          ["person_1", "person_2"],
        );
        await early(named);
        await named.changePeople({ kind: "name", person: 1, name: "Zoe" });
        await fifth(named);
        assert.deepEqual(await known(named), [
          ["Zoe", 1],
          ["person_2", 5],
        ]);
        for (const one of [met, named]) await one.close();
      });
    });

    test("a caption beside one face suggests a name, and two that disagree none", async () => {
      const memory = await open(store);
      const caption = (clip: number, text: string): ScreenText => ({
        ...{ startSeconds: clip * 10, endSeconds: clip * 10 + 2, text, confidence: 95 },
      });
      await see(memory, 0, [track("mia", 0)], {
        screen: [caption(0, "MIA LOPEZ"), caption(0, "cook since 2003")],
      });
      const [mia] = await memory.people();
      assert.deepEqual([mia!.name, mia!.suggestedName?.name], [null, "MIA LOPEZ"]);
      await see(memory, 1, [track("mia", 1), track("tom", 1)], { screen: [caption(1, "TOM WEST")] });
      assert.equal((await memory.people())[1]!.suggestedName, null);
      await see(memory, 2, [track("mia", 2)], { screen: [caption(2, "HOTEL")] });
      assert.equal((await memory.people())[0]!.suggestedName, null);
      await memory.close();
    });

    test("a face that alone is seen while it says its name, or is named as the speaker twice, has a name suggested", async () => {
      const memory = await open(store);
      const said = (clip: number, text: string, speaker: string | null = null) => ({
        ...{ startSeconds: clip * 10, endSeconds: clip * 10 + 2, text, speaker },
      });
      const suggested = async () => (await memory.people()).map(({ suggestedName }) => suggestedName?.name);
      await see(memory, 0, [track("mia", 0)], { speech: [said(0, "Good morning.", "Mia")] });
      assert.deepEqual(await suggested(), [undefined]);
      await see(memory, 1, [track("mia", 1)], { speech: [said(1, "It is late.", "Mia")] });
      assert.deepEqual(await suggested(), ["Mia"]);
      await see(memory, 2, [track("mia", 2)], { speech: [said(2, "My name is Mia Lopez.")] });
      assert.deepEqual(await suggested(), ["Mia Lopez"]);
      // Beside another, it may be the other's.
      await see(memory, 3, [track("mia", 3), track("tom", 3)], { speech: [said(3, "I'm Jack.")] });
      await see(memory, 4, [track("tom", 4)], { speech: [said(4, "I'm Tom West.")] });
      assert.deepEqual(await suggested(), ["Mia Lopez", "Tom West"]);
      await see(memory, 5, [track("mia", 5)], { speech: [said(5, "I'm Ann.")] });
      assert.deepEqual(await suggested(), [undefined, "Tom West"]);
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("forgetting a person takes faces, pictures, names, changes, and the pictures of the clips", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0)], { says: "The lamp was lit." });
      await see(memory, 1, [track("tom", 1)], { says: "[person_2] laid the table." });
      await see(memory, 2, [track("mia", 2)], { says: "[person_1] sang." });
      await memory.changePeople({ kind: "name", person: 1, name: "Mia" });
      const [crop, frame] = [cropOf("mia", 0), Buffer.from("picture kitchen 0")].map(sha256);
      assert.ok(await memory.blob(crop!));
      const dry = await memory.forget({ person: "Mia" }, { dryRun: true });
      const report = await memory.forget({ person: "Mia" });
      assert.deepEqual([report.people, report.faces], [1, 2]);
      assert.deepEqual({ ...report, dryRun: true }, dry);
      for (const hash of [crop!, frame!]) assert.equal(await memory.blob(hash), null);
      assert.deepEqual(await texts(memory), ["The lamp was lit.", "[person_2] laid the table."]);
      assert.deepEqual(await known(memory), [["person_2", 1]]);
      assert.deepEqual(await memory.peopleEvents(), []);
      assert.ok(!JSON.stringify(await rowsOf(memory)).includes("Mia"));
      // Whoever comes again is someone new.
      await see(memory, 3, [track("mia", 3)]);
      assert.deepEqual(
        (await known(memory)).map(([name]) => name),
        ["person_2", "person_3"],
      );
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("a person without a name is forgotten by number, and a stream with its faces", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0), track("tom", 0)]);
      await see(memory, 1, [track("tom", 1)], { stream: "hall" });
      assert.equal((await memory.forget({ person: "person_1" })).people, 1);
      assert.deepEqual(await known(memory), [["person_2", 2]]);
      assert.equal((await memory.forget({ streams: ["kitchen"] })).faces, 1);
      assert.deepEqual(await known(memory), [["person_2", 1]]);
      assert.equal((await memory.forget({ streams: ["hall"] })).people, 1);
      assert.deepEqual(await memory.people(), []);
      await memory.close();
    });

    test("an export carries people, and what was forgotten does not come back with it", async () => {
      const memory = await open(store);
      await see(memory, 0, [track("mia", 0), track("tom", 0)], { says: "[person_1] laid the table." });
      await memory.changePeople({ kind: "name", person: 1, name: "Mia" });
      const rows: MemoryRow[] = await rowsOf(memory);
      const read = (hash: string) =>
        [cropOf("mia", 0), cropOf("tom", 0)].find((bytes) => sha256(bytes) === hash) ?? null;
      const other = await store.open();
      await other.addRows(rows, read);
      assert.deepEqual(await other.people(), await memory.people());
      assert.deepEqual(await texts(other), await texts(memory));
      assert.deepEqual(
        await rowsOf(other).then((all) => all.filter(({ row }) => row === "face" || row === "person")),
        rows.filter(({ row }) => row === "face" || row === "person"),
      );
      assert.equal((await other.addRows(rows, read)).added, 0);
      // It was named otherwise there: the entry is the same.
      await other.changePeople({ kind: "name", person: 1, name: "Maria" });
      assert.equal((await other.addRows(rows, read)).added, 0);
      assert.deepEqual(await texts(other), ["Maria laid the table."]);
      await other.forget({ person: "Maria" });
      assert.ok((await other.addRows(rows, read)).forgotten > 0);
      assert.deepEqual(
        (await known(other)).map(([name]) => name),
        ["person_2"],
      );
      assert.deepEqual(await other.check(), []);
      await memory.close();
      await other.close();
    });

    test("listeners hear of people", async () => {
      const memory = await open(store);
      const changes = memory.changes()[Symbol.asyncIterator]();
      const next = changes.next();
      await see(memory, 0, [track("mia", 0)]);
      const { value } = await next;
      assert.deepEqual([value.kind, value.people], ["people", [1]]);
      await memory.close();
    });
  });
}
