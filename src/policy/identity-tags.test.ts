import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type KnownPeople, repairTags, taggedIds, tagIssues } from "./identity-tags.ts";

const known: KnownPeople = { ids: ["face_1", "face_3", "face_12", "person_7"], speakers: ["Ann"] };
const codes = (text: string, people = known) => tagIssues(text, people).map(({ code }) => code);

describe("tag issues", () => {
  test("takes the well-formed tags of known people, and text without any", () => {
    for (const text of ["<face_1> waves", "<face_1>'s hat", "<face_12>,<face_3>", "no tag", "Ann waves"]) {
      assert.deepEqual(codes(text), [], text);
    }
  });

  test("finds every malformed form", () => {
    for (const text of [
      "<Face_1>",
      "face_1",
      "<face>",
      "<FACE>",
      "[face_1]",
      "face 1",
      "<face_1",
      "<face 1>",
    ]) {
      assert.deepEqual(codes(text), ["tag-malformed"], text);
    }
  });

  test("sees no tag inside a word or a number", () => {
    for (const text of ["The Surface 3 tablet", "typeface_12", "face 3D", "interface 1", "face 3.5"]) {
      assert.deepEqual(codes(text), [], text);
    }
  });

  test("names well-formed tags of people who were not seen, of any kind", () => {
    assert.deepEqual(codes("<face_9> and <voice_2> talk to <person_7>"), ["tag-unknown", "tag-unknown"]);
    assert.match(tagIssues("<face_9>", known)[0]!.message, /<face_9>/);
  });

  test("takes the words of known ids for tags, and those of no known id for words", () => {
    assert.deepEqual(codes("Person 7 sits"), ["tag-malformed"]);
    assert.deepEqual(codes("Person 7 sits", { ids: [], speakers: [] }), []);
  });
});

describe("repairing tags", () => {
  test("puts the tags of known people right", () => {
    const cases: [string, string][] = [
      ["Face_1 waves", "<face_1> waves"],
      ["(face_1) waves", "<face_1> waves"],
      ["<face 1> waves", "<face_1> waves"],
      ["[face_12] waves", "<face_12> waves"],
      ["face 3 waves at <face_1>.", "<face_3> waves at <face_1>."],
      ["<face_1's hat", "<face_1>'s hat"],
    ];
    for (const [written, right] of cases) assert.equal(repairTags(written, known), right);
  });

  test("leaves ordinary words alone", () => {
    for (const text of ["The Surface 3 tablet", "She has to face 9 people", "a < b", "<3", "x <y> z"]) {
      assert.equal(repairTags(text, known), text);
    }
  });

  test("replaces people who were not seen by someone, so that no later person is taken for them", () => {
    assert.equal(repairTags("<face_9> waves. [face_8] nods.", known), "Someone waves. Someone nods.");
    assert.equal(repairTags("Ann waves at <face_9>'s dog", known), "Ann waves at someone's dog");
    assert.equal(repairTags("<face> waves", known), "Someone waves");
  });

  test("keeps speakers' names as they are, also when they look like tags", () => {
    const people = { ids: [], speakers: ["SPEAKER_00", "face_9"] };
    assert.equal(repairTags("<speaker_00> greets face_9", people), "SPEAKER_00 greets face_9");
  });

  test("knows ids of any form", () => {
    const people = { ids: ["p.4-/a+b"], speakers: [] };
    assert.deepEqual(tagIssues("<p.4-/a+b> waves", people), []);
    assert.equal(repairTags("<P.4-/a+b> and p.4-/a+b", people), "<p.4-/a+b> and p.4-/a+b");
  });

  test("changes nothing the second time", () => {
    const once = repairTags("Face_1, <face 3>, [face_12], <face_9>, face 9, person 7", known);
    assert.equal(repairTags(once, known), once);
  });
});

test("lists the people tagged once each, in order, and only by exact tags of known people", () => {
  assert.deepEqual(taggedIds("<face_3> sees <face_1> and <face_3>; face_12; <face_9>; Ann", known), [
    "face_3",
    "face_1",
  ]);
});
