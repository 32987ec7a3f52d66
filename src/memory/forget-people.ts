/** What forgetting takes of people: their faces, and who is left without one. */
import { endOf } from "../identity/change.ts";
import type { PeopleEvent, PeopleState, SeenFace } from "../identity/records.ts";
import { labelOf } from "../identity/see.ts";
import type { Reach } from "./forget-request.ts";

/** What goes, by ids. */
export interface ForgottenPeople {
  readonly people: readonly string[];
  readonly faces: readonly SeenFace[];
  /** Numbers of the changes that tell of them. */
  readonly events: readonly number[];
}

/**
 * @param isInScope whether a clip is of the streams and times of the request
 */
export function peopleToForget(
  state: PeopleState,
  events: readonly PeopleEvent[],
  { meant, bySpan, byText, personOnly }: Reach,
  isInScope: (face: Pick<SeenFace, "stream" | "clip">) => boolean,
): ForgottenPeople {
  const named = byText
    ? state.people.filter((one) => {
        const end = endOf(one, state.people);
        return [one, ...(end ? [end] : [])].some((who) => meant([], [who.name ?? "", labelOf(who)]));
      })
    : [];
  const ids = new Set(named.map(({ id }) => id));
  const isNamed = (id: string | null) => id !== null && ids.has(id);
  const faces = state.faces.filter(
    (face) => isInScope(face) && (bySpan || isNamed(face.person) || isNamed(face.maybe)),
  );
  const gone = new Set(faces.map(({ id }) => id));
  const left = new Set(state.faces.flatMap(({ id, person }) => (gone.has(id) ? [] : (person ?? []))));
  const lost = new Set(faces.flatMap(({ person }) => person ?? []));
  const people = state.people.filter((one) => {
    if (personOnly && ids.has(one.id)) return true;
    const end = endOf(one, state.people) ?? one;
    return lost.has(end.id) && !left.has(end.id);
  });
  const numbers = new Set(people.map(({ number }) => number));
  const goneIds = new Set([...people.map(({ id }) => id), ...gone]);
  return {
    people: people.map(({ id }) => id),
    faces,
    events: events
      .filter(
        ({ before, change, made }) =>
          [...before.people, ...before.faces].some(({ id }) => goneIds.has(id)) ||
          before.faces.some(({ person, maybe }) => goneIds.has(person ?? "") || goneIds.has(maybe ?? "")) ||
          (made !== null && numbers.has(made)) ||
          ("person" in change ? [change.person] : [change.into, ...change.people]).some((one) =>
            numbers.has(one),
          ),
      )
      .map(({ number }) => number),
  };
}
