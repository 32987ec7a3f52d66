/**
 * What a question's answer rests on: lines near its target times that share rare words with question and answer.
 *
 * The key of a question is the stems of its keywords, its text and its right option, without people's names: a label on
 * every line of a person would count each of them. A line is worth the rarity of the key's words in it. It is evidence
 * if it is worth anything, and strict evidence if it is worth at least half of the best line and not less than 4.
 */
import type { Corpus } from "./corpus.ts";
import type { WeekTask } from "./week.ts";

/** How far from a target evidence lies, in seconds. */
const nearSeconds = 60;
const leastStrict = 4;
/** Entries recalled that `r20` looks at. */
const mostRecalled = 20;

/** By the place of an entry, in order of time: its worth, above 0. */
export type Evidence = ReadonlyMap<number, number>;

const bestOf = (worths: Iterable<number>) => Math.max(0, ...worths);
const isStrict = (worth: number, best: number) => worth >= best / 2 && worth >= leastStrict;

/** Whether there is strict evidence among it. */
export function hasStrict(evidence: Evidence): boolean {
  return bestOf(evidence.values()) >= leastStrict;
}

/** The evidence that there is until the question. @param names stems that stand for people */
export function evidenceOf(
  { entries, lines, idf, words }: Corpus,
  { keywords, question, options, answer, evidence: targets, askTime }: WeekTask,
  names: ReadonlySet<string>,
): Evidence {
  const right = options.find(({ letter }) => letter === answer)?.text ?? "";
  const key = new Set(
    [keywords, question, right].flatMap((text) => words.stems(text)).filter((stem) => !names.has(stem)),
  );
  const worthOf = (line: string) =>
    [...new Set(words.stems(line))].reduce((sum, stem) => (key.has(stem) ? sum + idf.get(stem)! : sum), 0);
  const evidence = new Map<number, number>();
  for (const [i, { startSeconds: at }] of entries.entries()) {
    if (at > askTime) break;
    const isNear = targets.some(
      ({ startSeconds: target }) => at >= target - nearSeconds && at <= target + nearSeconds,
    );
    const worth = isNear ? worthOf(lines[i]!) : 0;
    if (worth > 0) evidence.set(i, worth);
  }
  return evidence;
}

/**
 * What a memory holds of a question's evidence, and whether recall finds it, 0 to 1 each: `m` is the worth of the best
 * kept line as a share of the best there was, `a60` and `s60` whether any and strict evidence is kept, `r20` whether any
 * is among the first 20 recalled.
 */
export type EvidenceMeasures = Readonly<Record<"m" | "a60" | "s60" | "r20", number>>;

/** @param recalled places of entries, best first */
export function measureEvidence(
  evidence: Evidence,
  isKept: (entry: number) => boolean,
  recalled: readonly number[],
): EvidenceMeasures {
  const best = bestOf(evidence.values());
  const held = bestOf([...evidence].filter(([entry]) => isKept(entry)).map(([, worth]) => worth));
  return {
    m: best > 0 ? held / best : 0,
    a60: Number(held > 0),
    s60: Number(isStrict(held, best)),
    r20: Number(recalled.slice(0, mostRecalled).some((entry) => evidence.has(entry))),
  };
}
