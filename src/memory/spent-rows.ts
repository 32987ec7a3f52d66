/** What models cost, a row a day, stream and purpose. */
import { sql } from "kysely";
import type { Db, Steps } from "./db.ts";
import { streamRow } from "./journal.ts";
import type { Spent, SpentDay, SpentPurpose } from "./records.ts";

/** Day of UTC. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** Adds to what was spent. @throws StoreError `stream-unknown` */
export function* addSpent(db: Db, { stream, purpose, atMs, cost }: Spent): Steps<void> {
  yield* db.write(function* () {
    const row = stream === null ? null : (yield* streamRow(db, stream)).row;
    const { calls, promptTokens, completionTokens, usd } = cost;
    const unpriced = cost.pricedBy?.none ?? 0;
    yield* db.run(sql`insert into spent
        (day, stream, purpose, calls, prompt_tokens, completion_tokens, usd, unpriced)
      values (${dayOf(atMs)}, ${row}, ${purpose}, ${calls}, ${promptTokens}, ${completionTokens}, ${usd}, ${unpriced})
      on conflict (day, purpose, coalesce(stream, 0)) do update set
        calls = spent.calls + excluded.calls, prompt_tokens = spent.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = spent.completion_tokens + excluded.completion_tokens, usd = spent.usd + excluded.usd,
        unpriced = spent.unpriced + excluded.unpriced`);
  });
}

interface Row {
  readonly day: string;
  readonly stream: string | null;
  readonly purpose: string;
  readonly calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly usd: number;
  readonly unpriced: number;
}

/** What was spent since a moment's day, by day, then stream. */
export function* spent(db: Db, sinceMs: number): Steps<SpentDay[]> {
  const rows = yield* db.all(
    sql<Row>`select day, stream.id as stream, purpose, calls, prompt_tokens, completion_tokens, usd, unpriced
      from spent left join stream on stream.row = spent.stream where day >= ${dayOf(sinceMs)}
      order by day, coalesce(spent.stream, 0), purpose`,
  );
  return rows.map(
    ({ prompt_tokens: promptTokens, completion_tokens: completionTokens, purpose, ...row }) => ({
      ...{ ...row, purpose: purpose as SpentPurpose, promptTokens, completionTokens },
    }),
  );
}
