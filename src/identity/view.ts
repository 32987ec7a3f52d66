/** People as they are listed. */
import { distance } from "../perception/faces.ts";
import { secondsOf } from "../perception/voices.ts";
import { isOther, joins, meet, middleOf } from "./assign.ts";
import { isVoice, type KnownOne, type PeopleState, type SeenFace, spansOf } from "./records.ts";
import { labelOf, toldFaces } from "./see.ts";

/** A person as listed. */
export interface ListedPerson {
  readonly number: number;
  /** `person_3`. */
  readonly id: string;
  readonly name: string | null;
  /** Whether policies are told of the person: from the fourth good face, or a name, on. */
  readonly told: boolean;
  /** Clips in which the person was followed, each face once. */
  readonly faces: number;
  /** Pictures good enough to compare. */
  readonly goodFaces: number;
  /** Clips in which the person's voice was heard, and for how long in all, in seconds. */
  readonly voices: number;
  readonly voiceSeconds: number;
  readonly streams: readonly {
    readonly stream: string;
    readonly firstSeconds: number;
    readonly lastSeconds: number;
    readonly faces: number;
  }[];
  /** Hash of a picture of the face. */
  readonly crop: string | null;
  /** A name that print beside the face, or what is said, suggests, and where; `null` without one, or with several. */
  readonly suggestedName: { readonly name: string; readonly face: string } | null;
  /** People who may be the same: near by their faces, and never in one picture. */
  readonly maybeSame: readonly string[];
  /** Faces that may be this person's. */
  readonly unsureFaces: number;
}

/** A face as listed. */
export interface ListedFace {
  readonly id: string;
  readonly stream: string;
  readonly clip: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly goodFaces: number;
  /** `voice` for what was heard and not seen. */
  readonly kind: "face" | "voice";
  /** `person_3`, or `null`. */
  readonly person: string | null;
  /** Whom it may be. */
  readonly maybe: string | null;
  readonly crop: string | null;
  readonly captions: readonly string[];
}

/** Everybody, by number. */
export function listPeople(state: PeopleState): ListedPerson[] {
  const people = state.people.filter(({ into }) => into === null);
  const facesOf = Map.groupBy(state.faces, ({ person }) => person);
  const own = (one: KnownOne) => facesOf.get(one.id) ?? [];
  const middles = new Map(people.map((one) => [one.id, middleOfFaces(own(one))]));
  return people
    .toSorted((a, b) => a.number - b.number)
    .map((one) => {
      const sightings = own(one);
      const voices = sightings.filter(isVoice);
      const faces = sightings.filter((face) => !isVoice(face));
      const goodFaces = faces.reduce((sum, { good }) => sum + good, 0);
      const good = sightings.reduce((sum, { good }) => sum + good, 0);
      const shown =
        faces.find(({ exemplar, crop }) => exemplar && crop) ?? faces.findLast(({ crop }) => crop);
      return {
        ...{ number: one.number, id: labelOf(one), name: one.name },
        told: good >= toldFaces || one.name !== null,
        ...{ faces: faces.length, goodFaces, streams: streamsOf(sightings), crop: shown?.crop ?? null },
        voices: voices.length,
        voiceSeconds: Math.round(voices.reduce((sum, voice) => sum + secondsOf(spansOf(voice)), 0)),
        suggestedName: one.name === null ? suggested(sightings) : null,
        maybeSame: people
          .filter((other) => other.id !== one.id && areAlike(middles.get(one.id)!, middles.get(other.id)!))
          .filter((other) => !haveMet(sightings, own(other)))
          .map(labelOf),
        unsureFaces: state.faces.filter(({ maybe }) => maybe === one.id).length,
      };
    });
}

/** Clips in which the same speaker must be beside a face: one may be seen while another speaks. */
const fewestSpeaking = 2;

/** The one name that the faces of a person have beside them. */
function suggested(faces: readonly SeenFace[]): ListedPerson["suggestedName"] {
  const names = (of: (face: SeenFace) => readonly string[]) =>
    faces.flatMap((face) => of(face).map((name) => ({ name, face: face.id })));
  const captions = names((face) => face.captions);
  const speakers = names((face) => face.speakers ?? []);
  const all = [...captions, ...speakers].toSorted((a, b) => b.name.length - a.name.length);
  const [longest] = all;
  const words = new Set(longest && wordsOf(longest.name));
  // "Mia" and "Mia Lopez" agree.
  const agree = all.every(({ name }) => wordsOf(name).every((word) => words.has(word)));
  const isEnough = captions.length > 0 || speakers.length >= fewestSpeaking;
  return longest && agree && isEnough ? longest : null;
}

const wordsOf = (name: string) => name.toLowerCase().split(/\s+/);

/** Faces of a person, or those of no one, by stream, then time. */
export function listFaces(state: PeopleState, person: KnownOne | null): ListedFace[] {
  const labels = new Map(state.people.map((one) => [one.id, labelOf(one)]));
  return state.faces
    .filter((face) => (person ? face.person === person.id || face.maybe === person.id : face.person === null))
    .toSorted((a, b) =>
      a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.atSeconds[0]! - b.atSeconds[0]!,
    )
    .map(
      ({ id, kind = "face" as const, stream, clip, atSeconds, good, person: of, maybe, crop, captions }) => ({
        kind,
        ...{ id, stream, clip, startSeconds: atSeconds[0]!, endSeconds: atSeconds.at(-1)!, goodFaces: good },
        person: of === null ? null : (labels.get(of) ?? null),
        maybe: maybe === null ? null : (labels.get(maybe) ?? null),
        ...{ crop, captions },
      }),
    );
}

interface Middle {
  readonly space: string;
  readonly vector: Float32Array;
}

function middleOfFaces(faces: readonly SeenFace[]): Middle | null {
  const own = faces.filter((face) => face.exemplar && face.vector && !isVoice(face));
  const [first] = own;
  if (!first) return null;
  const { space } = first;
  return { space, vector: middleOf(own.filter((face) => face.space === space).map(({ vector }) => vector!)) };
}

/** Likelier the same than {@link joins} says of one face: middles of several faces are nearer to each other. */
function areAlike(a: Middle | null, b: Middle | null): boolean {
  return (
    a !== null && b !== null && a.space === b.space && distance(a.vector, b.vector) < (joins + isOther) / 2
  );
}

function haveMet(a: readonly SeenFace[], b: readonly SeenFace[]): boolean {
  return a.some((one) =>
    b.some(
      (other) =>
        !isVoice(one) &&
        !isVoice(other) &&
        one.stream === other.stream &&
        one.clip === other.clip &&
        meet(one, other),
    ),
  );
}

function streamsOf(faces: readonly SeenFace[]): ListedPerson["streams"] {
  return [...Map.groupBy(faces, ({ stream }) => stream)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([stream, own]) => ({
      stream,
      firstSeconds: Math.min(...own.map(({ atSeconds }) => atSeconds[0]!)),
      lastSeconds: Math.max(...own.map(({ atSeconds }) => atSeconds.at(-1)!)),
      faces: own.length,
    }));
}
