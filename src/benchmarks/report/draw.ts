/** How a dataset with tables of its own draws its runs. */
import type { z } from "zod";
import type { Plot } from "../../util/plots.ts";

/**
 * What one benchmark draws of its run.
 * @param config what its config.json holds
 * @param rowsOf the rows of a file of JSON lines
 */
export type DrawRun = (
  config: unknown,
  rowsOf: <S extends z.ZodType>(name: string, schema: S) => z.output<S>[],
) => { readonly title: string; readonly plots: readonly Plot[] };
