/** What is known of people, after a change; and whom a change is about. */
import type { KnownOne, PeoplePatch, PeopleState } from "./records.ts";

/** The state after a patch. */
export function patched(state: PeopleState, patch: PeoplePatch): PeopleState {
  const people = new Map([...state.people, ...patch.people].map((one) => [one.id, one]));
  for (const id of patch.gone) people.delete(id);
  const faces = new Map([...state.faces, ...patch.faces].map((face) => [face.id, face]));
  return { people: [...people.values()], faces: [...faces.values()] };
}

/** Numbers of the people whom a patch changes, or whose faces. */
export function touchedNumbers({ people, faces }: PeopleState, patch: PeoplePatch): number[] {
  const ids = new Set(patch.faces.map(({ id }) => id));
  const before = faces.filter(({ id }) => ids.has(id));
  const touched = new Set([...patch.faces, ...before].flatMap(({ person }) => person ?? []));
  const all: readonly KnownOne[] = [...patch.people, ...people.filter(({ id }) => touched.has(id))];
  return [...new Set(all.map(({ number }) => number))].sort((a, b) => a - b);
}
