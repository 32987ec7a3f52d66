/**
 * A clip is heard: each voice is compared with those that stand for people, and joins one, makes one, or stays no one's.
 *
 * A voice that no person has is linked to whom it is heard beside: over at least two clips that person's face is there
 * while it speaks, no other person's is nearly as much, and no other voice is heard beside that face nearly as much. Two
 * who are always in the picture together are linked to no voice. Where no one is seen while it speaks, as on a telephone, it
 * makes a person of its own. Two voices of one clip are two people.
 *
 * Departure from the paper's released code, which asks a model whose voice it is, clip by clip: what cannot be told from
 * one clip is told here from several, or not at all.
 */
import type { Person, Utterance } from "../perception/observation.ts";
import { type ClipVoices, secondsOf, type VoiceSpan } from "../perception/voices.ts";
import { shortId } from "../util/hash.ts";
import { middleOf } from "./assign.ts";
import { withExemplars } from "./exemplars.ts";
import { isVoice, type KnownOne, type PeopleState, type SeenFace, spansOf } from "./records.ts";
import { labelOf, type Seen, toldFaces } from "./see.ts";

/** The voices of a clip, and what was said in it. */
export interface ObservedVoices extends ClipVoices {
  readonly stream: string;
  readonly clip: number;
  readonly speech: readonly Utterance[];
}

/** When someone speaks, as the policy is told. */
export interface Spoken extends VoiceSpan {
  /** Id of the person, `person_3`. */
  readonly id: string;
}

/** What a clip adds by its voices. */
export interface HeardClip extends Seen {
  readonly spoken: readonly Spoken[];
}

/**
 * Likeness (cosine) from which a voice is a person's, and from which it may be. Chosen on one talk over a telephone, whose
 * two speakers are up to 0.85 alike; elsewhere two people are below 0.65.
 */
const joins = 0.88;
const mayBe = 0.75;
/** A second person who is less farther than this makes it unsure. */
const margin = 0.05;
/** A shorter voice is not compared. Seconds. */
const leastSeconds = 2;
/** So much speech counts as one good picture does: a person is told of from ten seconds on. Seconds. */
const secondsAsPicture = 2.5;
/** What a voice must have to be linked to a face, or to make a person: speech, in seconds, over so many clips. */
const linkSeconds = 8;
const foundSeconds = 10;
const leastClips = 2;
/** Shares of a voice's time: a linked person's face is there for the first, another's for no more than the second. */
const besideShare = 0.7;
const otherShare = 0.35;
/** A person is made where faces are seen for no more than this share. */
const seenShare = 0.1;
/** A face is there for this long around each moment it was seen at. Seconds. */
const aroundSeconds = 0.6;
/** Voices of no one that a new voice is compared with, of the same stream. */
export const comparedVoices = 50;

/**
 * @param known everybody, the voices that stand for them, the stream's latest voices of no one, and the faces that were
 * seen in the clips of these and in this one
 * @param goodOf how many good pictures of a person are kept; speech counts too
 * @param numbered gives the next number of a person
 */
export function hearClip(
  observed: ObservedVoices,
  known: PeopleState,
  goodOf: (person: string) => number,
  numbered: () => number,
): HeardClip {
  const heard = observed.voices
    .filter(({ spans }) => secondsOf(spans) >= leastSeconds)
    .map((voice) => rowOf(observed, voice));
  const own = recognised(heard, known);
  const pool = [...known.faces.filter(isNoOnes), ...own.filter(isNoOnes)];
  const faces = known.faces.filter((one) => !isVoice(one) && one.person !== null);
  const groups = alike(pool);
  const made: KnownOne[] = [];
  const joined = new Map<string, string>();
  for (const group of groups.filter((voices) => voices.some((one) => own.includes(one)))) {
    const person = besideWhom(group, groups, faces, known) ?? founded(group, faces, numbered);
    if (person === null) continue;
    if (typeof person !== "string") made.push(person);
    for (const { id } of group) joined.set(id, typeof person === "string" ? person : person.id);
  }
  const all = [...known.people, ...made];
  const moved = [...pool.filter(({ id }) => joined.has(id)), ...own.filter(({ id }) => !joined.has(id))].map(
    (one) => (joined.has(one.id) ? { ...one, person: joined.get(one.id)!, sure: true } : one),
  );
  const isTold = toldOnes(moved, all, goodOf);
  const fresh = new Set(own.map(({ id }) => id));
  const placed = moved.map((one) =>
    fresh.has(one.id) && one.person !== null && isTold(one.person) ? { ...one, told: one.person } : one,
  );
  const others = known.faces.filter(({ id }) => !placed.some((one) => one.id === id));
  const touched = new Set(placed.flatMap(({ person }) => person ?? []));
  const before = new Map(known.faces.map((one) => [one.id, one]));
  const rows = withExemplars([...others, ...placed], touched);
  const told = rows.filter((one) => fresh.has(one.id) && one.told !== null);
  return {
    patch: { people: made, faces: rows.filter((one) => before.get(one.id) !== one), gone: [] },
    told: toldPeople(told, all),
    spoken: told.flatMap((one) => {
      const id = labelOf(all.find(({ id }) => id === one.told)!);
      return spansOf(one).map((span) => ({ ...span, id }));
    }),
  };
}

