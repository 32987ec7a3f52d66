/**
 * What a question's answer rests on: lines near its target times that share rare words with question and answer.
 *
 * The key of a question is the stems of its keywords, its text and its right option, without people's names: a label on
 * every line of a person would count each of them. A line is worth the rarity of the key's words in it. It is evidence
 * if it is worth anything, and strict evidence if it is worth at least half of the best line and not less than 4.
 */
import type { WordSpace } from "../../../engine.ts";
import { type Corpus, countUntil, placesOf } from "./corpus.ts";
import type { TextQuestion } from "./week.ts";

/** How far from a target evidence lies, in seconds. */
const nearSeconds = 60;
const leastStrict = 4;

/** By entry, in order of time: its worth, above 0. */
export type Evidence = ReadonlyMap<number, number>;

const bestOf = (worths: Iterable<number>) => Math.max(0, ...worths);

/** Whether a line of this worth is strict evidence. */
function isStrict(worth: number, best: number): boolean {
  return worth >= best / 2 && worth >= leastStrict;
}

/** Whether there is strict evidence among it. */
export function hasStrict(evidence: Evidence): boolean {
  return isStrict(bestOf(evidence.values()), bestOf(evidence.values()));
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
  const worthOf = (entry: number) =>
    corpus.stems[entry]!.reduce((sum, place) => (key.has(place) ? sum + corpus.idf[place]! : sum), 0);
  return new Map(
    entriesNear(corpus, asked)
      .map((entry) => [entry, worthOf(entry)] as const)
      .filter(([, worth]) => worth > 0),
  );
}

/** Entries near a target that start no later than the question, in order of time. */
function entriesNear(corpus: Corpus, { targetSeconds, askedSeconds }: TextQuestion): number[] {
  const near = new Set<number>();
  for (const target of targetSeconds) {
    const end = countUntil(corpus, Math.min(target + nearSeconds, askedSeconds));
    for (let i = end - 1; i >= 0 && corpus.entries[i]!.startSeconds >= target - nearSeconds; i--) near.add(i);
  }
  return [...near].sort((a, b) => a - b);
}

/** What a memory holds of a question's evidence, and whether recall finds it. */
export interface EvidenceFigures {
  /** Whether any is kept, and whether strict evidence is. */
  readonly near60: boolean;
  readonly strict: boolean;
  /** Worth of the best kept line as a share of the best line there was, 0 to 1. */
  readonly mass: number;
  /** Whether any is among the first 20 entries recalled. */
  readonly recall20: boolean;
}

/** @param recalled entries, best first */
export function measureEvidence(
  evidence: Evidence,
  isKept: (entry: number) => boolean,
  recalled: readonly number[],
): EvidenceFigures {
  const best = bestOf(evidence.values());
  const held = bestOf([...evidence].filter(([entry]) => isKept(entry)).map(([, worth]) => worth));
  return {
    near60: held > 0,
    strict: isStrict(held, best),
    mass: best > 0 ? held / best : 0,
    recall20: recalled.slice(0, 20).some((entry) => evidence.has(entry)),
  };
}
