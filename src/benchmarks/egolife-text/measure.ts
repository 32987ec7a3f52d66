/** What a memory holds of each question's evidence, whether a search finds it, and what a reader makes of it. */
import type { WordSpace } from "../../engine.ts";
import { type Corpus, countUntil, placesOf } from "../datasets/egolife-text/corpus.ts";
import {
  type Evidence,
  entriesNear,
  evidenceOf,
  isStrict,
  nearSeconds,
} from "../datasets/egolife-text/evidence.ts";
import type { TextQuestion } from "../datasets/egolife-text/week.ts";
import { chooseOption, type Sizes, search, sizesOf } from "./search.ts";

/** How many hits a reader is given. */
const readHits = 30;

/** A question with all that does not depend on the memory. */
export interface PreparedQuestion {
  readonly asked: TextQuestion;
  readonly evidence: Evidence;
  /** Entries known when it is asked. */
  readonly until: number;
  /** Words of the question, and of question and options. */
  readonly places: readonly number[];
  readonly allPlaces: readonly number[];
  /** Words of each option that the question does not hold. */
  readonly own: readonly (readonly number[])[];
  /** Entries near its targets or in the last minute: where an oracle would look. */
  readonly oracle: ReadonlySet<number>;
}

/** @param names stems that stand for people */
export function prepareQuestion(
  corpus: Corpus,
  asked: TextQuestion,
  names: ReadonlySet<string>,
  words: WordSpace,
): PreparedQuestion {
  const { text, options } = asked.question;
  const places = placesOf([text], corpus, words);
  const lastMinute = { ...asked, targetSeconds: [asked.askedSeconds] };
  return {
    asked,
    evidence: evidenceOf(corpus, asked, names, words),
    until: countUntil(corpus, asked.askedSeconds),
    places,
    allPlaces: placesOf([text, ...options.map((option) => option.text)], corpus, words),
    own: options.map((option) =>
      placesOf([option.text], corpus, words).filter((place) => !places.includes(place)),
    ),
    oracle: new Set([
      ...entriesNear(corpus, asked, nearSeconds),
      ...entriesNear(corpus, lastMinute, nearSeconds),
    ]),
  };
}

export interface QuestionResult {
  /** Whether evidence within 60 s of a target is kept, and within 30 s. */
  readonly near60: boolean;
  readonly near30: boolean;
  /** Whether strict evidence is kept. */
  readonly strict: boolean;
  /** Worth of the best kept line as a share of the best line there was, 0 to 1. */
  readonly mass: number;
  /** Whether evidence is among the first 10 or 20 hits for the question, and strict evidence among 20. */
  readonly recall10: boolean;
  readonly recall20: boolean;
  readonly strictRecall20: boolean;
  /** Letter the reader chose of what the search found, `null` where it abstained. */
  readonly option: string | null;
  /** The same of what is kept where an oracle would look. */
  readonly oracleOption: string | null;
}

/** @param sizes of the same memory */
export function measureQuestion(
  corpus: Corpus,
  { asked, evidence, until, places, allPlaces, own, oracle }: PreparedQuestion,
  kept: Uint8Array,
  sizes: Sizes,
): QuestionResult {
  const memory = { kept, until };
  const held = [...evidence.entries.keys()].filter((k) => kept[evidence.entries[k]!]);
  const best = Math.max(0, ...held.map((k) => evidence.worth[k]!));
  const worthOf = new Map(evidence.entries.map((entry, k) => [entry, evidence.worth[k]!]));
  const found = search(corpus, memory, sizes, places, 20).map(({ entry }) => worthOf.get(entry) ?? 0);
  const hits = search(corpus, memory, sizes, allPlaces, Number.POSITIVE_INFINITY);
  const letterOf = (option: number | null) =>
    option === null ? null : asked.question.options[option]!.letter;
  return {
    near60: held.length > 0,
    near30: held.some((k) => evidence.distance[k]! <= nearSeconds / 2),
    strict: isStrict(best, evidence.best),
    mass: evidence.best > 0 ? best / evidence.best : 0,
    recall10: found.slice(0, 10).some((worth) => worth > 0),
    recall20: found.some((worth) => worth > 0),
    strictRecall20: found.some((worth) => worth > 0 && isStrict(worth, evidence.best)),
    option: letterOf(chooseOption(corpus, hits.slice(0, readHits), own)),
    oracleOption: letterOf(
      chooseOption(
        corpus,
        hits.filter(({ entry }) => oracle.has(entry)),
        own,
      ),
    ),
  };
}

/** Measures every question on its memory. @param memoryOf by the question's place */
export function measureAll(
  corpus: Corpus,
  prepared: readonly PreparedQuestion[],
  memoryOf: (question: number) => Uint8Array,
): QuestionResult[] {
  let last: { kept: Uint8Array; sizes: Sizes } | null = null;
  return prepared.map((question, i) => {
    const kept = memoryOf(i);
    if (last?.kept !== kept) last = { kept, sizes: sizesOf(corpus, kept) };
    return measureQuestion(corpus, question, kept, last.sizes);
  });
}