const isNoOnes = (one: SeenFace): boolean =>
  isVoice(one) && one.person === null && one.maybe === null && one.not.length === 0 && one.vector !== null;

function rowOf(
  { stream, clip, space, speech }: ObservedVoices,
  voice: ClipVoices["voices"][number],
): SeenFace {
  const { spans, vector } = voice;
  const [{ startSeconds }] = spans as readonly [VoiceSpan];
  return {
    id: shortId("voice", stream, clip, startSeconds, spans.length),
    ...{ kind: "voice", stream, clip, space, vector, shownSeconds: startSeconds },
    atSeconds: spans.flatMap(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    box: { left: 0, top: 0, width: 0, height: 0 },
    good: Math.floor(secondsOf(spans) / secondsAsPicture),
    captions: namesIn(spans, speech),
    ...{ crop: null, person: null, maybe: null, told: null, not: [], sure: false, exemplar: false },
  };
}

/** Who the source says is speaking, for most of what the voice says. */
function namesIn(spans: readonly VoiceSpan[], speech: readonly Utterance[]): string[] {
  const said = speech.filter((line) => line.speaker !== null && shared(spans, [line]) > 0);
  const names = new Map<string, number>();
  for (const line of said) names.set(line.speaker!, (names.get(line.speaker!) ?? 0) + shared(spans, [line]));
  return [...names].filter(([, seconds]) => seconds > secondsOf(spans) / 2).map(([name]) => name);
}

/** Voices with whom they are or may be, where a person has such a voice. Two of one clip are not one person. */
function recognised(voices: readonly SeenFace[], known: PeopleState): SeenFace[] {
  const people = known.people
    .filter(({ into }) => into === null)
    .map(({ id }) => ({
      id,
      own: known.faces.filter((one) => isVoice(one) && one.exemplar && one.person === id && one.vector),
      rejected: known.faces.filter((one) => isVoice(one) && one.not.includes(id) && one.vector),
    }));
  const decided = voices.map((voice) => {
    const inSpace = ({ space }: SeenFace) => space === voice.space;
    const [first, second] = people
      .map(({ id, own, rejected }) => ({
        id,
        like: likeness(voice.vector!, unitMiddle(own.filter(inSpace))),
        unlike: Math.max(-1, ...rejected.filter(inSpace).map((one) => likeness(voice.vector!, one.vector!))),
      }))
      .filter(({ like, unlike }) => like > unlike)
      .sort((a, b) => b.like - a.like);
    if (!first || first.like < mayBe) return { voice, like: 0, person: null, maybe: null };
    const isSure = first.like >= joins && first.like - (second?.like ?? -1) >= margin;
    const id = first.id;
    return { voice, like: first.like, person: isSure ? id : null, maybe: isSure ? null : id };
  });
  return decided.map(({ voice, like, person, maybe }) => {
    const isOthers = decided.some((other) => other.person === person && other.like > like);
    if (person === null || isOthers) return { ...voice, maybe: person ?? maybe };
    return { ...voice, person, sure: true };
  });
}

/** Groups of voices that are all alike (complete linkage), no two of one clip. */
function alike(voices: readonly SeenFace[]): SeenFace[][] {
  let groups = voices.map((one) => [one]);
  const apart = (a: SeenFace, b: SeenFace) =>
    a.space !== b.space || (a.stream === b.stream && a.clip === b.clip) ? -1 : likeness(a.vector!, b.vector!);
  for (;;) {
    let best: { a: SeenFace[]; b: SeenFace[]; like: number } | null = null;
    for (const [i, a] of groups.entries())
      for (const b of groups.slice(i + 1)) {
        const like = Math.min(...a.flatMap((one) => b.map((other) => apart(one, other))));
        if (like >= joins && like > (best?.like ?? -1)) best = { a, b, like };
      }
    if (!best) return groups;
    const { a, b } = best;
    groups = [...groups.filter((group) => group !== a && group !== b), [...a, ...b]];
  }
}

/** The person whom a voice is heard beside, and no other voice nearly as much; `null` where that is not clear. */
function besideWhom(
  group: readonly SeenFace[],
  groups: readonly (readonly SeenFace[])[],
  faces: readonly SeenFace[],
  { people, faces: all }: PeopleState,
): string | null {
  const total = secondsHeard(group);
  if (total < linkSeconds || clipsOf(group) < leastClips) return null;
  const ids = people.filter(({ into }) => into === null).map(({ id }) => id);
  const [first, second] = ids
    .map((id) => ({
      id,
      seconds: secondsBeside(
        group,
        faces.filter(({ person }) => person === id),
      ),
    }))
    .sort((a, b) => b.seconds - a.seconds);
  if (!first || first.seconds < besideShare * total) return null;
  if ((second?.seconds ?? 0) > otherShare * total) return null;
  const own = faces.filter(({ person }) => person === first.id);
  const rival = groups.some((other) => other !== group && 2 * secondsBeside(other, own) > first.seconds);
  // Who has a voice already was compared by it.
  const hasVoice = all.some((one) => isVoice(one) && one.person === first.id && one.vector !== null);
  return rival || hasVoice ? null : first.id;
}

/** A person who is heard and not seen. */
function founded(
  group: readonly SeenFace[],
  faces: readonly SeenFace[],
  numbered: () => number,
): KnownOne | null {
  const total = secondsHeard(group);
  if (total < foundSeconds || clipsOf(group) < leastClips) return null;
  if (secondsBeside(group, faces) > seenShare * total) return null;
  return { id: shortId("person", group[0]!.id), number: numbered(), name: null, into: null };
}

const secondsHeard = (voices: readonly SeenFace[]) =>
  voices.reduce((sum, one) => sum + secondsOf(spansOf(one)), 0);
const clipsOf = (voices: readonly SeenFace[]) =>
  new Set(voices.map(({ stream, clip }) => `${clip} ${stream}`)).size;

/** For how long one of these faces is there while these voices speak. */
function secondsBeside(voices: readonly SeenFace[], faces: readonly SeenFace[]): number {
  return voices.reduce((sum, voice) => {
    const there = faces
      .filter(({ stream, clip }) => stream === voice.stream && clip === voice.clip)
      .flatMap(({ atSeconds }) => atSeconds)
      .sort((a, b) => a - b)
      .map((at) => ({ startSeconds: at - aroundSeconds, endSeconds: at + aroundSeconds }));
    return sum + shared(spansOf(voice), joinedSpans(there));
  }, 0);
}

function joinedSpans(spans: readonly VoiceSpan[]): VoiceSpan[] {
  const joined: VoiceSpan[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last && span.startSeconds <= last.endSeconds)
      joined[joined.length - 1] = { ...last, endSeconds: Math.max(last.endSeconds, span.endSeconds) };
    else joined.push(span);
  }
  return joined;
}

