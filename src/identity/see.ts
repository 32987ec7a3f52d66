/** A clip is seen: its tracks become faces, each with who it is, and the people of the clip are told. */
import type { ClipFaces, FaceTrack } from "../perception/faces.ts";
import { joinSightings, type Person, type ScreenText, type Utterance } from "../perception/observation.ts";
import { shortId } from "../util/hash.ts";
import { type Assigned, assign } from "./assign.ts";
import { withExemplars } from "./exemplars.ts";
import { isVoice, type KnownOne, type PeoplePatch, type PeopleState, type SeenFace } from "./records.ts";
import { type Rejoining, rejoined } from "./rejoin.ts";
import { saidNames } from "./said-names.ts";

/** The faces of a clip; the crops of its tracks were kept, and have hashes. */
export interface ObservedFaces extends Omit<ClipFaces, "tracks"> {
  readonly stream: string;
  readonly clip: number;
  readonly tracks: readonly (Omit<FaceTrack, "crop"> & { readonly crop: string })[];
  /** Print in the picture. */
  readonly screen: readonly ScreenText[];
  readonly speech: readonly Utterance[];
}

/** A person is told of from this many good faces on. */
export const toldFaces = 4;
/** Farther from the middle of a person, a face joins but does not stand for the person. */
const surelyBelow = 0.45;
/** Faces of no one that a new face is compared with, of the same stream. */
export const comparedUnknown = 50;

/** The faces and people that a clip adds. */
export interface Seen {
  readonly patch: PeoplePatch;
  /** Who is in the clip, as the policy is told. */
  readonly told: readonly Person[];
  /** People who turn out to be one. @default none */
  readonly rejoined?: readonly Rejoining[];
}

/** How a person without a name is called. */
export const labelOf = ({ number }: Pick<KnownOne, "number">): string => `person_${number}`;

/**
 * @param known everybody, the faces that stand for them, and the stream's latest faces of no one
 * @param goodOf how many good faces of a person are kept
 * @param numbered gives the next number of a person
 */
export function seeClip(
  observed: ObservedFaces,
  known: PeopleState,
  goodOf: (person: string) => number,
  numbered: () => number,
): Seen {
  const { stream, clip, space } = observed;
  const own = known.faces.filter((face) => face.space === space && face.vector !== null && !isVoice(face));
  const people = known.people
    .filter(({ into }) => into === null)
    .map(({ id }) => ({
      id,
      exemplars: own.filter(({ person, exemplar }) => exemplar && person === id).map(({ vector }) => vector!),
      rejected: own.filter(({ not }) => not.includes(id)).map(({ vector }) => vector!),
    }))
    .filter(({ exemplars }) => exemplars.length > 0);
  const unknown = own
    .filter((face) => face.person === null && face.maybe === null && face.not.length === 0)
    .filter((face) => face.stream === stream && face.clip !== clip)
    .toSorted((a, b) => a.clip - b.clip)
    .slice(-comparedUnknown);
  const tracks = observed.tracks.map((track) => ({ ...track, good: track.vectors.length }));
  const decided = assign(
    tracks,
    people,
    unknown.map(({ atSeconds, vector, good }) => ({ atSeconds, vector: vector!, good })),
  );
  const made = new Map<number, KnownOne>();
  const fresh = observed.tracks.map((track, i) => faceOf(observed, track, decided.tracks[i]!));
  const founder = (group: number) => {
    const firstOld = [...decided.joined].find(([, of]) => of === group)?.[0];
    if (firstOld !== undefined) return unknown[firstOld]!;
    return fresh[decided.tracks.findIndex((one) => one.kind === "new" && one.group === group)]!;
  };
  const personOf = (group: number): string => {
    const one = made.get(group) ?? {
      ...{ id: shortId("person", founder(group).id), number: numbered() },
      ...{ name: null, into: null },
    };
    made.set(group, one);
    return one.id;
  };
  const placed = fresh.map((face, i) => {
    const one = decided.tracks[i]!;
    return one.kind === "new" ? { ...face, person: personOf(one.group), sure: true } : face;
  });
  const joined = [...decided.joined].map(([i, group]) => ({
    ...unknown[i]!,
    person: personOf(group),
    sure: true,
  }));
  const all = [...known.people, ...made.values()];
  const touched = new Set([...placed, ...joined].flatMap(({ person }) => person ?? []));
  const good = new Map([...touched].map((id) => [id, goodOf(id)]));
  for (const { person, good: more } of [...placed, ...joined])
    if (person !== null) good.set(person, good.get(person)! + more);
  const isTold = (id: string) =>
    good.get(id)! >= toldFaces || all.some((one) => one.id === id && one.name !== null);
  const withTold = placed.map((face) =>
    face.person !== null && isTold(face.person) ? { ...face, told: face.person } : face,
  );
  const others = known.faces.filter((face) => !joined.some(({ id }) => id === face.id));
  const faces = withExemplars([...others, ...joined, ...withTold], touched);
  const before = new Map(known.faces.map((face) => [face.id, face]));
  const changed = faces.filter((face) => before.get(face.id) !== face);
  return {
    patch: { people: [...made.values()], faces: changed, gone: [] },
    told: toldIn(withTold, all, observed.tracks),
    rejoined: rejoined({ people: all, faces }, touched),
  };
}

