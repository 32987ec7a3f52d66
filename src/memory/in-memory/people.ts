/** People in the in-memory store: `../people-rows.ts` without a file. */
import type { WordSpace } from "../../engine.ts";
import { changePeople, undoPeople } from "../../identity/change.ts";
import { comparedVoices, type HeardClip, hearClip, type ObservedVoices } from "../../identity/hear.ts";
import { patched, touchedNumbers } from "../../identity/people-state.ts";
import {
  isVoice,
  type KnownOne,
  type PeopleChange,
  type PeopleEvent,
  type PeoplePatch,
  type PeopleState,
  type PeopleUndo,
  type SeenFace,
} from "../../identity/records.ts";
import { rendered } from "../../identity/references.ts";
import { type ObservedFaces, type Seen, seeClip } from "../../identity/see.ts";
import type { ForgottenPeople } from "../forget-people.ts";
import { type Recognised, recognised } from "../packed.ts";
import { keptFaces } from "../retention.ts";
import { indexedStems, logChange, type State } from "./state.ts";

export const peopleState = ({ people, faces }: State): PeopleState => ({
  people: [...people.known.values()],
  faces: [...faces.values()],
});

/** Sees and hears a clip. @returns who is in it, as policies are told */
export function addSightings(state: State, { faces, voices, stream, clip, grow }: Sightings): Recognised {
  if (grow && (faces || voices))
    for (const face of [...state.faces.values()])
      if (face.stream === stream && face.clip === clip) state.faces.delete(face.id);
  const seen = faces ? addFaces(state, faces) : null;
  const heard = voices ? addVoices(state, voices) : null;
  return recognised(seen, heard);
}

/** What of a clip is seen and heard of people. */
interface Sightings {
  readonly stream: string;
  readonly clip: number;
  readonly faces: ObservedFaces | null;
  readonly voices: ObservedVoices | null;
  readonly grow: boolean;
}

const goodIn = (state: State) => (person: string) =>
  [...state.faces.values()].reduce((sum, face) => sum + (face.person === person ? face.good : 0), 0);

function addVoices(state: State, observed: ObservedVoices): HeardClip {
  const all = peopleState(state);
  const unknown = all.faces
    .filter((one) => isVoice(one) && one.stream === observed.stream && one.person === null)
    .toSorted((a, b) => a.clip - b.clip)
    .slice(-comparedVoices);
  const clips = new Set([observed.clip, ...unknown.map(({ clip }) => clip)]);
  const faces = all.faces.filter((one) =>
    isVoice(one)
      ? one.exemplar || one.not.length > 0 || unknown.includes(one)
      : one.stream === observed.stream && one.person !== null && clips.has(one.clip),
  );
  const heard = hearClip(observed, { ...all, faces }, goodIn(state), numbering(state));
  putPeople(state, heard.patch);
  logPeople(
    state,
    heard.patch.people.map(({ number }) => number),
  );
  return heard;
}

function addFaces(state: State, observed: ObservedFaces): Seen {
  const goodOf = goodIn(state);
  const all = peopleState(state);
  const compared = all.faces.filter(
    ({ exemplar, not, person }) => exemplar || not.length > 0 || person === null,
  );
  const seen = seeClip(observed, { ...all, faces: compared }, goodOf, numbering(state));
  const { patch } = seen;
  putPeople(state, patch);
  logPeople(
    state,
    patch.people.map(({ number }) => number),
  );
  return seen;
}

function numbering({ people }: State): () => number {
  let { last } = people;
  return () => {
    last += 1;
    return last;
  };
}

function putPeople(state: State, { people, faces, gone }: PeoplePatch): void {
  for (const one of people) {
    state.people.known.set(one.id, one);
    state.people.last = Math.max(state.people.last, one.number);
  }
  for (const face of faces) state.faces.set(face.id, face);
  for (const id of gone) state.people.known.delete(id);
}

function logPeople(state: State, people: readonly number[]): void {
  if (people.length > 0) logChange(state, { kind: "people", people });
}

