/** Questions of other people, for the control: does it matter that the questions are this user's? */
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { DataError } from "../../../errors.ts";
import { seededRandom, shuffle } from "../../../util/random.ts";

/** Questions that were not asked of this week. */
export interface ForeignQuestions {
  readonly name: string;
  readonly texts: readonly string[];
}

/** Benchmarks beside EgoLife whose questions can serve, from its root. */
const neighbours = ["../egotempo/egotempo_openQA.json", "../m3bench/web.json", "../m3bench/robot.json"];

/** Files of foreign questions that lie beside a root. */
export function foreignFilesBeside(root: string): string[] {
  return neighbours.map((path) => join(root, path)).filter((path) => existsSync(path));
}

/**
 * The questions of a JSON file, in seeded order: every text under a key `question`, wherever it stands, or a list of texts.
 * @throws DataError when there is none
 */
export function readForeignQuestions(path: string, seed: string): ForeignQuestions {
  const unusable = (code: "file-unreadable" | "questions-missing", problem: string, cause?: unknown) =>
    new DataError(code, problem, { cause, details: { path } });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw unusable("file-unreadable", `Expected JSON with questions at ${path}, could not read it`, cause);
  }
  const listed = Array.isArray(content) ? content.filter((value) => typeof value === "string") : [];
  const texts = [...new Set([...listed, ...asked(content)])];
  if (texts.length === 0)
    throw unusable(
      "questions-missing",
      `Expected questions in ${path}, found none: give a list of texts, or objects with a key "question"`,
    );
  const name = basename(path, extname(path)).replace(/_openQA$/i, "");
  return { name, texts: shuffle(seededRandom(`foreign ${seed}`), texts) };
}

function asked(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "question" in value && typeof value.question === "string" ? [value.question] : [];
  return [...own, ...Object.values(value).flatMap(asked)];
}
