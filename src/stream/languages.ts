/** Languages of texts: the script of a line, and whether the user wants a language. */
import type { Cue } from "./clip.ts";

/** A script: those that identify a language, Latin, another, or `null` for a line without letters. */
export type Script = "zh" | "ja" | "ko" | "Latn" | "other" | null;

/** The script of most letters of a line. Kana beside Han makes it Japanese. */
export function scriptOf(line: string): Script {
  const count = (pattern: RegExp) => line.match(pattern)?.length ?? 0;
  const kana = count(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu);
  const han = count(/\p{Script=Han}/gu);
  const hangul = count(/\p{Script=Hangul}/gu);
  // A Han or Hangul character counts as a word, five Latin letters too.
  const latin = count(/\p{Script=Latin}+/gu);
  const letters = count(/\p{L}+/gu);
  if (letters === 0) return null;
  if (hangul > latin && hangul > han) return "ko";
  if (kana > 0 && kana + han > latin) return "ja";
  if (han > latin) return "zh";
  return latin > 0 ? "Latn" : "other";
}

/** Languages not written in Latin letters, by primary subtag. */
const notLatin = new Set(
  "zh ja ko ru uk bg sr el he ar fa ur hi bn ta te th ka hy am km lo my ne mr gu pa si mn kk".split(" "),
);

const primary = (tag: string) => canonical(tag).split("-")[0]!;

/** Three-letter codes of containers, and the two-letter codes people type. */
const shortCodes: Record<string, string> = {
  eng: "en", chi: "zh", zho: "zh", cmn: "zh", jpn: "ja", kor: "ko", ger: "de", deu: "de", fre: "fr", fra: "fr",
  spa: "es", ita: "it", por: "pt", rus: "ru", dut: "nl", nld: "nl", ara: "ar", hin: "hi", tur: "tr", pol: "pl",
  swe: "sv", ukr: "uk", vie: "vi", tha: "th", cze: "cs", ces: "cs", gre: "el", ell: "el", heb: "he", dan: "da",
  fin: "fi", nor: "no", hun: "hu", ind: "id", ron: "ro", rum: "ro",
}; // biome-ignore format: a table

/** A language tag in the form compared here: lower case, with two letters if there is such a code. */
export function canonical(tag: string): string {
  const [first = "", ...rest] = tag.toLowerCase().replaceAll("_", "-").split("-");
  return [shortCodes[first] ?? first, ...rest].join("-");
}

/** The language of a line: by its script, otherwise by the file, otherwise `null`. */
export function languageOfScript(
  script: Script,
  fileLanguage: string | null,
  isBilingual: boolean,
): string | null {
  if (script === "zh" || script === "ja" || script === "ko") {
    // A line of only Han in a Japanese file is Japanese.
    return fileLanguage !== null && notLatin.has(primary(fileLanguage)) && !isBilingual
      ? fileLanguage
      : script;
  }
  if (!isBilingual || script !== "Latn") return fileLanguage;
  return fileLanguage !== null && !notLatin.has(primary(fileLanguage)) ? fileLanguage : "und-Latn";
}

/** Whether a language is wanted. An empty list wants all; unknown languages are always kept. */
export function isWanted(language: string | null, wanted: readonly string[]): boolean {
  if (wanted.length === 0 || language === null) return true;
  if (language === "und-Latn") return wanted.some((tag) => !notLatin.has(primary(tag)));
  return wanted.some((tag) => primary(tag) === primary(language));
}

/** Cues in the languages wanted. */
export function inLanguages(cues: readonly Cue[], wanted: readonly string[]): readonly Cue[] {
  return wanted.length === 0 ? cues : cues.filter(({ language }) => isWanted(language, wanted));
}