/** Seconds that two sets of spans share, each set without overlaps. */
export function shared(a: readonly VoiceSpan[], b: readonly VoiceSpan[]): number {
  const both = (one: VoiceSpan, other: VoiceSpan) =>
    Math.min(one.endSeconds, other.endSeconds) - Math.max(one.startSeconds, other.startSeconds);
  return a.reduce((sum, one) => sum + b.reduce((own, other) => own + Math.max(0, both(one, other)), 0), 0);
}

const likeness = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

function unitMiddle(voices: readonly SeenFace[]): Float32Array {
  const middle = middleOf(voices.map(({ vector }) => vector!));
  const length = Math.sqrt(likeness(middle, middle)) || 1;
  return middle.map((value) => value / length);
}

/** Who policies are told of: with a name, or with four good pictures or ten seconds of speech, or some of both. */
function toldOnes(
  moved: readonly SeenFace[],
  people: readonly KnownOne[],
  goodOf: (person: string) => number,
): (id: string) => boolean {
  const good = (id: string) =>
    goodOf(id) + moved.reduce((sum, one) => sum + (one.person === id ? one.good : 0), 0);
  return (id) => people.some((one) => one.id === id && one.name !== null) || good(id) >= toldFaces;
}

function toldPeople(voices: readonly SeenFace[], people: readonly KnownOne[]): Person[] {
  return people
    .toSorted((a, b) => a.number - b.number)
    .flatMap((one) => {
      const spans = voices.filter(({ told }) => told === one.id).flatMap(spansOf);
      if (spans.length === 0) return [];
      const atSeconds = spans.map(({ startSeconds }) => startSeconds).sort((a, b) => a - b);
      return { id: labelOf(one), name: one.name, atSeconds, heard: true };
    });
}

/** Share of an utterance that a voice must cover to have said it. */
const saidShare = 0.6;

/** Utterances whose speaker the source does not name, with the person whose voice says them. */
export function withSpeakers(speech: readonly Utterance[], spoken: readonly Spoken[]): readonly Utterance[] {
  if (spoken.length === 0) return speech;
  const byPerson = [...Map.groupBy(spoken, ({ id }) => id)];
  return speech.map((line) => {
    if (line.speaker !== null) return line;
    const length = line.endSeconds - line.startSeconds;
    const [id] = byPerson.find(([, spans]) => shared(spans, [line]) >= saidShare * length) ?? [];
    return id === undefined ? line : { ...line, speaker: id };
  });
}
