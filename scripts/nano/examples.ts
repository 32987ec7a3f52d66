/** Training examples: clips of train episodes and what may be written about them. */

import {
  answerSlots,
  captionLength,
  earlierLines,
  type Line,
  memoryLength,
  stripsSeen,
  type Texts,
  textLength,
  textSlots,
} from "../../src/engines/nano/layout.ts";
import type { NanoConfig } from "../../src/engines/nano/network.ts";
import { encode, encodeContent, idOf } from "../../src/engines/nano/vocabulary.ts";
import {
  type Fact,
  type FactKind,
  factKinds,
  questionOf,
  sentenceOf,
  spokenLine,
} from "../../src/household/language.ts";
import { type Episodes, seedOf } from "../../src/household/splits.ts";
import { createEpisode, type EpisodeClip } from "../../src/household/world.ts";
import type { PlainBatch } from "../../src/policies/nano/gradients.ts";
import { pick, type Random, randomInt, shuffle } from "../../src/util/random.ts";
import { allFacts } from "./facts.ts";
import type { StripCache } from "./strip-cache.ts";

/** A clip, the texts that go with it, and an answer. */
export interface Example extends Texts {
  /** Scene by scene, top to bottom; length 12. */
  readonly strips: readonly (Fact | null)[];
  /** Token ids of the answer, without marks. */
  readonly answer: readonly number[];
}

/** Clips of a training episode. */
export const clipsPerEpisode = 8;
/** Earlier clips whose memories a policy has. */
const windowClips = 4;

/** Clips of some episodes from one on, each with up to four before it, oldest first. @throws RangeError past the last */
export function* clipsOf(
  episodes: Episodes,
  first = 0,
): Generator<{ clip: EpisodeClip; earlier: EpisodeClip[] }, never> {
  for (let n = first; ; n++) {
    const { clips } = createEpisode(seedOf(episodes, n), clipsPerEpisode);
    for (const [i, clip] of clips.entries())
      yield { clip, earlier: clips.slice(Math.max(0, i - windowClips), i) };
  }
}

/** The strips of a clip and what is said in it, each with its speaker. */
export function seenAndHeard({ scenes }: EpisodeClip): Pick<Example, "strips" | "spoken"> {
  const strips = scenes.flatMap((scene) => scene.strips);
  const spoken = strips.flatMap((fact) =>
    fact?.kind === "speech" ? [[idOf(fact.person), ...encodeContent(spokenLine(fact))]] : [],
  );
  return { strips, spoken };
}

/** A dense caption: all facts of the clip that earlier memories do not tell, in random order. */
export function captionExample(clip: EpisodeClip, earlier: readonly EpisodeClip[], random: Random): Example {
  const { preceding, fresh } = history(clip, earlier, random);
  return {
    ...seenAndHeard(clip),
    preceding,
    wanted: [],
    answer: sentences(shuffle(random, fresh), captionLength),
  };
}

/**
 * Sentences written before, of one or two facts of each earlier clip, and the facts of this clip that they do not tell.
 * Half of the histories also tell some of this clip's facts: few facts last from one clip to another, and from those alone
 * the network learns too slowly not to repeat a fact.
 */
function history(clip: EpisodeClip, earlier: readonly EpisodeClip[], random: Random) {
  const recent = earlier.flatMap(({ facts }) => shuffle(random, facts).slice(0, oneOrTwo(random)));
  const some = randomInt(random, clip.facts.length);
  const again = random() < 0.5 ? shuffle(random, clip.facts).slice(0, some) : [];
  const written = shuffle(random, [...recent, ...again])
    .slice(-earlierLines)
    .map(sentenceOf);
  const fresh = clip.facts.filter((fact) => !written.includes(sentenceOf(fact)));
  return { preceding: written.map(encode), fresh };
}

/**
 * A memory: one or two facts of the clip, mostly facts that the earlier memories do not hold.
 *
 * 30 % have one fact. Half of these ignore what is already written: Phase One teaches that repetition has no use.
 * In half of them one kind is asked for, by up to five questions about anything, and its facts come first.
 */
export function memoryExample(clip: EpisodeClip, earlier: readonly EpisodeClip[], random: Random): Example {
  const { preceding, fresh } = history(clip, earlier, random);
  const choice = random() < 0.5 || fresh.length === 0 ? clip.facts : fresh;
  const kind = random() < 0.5 ? pick(random, factKinds) : null;
  const first = choice.filter((fact) => fact.kind === kind);
  const others = choice.filter((fact) => fact.kind !== kind);
  return {
    ...seenAndHeard(clip),
    preceding,
    wanted: kind === null ? [] : questionsOf(kind, random),
    answer: sentences(
      [...shuffle(random, first), ...shuffle(random, others)].slice(0, oneOrTwo(random)),
      memoryLength,
    ),
  };
}

const oneOrTwo = (random: Random) => (random() < 0.3 ? 1 : 2);

const factsByKind: ReadonlyMap<FactKind, readonly Fact[]> = new Map(
  factKinds.map((kind) => [kind, allFacts().filter((fact) => fact.kind === kind)]),
);

/** Content words of one to five questions of a kind. */
function questionsOf(kind: FactKind, random: Random): Line[] {
  const count = 1 + randomInt(random, 5);
  return Array.from({ length: count }, () => encodeContent(questionOf(pick(random, factsByKind.get(kind)!))));
}

/** Sentences one after another, as many as leave room for one more token. */
function sentences(facts: readonly Fact[], length: number): number[] {
  const written: number[] = [];
  for (const fact of facts) {
    const sentence = encode(sentenceOf(fact));
    if (written.length + sentence.length < length) written.push(...sentence);
  }
  return written;
}

/** Examples as numbers: strips' pixels [B · 12, X] and the other arrays; weights sum to 1, padding has 0. */
export interface ExampleArrays extends Omit<PlainBatch, "strips"> {
  readonly pixels: Float32Array<ArrayBuffer>;
}

/** Examples as the network takes them. */
export function arraysOf(
  config: NanoConfig,
  examples: readonly Example[],
  cache: StripCache,
  random: Random,
  answerLength: number,
): ExampleArrays {
  const count = examples.length;
  const pixels = new Float32Array(count * stripsSeen * config.stripValues);
  const texts = new Int32Array(count * textLength);
  const answers = new Int32Array(count * answerLength);
  const targets = new Int32Array(count * answerLength);
  const weights = new Float32Array(count * answerLength);
  for (const [i, example] of examples.entries()) {
    for (const [strip, fact] of example.strips.entries())
      cache.fill(pixels, (i * stripsSeen + strip) * config.stripValues, fact, random);
    texts.set(textSlots(example), i * textLength);
    const slots = answerSlots(example.answer, answerLength);
    answers.set(slots.inputs, i * answerLength);
    targets.set(slots.targets, i * answerLength);
    weights.set(slots.weights, i * answerLength);
  }
  const counted = weights.reduce((a, b) => a + b);
  return { count, pixels, texts, answers, targets, weights: weights.map((weight) => weight / counted) };
}
