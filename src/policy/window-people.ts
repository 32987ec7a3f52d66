/**
 * People of a window. A memory knows `person_3`; a model is shown `<face_1>`, numbered within its window alone, and writes
 * that. Small numbers are what models are trained with, and what one window calls somebody says nothing in the next.
 *
 * `buildContext` gives the tags; `storedText` takes them back. Numbers follow those of the people: first who can be seen in
 * the window, then who is only mentioned in its memories.
 */
import type { Observation, Person } from "../perception/observation.ts";
import type { Context, ShownEntry } from "./policy.ts";

/** A person of a window. */
export interface TaggedPerson {
  /** As a model is told, without brackets: `face_1`. */
  readonly tag: string;
  /** As the memory knows the person: `person_3`. */
  readonly id: string;
  readonly name: string | null;
}

const knownById = /^person_(\d+)$/;
const label = /\[(person_\d+)\]/g;

/** The people of clips, and those whom the memories of these clips mention. */
export function tagPeople(
  clips: readonly Observation[],
  entries: readonly Pick<ShownEntry, "text">[],
): TaggedPerson[] {
  const people = clips.flatMap((clip) => clip.people);
  const seen = people.filter(({ id }) => knownById.test(id));
  const names = new Map(seen.map(({ id, name }) => [id, name]));
  const mentioned = entries.flatMap(({ text }) => [...text.matchAll(label)].map(([, id]) => id!));
  const ids = new Set([...inOrder(seen.map(({ id }) => id)), ...inOrder(mentioned)]);
  // A source may give people of its own.
  const taken = new Set(people.map(({ id }) => id));
  let last = 0;
  return [...ids].map((id) => {
    do last += 1;
    while (taken.has(`face_${last}`));
    return { tag: `face_${last}`, id, name: names.get(id) ?? null };
  });
}

const numberOf = (id: string) => Number(knownById.exec(id)![1]);
const inOrder = (ids: readonly string[]) => ids.toSorted((a, b) => numberOf(a) - numberOf(b));

/** A clip as a model is shown it. */
export function taggedClip(clip: Observation, tags: readonly TaggedPerson[]): Observation {
  if (!clip.people.some(({ id }) => knownById.test(id))) return clip;
  const tagged = ({ id, ...person }: Person): Person => ({ id: tagOfId(id, tags), ...person });
  return { ...clip, people: clip.people.map(tagged) };
}

const tagOfId = (id: string, tags: readonly TaggedPerson[]) => tags.find((one) => one.id === id)?.tag ?? id;

/** Whether a speaker is one whom the memory knows by voice, and the source does not name. */
export const isKnownByVoice = (speaker: string): boolean => knownById.test(speaker);

/** A speaker as a model is shown: by name, or by tag where there is none; `null` for one whom the window does not know. */
export function shownSpeaker(speaker: string | null, tags: readonly TaggedPerson[] = []): string | null {
  if (speaker === null || !isKnownByVoice(speaker)) return speaker;
  const one = tags.find(({ id }) => id === speaker);
  return one ? (one.name ?? `<${one.tag}>`) : null;
}

/** A speaker as memory keeps: a person known by voice by label, `[person_3]`, which reads as the person is called. */
export const keptSpeaker = (speaker: string): string => (isKnownByVoice(speaker) ? `[${speaker}]` : speaker);

/** A text of memory as a model is shown it. */
export function taggedText(text: string, tags: readonly TaggedPerson[] = []): string {
  return tags.length === 0 ? text : text.replace(label, (_, id: string) => `<${tagOfId(id, tags)}>`);
}

/** A text as it is kept. */
export interface StoredText {
  /** People by name, those without one by their label, `[person_3]`. */
  readonly text: string;
  /** The same with all people by label, so that a change of who is who reaches it; where it differs. */
  readonly told?: string;
}

/** What a model wrote with the tags of its window, as it is kept; a tag of someone whom the source names is that name. */
export function storedText(written: string, { tags = [], observations, recent }: Context): StoredText {
  const named = [...recent.observations, ...observations]
    .flatMap(({ people }) => people)
    .filter(({ id, name }) => name !== null && !tags.some(({ tag }) => tag === id));
  let plain = written;
  for (const { id, name } of named) plain = plain.replaceAll(`<${id}>`, name!);
  let told = plain;
  for (const { tag, id } of tags) told = told.replaceAll(`<${tag}>`, `[${id}]`);
  told = outsideQuotes(told, (part) => tags.reduce(withLabel, part));
  const names = new Map(tags.map(({ id, name }) => [id, name]));
  const text = told.replace(label, (all, id: string) => names.get(id) ?? all);
  return text === told ? { text } : { text, told };
}

/** What somebody said is no statement of who was there. */
function outsideQuotes(text: string, change: (part: string) => string): string {
  return text
    .split(/("[^"]*"|“[^”]*”|«[^»]*»|「[^」]*」)/)
    .map((part, i) => (i % 2 === 1 ? part : change(part)))
    .join("");
}

/** The name of a person as the label, where it stands for itself. */
function withLabel(text: string, { id, name }: TaggedPerson): string {
  if (name === null) return text;
  const escaped = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "gu"), `[${id}]`);
}
