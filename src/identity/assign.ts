/**
 * Who is on the tracks of one clip: all of them are decided about at once, and unknown is better than wrong.
 *
 * A track joins a person whose faces it is near to (below 0.5 from their middle; dlib's vectors, Euclidean) and to no other
 * person nearly as much. Two faces of one frame are never one person. What is near but not near enough (up to 0.6), or near
 * to two, is unsure: it is kept and asked about. What is far from everybody makes a new person, if it was followed over two
 * good faces: one alone may be a hand before a face, and such faces resemble each other, whoever they are.
 */
import { distance } from "../perception/faces.ts";

/** A track as it is compared. */
export interface Candidate {
  /** The moments at which it was seen. */
  readonly atSeconds: readonly number[];
  /** Its good face nearest to all of them. */
  readonly vector: Float32Array;
  /** How many good faces it has. */
  readonly good: number;
}

/** A person as tracks are compared to. */
export interface KnownPerson {
  readonly id: string;
  /** Faces that stand for the person. */
  readonly exemplars: readonly Float32Array[];
  /** Faces of which someone said that they are not this person. @default none */
  readonly rejected?: readonly Float32Array[];
}

/** What is decided about a track. */
export type Assigned =
  /** It is this person; `sure` faces may stand for the person from now on. */
  | { readonly kind: "person"; readonly id: string; readonly distance: number }
  /** It may be this person. */
  | { readonly kind: "unsure"; readonly id: string; readonly distance: number }
  /** It is a new person, one with those of the same number. */
  | { readonly kind: "new"; readonly group: number }
  | { readonly kind: "unknown" };

/** What is decided about all tracks of a clip. */
export interface Assignment {
  /** In the order of the tracks. */
  readonly tracks: readonly Assigned[];
  /** Earlier unknown faces that are one of the new people, by their place in `unknown`. */
  readonly joined: ReadonlyMap<number, number>;
}

/** Nearer than this to the middle of a person's faces, a track is that person. */
export const joins = 0.5;
/** Farther than this from everybody, it is someone else. */
export const isOther = 0.6;
/** A second person who is nearer than this much farther makes it unsure, unless the two are likely one themselves. */
const margin = 0.1;
/** Nearer than this, where few faces stand for the person; for one good face alone the second. */
const joinsFew = [0.4, 0.3] as const;
const few = 5;
/** Whether few faces stand for a person. */
export const isFew = (exemplars: readonly unknown[]): boolean => exemplars.length < few;
/** Unknown faces that are all nearer to each other than this are one new person. */
const founds = 0.4;
/** Good faces that a track has which makes a new person: one alone may be a hand before a face. */
const foundingFaces = 2;
/** Most assignments that are tried; the best of those tried is taken. */
const mostTried = 50_000;

/**
 * @param known everybody, with faces of the same space
 * @param unknown faces of the stream's earlier clips that are no person yet
 */
export function assign(
  tracks: readonly Candidate[],
  known: readonly KnownPerson[],
  unknown: readonly Candidate[] = [],
): Assignment {
  const middles = known.map(({ id, exemplars }) => ({
    ...{ id, middle: middleOf(exemplars), isFew: isFew(exemplars) },
  }));
  const near = tracks.map(({ vector }) =>
    middles
      .map((one) => ({ ...one, distance: distance(vector, one.middle) }))
      .sort((a, b) => a.distance - b.distance),
  );
  const rejected = new Map(known.map(({ id, rejected = [] }) => [id, rejected]));
  const options = near.map(([first, second], i) => {
    const { vector, good } = tracks[i]!;
    const below = first?.isFew ? joinsFew[good < foundingFaces ? 1 : 0] : joins;
    if (!first || first.distance >= below) return [];
    if (rejected.get(first.id)!.some((face) => distance(vector, face) < first.distance)) return [];
    const isBetween =
      second && second.distance < first.distance + margin && distance(first.middle, second.middle) >= joins;
    return isBetween ? [] : [first];
  });
  const chosen = bestOf(tracks, options);
  const decided: Assigned[] = tracks.map((_, i) => {
    const [first] = near[i]!;
    const taken = chosen[i];
    const nearest = taken ?? first;
    // Whom few faces stand for is not near enough to keep a followed face from being someone.
    const below = first?.isFew && tracks[i]!.good >= foundingFaces ? joinsFew[0] : isOther;
    if (!nearest || nearest.distance >= below) return { kind: "unknown" };
    return { kind: taken ? "person" : "unsure", id: nearest.id, distance: nearest.distance };
  });
  const strangers = decided.flatMap(({ kind }, i) => (kind === "unknown" ? [i] : []));
  const groups = foundGroups([...unknown, ...strangers.map((i) => tracks[i]!)], unknown.length);
  const joined = new Map<number, number>();
  for (const [group, members] of groups.entries())
    for (const member of members) {
      if (member < unknown.length) joined.set(member, group);
      else decided[strangers[member - unknown.length]!] = { kind: "new", group };
    }
  return { tracks: decided, joined };
}

