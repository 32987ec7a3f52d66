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
import {
  entryCondition,
  noTime,
  selectEntries,
  selectEntriesByRow,
  spellingsOf,
  toBuffer,
  toEntry,
} from "./entries.ts";
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
} from "./fusion.ts";
import { listed } from "./listed.ts";
import type { EntryFilter, RecalledEntry, RecallQuery, RecallScore } from "./memory.ts";
import { foldName } from "./names.ts";
import { vectorTable } from "./schema.ts";
import type { NearVector } from "./vector-cache.ts";

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
  return (yield* db.all(selectEntries(query))).map((row) => ({ entry: toEntry(row), score: { total: 0 } }));
}

/** Words of the question in any order, weighted by rarity. Speakers are searched like text. */
function* findByText({ db, words }: RecallIndex, query: RecallQuery, pool: number): Steps<Found<number>> {
  const terms = [...new Set(words.stems(query.text))].map((stem) => `"${stem.replaceAll('"', '""')}"`);
  if (terms.length === 0) return [];
  const match = (yield* tellingTerms(db, terms)).join(" OR ");
  // The best hits usually pass the filter, so they are looked up first, and all hits only if too few do.
  const leaders = yield* db.all(sql<{ row: number; score: number; passes: number }>`
    select e.row, best.score, ${entryCondition(query)} as passes
    from (select rowid, -rank as score from entry_text where entry_text match ${match}
      order by rank limit ${leadersPerPlace * pool}) as best
    cross join entry as e on e.row = best.rowid order by best.score desc, e.start_seconds, e.id`);
  const passing = leaders.filter(({ passes }) => passes === 1);
  if (passing.length >= pool || leaders.length < leadersPerPlace * pool) return passing.slice(0, pool);
  // CROSS JOIN fixes the order: search first, then look each hit up.
  return yield* db.all(sql<{ row: number; score: number }>`select e.row, -bm25(entry_text) as score
    from entry_text cross join entry as e on e.row = entry_text.rowid
    where entry_text match ${match} and ${entryCondition(query)}
    order by score desc, e.start_seconds, e.id limit ${pool}`);
}

/** Hits looked up first, per place in the pool. */
const leadersPerPlace = 4;
/** Terms without those that too many entries hold, unless all are such. */
function* tellingTerms(db: Db, terms: readonly string[]): Steps<readonly string[]> {
  // The last row's number is fast to find and never below the count, so no selective term is left out.
  const { entries } = (yield* db.get(
    sql<{ entries: number }>`select coalesce(max(row), 0) as entries from entry`,
  ))!;
  const most = mostHits(entries);
  if (entries <= most) return terms;
  const telling: string[] = [];
  for (const term of terms) {
    const hits = sql`select 1 from entry_text where entry_text match ${term} limit ${most + 1}`;
    const { n } = (yield* db.get(sql<{ n: number }>`select count(*) as n from (${hits})`))!;
    if (n <= most) telling.push(term);
  }
  return telling.length > 0 ? telling : terms;
}

/** Nearest vectors by cosine, over everything that passes the filter. Unrelated entries are not found. */
function* findByVector(index: RecallIndex, query: RecallQuery, pool: number): Steps<Found<number>> {
  const { vector, meaning, nearestHeld } = index;
  if (vector.every((value) => value === 0)) return [];
  const scale = isMeant(vector, meaning) ? meaningScale : 1;
  const found = nearestHeld?.(pool) ?? (yield* nearest(index, query, pool));
  return found
    .map(({ row, distance }) => ({ row, score: scale * (1 - distance ** 2 / 2) }))
    .filter(({ score }) => score > leastLikeness)
    .sort((a, b) => b.score - a.score || a.row - b.row) // several streams are searched in turn
    .slice(0, pool);
}

function* nearest({ db, space, vector }: RecallIndex, query: RecallQuery, pool: number): Steps<NearVector[]> {
  return yield* db.all(sql<NearVector>`select rowid as row, distance from ${sql.table(vectorTable(space))}
    where vector match ${toBuffer(vector)} and k = ${Math.min(pool, 4096)} and ${vectorCondition(query)}`);
}

/** The filter in vec0's terms: streams by partition, "as of" and closing inside the scan, anything else by row. */
function vectorCondition(query: EntryFilter): RawBuilder<boolean> {
  const conditions: RawBuilder<unknown>[] = [sql`1`];
  if (query.streams) {
    conditions.push(sql`stream in (select row from stream where id in ${listed(query.streams)})`);
  }
  if (query.asOfSeconds !== undefined) conditions.push(sql`known_seconds <= ${query.asOfSeconds}`);
  const { writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips } = query;
  if ([writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips].some((given) => given !== undefined)) {
    conditions.push(sql`rowid in (select e.row from entry as e where ${entryCondition(query)})`);
  } else if (!query.includeClosed) {
    conditions.push(sql`closed_at_ms = ${noTime}`);
  }
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

/** Entries by their distance in seconds from a moment; 0 for entries that span it. */
function* findByTime(db: Db, query: RecallQuery, near: number, pool: number): Steps<Found<number>> {
  return yield* db.all(sql<{ row: number; score: number }>`select e.row,
      -max(0, e.start_seconds - ${near}, ${near} - e.end_seconds) as score
    from entry as e where ${entryCondition(query)}
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
  const spoken = sql`exists (select 1 from entry_speaker where entry = e.row and name in ${spellingsOf(names)})`;
  const scored = (where: RawBuilder<unknown>, limit: number) =>
    db.all(sql<{
      row: number;
      score: number;
    }>`select e.row, case when ${spoken} then 1.0 else 0.5 end as score
      from entry as e where ${where} limit ${limit}`);
  const named = sql`(${spoken} or mentions(e.text, ${JSON.stringify(names)}))`;
  // All entries that the other channels found, and the first of those they did not find.
  const own = yield* scored(
    sql`e.row in (select entry from entry_speaker where name in ${spellingsOf(names)}) and ${entryCondition(query)}
      order by e.start_seconds, e.id`,
    pool,
  );
  const known = yield* scored(sql`e.row in ${listed([...new Set(others)])} and ${named}`, -1);
  return [...new Map([...known, ...own].map((found) => [found.row, found])).values()].sort(
    (a, b) => b.score - a.score,
  );
}

function* best(db: Db, scores: ReadonlyMap<number, RecallScore>, limit: number): Steps<RecalledEntry[]> {
  const rows = yield* db.all(selectEntriesByRow(leaders(scores, limit)));
  const found = rows.map((row) => ({ entry: toEntry(row), score: scores.get(row.row)! }));
  return firstOf(found, limit);
}
