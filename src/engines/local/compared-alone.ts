/**
 * Sentences compared with the question each by itself: what is around a line, which recall takes in, blurs which of a
 * moment's sentences is meant.
 *
 * Cosines are read as shares of what is left above the mean of the sentences compared, so that encoders which put everything
 * near are read as others.
 */
import type { ReadRequest } from "../../answer/reader.ts";
import type { RecalledEntry } from "../../memory/memory.ts";
import type { Asked } from "./asked-question.ts";
import { meaningOf } from "./meant-evidence.ts";
import type { Sentence } from "./sentences.ts";

/** A sentence, and how near it is to the question as a share of what is left above the mean of those compared. */
export interface Compared {
  readonly sentence: Sentence;
  readonly share: number;
}

/** Sentences compared, the nearest by recall first; fewer than `fewest` tell no mean. */
const most = 12;
const fewest = 5;
/** Where recall found nothing this near, nothing in the question's language is compared. */
const leastNear = 0.3;

/**
 * What recall found nearest, each sentence compared alone with the question, the nearest first; none where too few can be
 * compared, or nothing is near. A cosine of 0 is of a text that the encoder does not know.
 */
export async function comparedAlone(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
  likeness: NonNullable<ReadRequest["likeness"]>,
): Promise<readonly Compared[]> {
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const near = ({ entry }: Sentence) => meanings.get(entry) ?? 0;
  const nearest = sentences
    .filter((one) => near(one) > 0 && !one.isQuestion)
    .sort((a, b) => near(b) - near(a))
    .slice(0, most);
  const isOwn = nearest.every(({ language }) => language === asked.language);
  if (nearest.length < fewest || (isOwn && near(nearest[0]!) < leastNear)) return [];
  const cosines = await likeness(
    asked.text,
    nearest.map(({ body }) => body),
  );
  const known = cosines.filter((cosine) => cosine !== 0);
  if (known.length < fewest) return [];
  const mean = known.reduce((sum, cosine) => sum + cosine, 0) / known.length;
  return nearest
    .map((sentence, i) => ({ sentence, cosine: cosines[i]!, share: (cosines[i]! - mean) / (1 - mean) }))
    .filter(({ cosine }) => cosine !== 0)
    .sort((a, b) => b.share - a.share);
}
