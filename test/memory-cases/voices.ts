import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory } from "../../src/memory/memory.ts";
import type { ClipFaces } from "../../src/perception/faces.ts";
import type { ClipVoices } from "../../src/perception/voices.ts";
import { addTestStream, decisionOf, observationOf, statementOf } from "../support/memory.ts";
import { rowsOf, type TestStore, texts } from "../support/store.ts";

const face = (clip: number): ClipFaces => ({
  space: "faces",
  aloneSeconds: [],
  tracks: [
    {
      atSeconds: Array.from({ length: 10 }, (_, i) => clip * 10 + i),
      vectors: Array.from({ length: 4 }, () => Float32Array.of(0, 0)),
      ...{ vector: Float32Array.of(0, 0), crop: Buffer.from("mia"), cropSeconds: clip * 10 },
      box: { left: 0, top: 0, width: 0.1, height: 0.1 },
    },
  ],
});
const voice = (clip: number, from = 1, to = 9): ClipVoices => ({
  space: "voices",
  voices: [
    {
      vector: Float32Array.of(1, 0),
      spans: [{ startSeconds: clip * 10 + from, endSeconds: clip * 10 + to }],
    },
  ],
});

/** A clip in which somebody speaks, and whether the face is seen. */
async function hear(memory: Memory, clip: number, isSeen: boolean, says?: string) {
  const speech = [
    { startSeconds: clip * 10 + 2, endSeconds: clip * 10 + 5, text: "Good morning.", speaker: null },
  ];
  const seen = isSeen ? { faces: face(clip) } : {};
  const kept = await memory.addObservation(
    observationOf("door", clip, { speech, voices: voice(clip), ...seen }),
  );
  const statements = says === undefined ? [] : [statementOf(clip, says)];
  await memory.commit(decisionOf("door", statements, { clips: [clip] }));
  return kept;
}

const whoseVoices = async (memory: Memory) =>
  (await rowsOf(memory)).flatMap((row) => (row.row === "face" && row.kind === "voice" ? [row.person] : []));

/** What every store does about voices. */
export function voiceCases(store: TestStore): void {
  describe("voices", () => {
    test("whose face is there over two clips has the voice, is known by it unseen, and says what it says", async () => {
      const memory = await store.open();
      await addTestStream(memory, "door");
      assert.equal((await hear(memory, 0, true)).speech[0]!.speaker, null);
      assert.equal((await hear(memory, 1, true)).speech[0]!.speaker, "person_1");
      const unseen = await hear(memory, 2, false, "[person_1]: Good morning.");
      assert.deepEqual(
        [unseen.speech[0]!.speaker, unseen.people.map(({ id }) => id), "voices" in unseen],
        ["person_1", ["person_1"], false],
      );
      const [one] = await memory.people();
      assert.deepEqual([one!.faces, one!.voices, one!.voiceSeconds], [2, 3, 24]);
      await memory.changePeople({ kind: "name", person: 1, name: "Mia" });
      assert.deepEqual(await texts(memory), ["Mia: Good morning."]);
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });

    test("a voice is split off, rejected, added and undone like a face", async () => {
      const memory = await store.open();
      await addTestStream(memory, "door");
      for (const clip of [0, 1, 2]) await hear(memory, clip, clip < 2);
      const before = JSON.stringify(await rowsOf(memory));
      const [voice] = (await memory.faces(1)).filter(({ kind }) => kind === "voice");
      await memory.changePeople({ kind: "split", person: 1, faces: [voice!.id] });
      assert.deepEqual(
        (await memory.people()).map(({ voices }) => voices),
        [2, 1],
      );
      await memory.changePeople({ kind: "undo" });
      await memory.changePeople({ kind: "reject", person: 1, faces: [voice!.id] });
      assert.equal((await memory.faces(null)).filter(({ kind }) => kind === "voice").length, 1);
      await memory.changePeople({ kind: "undo" });
      const peopleRows = (json: string) =>
        (JSON.parse(json) as { row: string }[]).filter(({ row }) => row === "face" || row === "person");
      assert.deepEqual(peopleRows(JSON.stringify(await rowsOf(memory))), peopleRows(before));
      await memory.close();
    });

    test("forgetting a person takes the voices with what they are compared by, and an export carries them", async () => {
      const [memory, other] = [await store.open(), await store.open()];
      await addTestStream(memory, "door");
      for (const clip of [0, 1, 2]) await hear(memory, clip, clip < 2, `[person_1] was there ${clip}.`);
      await other.addRows(await rowsOf(memory), () => Buffer.from("mia"));
      assert.deepEqual(await whoseVoices(other), await whoseVoices(memory));
      assert.equal((await whoseVoices(memory)).filter(Boolean).length, 3);
      await memory.forget({ person: "person_1" });
      assert.deepEqual([await whoseVoices(memory), await memory.people()], [[], []]);
      assert.deepEqual(await memory.check(), []);
      await memory.close();
      await other.close();
    });
  });
}
