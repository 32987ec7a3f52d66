/** Names that a model makes up, and those that something gives it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { wordSpace } from "../engines/local/index.ts";
import { buildContext } from "./context.ts";
import { knownPeople, repairTags, tagIssues } from "./identity-tags.ts";
import { parseLeniently, parseStrictly } from "./parse-action.ts";
import { freshState } from "./state.ts";

const people = [
  { id: "person_4", name: null, atSeconds: [0] },
  { id: "person_7", name: "Mia", atSeconds: [1] },
];
const speech = [{ startSeconds: 1, endSeconds: 2, text: "Thank you, Tom.", speaker: null }];
const context = buildContext([observationOf("hall", 0, { people, speech })], {
  ...{ observations: [], state: freshState() },
  entries: [],
});
const known = knownPeople(context);

test("a name that nothing gives becomes someone, or goes where a tag says who it is", () => {
  const cases: [string, string][] = [
    ["Jack (<face_1>) sits down.", "<face_1> sits down."],
    ["<face_1> (Jack Miller) sits down.", "<face_1> sits down."],
    ["<face_1>, Jack, sits down.", "<face_1> sits down."],
    ["<face_1>, whose name is Jack, sits.", "<face_1> sits."],
    ["A man named Jack sits down.", "A man sits down."],
    ["Jack smiles at <face_2>.", "Someone smiles at <face_2>."],
    ["<face_1> sings and Jack laughs.", "<face_1> sings and someone laughs."],
    ["It is late. Jack nods.", "It is late. Someone nods."],
    ["<face_1> greets Dr. O'Neill.", "<face_1> greets someone."],
  ];
  for (const [written, right] of cases) {
    assert.equal(repairTags(written, known), right, written);
    assert.deepEqual(
      tagIssues(written, known).map(({ code }) => code),
      ["tag-name"],
      written,
    );
    assert.equal(repairTags(right, known), right, right);
  }
});

test("a name that was said, read, written before or given by hand stays, and so does what is no person's name", () => {
  for (const text of [
    "Tom (<face_1>) sits down.",
    "Mia smiles at <face_1>.",
    "<face_2>, Mia, waves.",
    "She smiles. Someone nods. Text says hello.",
    "<face_1> drives a Volvo to Paris in May and opens Windows.",
    "<face_1> sits in a cafe called Roma.",
  ])
    assert.deepEqual([repairTags(text, known), tagIssues(text, known)], [text, []], text);
});

test("names are not checked where no one is known by face", () => {
  const nobody = { ids: [], speakers: [] };
  assert.deepEqual(tagIssues("Jack smiles.", nobody), []);
  assert.equal(repairTags("Jack smiles.", nobody), "Jack smiles.");
});

test("acting corrects such a memory, training counts it", () => {
  const contract = { known, semantic: false, countTokens: wordSpace.countTokens };
  const answer = '{"description": "Jack smiles at <face_2> and <face_9>."}';
  assert.deepEqual(parseLeniently(answer, contract), {
    ...{ description: "Someone smiles at <face_2> and someone.", knowledge: [], issues: [] },
  });
  assert.deepEqual(
    parseStrictly(answer, contract).issues.map(({ code }) => code),
    ["tag-unknown", "tag-name"],
  );
});
