/**
 * What a question's answer rests on: lines near its target times that share rare words with question and answer.
 *
 * The key of a question are the stems of its keywords, its text and its right option, but for people's names: a label on every
 * line of a person would count each of them. A line is worth the rarity of the key's words in it. It is evidence
 * if it is worth anything, and strict evidence if it is worth at least half of the best line and not less than 4.
 */
import type { WordSpace } from "../../../engine.ts";
import { type Corpus, countUntil, placesOf } from "./corpus.ts";
import type { TextQuestion } from "./week.ts";

/** How far from a target evidence lies, in seconds. */
export const nearSeconds = 60;
const leastStrict = 4;

export interface Evidence {
  /** Lines worth more than nothing, in order of time. */
  readonly entries: readonly number[];
  /** Their worth, above 0, shape [entries]. */
  readonly worth: readonly number[];
  /** Seconds to the nearest target, shape [entries]. */
  readonly distance: readonly number[];
  /** Largest worth; 0 where the stream holds no evidence. */
  readonly best: number;
}

/** Whether a line of this worth is strict evidence. */
export function isStrict(worth: number, best: number): boolean {
  return worth >= best / 2 && worth >= leastStrict;
}

/** Entries within `seconds` of a target that start no later than the question, in order of time. */
export function entriesNear(
  corpus: Corpus,
  { targetSeconds, askedSeconds }: TextQuestion,
  seconds: number,
): number[] {
  const near = new Set<number>();
  for (const target of targetSeconds) {
    const end = countUntil(corpus, Math.min(target + seconds, askedSeconds));
    for (let i = end - 1; i >= 0 && corpus.entries[i]!.startSeconds >= target - seconds; i--) near.add(i);
  }
  return [...near].sort((a, b) => a - b);
}

/** @param names stems that stand for people */
export function evidenceOf(
  corpus: Corpus,
  asked: TextQuestion,
  names: ReadonlySet<string>,
  words: WordSpace,
): Evidence {
  const right = asked.question.options.find(({ letter }) => letter === asked.answer)?.text ?? "";
  const people = new Set([...names].flatMap((stem) => corpus.vocabulary.get(stem) ?? []));
  const key = new Set(
    placesOf([asked.keywords, asked.question.text, right], corpus, words).filter(
      (place) => !people.has(place),
    ),
  );
  const found = entriesNear(corpus, asked, nearSeconds).flatMap((entry) => {
    const worth = corpus.stems[entry]!.reduce(
      (sum, place) => (key.has(place) ? sum + corpus.idf[place]! : sum),
      0,
    );
    const { startSeconds } = corpus.entries[entry]!;
    const distance = Math.min(...asked.targetSeconds.map((target) => Math.abs(startSeconds - target)));
    return worth > 0 ? [{ entry, worth, distance }] : [];
  });
  return {
    entries: found.map(({ entry }) => entry),
    worth: found.map(({ worth }) => worth),
    distance: found.map(({ distance }) => distance),
    best: Math.max(0, ...found.map(({ worth }) => worth)),
  };
}
