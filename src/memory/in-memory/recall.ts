/**
 * Recall of the in-memory store, with the channels of `../recall.ts`: bm25 as SQLite's FTS5 computes it (k1 = 1.2, b =
 * 0.75; an inverse document frequency that is not above 0 counts as 1e-6), exact similarity of vectors, nearness in
 * time, who spoke.
 */
import type { WordSpace } from "../../engine.ts";
import {
  defaultRecallLimit,
  type Found,
  firstOf,
  fuse,
  fusionOf,
  isMeant,
  leaders,
  leastLikeness,
  meaningScale,
  minimumPool,
  momentAskedAbout,
  mostHits,
} from "../fusion.ts";
import { foldName, mentions } from "../names.ts";
import type { RecalledEntry, RecallQuery } from "../records.ts";
import { compare, entriesPassing, isSpeaker, type KeptEntry, type State } from "./state.ts";

const k1 = 1.2;
const b = 0.75;
const leastRarity = 1e-6;

export interface Question {
  readonly words: WordSpace;
  /** The question in the space of the vectors. */
  readonly vector: Float32Array;
  /** How many of its first numbers compare meanings. */
  readonly meaning: number;
}

/** Entries best first; in `whole-memory` mode all of them in time order, with empty scores. */
export function recallEntries(state: State, question: Question, query: RecallQuery): RecalledEntry[] {
  const passing = entriesPassing(state, query);
  if (query.mode === "whole-memory") {
    const shown = query.limit === undefined ? passing : passing.slice(0, query.limit);
    return shown.map(({ entry }) => ({ entry, score: { total: 0 } }));
  }
  const limit = query.limit ?? defaultRecallLimit;
  const pool = Math.max(minimumPool, limit);
  const fullText = best(byText(state, passing, question.words, query.text), pool);
  const vector = best(byVector(passing, question), pool);
  const near = momentAskedAbout(question, query);
  const time = near === null ? [] : best(byTime(passing, near), pool);
  const others = [...fullText, ...vector, ...time].map(({ row }) => row);
  const speaker = bySpeaker(passing, query, others, pool);
  const scores = fuse({ fullText, vector, time, speaker }, fusionOf(question.vector, question.meaning));
  const found = leaders(scores, limit).map((kept) => ({ entry: kept.entry, score: scores.get(kept)! }));
  return firstOf(found, limit);
}

type Scored = readonly { readonly row: KeptEntry; readonly score: number }[];

/** The best of a channel, ties in order of start time and id. */
function best(scored: Scored, pool: number): Found<KeptEntry> {
  return scored
    .toSorted(
      (one, other) =>
        other.score - one.score ||
        one.row.entry.startSeconds - other.row.entry.startSeconds ||
        compare(one.row.entry.id, other.row.entry.id),
    )
    .slice(0, pool);
}

/** Words of the question in any order, weighted by rarity over the whole memory. Speakers are searched like text. */
function byText(state: State, passing: readonly KeptEntry[], words: WordSpace, text: string): Scored {
  const all = [...state.entries.values()];
  const meanLength = all.reduce((sum, { length }) => sum + length, 0) / all.length;
  const counted = [...new Set(words.stems(text))].map((stem) => {
    const hits = all.filter(({ stems }) => stems.has(stem)).length;
    const rarity = Math.log((all.length - hits + 0.5) / (hits + 0.5));
    return { stem, hits, rarity: rarity > 0 ? rarity : leastRarity };
  });
  const telling = counted.filter(({ hits }) => hits <= mostHits(all.length));
  const terms = telling.length > 0 ? telling : counted;
  return passing
    .filter(({ stems }) => terms.some(({ stem }) => stems.has(stem)))
    .map((row) => {
      let score = 0;
      for (const { stem, rarity } of terms) {
        const times = row.stems.get(stem) ?? 0;
        score += rarity * ((times * (k1 + 1)) / (times + k1 * (1 - b + (b * row.length) / meanLength)));
      }
      return { row, score };
    });
}

/** Cosine of unit vectors; unrelated entries are not found. */
function byVector(passing: readonly KeptEntry[], { vector, meaning }: Question): Scored {
  if (vector.every((value) => value === 0)) return [];
  const scale = isMeant(vector, meaning) ? meaningScale : 1;
  return passing
    .filter((row) => row.vector.some((value) => value !== 0))
    .map((row) => ({ row, score: scale * (1 - squaredDistance(row.vector, vector) / 2) }))
    .filter(({ score }) => score > leastLikeness);
}

function squaredDistance(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (const [i, value] of one.entries()) sum += (value - other[i]!) ** 2;
  return sum;
}

/** Distance in seconds from a moment; 0 for entries that span it. */
function byTime(passing: readonly KeptEntry[], near: number): Scored {
  return passing.map((row) => {
    const { startSeconds, endSeconds } = row.entry;
    return { row, score: -Math.max(0, startSeconds - near, near - endSeconds) };
  });
}

/** Entries of the people asked about: 1 if one of them spoke, ½ if the text names one. */
function bySpeaker(
  passing: readonly KeptEntry[],
  { aboutSpeakers = [] }: RecallQuery,
  others: readonly KeptEntry[],
  pool: number,
): Found<KeptEntry> {
  const names = aboutSpeakers.map(foldName).filter((name) => name !== "");
  const spoke = ({ speakers }: KeptEntry) => names.some((name) => isSpeaker(speakers, name));
  const isNamed = ({ entry }: KeptEntry) => names.some((name) => mentions(entry.text, name));
  const own = best(
    passing.filter(spoke).map((row) => ({ row, score: 1 })),
    pool,
  );
  const known = [...new Set(others)].filter((row) => spoke(row) || isNamed(row));
  const found = new Set([...known, ...own.map(({ row }) => row)]);
  return [...found]
    .map((row) => ({ row, score: spoke(row) ? 1 : 0.5 }))
    .sort((one, other) => other.score - one.score);
}