/** Takes the pictures and vectors of old faces that stand for no one; those of no one go whole. */
export function trimFaces(state: State): void {
  const last = new Map<string, number>();
  for (const { stream, clip } of state.faces.values())
    last.set(stream, Math.max(last.get(stream) ?? clip, clip));
  for (const face of [...state.faces.values()]) {
    const isOld = face.clip <= last.get(face.stream)! - keptFaces;
    if (!isOld || face.exemplar || face.not.length > 0) continue;
    if (face.person === null) state.faces.delete(face.id);
    else state.faces.set(face.id, { ...face, crop: null, vector: null });
  }
}

/** What a change does, and the texts that read differently after it. @throws DataError */
export function decideChange(state: State, asked: PeopleChange | PeopleUndo, atMs: number) {
  const before = peopleState(state);
  const decided = () => {
    if (asked.kind === "undo") return undoPeople(before, state.peopleEvents, asked.number);
    const number = (state.peopleEvents.at(-1)?.number ?? 0) + 1;
    const { patch, event } = changePeople(before, asked, number, numbering(state));
    return { patch, event: { ...event, number, atMs, undone: false } };
  };
  const { patch, event } = decided();
  return { before, patch, event, texts: textsAfter(state, patched(before, patch)) };
}

/** Makes a change that was decided. @param vectors of its texts, in their order */
export function putChange(
  state: State,
  { before, patch, event, texts }: ReturnType<typeof decideChange>,
  words: WordSpace,
  vectors: readonly Float32Array[],
): PeopleEvent {
  putPeople(state, patch);
  const known = state.peopleEvents.findIndex(({ number }) => number === event.number);
  state.peopleEvents.splice(known < 0 ? state.peopleEvents.length : known, known < 0 ? 0 : 1, event);
  for (const [i, { id, text }] of texts.entries()) putText(state, id, text, words, vectors[i]);
  logPeople(state, touchedNumbers(before, patch));
  return event;
}

function textsAfter(
  { entries }: State,
  people: PeopleState,
): { readonly id: string; readonly text: string }[] {
  return [...entries.values()].flatMap(({ entry, told }) => {
    const text = told === null ? entry.text : rendered(told, entry, people);
    return text === entry.text ? [] : [{ id: entry.id, text }];
  });
}

function putText(state: State, id: string, text: string, words: WordSpace, vector?: Float32Array): void {
  const kept = state.entries.get(id)!;
  const entry = { ...kept.entry, text };
  const own = vector && { vector, madeOf: null };
  state.entries.set(id, { ...kept, entry, ...indexedStems(entry, words), ...own });
}

/** Makes texts read as people are called now, after rows were added. */
export function renderTexts(state: State, words: WordSpace): void {
  for (const { id, text } of textsAfter(state, peopleState(state))) putText(state, id, text, words);
}

/** Keeps a person of another memory. @returns false if known, with no news */
export function addPerson(state: State, person: KnownOne): boolean {
  const known = state.people.known.get(person.id);
  if (known && (known.name !== null || person.name === null)) return false;
  const number = known?.number ?? Math.max(person.number, state.people.last + 1);
  putPeople(state, { people: [{ ...person, number }], faces: [], gone: [] });
  logPeople(state, [number]);
  return true;
}

/** Keeps a face of another memory. @returns false if known */
export function addFace(state: State, face: SeenFace): boolean {
  if (state.faces.has(face.id)) return false;
  state.faces.set(face.id, face);
  return true;
}

/** Deletes people, their faces, and the changes that tell of them. */
export function deletePeople(state: State, { people, faces, events }: ForgottenPeople): void {
  for (const { id } of faces) state.faces.delete(id);
  for (const id of people) state.people.known.delete(id);
  const kept = state.peopleEvents.filter(({ number }) => !events.includes(number));
  state.peopleEvents.splice(0, state.peopleEvents.length, ...kept);
  const isGone = (id: string | null) => id !== null && people.includes(id);
  for (const face of [...state.faces.values()]) {
    const [person, maybe] = [face.person, face.maybe].map((id) => (isGone(id) ? null : id)) as [
      string | null,
      string | null,
    ];
    if (person !== face.person || maybe !== face.maybe)
      state.faces.set(face.id, { ...face, person, maybe, exemplar: face.exemplar && person !== null });
  }
}