/** The mean of vectors. */
export function middleOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length;
  return mean;
}

/** Whether two tracks were seen in one frame: then they are two people. */
export function meet(a: Pick<Candidate, "atSeconds">, b: Pick<Candidate, "atSeconds">): boolean {
  return a.atSeconds.some((moment) => b.atSeconds.includes(moment));
}

interface Option {
  readonly id: string;
  readonly distance: number;
}

/**
 * The assignment of the least cost: a track that is left out costs what the farthest join would. Exact for all but clips with
 * very many faces.
 */
function bestOf(
  tracks: readonly Candidate[],
  options: readonly (readonly Option[])[],
): readonly (Option | null)[] {
  // Those with one frame in common are decided together; the surest first, so that the first try is a good one.
  const order = tracks
    .map((_, i) => i)
    .filter((i) => options[i]!.length > 0)
    .sort((a, b) => options[a]![0]!.distance - options[b]![0]!.distance);
  const chosen: (Option | null)[] = tracks.map(() => null);
  let best: readonly (Option | null)[] = chosen;
  let least = Number.POSITIVE_INFINITY;
  let tried = 0;
  const leastLeft = order.map((_, from) =>
    order.slice(from).reduce((sum, i) => sum + options[i]![0]!.distance, 0),
  );
  const search = (depth: number, cost: number) => {
    if (depth === order.length) {
      if (cost < least) [least, best] = [cost, [...chosen]];
      return;
    }
    if (cost + leastLeft[depth]! >= least || ++tried > mostTried) return;
    const i = order[depth]!;
    for (const option of options[i]!) {
      const isTaken = order
        .slice(0, depth)
        .some((j) => chosen[j]?.id === option.id && meet(tracks[i]!, tracks[j]!));
      if (isTaken) continue;
      chosen[i] = option;
      search(depth + 1, cost + option.distance);
    }
    chosen[i] = null;
    search(depth + 1, cost + joins);
  };
  search(0, 0);
  return best;
}

/**
 * Groups of faces that are all near to each other (complete linkage), those alone that hold a face of this clip and one
 * that was followed.
 * @param earlier how many of the faces are of earlier clips, which come first: their moments are not compared
 */
function foundGroups(faces: readonly Candidate[], earlier: number): number[][] {
  const isVetoed = (a: number, b: number) => a >= earlier && b >= earlier && meet(faces[a]!, faces[b]!);
  let groups = faces.map((_, i) => [i]);
  const far = (a: readonly number[], b: readonly number[]) =>
    Math.max(
      ...a.flatMap((i) =>
        b.map((j) =>
          isVetoed(i, j) ? Number.POSITIVE_INFINITY : distance(faces[i]!.vector, faces[j]!.vector),
        ),
      ),
    );
  for (;;) {
    let nearest: { a: number[]; b: number[]; apart: number } | null = null;
    for (const [at, a] of groups.entries())
      for (const b of groups.slice(at + 1)) {
        const apart = far(a, b);
        if (apart < founds && apart < (nearest?.apart ?? Number.POSITIVE_INFINITY)) nearest = { a, b, apart };
      }
    if (!nearest) break;
    const { a, b } = nearest;
    groups = [...groups.filter((group) => group !== a && group !== b), [...a, ...b]];
  }
  const founded = groups.filter(
    (group) => group.some((i) => i >= earlier) && group.some((i) => faces[i]!.good >= foundingFaces),
  );
  return joinedByMiddle(founded, faces, isVetoed);
}

/** Groups whose middles are near are one: single faces of a person differ more than their middles do. */
function joinedByMiddle(
  groups: readonly number[][],
  faces: readonly Candidate[],
  isVetoed: (a: number, b: number) => boolean,
): number[][] {
  const middle = (group: readonly number[]) => middleOf(group.map((i) => faces[i]!.vector));
  const joined: number[][] = [];
  for (const group of groups) {
    const near = joined.find(
      (other) =>
        distance(middle(other), middle(group)) < founds &&
        !other.some((i) => group.some((j) => isVetoed(i, j))),
    );
    if (near) near.push(...group);
    else joined.push([...group]);
  }
  return joined;
}
