/** A question as people give it: its text, or `-` for standard input, and the answers to choose from. */
import { addAbortSignal } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { ConfigError } from "../errors.ts";
import { letterOptions, type Question } from "../tasks/task.ts";

/** @throws ConfigError for an empty question, a single option or more options than letters; the signal's reason */
export async function questionFlag(
  given: string,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<Question> {
  const text = (given === "-" ? await readAll(typed(signal)) : given).trim();
  if (text === "")
    throw new ConfigError(
      "question-empty",
      'Expected a question, got none: taskmem ask "Where are the keys?"',
    );
  if (options.length === 1)
    throw new ConfigError(
      "options-few",
      "Expected at least two --option values for multiple choice, got one",
    );
  if (options.length > 26)
    throw new ConfigError("options-many", `Expected at most 26 --option values, got ${options.length}`);
  return { text, options: letterOptions(options) };
}

const typed = (signal: AbortSignal | undefined) =>
  signal ? addAbortSignal(signal, process.stdin) : process.stdin;
