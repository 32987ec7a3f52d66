/**
 * What a model wrote as a verdict: the JSON object asked for, perhaps in a fence or between words, read strictly.
 *
 * Nothing is converted: the text "0" is not true, 1 is not true, a ranking that leaves one out is no
 * ranking. `null` is an unusable verdict; nothing is thrown.
 */
import type { Preference } from "./judge.ts";

/** A yes-or-no verdict with its reason. */
export interface Verdict {
  readonly pass: boolean;
  readonly rationale: string;
}

/** The verdict in a text. @param key of the boolean */
export function parseVerdict(text: string, key: "correct" | "clean"): Verdict | null {
  const fields = readObject(text);
  const pass = fields?.[key];
  if (typeof pass !== "boolean") return null;
  return { pass, rationale: parseRationale(text) };
}

/** The reason for a verdict; empty where none is given. */
export function parseRationale(text: string): string {
  const rationale = readObject(text)?.rationale;
  return typeof rationale === "string" ? rationale : "";
}

/** The ranking in a text: numbers from 1 to `count`, each once, the best first. */
export function parseRanking(text: string, count: number): number[] | null {
  const ranking = readObject(text)?.ranking;
  if (!Array.isArray(ranking) || ranking.length !== count) return null;
  const isWhole = Array.from({ length: count }, (_, i) => i + 1).every((number) => ranking.includes(number));
  return isWhole ? ranking : null;
}

/** The preference in a text. */
export function parsePreference(text: string): Preference | null {
  const preference = readObject(text)?.moreUseful;
  return preference === "first" || preference === "second" || preference === "tie" ? preference : null;
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
