/** A file of questions to learn from: JSON Lines, each a question, `{"question": …}` or a row of `tasks list --json`. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigError, DataError } from "../errors.ts";
import { letterOptions, notAnswered, type Task, toQuestion } from "../tasks/task.ts";
import { shortId } from "../util/hash.ts";

const options = z.array(z.union([z.string(), z.object({ text: z.string() })])).default([]);
const rowSchema = z.union([
  z.string().transform((text) => ({ text, options: [] })),
  z
    .object({ question: z.string(), options })
    .transform(({ question, ...rest }) => ({ text: question, ...rest })),
  z.object({ question: z.object({ text: z.string(), options }) }).transform(({ question }) => question),
]);

/**
 * The tasks of a file, in its order. The same question has the same id in every file.
 * @throws ConfigError `file-missing`, `questions-missing`; DataError `row-invalid` with the line
 */
export function questionsFile(path: string, askedAtMs: number): Task[] {
  const tasks = linesOf(path).flatMap((line, i) => (line.trim() === "" ? [] : [taskOf(line, i)]));
  if (tasks.length > 0) return tasks;
  throw new ConfigError("questions-missing", `Expected a question a line in ${path}, got none`);

  function taskOf(line: string, i: number): Task {
    try {
      const { text, options } = rowSchema.parse(JSON.parse(line));
      const answers = letterOptions(
        options.map((option) => (typeof option === "string" ? option : option.text)),
      );
      return {
        id: shortId("task", text),
        ...{ askedAtMs, asOfSeconds: null, stream: null, question: toQuestion({ text, options: answers }) },
        ...{ answer: "", option: null, abstained: true, citations: [], reader: notAnswered, feedback: null },
      };
    } catch (cause) {
      throw new DataError(
        "row-invalid",
        `Expected a question as JSON in line ${i + 1} of ${path}, as {"question": "Where are the keys?"}, got ${JSON.stringify(line.slice(0, 80))}`,
        { cause },
      );
    }
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (cause) {
    throw new DataError("file-missing", `There are no questions at ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
