/**
 * What a question's answer rests on: lines near its target times that share rare words with question and answer.
 *
 * The key of a question is the stems of its keywords, its text and its right option, without people's names: a label on
 * every line of a person would count each of them. A line is worth the rarity of the key's words in it. It is evidence
 * if it is worth anything, and strict evidence if it is worth at least half of the best line and not less than 4. Rarity is
 * over the whole week, so it is for measuring only: a policy that saw it would know what is still to come.
 */
import { nameStems, wordSpace } from "../../../engines/local/words.ts";
import type { EgoLifeText } from "./week.ts";

/** How far from a target evidence lies, in seconds. */
const nearSeconds = 60;
const leastStrict = 4;
/** Entries recalled that `r20` looks at. */
const mostRecalled = 20;

/** By the place of an entry, in order of time: its worth, above 0. */
export type Evidence = ReadonlyMap<number, number>;

const bestOf = (worths: Iterable<number>) => Math.max(0, ...worths);
const isStrict = (worth: number, best: number) => worth >= best / 2 && worth >= leastStrict;

/** The evidence that there is until each question. @param lines entries as a memory keeps them, shape [N] */
export function evidenceOf(
  { entries, questions, names }: Pick<EgoLifeText, "entries" | "questions" | "names">,
  lines: readonly string[],
): Evidence[] {
  const stems = lines.map((line) => new Set(wordSpace.stems(line)));
  const holders = new Map<string, number>();
  for (const stem of stems.flatMap((of) => [...of])) holders.set(stem, (holders.get(stem) ?? 0) + 1);
  const rarity = (stem: string) => {
    const count = holders.get(stem)!;
    return Math.log(1 + (lines.length - count + 0.5) / (count + 0.5));
  };
  const people = nameStems(names);
  return questions.map(({ keywords, question, options, answer, evidence: targets, askTime }) => {
    const right = options.find(({ letter }) => letter === answer)?.text ?? "";
    const stemsAsked = [keywords, question, right].flatMap((text) => wordSpace.stems(text));
    const key = new Set(stemsAsked.filter((stem) => !people.has(stem)));
    const isNear = (at: number) =>
      targets.some(({ startSeconds: target }) => Math.abs(at - target) <= nearSeconds);
    const evidence = new Map<number, number>();
    for (const [i, { startSeconds: at }] of entries.entries()) {
      if (at > askTime || !isNear(at)) continue;
      const worth = [...stems[i]!].reduce((sum, stem) => (key.has(stem) ? sum + rarity(stem) : sum), 0);
      if (worth > 0) evidence.set(i, worth);
    }
    return evidence;
  });
}

/**
 * What a memory holds of a question's evidence, and whether recall finds it, 0 to 1 each: `m` is the worth of the best
 * kept line as a share of the best there was, `a60` and `s60` whether any and strict evidence is kept, `r20` whether any
 * is among the first 20 recalled.
 */
export type EvidenceMeasures = Readonly<Record<"m" | "a60" | "s60" | "r20", number>>;

/** @param kept places of entries; @param recalled likewise, best first */
export function measureEvidence(
  evidence: Evidence,
  kept: ReadonlySet<number>,
  recalled: readonly number[],
): EvidenceMeasures {
  const best = bestOf(evidence.values());
  const held = bestOf([...evidence].filter(([entry]) => kept.has(entry)).map(([, worth]) => worth));
  return {
    m: best > 0 ? held / best : 0,
    a60: Number(held > 0),
    s60: Number(isStrict(held, best)),
    r20: Number(recalled.slice(0, mostRecalled).some((entry) => evidence.has(entry))),
  };
}
