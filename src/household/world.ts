/**
 * A seeded day in a household: its clips, the facts each shows, and the strip that shows each fact.
 *
 * Each clip of 10 s has four scenes of 2.5 s, and each scene's picture has three strips. Every fact has its own strip
 * in one scene, some in two. A clip has six facts, more than a memory of it may keep. About 30 % of them persist into
 * the next clip, so that repeating known facts costs. Within an episode a key has one value.
 *
 * The state is coherent: in one clip a thing is put in one place and a person is busy in one room. The next person who
 * puts a thing moves it to another place, so it is where it was put last.
 */
import { pick, type Random, randomInt, seededRandom, shuffle } from "../util/random.ts";
import {
  colours,
  devices,
  displayHours,
  displayMinutes,
  type Fact,
  type FactKind,
  factKinds,
  garments,
  hours,
  keyOf,
  objects,
  people,
  places,
  rooms,
  topics,
  type Verb,
  verbs,
} from "./language.ts";

/** Length of a clip, in seconds. */
export const clipSeconds = 10;
/** Scenes per clip. */
export const scenesPerClip = 4;
/** Length of a scene, in seconds. */
export const sceneSeconds = clipSeconds / scenesPerClip;
/** Strips in a scene's picture. */
export const stripsPerScene = 3;
/** Facts per clip. */
export const factsPerClip = 6;
const persistShare = 0.3;

/** A scene of a clip: one picture. */
export interface Scene {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Facts of the strips from top to bottom; `null` is an empty strip. Length 3. */
  readonly strips: readonly (Fact | null)[];
}

/** One clip of an episode. */
export interface EpisodeClip {
  readonly index: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly facts: readonly Fact[];
  readonly scenes: readonly Scene[];
}

/** A simulated day in a household. */
export interface Episode {
  readonly seed: string;
  readonly clips: readonly EpisodeClip[];
  readonly endSeconds: number;
}

/** Part of the episodes, for training or for one kind of testing (`splits.ts`); splits share no seed. */
export type Split = "train" | "validation" | "held-out" | "final";

/** Seed of the n-th episode of a split. */
export function episodeSeed(split: Split, n: number): string {
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`Expected \`n\` to be a whole number from 0 up, got ${n}`);
  return `${split}-${n}`;
}

/** The episode of a seed; equal seeds and lengths give equal episodes. @throws RangeError for an invalid length */
export function createEpisode(seed: string, clips: number): Episode {
  if (!Number.isInteger(clips) || clips < 1)
    throw new RangeError(`Expected \`clips\` to be a whole number from 1 up, got ${clips}`);
  const random = seededRandom(`household ${seed}`);
  const state: State = { known: new Map(), puts: new Map() };
  const made: EpisodeClip[] = [];
  let previous: readonly Fact[] = [];
  for (let index = 0; index < clips; index++) {
    const facts = shuffle(random, clipFacts(random, previous, state));
    const startSeconds = index * clipSeconds;
    made.push({
      index,
      startSeconds,
      endSeconds: startSeconds + clipSeconds,
      facts,
      scenes: placedInScenes(random, facts, startSeconds),
    });
    previous = facts;
  }
  return { seed, clips: made, endSeconds: clips * clipSeconds };
}

/** The state after some clips. */
interface State {
  /** Facts by key: a key keeps its value. */
  readonly known: Map<string, Fact>;
  /** By thing: who last put it where. */
  readonly puts: Map<string, Fact & { kind: "place" }>;
}

/** Six facts: some of the clip before, the rest new, kinds in turn as far as possible. */
function clipFacts(random: Random, previous: readonly Fact[], state: State): Fact[] {
  const facts = previous.filter(() => random() < persistShare);
  const kinds: FactKind[] = [];
  while (facts.length < factsPerClip) {
    if (kinds.length === 0) kinds.push(...shuffle(random, factKinds));
    const drawn = newFact(random, kinds.pop()!);
    const fact = state.known.get(keyOf(drawn)) ?? drawn;
    if (facts.some((other) => excludes(fact, other)) || movesNothing(fact, state)) continue;
    // A scene has at most one spoken fact.
    if (fact.kind === "speech" && facts.filter(({ kind }) => kind === "speech").length >= scenesPerClip)
      continue;
    state.known.set(keyOf(fact), fact);
    if (fact.kind === "place") state.puts.set(fact.object, fact);
    facts.push(fact);
  }
  return facts;
}

/** Whether two facts cannot both belong to one clip. */
function excludes(a: Fact, b: Fact): boolean {
  if (a.kind === "place" && b.kind === "place") return a.object === b.object;
  if (a.kind === "activity" && b.kind === "activity") return a.person === b.person;
  return keyOf(a) === keyOf(b);
}

/** Whether another person already put the thing in that place. */
function movesNothing(fact: Fact, { puts }: State): boolean {
  if (fact.kind !== "place") return false;
  const last = puts.get(fact.object);
  return last !== undefined && last.person !== fact.person && last.place === fact.place;
}

function newFact(random: Random, kind: FactKind): Fact {
  switch (kind) {
    case "place":
      return {
        kind,
        person: pick(random, people),
        object: pick(random, objects),
        place: pick(random, places),
      };
    case "wear":
      return {
        kind,
        person: pick(random, people),
        garment: pick(random, garments),
        colour: pick(random, colours),
      };
    case "speech":
      return { kind, person: pick(random, people), topic: pick(random, topics), hour: pick(random, hours) };
    case "display":
      return {
        kind,
        device: pick(random, devices),
        time: `${pick(random, displayHours)}:${pick(random, displayMinutes)}`,
      };
    case "activity":
      return {
        kind,
        person: pick(random, people),
        verb: pick(random, Object.keys(verbs) as Verb[]),
        room: pick(random, rooms),
      };
  }
}

/**
 * Gives each fact its own strip, and about half of the visible ones a second in another scene. A scene has at most one
 * spoken fact.
 */
function placedInScenes(random: Random, facts: readonly Fact[], startSeconds: number): Scene[] {
  const strips: (Fact | null)[][] = Array.from({ length: scenesPerClip }, () =>
    Array(stripsPerScene).fill(null),
  );
  const freeIn = (scene: number, fact: Fact) =>
    strips[scene]!.includes(null) &&
    !strips[scene]!.includes(fact) &&
    !(fact.kind === "speech" && strips[scene]!.some((other) => other?.kind === "speech"));
  const place = (fact: Fact) => {
    const scenes = strips.flatMap((_, scene) => (freeIn(scene, fact) ? [scene] : []));
    if (scenes.length === 0) return; // only a second showing can find no scene
    const emptiest = Math.min(
      ...scenes.map((scene) => strips[scene]!.filter((strip) => strip !== null).length),
    );
    const scene = pick(
      random,
      scenes.filter((candidate) => strips[candidate]!.filter((strip) => strip !== null).length === emptiest),
    );
    const free = strips[scene]!.flatMap((strip, i) => (strip === null ? [i] : []));
    strips[scene]![free[randomInt(random, free.length)]!] = fact;
  };
  // A clip says nothing twice. Speech is placed first, while every scene is free.
  for (const fact of facts.filter(({ kind }) => kind === "speech")) place(fact);
  for (const fact of facts.filter(({ kind }) => kind !== "speech")) place(fact);
  for (const fact of facts) if (fact.kind !== "speech" && random() < 0.5) place(fact);
  return strips.map((scene, i) => ({
    startSeconds: startSeconds + i * sceneSeconds,
    endSeconds: startSeconds + (i + 1) * sceneSeconds,
    strips: scene,
  }));
}
