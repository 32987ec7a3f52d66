/**
 * Whether a memory says a question again instead of telling what happened: what small models write under a task prompt,
 * and what a judge that sees only memory and questions likes best.
 *
 * Words are compared as they are written, so a question in other words is not found.
 */
import { sourceTexts } from "../perception/observation.ts";
import type { Context } from "../policy/policy.ts";
import type { Question } from "../tasks/task.ts";

/** Share of a memory's words that must stand in one text for the memory to repeat it. */
const mostShared = 0.75;
/** Fewer words than this are a name or two. */
const fewestWords = 2;

/**
 * The question that a memory repeats, of those given and those in the supplement; `null` for none. What the clip itself
 * says is no repetition: a question may have been asked in it, or a memory may answer one with yes. Where the clip has
 * no texts, only a memory that asks is one.
 */
export function repeatedQuestion(
  memory: string,
  { observations, supplement = "" }: Context,
  questions: readonly Question[] = [],
): string | null {
  const own = wordsOf(memory);
  if (own.length < fewestWords) return null;
  const asked = [...questions.map(({ text }) => text), ...supplement.split("\n")];
  const repeated = asked.find((question) => share(own, new Set(wordsOf(question))) >= mostShared);
  if (repeated === undefined) return null;
  const heard = observations.flatMap(sourceTexts).map(({ text, speaker }) => `${speaker ?? ""} ${text}`);
  const isTold =
    heard.length > 0 ? share(own, new Set(wordsOf(heard.join(" ")))) >= mostShared : !asks(memory);
  return isTold ? null : repeated;
}

const asks = (text: string) => /[?？]/.test(text);

function share(words: readonly string[], among: ReadonlySet<string>): number {
  return words.filter((word) => among.has(word)).length / words.length;
}

/** Words of three letters or more; two neighbouring characters where a script puts no blanks. Each once. */
function wordsOf(text: string): string[] {
  const runs =
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [
    ...new Set(runs.flatMap((run) => (unspaced.test(run) ? pairsOf(run) : run.length > 2 ? [run] : []))),
  ];
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}]/u;

function pairsOf(run: string): string[] {
  const letters = [...run];
  return letters.slice(1).map((letter, i) => letters[i]! + letter);
}
