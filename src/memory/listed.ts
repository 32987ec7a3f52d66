/** A list of values as one SQL parameter. */
import { type RawBuilder, sql } from "kysely";

/** The values as a subquery, so that lists of any length share one query plan. */
export const listed = (values: readonly (string | number)[]): RawBuilder<string> =>
  sql<string>`(select value from json_each(${JSON.stringify(values)}))`;
