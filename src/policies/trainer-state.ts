/** The saved state of a small trainer: numbers as JSON, whole or not at all. */
import { readFileSync } from "node:fs";
import type { z as Zod, ZodType } from "zod";
import { DataError } from "../errors.ts";
import { replaceFile } from "../util/replace-file.ts";

/** Writes a trainer's state. @throws the system's error */
export function saveTrainerState(path: string, state: object): void {
  replaceFile(path, `${JSON.stringify(state)}\n`);
}

/**
 * Reads a trainer's state. zod is loaded only now, so that importing the library stays fast.
 * @param schemaOf form of the state, made with zod's `z`
 * @throws DataError `checkpoint-broken` when the file is missing or of another form
 */
export async function loadTrainerState<State>(
  path: string,
  schemaOf: (z: typeof Zod) => ZodType<State>,
): Promise<State> {
  const { z } = await import("zod");
  try {
    return schemaOf(z).parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new DataError(
      "checkpoint-broken",
      `${path} does not hold a checkpoint of this trainer (${why}): start the run again in another directory`,
      { cause },
    );
  }
}
