/**
 * Recall: the entries a question is about.
 *
 * Four channels rank the entries that pass the filter: shared words (bm25), similarity of vectors (exact), nearness in
 * time, and who spoke. `fusion.ts` fuses their lists into one.
 *
 * A filter decides which entries are ranked, not how rare a word is: bm25 counts words over the whole memory. So an "as
 * of" question never sees a later entry, but later entries may change the order of the earlier ones.
 */
import { type RawBuilder, sql } from "kysely";
import type { WordSpace } from "../engine.ts";
import type { Db, Steps } from "./db.ts";
import { entryCondition, selectEntries, selectEntriesByRow, toEntry } from "./entries.ts";
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
} from "./fusion.ts";
import { numbered } from "./listed.ts";
import type { RecalledEntry, RecallQuery, RecallScore } from "./memory.ts";
import { foldName } from "./names.ts";
import type { NearVector } from "./search-index.ts";

/** What a recall searches. */
export interface RecallIndex {
  readonly db: Db;
  readonly words: Pick<WordSpace, "stems">;
  /** Row of the space, and the question in it. */
  readonly space: number;
  readonly vector: Float32Array;
  /** How many of its first numbers compare meanings. */
  readonly meaning: number;
  /** Looks up the nearest vectors in working memory; `null` where they are not there. @default the database is searched */
  readonly nearestHeld?: (limit: number) => NearVector[] | null;
}

/** Entries best first. */
export function* recallEntries(index: RecallIndex, query: RecallQuery): Steps<RecalledEntry[]> {
  const limit = query.limit ?? defaultRecallLimit;
  const pool = Math.max(minimumPool, limit);
  return yield* index.db.read(function* () {
    const text = yield* findByText(index, query, pool);
    const vector = yield* findByVector(index, query, pool);
    const near = momentAskedAbout(index, query);
    const time = near === null ? [] : yield* findByTime(index.db, query, near, pool);
    const others = [...text, ...vector, ...time].map(({ row }) => row);
    const speaker = yield* findBySpeaker(index.db, query, others, pool);
    const scores = fuse({ fullText: text, vector, time, speaker }, fusionOf(index.vector, index.meaning));
    return yield* best(index.db, scores, limit);
  });
}

/** All entries that pass a filter in time order, with empty scores. */
export function* wholeMemory(db: Db, query: RecallQuery): Steps<RecalledEntry[]> {
  return (yield* db.all(selectEntries(query, db.index))).map((row) => ({
    entry: toEntry(row),
    score: { total: 0 },
  }));
}

/** Words of the question in any order, weighted by rarity. Speakers are searched like text. */
function* findByText({ db, words }: RecallIndex, query: RecallQuery, pool: number): Steps<Found<number>> {
  const stems = [...new Set(words.stems(query.text))];
  return stems.length === 0 ? [] : yield* db.index.findText(stems, query, pool);
}

/** Nearest vectors by cosine, over everything that passes the filter. Unrelated entries are not found. */
function* findByVector(index: RecallIndex, query: RecallQuery, pool: number): Steps<Found<number>> {
  const { db, space, vector, meaning, nearestHeld } = index;
  if (vector.every((value) => value === 0)) return [];
  const scale = isMeant(vector, meaning) ? meaningScale : 1;
  const found = nearestHeld?.(pool) ?? (yield* db.index.nearest(space, vector, query, pool));
  return found
    .map(({ row, distance }) => ({ row, score: scale * (1 - distance ** 2 / 2) }))
    .filter(({ score }) => score > leastLikeness)
    .sort((a, b) => b.score - a.score || a.row - b.row) // several streams are searched in turn
    .slice(0, pool);
}

/** Entries by their distance in seconds from a moment; 0 for entries that span it. */
function* findByTime(db: Db, query: RecallQuery, near: number, pool: number): Steps<Found<number>> {
  return yield* db.all(sql<{ row: number; score: number }>`select e.row,
      case when e.start_seconds > ${near} then ${near} - e.start_seconds
        when e.end_seconds < ${near} then e.end_seconds - ${near} else 0 end as score
    from entry as e where ${entryCondition(query, db.index)}
    order by score desc, e.start_seconds, e.id limit ${pool}`);
}

/** Entries of the people asked about: 1 if one of them spoke, ½ if the text names one. */
function* findBySpeaker(
  db: Db,
  query: RecallQuery,
  others: readonly number[],
  pool: number,
): Steps<Found<number>> {
  const names = (query.aboutSpeakers ?? []).map(foldName).filter((name) => name !== "");
  if (names.length === 0) return [];
  const spoken = sql`exists (select 1 from entry_speaker where entry = e.row and name in ${db.index.spellingsOf(names)})`;
  const scored = (where: RawBuilder<unknown>) =>
    db.all(sql<{
      row: number;
      score: number;
    }>`select e.row, case when ${spoken} then 1.0 else 0.5 end as score
      from entry as e where ${where}`);
  const named = sql`(${spoken} or ${db.index.mentions(names)})`;
  // All entries that the other channels found, and the first of those they did not find.
  const own = yield* scored(
    sql`e.row in (select entry from entry_speaker where name in ${db.index.spellingsOf(names)}) and ${entryCondition(query, db.index)}
      order by e.start_seconds, e.id limit ${pool}`,
  );
  const known = yield* scored(sql`e.row in ${numbered([...new Set(others)])} and ${named}`);
  return [...new Map([...known, ...own].map((found) => [found.row, found])).values()].sort(
    (a, b) => b.score - a.score,
  );
}

function* best(db: Db, scores: ReadonlyMap<number, RecallScore>, limit: number): Steps<RecalledEntry[]> {
  const rows = yield* db.all(selectEntriesByRow(leaders(scores, limit)));
  const found = rows.map((row) => ({ entry: toEntry(row), score: scores.get(row.row)! }));
  return firstOf(found, limit);
}
