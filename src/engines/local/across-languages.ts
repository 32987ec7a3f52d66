/**
 * Questions in another language than what was said: no word is shared, so the sentence that is nearest in meaning answers
 * where it stands out from all that recall found. Each sentence is compared alone here, because what is around it, which
 * recall takes in, blurs which of a moment's sentences is meant.
 *
 * Cosines are read as shares of what is left above the mean of the sentences compared, so that encoders which put everything near are
 * read as others. Limits were set on made-up questions in five languages, a third of them without an answer.
 */
import type { ReadRequest } from "../../answer/reader.ts";
import { wantedInAny } from "../../answer/words/question-words.ts";
import type { RecalledEntry } from "../../memory/memory.ts";
import type { Asked } from "./asked-question.ts";
import { holdsNumber, meaningOf } from "./meant-evidence.ts";
import { has, type Sentence } from "./sentences.ts";

/** Sentences compared, the nearest by recall first; fewer than `fewest` tell no mean. */
const most = 12;
const fewest = 5;
/** Least share above the mean, and lead over the next sentence; an amount needs a greater lead, as other things have the same. */
const leastShare = 0.22;
const leastLead = 0.07;
const leastLeadOfAmount = 0.12;

/** The sentence in another language that answers; `null` where none stands out. */
export async function sentenceAcross(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
  likeness: NonNullable<ReadRequest["likeness"]>,
): Promise<Sentence | null> {
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const near = ({ entry }: Sentence) => meanings.get(entry) ?? 0;
  const compared = sentences
    .filter((one) => near(one) > 0 && !one.isQuestion)
    .sort((a, b) => near(b) - near(a))
    .slice(0, most);
  if (compared.length < fewest || compared.every(({ language }) => language === asked.language)) return null;
  const cosines = await likeness(
    asked.text,
    compared.map(({ body }) => body),
  );
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  const [first, second] = compared
    .map((sentence, i) => ({ sentence, share: (cosines[i]! - mean) / (1 - mean) }))
    .sort((a, b) => b.share - a.share);
  const { sentence, share } = first!;
  const wanted = wantedInAny(asked.text);
  const isAmount = wanted === "number" || wanted === "colour";
  const isClear = share >= leastShare && share - second!.share >= (isAmount ? leastLeadOfAmount : leastLead);
  if (!isClear || sentence.language === asked.language) return null;
  if (wanted === "number" && !holdsNumber(sentence, asked)) return null;
  const isNamed = asked.names.every(
    ({ forms }) =>
      has(sentence.holds, forms) || has(sentence.speakers, forms) || has(sentence.context, forms),
  );
  return isNamed ? sentence : null;
}
