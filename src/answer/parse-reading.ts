/**
 * Parses a model's answer: strictly as the JSON it was asked for, otherwise leniently (code fences, text around the
 * object, broken JSON, a last line with a letter). It never throws; it says what cannot be used.
 *
 * It avoids two mistakes of the released code's parser: only a whole final line counts as a letter, and a letter that
 * is no option is an error, not option A.
 */
import { jsonrepair } from "jsonrepair";
import type { Question } from "../tasks/task.ts";
import { plainText } from "../util/plain-text.ts";
import { isRepetitive } from "../util/repetition.ts";
import type { Reading } from "./reader.ts";

/** A model's answer, or what is wrong with it. */
export type ParsedReading =
  | {
      readonly ok: true;
      readonly reading: Omit<Reading, "cost" | "cited"> & { readonly cited: readonly number[] };
    }
  /** A clause that completes "Your answer could not be used:". */
  | { readonly ok: false; readonly problem: string };

/**
 * The answer in a model's text, or what is wrong with it.
 * @param shown how many entries the model was shown, numbered from 1; other numbers it cites are dropped
 */
export function parseReading(text: string, question: Question, shown: number): ParsedReading {
  if (text.trim() === "") return { ok: false, problem: "it was empty" };
  const fields = readObject(text) ?? readLastLine(text, question);
  if (fields === null) return { ok: false, problem: "it was not the JSON object asked for" };
  const answer = wordsOf(fields.answer);
  if (!isAnswerable(fields, answer)) {
    return { ok: true, reading: { answer: insufficient, option: null, abstained: true, cited: [] } };
  }
  if (isRepetitive(answer)) return { ok: false, problem: "its answer said the same again and again" };
  const cited = citedNumbers(fields.citations, text, shown);
  if (cited.length === 0) {
    return { ok: false, problem: "it cited none of the entries shown, by their numbers" };
  }
  if (question.options.length === 0) {
    if (answer === "") return { ok: false, problem: "its answer was empty" };
    return { ok: true, reading: { answer, option: null, abstained: false, cited } };
  }
  const option = chosenOption(fields.option ?? answer, question);
  if (option === null) {
    const letters = question.options.map(({ letter }) => letter).join(", ");
    return { ok: false, problem: `its option was not one of ${letters}` };
  }
  return {
    ok: true,
    reading: { answer: answer || option.text, option: option.letter, abstained: false, cited },
  };
}

/** A text as an answer; nothing of one without a letter or digit, such as the "…" of the form. */
function wordsOf(text: unknown): string {
  const words = typeof text === "string" ? plainText(text).trim() : "";
  return /[\p{L}\p{N}]/u.test(words) ? words : "";
}

/** An abstention says so in our words: those of a small model may be an answer all the same, or nonsense. */
export const insufficient = "Memory does not hold what is needed to answer this.";

interface Fields {
  readonly answerable?: unknown;
  readonly answer?: unknown;
  readonly option?: unknown;
  readonly citations?: unknown;
}

/** The JSON object in a text, repaired if necessary; `null` if there is none with an answer. */
function readObject(text: string): Fields | null {
  const start = text.indexOf("{");
  if (start < 0) return null;
  const whole = text.slice(start);
  const upToLastBrace = whole.slice(0, whole.lastIndexOf("}") + 1);
  for (const attempt of [() => upToLastBrace, () => jsonrepair(upToLastBrace), () => jsonrepair(whole)]) {
    try {
      const value: unknown = JSON.parse(attempt());
      if (isRecord(value) && ("answer" in value || "option" in value || "answerable" in value)) return value;
    } catch {
      // try the next, more lenient way
    }
  }
  return null;
}

const letterLine =
  /^\W*(?:(?:the\s+)?(?:final\s+|correct\s+|best\s+)?(?:answer|option|choice)(?:\s+is)?\W+)?([A-Z])\W*$/i;
const noEvidence =
  /\b(insufficient (information|evidence)|not answerable|cannot be (answered|determined)|can(not|'t) (tell|answer))\b/i;

/**
 * Plain prose with the ending the paper's prompts ask for: a last line with one letter, or that it cannot be answered.
 */
function readLastLine(text: string, { options }: Question): Fields | null {
  const last = text.trim().split("\n").at(-1)!;
  if (noEvidence.test(last)) return { answerable: false };
  const letter = letterLine.exec(last)?.[1];
  return options.length > 0 && letter !== undefined ? { option: letter } : null;
}

function isAnswerable({ answerable, option }: Fields, answer: string): boolean {
  if (answerable === false || (typeof answerable === "string" && /^(false|no|0)$/i.test(answerable.trim())))
    return false;
  if (answerable === undefined && (option === null || option === undefined)) return !noEvidence.test(answer);
  return true;
}

/** The option a field names: by its text, its letter, or both (`B. on the desk`). */
function chosenOption(value: unknown, { options }: Question) {
  if (typeof value !== "string") return null;
  const plain = value.trim().toLowerCase().replace(/\.$/, "");
  const byText = options.find(({ text }) => text.trim().toLowerCase().replace(/\.$/, "") === plain);
  if (byText) return byText;
  const letter = (/^\W*([A-Z])\W*$/i.exec(value) ?? /^\W*([A-Z])[.):]\s/i.exec(value))?.[1]?.toUpperCase();
  return options.find((option) => option.letter === letter) ?? null;
}

/** Numbers that were shown, from the list, or in brackets, from anywhere in the text if the list has none. */
function citedNumbers(citations: unknown, text: string, shown: number): number[] {
  const listed = Array.isArray(citations) ? citations.join(" ") : String(citations ?? "");
  const within = (numbers: readonly string[]) =>
    [...new Set(numbers.map(Number))]
      .filter((number) => number >= 1 && number <= shown)
      .sort((a, b) => a - b);
  const cited = within((listed.match(/[\w:.-]+/g) ?? []).filter((word) => /^\d+$/.test(word)));
  return cited.length > 0 ? cited : within(Array.from(text.matchAll(/\[(\d+)\]/g), (found) => found[1]!));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
