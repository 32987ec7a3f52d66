/** The database from afar: how many entries there are and when, and how far each stream is. */
import { sql } from "kysely";
import type { Db, Steps } from "./db.ts";
import { entryCondition } from "./entries.ts";
import { waits } from "./journal.ts";
import { defaultStretchSeconds } from "./overview.ts";
import { defaultPageLimit, listName, toCursor } from "./page.ts";
import type { EntryFilter, EntryOverview, OverviewOptions, StreamStats } from "./records.ts";

/** A list of entries from afar. */
export function* overview(db: Db, filter: EntryFilter, options: OverviewOptions): Steps<EntryOverview> {
  const { limit = defaultPageLimit, stretchSeconds = defaultStretchSeconds } = options;
  const list = listName("entries", filter);
  const chosen = sql`from entry as e join stream as s on s.row = e.stream where ${entryCondition(filter, db.index)}`;
  const counts = yield* db.all(
    sql<{ stream: string; stretch: number; entries: number }>`
      select s.id as stream, floor(e.start_seconds / ${stretchSeconds}) as stretch, count(*) as entries ${chosen}
      group by 1, 2 order by 1, 2`,
  );
  const entries = counts.reduce((sum, one) => sum + one.entries, 0);
  // The last entry of each page but the last one.
  const ends = yield* db.all(
    sql<{ stream: string; start: number; id: string }>`
      select stream, start, id from (
        select s.id as stream, e.start_seconds as start, e.id as id,
          row_number() over (order by s.id, e.start_seconds, e.id) as place ${chosen}) as placed
      where place % ${limit} = 0 and place < ${entries} order by place`,
  );
  return {
    entries,
    cursors: ends.map(({ stream, start, id }) => toCursor(list, [stream, start, id])),
    counts: counts.map(({ stream, stretch, entries }) => ({
      ...{ stream, startSeconds: stretch * stretchSeconds, entries },
    })),
  };
}

interface StatsRow {
  readonly row: number;
  readonly id: string;
  readonly clips: number;
  readonly stored: number;
  readonly failed: number;
  readonly waiting: number;
  readonly since: number | null;
  readonly start: number | null;
  readonly end: number | null;
  readonly watched: number | null;
}

/** How far each stream is. */
export function* streamStats(db: Db): Steps<StreamStats[]> {
  const streams = yield* db.all(
    sql<StatsRow>`select s.row, s.id, count(clip.row) as clips,
        count(case when state = 'stored' then 1 end) as stored, count(case when state = 'failed' then 1 end) as failed,
        count(case when ${waits} then 1 end) as waiting,
        min(case when ${waits} then start_seconds end) as since, min(start_seconds) as start, max(end_seconds) as end,
        sum(end_seconds - start_seconds) as watched
      from stream as s left join clip on clip.stream = s.row group by s.row order by s.row`,
  );
  const entries = byStream(
    yield* db.all(
      sql<{ stream: number; entries: number; bytes: number; written: number | null }>`
        select stream, count(case when closed_at_ms is null then 1 end) as entries, max(written_at_ms) as written,
          sum(octet_length(text) + octet_length(evidence)) as bytes from entry group by stream`,
    ),
  );
  const observations = byStream(
    yield* db.all(
      sql<{ stream: number; bytes: number }>`select clip.stream, sum(octet_length(value)) as bytes
        from observation join clip on clip.row = observation.clip group by clip.stream`,
    ),
  );
  const frames = byStream(
    yield* db.all(
      sql<{ stream: number; bytes: number }>`select stream, sum(blob.bytes) as bytes from (
          select entry.stream, hash from entry_frame join entry on entry.row = entry_frame.entry union
          select clip.stream, hash from observation_frame join clip on clip.row = observation_frame.clip
        ) as shown join blob using (hash) group by stream`,
    ),
  );
  const gaps = byStream(
    yield* db.all(
      sql<{ stream: number; gaps: number; seconds: number }>`select stream, count(*) as gaps,
        sum(end_seconds - start_seconds) as seconds from gap group by stream`,
    ),
  );
  return streams.map(({ row, id, clips, stored, failed, waiting, since, start, end, watched }) => ({
    ...{ stream: id, clips, storedClips: stored, failedClips: failed, waitingClips: waiting },
    waitingFromSeconds: since,
    ...{ entries: entries.get(row)?.entries ?? 0, startSeconds: start, endSeconds: end },
    ...{
      watchedSeconds: watched ?? 0,
      gaps: gaps.get(row)?.gaps ?? 0,
      gapSeconds: gaps.get(row)?.seconds ?? 0,
    },
    lastWrittenAtMs: entries.get(row)?.written ?? null,
    bytes: {
      entries: entries.get(row)?.bytes ?? 0,
      observations: observations.get(row)?.bytes ?? 0,
      frames: frames.get(row)?.bytes ?? 0,
    },
  }));
}

const byStream = <Row extends { readonly stream: number }>(rows: readonly Row[]) =>
  new Map(rows.map((row) => [row.stream, row]));
