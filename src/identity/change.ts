/** Changes of people by hand, and their inverses. */
import { DataError } from "../errors.ts";
import { shortId } from "../util/hash.ts";
import { plainText } from "../util/plain-text.ts";
import { meet } from "./assign.ts";
import { withExemplars } from "./exemplars.ts";
import {
  type FaceState,
  isVoice,
  type KnownOne,
  type PeopleChange,
  type PeopleEvent,
  type PeoplePatch,
  type PeopleState,
  type SeenFace,
} from "./records.ts";
import { labelOf } from "./see.ts";

const mostNameLetters = 80;

/** What a change does, and the event that is kept of it. */
export interface Changed {
  readonly patch: PeoplePatch;
  readonly event: Omit<PeopleEvent, "number" | "atMs" | "undone">;
}

/**
 * @param state everybody with all their faces
 * @param eventNumber of the event to be kept
 * @param numbered gives the next number of a person
 * @throws DataError `person-unknown`, `face-unknown`, `people-invalid`; `people-met` for a merge of two who were in one picture
 */
export function changePeople(
  state: PeopleState,
  change: PeopleChange,
  eventNumber: number,
  numbered: () => number,
): Changed {
  switch (change.kind) {
    case "name":
      return named(state, change);
    case "merge":
      return merged(state, change);
    case "split": {
      const { person, faces } = facesOfOne(state, change, (face, id) => face.person === id);
      if (state.faces.every((face) => face.person !== person.id || faces.includes(face)))
        throw invalid(`These are all faces of ${labelOf(person)}: a split leaves at least one.`);
      const id = shortId("person", "split", faces[0]!.id, eventNumber);
      const made: KnownOne = { id, number: numbered(), name: null, into: null };
      const moved = faces.map((face) => ({ ...face, person: id, sure: true, told: face.told }));
      return changed(state, change, { people: [made], moved, touched: [person.id, id], made });
    }
    case "reject": {
      const { person, faces } = facesOfOne(
        state,
        change,
        (face, id) => face.person === id || face.maybe === id,
      );
      const moved = faces.map((face) => ({
        ...face,
        ...{ person: null, maybe: null, sure: false, not: [...face.not, person.id] },
      }));
      return changed(state, change, { people: [], moved, touched: [person.id] });
    }
    case "add": {
      const { person, faces } = facesOfOne(state, change, (face) => face.person === null);
      const moved = faces.map((face) => ({
        ...face,
        ...{ person: person.id, maybe: null, sure: true, not: face.not.filter((id) => id !== person.id) },
      }));
      return changed(state, change, { people: [], moved, touched: [person.id] });
    }
  }
}

/**
 * What undoes a change: everything it changed is as it was.
 * @param events all that were made, oldest first
 * @param number of the one to undo @default the last made by hand that is not undone
 * @throws DataError `people-nothing-to-undo`, `people-undo-order`
 */
export function undoPeople(
  state: PeopleState,
  events: readonly PeopleEvent[],
  number?: number,
): { readonly patch: PeoplePatch; readonly event: PeopleEvent } {
  const open = events.filter(({ undone }) => !undone);
  const event =
    number === undefined
      ? open.findLast(({ change }) => !isOwn(change))
      : open.find((one) => one.number === number);
  if (!event)
    throw new DataError(
      "people-nothing-to-undo",
      `Expected a change ${number === undefined ? "made by hand " : ""}that was not undone${number === undefined ? "" : `, got ${number}`}. Left: ${open.map((one) => one.number).join(", ") || "none"}.`,
    );
  const touches = touchedBy(event);
  const later = open.find(
    (one) => one.number > event.number && touchedBy(one).some((id) => touches.includes(id)),
  );
  if (later)
    throw new DataError(
      "people-undo-order",
      `Change ${later.number} is about the same people and came later: undo it first.`,
    );
  const { before, made } = event;
  const gone = made === null ? null : state.people.find((one) => one.number === made)!;
  const states = new Map(before.faces.map((face) => [face.id, face]));
  // Faces that came to the person since belong to whom it was split from.
  const from = before.faces[0]?.person ?? null;
  const faces = state.faces.flatMap((face) => {
    const was = states.get(face.id);
    if (was) return [{ ...face, ...was }];
    const isLeft = gone !== null && (face.person === gone.id || face.maybe === gone.id);
    return isLeft
      ? [{ ...face, person: face.person && from, maybe: face.maybe && from, exemplar: false }]
      : [];
  });
  return {
    patch: { people: before.people, faces, gone: gone ? [gone.id] : [] },
    event: { ...event, undone: true },
  };
}

const touchedBy = ({ before, change, made }: PeopleEvent): string[] => [
  ...before.people.map(({ id }) => id),
  ...before.faces.flatMap(({ id, person }) => [id, ...(change.kind === "name" ? [] : [person ?? []])].flat()),
  ...(made === null ? [] : [`made ${made}`]),
  ...numbersIn(change).map((number) => `made ${number}`),
];

/** Whether the memory made a change by itself. */
export const isOwn = (change: PeopleChange): boolean => change.kind === "merge" && change.by === "memory";

/** Whom a change tells of. */
export const numbersIn = (change: PeopleChange): readonly number[] =>
  change.kind === "merge" ? [change.into, ...change.people] : [change.person];

/** The person of a number. @throws DataError `person-unknown` */
export function personOf(state: Pick<PeopleState, "people">, number: number): KnownOne {
  const found = state.people.find((one) => one.number === number);
  if (found && found.into === null) return found;
  const into = found && endOf(found, state.people);
  const known = state.people.filter((one) => one.into === null).map(labelOf);
  throw new DataError(
    "person-unknown",
    into
      ? `person_${number} was merged into ${labelOf(into)}: name that one, or undo the merge.`
      : `Expected a person of this memory, got person_${number}. It knows ${known.join(", ") || "nobody yet"}.`,
  );
}

