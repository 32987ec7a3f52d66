/** People of a window: tags for the model, labels for the memory, and back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import type { Person } from "../perception/observation.ts";
import { buildContext } from "./context.ts";
import { knownPeople } from "./identity-tags.ts";
import type { Context, ShownEntry } from "./policy.ts";
import { freshState } from "./state.ts";
import { keptSpeaker, shownSpeaker, storedText } from "./window-people.ts";

const person = (number: number, name: string | null = null): Person => ({
  ...{ id: `person_${number}`, name, atSeconds: [0] },
});
const entry = (clip: number, text: string): ShownEntry => ({ clip, kind: "episodic", text });

/** The context of the last of some clips. */
function contextOf(people: readonly (readonly Person[])[], entries: readonly ShownEntry[] = []): Context {
  const clips = people.map((here, clip) => observationOf("hall", clip, { people: here }));
  return buildContext(clips.slice(-1), { observations: clips.slice(0, -1), entries, state: freshState() });
}

const tagsOf = ({ tags = [] }: Context) => tags.map(({ tag, id }) => [tag, id]);

describe("tags of a window", () => {
  test("number who is seen in it by the memory's numbers, then who is only mentioned", () => {
    const context = contextOf(
      [[person(9)], [person(4), person(7)]],
      [entry(0, "[person_2] left [person_9].")],
    );
    assert.deepEqual(tagsOf(context), [
      ["face_1", "person_4"],
      ["face_2", "person_7"],
      ["face_3", "person_9"],
      ["face_4", "person_2"],
    ]);
    assert.deepEqual(
      context.recent.entries.map(({ text }) => text),
      ["<face_4> left <face_3>."],
    );
    const ids = [...context.recent.observations, ...context.observations].map(({ people }) =>
      people.map(({ id }) => id),
    );
    assert.deepEqual(ids, [["face_3"], ["face_1", "face_2"]]);
    assert.deepEqual(knownPeople(context).ids.toSorted(), ["face_1", "face_2", "face_3", "face_4"]);
  });

  test("are numbered again when the window moves on", () => {
    const people = [[person(3)], [], [], [], [], [person(8)]];
    assert.deepEqual(tagsOf(contextOf(people.slice(0, 5))), [["face_1", "person_3"]]);
    assert.deepEqual(tagsOf(contextOf(people)), [["face_1", "person_8"]]);
  });

  test("leave alone whom a source names, and a window without anybody", () => {
    const ann = { id: "name:ann", name: "Ann", atSeconds: [1] };
    const own = { id: "face_1", name: null, atSeconds: [2] };
    const context = contextOf([[ann, own, person(5)]]);
    assert.deepEqual(tagsOf(context), [["face_2", "person_5"]]);
    assert.deepEqual(
      context.observations[0]!.people.map(({ id }) => id),
      ["name:ann", "face_1", "face_2"],
    );
    assert.equal("tags" in contextOf([[ann]]), false);
  });
});

describe("texts to be kept", () => {
  const context = contextOf([[person(4), person(7, "Mia")]]);

  test("call people as the memory does, by label or name", () => {
    assert.deepEqual(storedText("<face_1> waves at <face_2>'s dog.", context), {
      text: "[person_4] waves at Mia's dog.",
      told: "[person_4] waves at [person_7]'s dog.",
    });
    assert.deepEqual(storedText("<face_1> waves.", context), { text: "[person_4] waves." });
  });

  test("refer to a person who is called by name, but for what somebody said", () => {
    assert.deepEqual(storedText('Mia says: "Mia is late." Miami is far.', context), {
      text: 'Mia says: "Mia is late." Miami is far.',
      told: '[person_7] says: "Mia is late." Miami is far.',
    });
  });

  test("call those whom the source names by that name", () => {
    const ann = contextOf([[{ id: "name:ann", name: "Ann", atSeconds: [1] }]]);
    assert.deepEqual(storedText("<name:ann> sings.", ann), { text: "Ann sings." });
  });
});

test("a speaker known by voice is shown by name or tag, kept by label, and is no one where the window does not know", () => {
  const tags = [
    { tag: "face_1", id: "person_3", name: null },
    { tag: "face_2", id: "person_5", name: "Mia" },
  ];
  const shown = ["person_3", "person_5", "person_9", "Tom", null].map((one) => shownSpeaker(one, tags));
  assert.deepEqual(shown, ["<face_1>", "Mia", null, "Tom", null]);
  assert.deepEqual(["person_3", "Tom"].map(keptSpeaker), ["[person_3]", "Tom"]);
});
