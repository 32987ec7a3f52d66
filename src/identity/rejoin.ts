/**
 * People who were made too early. Whom few faces stand for may be someone who is better known only later: then each of these
 * faces is compared again, as a face that comes now is. If all of them would join one and the same person, the two are one.
 *
 * No threshold of its own: had the person been known as well before, the faces would have joined at once.
 */
import { assign, isFew } from "./assign.ts";
import { isOwn, numbersIn } from "./change.ts";
import { isVoice, type KnownOne, type PeopleEvent, type PeopleState, type SeenFace } from "./records.ts";

/** Two who are likely one: `person` is to become `into`. Numbers of people. */
export interface Rejoining {
  readonly person: number;
  readonly into: number;
}

type Compared = KnownOne & { readonly faces: readonly SeenFace[] };

/**
 * @param known everybody, with the faces that stand for them and those that were rejected
 * @param touched people whose faces changed: pairs of others were compared before
 */
export function rejoined(known: PeopleState, touched: ReadonlySet<string>): Rejoining[] {
  const seen = known.faces.filter((face) => face.vector !== null && !isVoice(face));
  return [...Map.groupBy(seen, ({ space }) => space).values()].flatMap((faces) => {
    const people = known.people
      .filter(({ into }) => into === null)
      .map((one) => ({ ...one, faces: faces.filter((face) => face.exemplar && face.person === one.id) }))
      .filter((one) => one.faces.length > 0);
    const joined = new Set<Compared>();
    return people
      .filter((one) => one.name === null && isFew(one.faces))
      .flatMap((one): Rejoining[] => {
        const others = people.filter((other) => other !== one && !joined.has(other));
        const into = joined.has(one) ? null : joinsWhom(one, others, faces);
        if (!into || !isBetterKnown(into, one) || !(touched.has(one.id) || touched.has(into.id))) return [];
        joined.add(one).add(into);
        return [{ person: one.number, into: into.number }];
      });
  });
}

/** The one person whom all faces of another would join. */
function joinsWhom(
  { faces }: Compared,
  others: readonly Compared[],
  all: readonly SeenFace[],
): Compared | null {
  const known = others.map((other) => ({
    id: other.id,
    exemplars: other.faces.map(({ vector }) => vector!),
    rejected: all.filter(({ not }) => not.includes(other.id)).map(({ vector }) => vector!),
  }));
  // They are of several clips, so that their moments do not say who met whom.
  const candidates = faces.map(({ vector, good }) => ({ atSeconds: [], vector: vector!, good }));
  const decided = assign(candidates, known).tracks;
  const ids = new Set(decided.map((one) => (one.kind === "person" ? one.id : null)));
  return ids.size === 1 ? (others.find(({ id }) => ids.has(id)) ?? null) : null;
}

/** More faces stand for the one, or as many and it came first. */
function isBetterKnown(one: Compared, other: Compared): boolean {
  const more = one.faces.length - other.faces.length;
  return more > 0 || (more === 0 && one.number < other.number);
}

/** Whether the memory may join two by itself: no one changed the first by hand, nor undid that it was joined. */
export const mayRejoin = ({ person }: Rejoining, events: readonly PeopleEvent[]): boolean =>
  events.every(
    ({ change, made, undone }) =>
      (isOwn(change) && !undone) || (made !== person && !numbersIn(change).includes(person)),
  );
