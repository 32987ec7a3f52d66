/**
 * Questions in another language than what was said: no word is shared, so the sentence that is nearest in meaning answers
 * where it stands out from all that recall found, each compared alone (`compared-alone.ts`). Limits were set on made-up
 * questions in five languages, a third of them without an answer.
 */
import { wantedInAny } from "../../answer/words/question-words.ts";
import type { Asked } from "./asked-question.ts";
import type { Compared } from "./compared-alone.ts";
import { holdsNumber } from "./meant-evidence.ts";
import { has, type Sentence } from "./sentences.ts";

/** Least share above the mean, and lead over the next sentence; an amount needs a greater lead, as other things have the same. */
const leastShare = 0.22;
const leastLead = 0.07;
const leastLeadOfAmount = 0.12;

/** The sentence in another language that answers; `null` where none stands out. */
export function sentenceAcross(asked: Asked, compared: readonly Compared[]): Sentence | null {
  const [first, second] = compared;
  if (!first || !second) return null;
  const { sentence, share } = first;
  const wanted = wantedInAny(asked.text);
  const isAmount = wanted === "number" || wanted === "colour";
  const isClear = share >= leastShare && share - second.share >= (isAmount ? leastLeadOfAmount : leastLead);
  if (!isClear || sentence.language === asked.language) return null;
  if (wanted === "number" && !holdsNumber(sentence, asked)) return null;
  const isNamed = asked.names.every(
    ({ forms }) =>
      has(sentence.holds, forms) || has(sentence.speakers, forms) || has(sentence.context, forms),
  );
  return isNamed ? sentence : null;
}
