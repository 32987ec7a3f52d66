/**
 * Recall without a store: how the channels' lists become one, and what a question asks for in time.
 *
 * The lists are fused by reciprocal rank (Cormack, Clarke & Büttcher 2009, k = 60): an entry's score is the sum of
 * 1 / (60 + rank) over the channels that found it. Equal raw scores share a rank, and equal totals are ordered by start
 * time, then id, so the same question over the same memory always gets the same answer.
 */
import type { WordSpace } from "../engine.ts";
import type { RecalledEntry, RecallQuery, RecallScore } from "./records.ts";

const fusionK = 60;
export const defaultRecallLimit = 20;
/**
 * Each channel offers at least this many. Rank r in two channels beats the first of a single one while
 * 2 / (60 + r) > 1 / 61, that is up to r = 61.
 */
export const minimumPool = 64;
/** Below this a likeness of vectors is none. */
export const leastLikeness = 1e-6;

/** Below so many hits a term is cheap, even one that says nothing. */
const cheapHits = 2000;

/**
 * A term that more entries hold is not searched for where another is: bm25 gives what half of all entries hold no weight
 * (its inverse document frequency is not above 0), and scoring every entry for it takes most of a recall.
 */
export const mostHits = (entries: number): number => Math.max(cheapHits, Math.floor(entries / 2));

export type Channel = "fullText" | "vector" | "time" | "speaker";

/** Keys of entries with a raw score, the highest first. */
export type Found<Key> = readonly { readonly row: Key; readonly score: number }[];

/** `nearSeconds`; or, for a question without a word to search for, the moment it is asked as of; or none. */
export function momentAskedAbout(
  { words, vector }: { readonly words: WordSpace; readonly vector: Float32Array },
  query: RecallQuery,
): number | null {
  if (query.nearSeconds !== undefined) return query.nearSeconds;
  const saysSomething = words.stems(query.text).length > 0 || vector.some((value) => value !== 0);
  return saysSomething ? null : (query.asOfSeconds ?? null);
}

/** Reciprocal rank fusion; ranks count from 1 and equal raw scores share one. */
export function fuse<Key>(channels: Readonly<Record<Channel, Found<Key>>>): Map<Key, RecallScore> {
  const scores = new Map<Key, RecallScore>();
  for (const [channel, found] of Object.entries(channels) as [Channel, Found<Key>][]) {
    let rank = 0;
    for (const [i, { row, score }] of found.entries()) {
      if (i === 0 || score !== found[i - 1]!.score) rank = i + 1;
      const sofar = scores.get(row) ?? { total: 0 };
      scores.set(row, { ...sofar, total: sofar.total + 1 / (fusionK + rank), [channel]: { rank, score } });
    }
  }
  return scores;
}

/** Keys among which the best `limit` are: ties at the border are settled by time and id, not by chance. */
export function leaders<Key>(scores: ReadonlyMap<Key, RecallScore>, limit: number): Key[] {
  const totals = [...scores.values()].map(({ total }) => total).sort((a, b) => b - a);
  const border = totals[Math.min(limit, totals.length) - 1];
  if (border === undefined) return [];
  return [...scores.keys()].filter((key) => scores.get(key)!.total >= border);
}

/** Best first. */
export function byScore(a: RecalledEntry, b: RecalledEntry): number {
  return (
    b.score.total - a.score.total ||
    a.entry.startSeconds - b.entry.startSeconds ||
    (a.entry.id < b.entry.id ? -1 : 1)
  );
}
