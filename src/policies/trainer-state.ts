/** What a small trainer saves of itself: numbers as JSON, whole or not at all. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DataError } from "../errors.ts";
import { replaceFile } from "../util/replace-file.ts";

/** @throws the system's error */
export function saveTrainerState(path: string, state: object): void {
  replaceFile(path, `${JSON.stringify(state)}\n`);
}

/** @throws DataError `checkpoint-broken` when there is no such file, or what it holds is of another form */
export function loadTrainerState<State>(path: string, schema: z.ZodType<State>): State {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new DataError(
      "checkpoint-broken",
      `${path} does not hold a checkpoint of this trainer (${why}): start the run again in another directory`,
      { cause },
    );
  }
}
