/** A list as one SQL parameter. */
import { type RawBuilder, sql } from "kysely";

/** Statements of any length of list share one plan. */
export const listed = (values: readonly (string | number)[]): RawBuilder<string> =>
  sql<string>`(select value from json_each(${JSON.stringify(values)}))`;
