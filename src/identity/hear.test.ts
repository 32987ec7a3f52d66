/** Voices and people: whose voice it is, as far as several clips tell, and unknown otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Utterance } from "../perception/observation.ts";
import { hearClip, type ObservedVoices, withSpeakers } from "./hear.ts";
import { patched } from "./people-state.ts";
import type { PeopleState, SeenFace } from "./records.ts";

/** A voice at an angle, in degrees: two are as alike as the cosine between them. 28° are 0.88, 41° are 0.75. */
const at = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

type Spans = readonly (readonly [from: number, to: number])[];
const voice = (degrees: number, ...spans: Spans) => ({
  vector: at(degrees),
  spans: spans.map(([startSeconds, endSeconds]) => ({ startSeconds, endSeconds })),
});
const clipOf = (clip: number, voices: ObservedVoices["voices"], speech: readonly Utterance[] = []) => ({
  ...{ stream: "talk", clip, space: "s", voices, speech },
});

const nobody: PeopleState = { people: [], faces: [] };
const person = (number: number, name: string | null = null) => ({
  ...{ id: `person_${number}a`, number, name, into: null },
});
/** A face of someone that is seen each second of a part of a clip. */
const face = (clip: number, of: number, from: number, to: number): SeenFace => ({
  ...{ id: `face-${clip}-${of}-${from}`, stream: "talk", clip, shownSeconds: from, good: 4, captions: [] },
  atSeconds: Array.from({ length: to - from + 1 }, (_, i) => from + i),
  box: { left: 0, top: 0, width: 0.1, height: 0.1 },
  ...{ space: "faces", vector: null, crop: null, person: `person_${of}a`, maybe: null, told: null, not: [] },
  ...{ sure: true, exemplar: false },
});

/** Hears clips one after the other. @returns the state, and of the last clip who was told and spoke */
function heard(clips: readonly ObservedVoices[], first: PeopleState = nobody) {
  let state = first;
  let last: ReturnType<typeof hearClip> | null = null;
  let number = first.people.length;
  for (const clip of clips) {
    const good = (id: string) =>
      state.faces.reduce((sum, one) => sum + (one.person === id ? one.good : 0), 0);
    last = hearClip(clip, state, good, () => ++number);
    state = patched(state, last.patch);
  }
  const whose = state.faces.filter(({ kind }) => kind === "voice").map((one) => one.person ?? one.maybe);
  return { state, whose, last: last! };
}

test("a voice on a telephone becomes a person over ten seconds and two clips, and is told from then on", () => {
  const once = heard([clipOf(0, [voice(0, [0, 9])])]);
  assert.deepEqual([once.whose, once.last.told], [[null], []]);
  const { state, whose, last } = heard([clipOf(0, [voice(0, [0, 9])]), clipOf(1, [voice(20, [11, 16])])]);
  assert.equal(state.people.length, 1);
  assert.deepEqual(whose, [state.people[0]!.id, state.people[0]!.id]);
  assert.deepEqual(last.told, [{ id: "person_1", name: null, atSeconds: [11], heard: true }]);
  // 9 and 5 s: 3 and 2 good pictures.
  assert.deepEqual(last.spoken, [{ startSeconds: 11, endSeconds: 16, id: "person_1" }]);
});

test("two voices of one clip are two people, however alike; a third between two people is neither", () => {
  const { state, whose } = heard([
    clipOf(0, [voice(0, [0, 5]), voice(25, [5, 10])]),
    clipOf(1, [voice(0, [10, 15]), voice(25, [15, 20])]),
    clipOf(2, [voice(0, [20, 26]), voice(25, [26, 30])]),
    clipOf(3, [voice(12, [30, 39])]),
  ]);
  assert.equal(state.people.length, 2);
  const between = state.faces.find(({ clip }) => clip === 3)!;
  assert.deepEqual([between.person, between.maybe === null], [null, false]);
  assert.equal(new Set(whose.slice(0, 2)).size, 2);
});

test("below 0.88 a voice is unsure, below 0.75 it is someone else's", () => {
  const talk = [clipOf(0, [voice(0, [0, 9])]), clipOf(1, [voice(0, [11, 19])])];
  const [one] = heard(talk).state.people;
  assert.deepEqual(heard([...talk, clipOf(2, [voice(27, [20, 29])])]).whose[2], one!.id);
  const unsure = heard([...talk, clipOf(2, [voice(35, [20, 29])])]).state.faces.find(
    ({ clip }) => clip === 2,
  )!;
  assert.deepEqual([unsure.person, unsure.maybe], [null, one!.id]);
  assert.equal(heard([...talk, clipOf(2, [voice(45, [20, 29])])]).whose[2], null);
});

test("a voice is whose face is there while it speaks, over two clips", () => {
  const seen: PeopleState = {
    people: [person(1, "Mia"), person(2)],
    faces: [face(0, 1, 0, 5), face(0, 2, 6, 10), face(1, 1, 10, 16)],
  };
  const clips = [clipOf(0, [voice(0, [0, 5]), voice(80, [6, 10])]), clipOf(1, [voice(5, [11, 16])])];
  assert.deepEqual(heard(clips.slice(0, 1), seen).whose, [null, null]);
  const { whose, last } = heard(clips, seen);
  assert.deepEqual(whose, ["person_1a", null, "person_1a"]);
  assert.deepEqual(last.told, [{ id: "person_1", name: "Mia", atSeconds: [11], heard: true }]);
});

test("two who are always in the picture together have no voice, nor has one beside whom two speak", () => {
  const both: PeopleState = {
    people: [person(1), person(2)],
    faces: [0, 1].flatMap((clip) => [
      face(clip, 1, 10 * clip, 10 * clip + 9),
      face(clip, 2, 10 * clip, 10 * clip + 9),
    ]),
  };
  const one = [clipOf(0, [voice(0, [0, 6])]), clipOf(1, [voice(0, [10, 16])])];
  assert.deepEqual(heard(one, both).whose, [null, null]);
  const alone: PeopleState = { people: [person(1)], faces: [face(0, 1, 0, 9), face(1, 1, 10, 19)] };
  const two = [
    clipOf(0, [voice(0, [0, 5]), voice(80, [5, 9])]),
    clipOf(1, [voice(0, [10, 15]), voice(80, [15, 19])]),
  ];
  assert.deepEqual(heard(two, alone).whose, [null, null, null, null]);
  assert.deepEqual(heard([clipOf(0, [voice(0, [0, 5])]), clipOf(1, [voice(0, [10, 15])])], alone).whose, [
    "person_1a",
    "person_1a",
  ]);
});

test("what is said is said by whose voice covers it, unless the source names someone", () => {
  const line = (startSeconds: number, endSeconds: number, speaker: string | null = null) => ({
    ...{ startSeconds, endSeconds, text: "Hello.", speaker },
  });
  const spoken = [{ id: "person_1", startSeconds: 0, endSeconds: 4 }];
  const speakers = withSpeakers([line(0, 4), line(2, 5), line(3, 8), line(1, 2, "Mia")], spoken).map(
    ({ speaker }) => speaker,
  );
  assert.deepEqual(speakers, ["person_1", "person_1", null, "Mia"]);
});

test("how the source calls a voice is kept as what it may be called", () => {
  const said: Utterance = { startSeconds: 0, endSeconds: 8, text: "Hello.", speaker: "Mia" };
  const { state } = heard([clipOf(0, [voice(0, [0, 9])], [said])]);
  assert.deepEqual(state.faces[0]!.captions, ["Mia"]);
  assert.equal(state.people.length, 0);
});