function faceOf(
  { stream, clip, space, screen, speech, aloneSeconds }: ObservedFaces,
  track: ObservedFaces["tracks"][number],
  decided: Assigned,
): SeenFace {
  const { atSeconds, cropSeconds, box, vectors, vector, crop } = track;
  const { own, speakers } = saidNames(track, speech, aloneSeconds);
  const captions = [...new Set([...captionsOf(track, screen, aloneSeconds), ...own])];
  return {
    id: shortId("face", stream, clip, cropSeconds, box.left, box.top),
    ...{ stream, clip, atSeconds, shownSeconds: cropSeconds, box },
    ...{ good: vectors.length, captions, space, vector, crop },
    ...(speakers.length > 0 && { speakers }),
    person: decided.kind === "person" ? decided.id : null,
    maybe: decided.kind === "unsure" ? decided.id : null,
    ...{ told: null, not: [] },
    sure: decided.kind === "person" && decided.distance < surelyBelow,
    exemplar: false,
  };
}

/** Who was told, in the order of their numbers. @param tracks those of `faces`, in the same order */
function toldIn(
  faces: readonly SeenFace[],
  people: readonly KnownOne[],
  tracks: ObservedFaces["tracks"],
): Person[] {
  return people
    .toSorted((a, b) => a.number - b.number)
    .flatMap((one) => {
      const sightings = faces.flatMap(({ told, atSeconds }, i): Person[] => {
        const boxes = tracks[i]!.boxes;
        const person = { id: labelOf(one), name: one.name, atSeconds, ...(boxes && { boxes }) };
        return told === one.id ? [person] : [];
      });
      return sightings.length === 0 ? [] : [joinSightings(sightings)];
    });
}

/** Shorter lines of print are not read as a caption, in seconds. */
const leastCaptionSeconds = 1;
const nameLike = /^\p{Lu}[\p{L}\p{M}'’.-]*(?: \p{Lu}[\p{L}\p{M}'’.-]*){0,2}$/u;

/**
 * Print that looks like a name, one to three words that begin with capitals, while this face was the only one in the picture
 * for all the time that it was read.
 */
export function captionsOf(
  { atSeconds }: Pick<FaceTrack, "atSeconds">,
  screen: readonly ScreenText[],
  aloneSeconds: readonly number[],
): string[] {
  const alone = new Set(aloneSeconds);
  const lasting = screen.filter(
    ({ text, startSeconds, endSeconds }) =>
      endSeconds - startSeconds >= leastCaptionSeconds &&
      nameLike.test(text.trim()) &&
      text.trim().length > 2 &&
      alone.has(startSeconds) &&
      alone.has(endSeconds) &&
      atSeconds.includes(startSeconds) &&
      atSeconds.includes(endSeconds),
  );
  return [...new Set(lasting.map(({ text }) => text.trim()))];
}
