/**
 * The part of recall that needs no store: fusing the channels' lists, and finding the moment a question is about.
 *
 * The lists are fused by reciprocal rank (Cormack, Clarke & Büttcher 2009, k = 60): an entry's score is the sum of 1 /
 * (60 + rank) over the channels that found it. Where vectors compare meanings, k is 10 and their list weighs four times.
 * Equal raw scores share a rank, and equal totals are ordered by start time, then id, so the same question over the same
 * memory always gets the same answer.
 */
import type { WordSpace } from "../engine.ts";
import type { RecalledEntry, RecallQuery, RecallScore } from "./records.ts";

/** Entries a recall returns by default. */
export const defaultRecallLimit = 20;
/**
 * Each channel offers at least this many. Rank r in two channels beats the first of a single one while
 * 2 / (60 + r) > 1 / 61, that is up to r = 61.
 */
export const minimumPool = 64;
/** Vectors with a smaller similarity count as unrelated. */
export const leastLikeness = 1e-6;

/** A term with at most this many hits is cheap to search for, however common. */
const cheapHits = 2000;

/**
 * Most hits of a term that is searched for, unless every term has more. bm25 gives no weight to a term that half of all
 * entries hold (its inverse document frequency is not above 0), and scoring every entry for it takes most of a recall.
 */
export const mostHits = (entries: number): number => Math.max(cheapHits, Math.floor(entries / 2));

/** A way to find entries: shared words, similar vectors, nearness in time, or who spoke. */
export type Channel = "fullText" | "vector" | "time" | "speaker";

/** Keys of entries with a raw score, the highest first. */
export type Found<Key> = readonly { readonly row: Key; readonly score: number }[];

/** `nearSeconds`; for a question without a word to search for, the moment it is asked as of; otherwise `null`. */
export function momentAskedAbout(
  { words, vector }: { readonly words: Pick<WordSpace, "stems">; readonly vector: Float32Array },
  query: RecallQuery,
): number | null {
  if (query.nearSeconds !== undefined) return query.nearSeconds;
  const saysSomething = words.stems(query.text).length > 0 || vector.some((value) => value !== 0);
  return saysSomething ? null : (query.asOfSeconds ?? null);
}

/** How lists are fused: where a rank begins to count less, and how much the vectors' list weighs. */
export interface Fusion {
  readonly k: number;
  readonly vector: number;
}

/** By spelling, all lists weigh alike. By meaning, the vectors weigh more, and the first ranks count. */
const bySpelling: Fusion = { k: 60, vector: 1 };
const byMeaning: Fusion = { k: 10, vector: 4 };

/** How the lists of a question are fused. @param meaning numbers of its vector that compare meanings */
export function fusionOf(vector: Float32Array, meaning: number): Fusion {
  return isMeant(vector, meaning) ? byMeaning : bySpelling;
}

/** Whether a question is compared by meaning. */
export const isMeant = (vector: Float32Array, meaning: number): boolean =>
  vector.subarray(0, meaning).some((value) => value !== 0);

/** Cosine of a question and an entry by the meaning alone: what is kept has a part of equal length beside it. */
export const meaningScale = Math.SQRT2;

/** Reciprocal rank fusion; ranks count from 1 and equal raw scores share one. */
export function fuse<Key>(
  channels: Readonly<Record<Channel, Found<Key>>>,
  fusion: Fusion = bySpelling,
): Map<Key, RecallScore> {
  const scores = new Map<Key, RecallScore>();
  for (const [channel, found] of Object.entries(channels) as [Channel, Found<Key>][]) {
    let rank = 0;
    const weight = channel === "vector" ? fusion.vector : 1;
    for (const [i, { row, score }] of found.entries()) {
      if (i === 0 || score !== found[i - 1]!.score) rank = i + 1;
      const sofar = scores.get(row) ?? { total: 0 };
      scores.set(row, {
        ...sofar,
        total: sofar.total + weight / (fusion.k + rank),
        [channel]: { rank, score, ...(channel === "vector" && fusion === byMeaning && { byMeaning: true }) },
      });
    }
  }
  return scores;
}

/**
 * What several searches for one question found, such as of several streams, as one search would rank it: by the raw
 * scores, because ranks of different lists do not compare. Best first.
 */
export function fuseSearches(found: readonly RecalledEntry[]): RecalledEntry[] {
  const listOf = (channel: Channel): Found<RecalledEntry> =>
    found
      .flatMap((one) => (one.score[channel] ? [{ row: one, score: one.score[channel].score }] : []))
      .sort((a, b) => b.score - a.score);
  const channels = {
    fullText: listOf("fullText"),
    vector: listOf("vector"),
    time: listOf("time"),
    speaker: listOf("speaker"),
  };
  const isByMeaning = found.some(({ score }) => score.vector?.byMeaning);
  const scores = fuse(channels, isByMeaning ? byMeaning : bySpelling);
  return found.map((one) => ({ ...one, score: scores.get(one) ?? one.score })).toSorted(byScore);
}

/** Of each ten places, one is for what shares most words, where its place by all channels is further back. */
const placesPerWords = 10;

/** Keys that include the best `limit`, with all ties at the border, which time and id then decide. */
export function leaders<Key>(scores: ReadonlyMap<Key, RecallScore>, limit: number): Key[] {
  const totals = [...scores.values()].map(({ total }) => total).sort((a, b) => b - a);
  const border = totals[Math.min(limit, totals.length) - 1];
  if (border === undefined) return [];
  const isFirst = ({ fullText }: RecallScore) =>
    fullText !== undefined && fullText.rank <= Math.floor(limit / placesPerWords);
  return [...scores.keys()].filter((key) => scores.get(key)!.total >= border || isFirst(scores.get(key)!));
}

/**
 * The best `limit` in order. What shares most words keeps a place among them, the last ones at worst: by meaning a line
 * in the words of the question may be far, because of what is said around it.
 */
export function firstOf(found: readonly RecalledEntry[], limit: number): RecalledEntry[] {
  const sorted = found.toSorted(byScore);
  const places = Math.floor(limit / placesPerWords);
  const isByWords = ({ score: { fullText } }: RecalledEntry) =>
    fullText !== undefined && fullText.rank <= places;
  const further = sorted
    .slice(limit)
    .filter(isByWords)
    .sort((a, b) => a.score.fullText!.rank - b.score.fullText!.rank || byScore(a, b))
    .slice(0, places);
  const kept = sorted.slice(0, limit);
  const giving = kept
    .filter((one) => !isByWords(one))
    .toReversed()
    .slice(0, further.length);
  return [...kept.filter((one) => !giving.includes(one)), ...further].sort(byScore).slice(0, limit);
}

/** Orders entries by score, best first, then by start and id. */
export function byScore(a: RecalledEntry, b: RecalledEntry): number {
  return (
    b.score.total - a.score.total ||
    a.entry.startSeconds - b.entry.startSeconds ||
    (a.entry.id < b.entry.id ? -1 : 1)
  );
}
