/**
 * What the scores of lines tell (`line-scores.ts`), where question and line can be read together: which line answers where
 * no words and no meaning tell, and what was found otherwise and does not answer.
 */
import type { Asked } from "./asked-question.ts";
import { holdsNumber, isAdding, mostOfMoment, wantedOf } from "./meant-evidence.ts";
import { has, isBeside, type Sentence } from "./sentences.ts";

/** Scores of recalled lines by their entries' ids. */
export type Scores = ReadonlyMap<string, number>;

/** Least score of a line that answers, and its lead over lines of other talk. */
const leastScore = 6.25;
const leastLead = 3;
/** Other lines of its talk are quoted beside it if they score less by this at most. */
const mostBeside = 5;

/** Least score of what was found by meaning, and by how much another line may score more. */
const leastOfFound = 2;
const mostBehind = 3;

export const scoreOf = ({ entry }: Sentence, scores: Scores): number =>
  scores.get(entry.id) ?? Number.NEGATIVE_INFINITY;

/** Sentences that were found otherwise than by words; none if their scores tell that they do not answer. */
export function unlessOutscored(found: readonly Sentence[], scores: Scores): readonly Sentence[] {
  // What was not scored is known by other means.
  if (!found.some(({ entry }) => scores.has(entry.id))) return found;
  const own = Math.max(...found.map((one) => scoreOf(one, scores)));
  const isOutscored = own < leastOfFound || Math.max(...scores.values()) - own > mostBehind;
  return isOutscored ? [] : found;
}

/** The sentences that answer by their scores, in time order: of one talk, which leads over all other; none where none does. */
export function sentencesByScore(
  asked: Asked,
  sentences: readonly Sentence[],
  scores: Scores,
): readonly Sentence[] {
  const fitting = sentences
    .filter((one) => scores.has(one.entry.id) && mayScore(one, asked))
    .sort((a, b) => scoreOf(b, scores) - scoreOf(a, scores));
  const [best] = fitting;
  if (!best || scoreOf(best, scores) < leastScore) return [];
  const behind = (one: Sentence) => scoreOf(best, scores) - scoreOf(one, scores);
  const rival = fitting.find((one) => !isBeside(one, best));
  if (rival && behind(rival) < leastLead) return [];
  return fitting
    .filter((one) => isBeside(one, best) && behind(one) <= mostBeside)
    .slice(0, mostOfMoment)
    .sort((a, b) => a.entry.startSeconds - b.entry.startSeconds || a.place - b.place);
}

/** Whether a sentence may answer by its score: of somebody who is named, with a number where one is asked for. */
const mayScore = (one: Sentence, asked: Asked): boolean =>
  !one.isQuestion &&
  isAdding(one, asked) &&
  (asked.names.length === 0 ||
    asked.names.some(({ forms }) => has(one.holds, forms) || has(one.speakers, forms))) &&
  (wantedOf(asked) !== "number" || holdsNumber(one, asked));
