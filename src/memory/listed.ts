/** Lists of values as one SQL parameter, so that lists of any length share one query plan. */
import { type RawBuilder, sql } from "kysely";

const each = (values: readonly (string | number)[]) =>
  sql`json_each(cast(${JSON.stringify(values)} as text))`;

/** Texts as a subquery. */
export const listed = (values: readonly string[]): RawBuilder<string> =>
  sql<string>`(select value from ${each(values)} as listed)`;

/** Whole numbers as a subquery. */
export const numbered = (values: readonly number[]): RawBuilder<number> =>
  sql<number>`(select cast(value as bigint) from ${each(values)} as listed)`;