/** Whom someone was merged into, in the end. */
export function endOf(one: KnownOne, people: readonly KnownOne[]): KnownOne | null {
  let at: KnownOne | undefined = one;
  for (let steps = 0; at && at.into !== null && steps <= people.length; steps++) {
    const { into }: KnownOne = at;
    at = people.find(({ id }) => id === into);
  }
  return at ?? null;
}

function named(state: PeopleState, change: Extract<PeopleChange, { kind: "name" }>): Changed {
  const person = personOf(state, change.person);
  const name = change.name === null ? null : plainText(change.name).replace(/\s+/g, " ").trim();
  if (name !== null && (name === "" || name.length > mostNameLetters || /[[\]<>]/.test(name)))
    throw invalid(
      `Expected a name of 1 to ${mostNameLetters} letters without brackets, got ${JSON.stringify(change.name)}.`,
    );
  const other = state.people.find(
    (one) =>
      one.into === null &&
      one.id !== person.id &&
      name !== null &&
      one.name?.toLowerCase() === name.toLowerCase(),
  );
  if (other)
    throw invalid(
      `${labelOf(other)} is called ${other.name} already. Merge the two if they are one person, or give another name.`,
    );
  return {
    patch: { people: [{ ...person, name }], faces: [], gone: [] },
    event: { change: { ...change, name }, made: null, before: { people: [person], faces: [] } },
  };
}

function merged(state: PeopleState, change: Extract<PeopleChange, { kind: "merge" }>): Changed {
  const into = personOf(state, change.into);
  const others = [...new Set(change.people)].map((number) => personOf(state, number));
  if (others.length === 0 || others.some(({ id }) => id === into.id))
    throw invalid(`Expected people to merge into ${labelOf(into)}, and not that person.`);
  const ids = new Set([into, ...others].map(({ id }) => id));
  const own = state.faces.filter((face) => face.person !== null && ids.has(face.person) && !isVoice(face));
  for (const [, ofClip] of Map.groupBy(own, ({ stream, clip }) => JSON.stringify([stream, clip])))
    for (const [i, a] of ofClip.entries())
      for (const b of ofClip.slice(i + 1))
        if (a.person !== b.person && meet(a, b)) {
          const [one, other] = [a, b].map(({ person }) =>
            labelOf(state.people.find(({ id }) => id === person)!),
          );
          throw new DataError(
            "people-met",
            `${one} and ${other} were in one picture of ${a.stream} (clip ${a.clip}), so they are two people. If one of the two faces there is another person's, reject it first (${a.id}, ${b.id}).`,
          );
        }
  const names = new Set([into, ...others].flatMap(({ name }) => name ?? []));
  const name = into.name ?? (names.size === 1 ? [...names][0]! : null);
  const moved = state.faces
    .filter(({ person, maybe }) => others.some(({ id }) => id === person || id === maybe))
    .map((face) => ({
      ...face,
      person: face.person === null ? null : into.id,
      maybe: face.maybe === null ? null : into.id,
    }));
  const people = [
    ...others.map((one) => ({ ...one, into: into.id })),
    ...(name === into.name ? [] : [{ ...into, name }]),
  ];
  return changed(state, change, { people, moved, touched: [...ids] });
}

function facesOfOne(
  state: PeopleState,
  change: Extract<PeopleChange, { readonly faces: readonly string[] }>,
  fits: (face: SeenFace, person: string) => boolean,
): { readonly person: KnownOne; readonly faces: readonly SeenFace[] } {
  const person = personOf(state, change.person);
  const wanted = [...new Set(change.faces)];
  if (wanted.length === 0) throw invalid("Expected at least one face.");
  const faces = wanted.map((id) => {
    const face = state.faces.find((one) => one.id === id);
    if (!face) throw new DataError("face-unknown", `Expected a face of this memory, got ${id}.`);
    if (fits(face, person.id)) return face;
    throw invalid(
      change.kind === "add"
        ? `${id} is a face of someone already: reject it there first.`
        : `${id} is no face of ${labelOf(person)}.`,
    );
  });
  return { person, faces };
}

const invalid = (why: string) => new DataError("people-invalid", why);

/** The patch of moved faces, with exemplars chosen again, and the event with all that it changes. */
function changed(
  state: PeopleState,
  change: PeopleChange,
  how: {
    readonly people: readonly KnownOne[];
    readonly moved: readonly SeenFace[];
    readonly touched: readonly string[];
    readonly made?: KnownOne;
  },
): Changed {
  const { people, moved, touched, made } = how;
  const byId = new Map(moved.map((face) => [face.id, face]));
  const all = state.faces.map((face) => byId.get(face.id) ?? face);
  const after = withExemplars(all, new Set(touched));
  const patched = after.filter((face, i) => face !== state.faces[i]);
  const places = new Set(patched.map(({ id }) => id));
  const known = new Set(people.map(({ id }) => id));
  return {
    patch: { people, faces: patched, gone: [] },
    event: {
      change,
      made: made?.number ?? null,
      before: {
        people: state.people.filter(({ id }) => known.has(id)),
        faces: state.faces.filter(({ id }) => places.has(id)).map(stateOf),
      },
    },
  };
}

const stateOf = ({ id, person, maybe, not, sure, exemplar }: SeenFace): FaceState => ({
  ...{ id, person, maybe, not, sure, exemplar },
});
