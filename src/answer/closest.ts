/**
 * What a declined question is shown: the recalled entries that could answer it first, because the reader could not tell.
 *
 * Recall ranks what is near in words and meaning. Among those, what a person looks for is seldom a question, is often said
 * by who is named, and holds the kind of thing that is asked for.
 */
import type { Entry, RecalledEntry } from "../memory/memory.ts";
import { hasWanted, type Wanted, wantedInAny } from "./words/question-words.ts";

/** How much what could answer weighs beside its rank. */
const weights = { question: 0.5, named: 1.5, kind: 1.25 } as const;

/**
 * Recalled entries, those that could answer first.
 * @param text the question
 * @param recalled best first; what is put last, such as what a later statement replaced, stays behind
 */
export function closestTo(text: string, recalled: readonly RecalledEntry[]): Entry[] {
  const wanted = wantedInAny(text);
  let least = Number.POSITIVE_INFINITY;
  const weighed = recalled.map(({ entry, score }) => {
    least = Math.min(least, score.total);
    const isQuestion = /[?？]\s*$/u.test(entry.text);
    const isNamed = score.speaker?.score === 1;
    const weight =
      (isQuestion ? weights.question : 1) *
      (isNamed ? weights.named : 1) *
      (tellsKind(entry.text, wanted) ? weights.kind : 1);
    return { entry, total: least * weight };
  });
  return weighed.toSorted((a, b) => b.total - a.total).map(({ entry }) => entry);
}

const tellsReason = /\b(?:because|due to|so that|in order to|that['’]s why|reason)\b|因为|所以/iu;
const numbers =
  /\p{N}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|hundred|thousand|million|half|dozen|couple)\b|[一二三四五六七八九十百千两]/iu;

/** Whether a text tells a number, in digits or in everyday words. */
export const tellsNumber = (text: string): boolean => numbers.test(text);

/** Whether a text holds a word that few others hold and that the kind asked for needs. */
function tellsKind(text: string, wanted: Wanted): boolean {
  if (wanted === "number") return tellsNumber(text);
  if (wanted === "reason") return tellsReason.test(text);
  return wanted === "colour" && hasWanted(text, "colour");
}
