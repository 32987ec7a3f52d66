/** Languages of texts: the script of a line, and whether the user wants a language. */
import type { Cue } from "../clip.ts";

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
export function inLanguages<T extends Pick<Cue, "language">>(
  cues: readonly T[],
  wanted: readonly string[],
): readonly T[] {
  return wanted.length === 0 ? cues : cues.filter(({ language }) => isWanted(language, wanted));
}

/** Frequent words in ASCII letters, by which languages in Latin letters are told apart. */
const frequentWords: Record<string, ReadonlySet<string>> = Object.fromEntries(
  Object.entries({
    fr: "le la les de et est que pas je vous un une dans pour il elle ce ne nous avec sur mais",
    es: "que el los una por con para no la de es lo se y yo me mi pero muy como esta tu",
    pt: "que uma com para os um da do de eu se em o a mas muito como meu isso voce",
    de: "und der die das ist nicht ich wir ein sie den mit zu auf du es war aber mich",
    it: "che non per una sono il di la un mi si con ho ma sei questo come",
    nl: "het een van niet ik de en dat is je we zijn met op maar",
    sv: "och att det som inte jag vi en ja on ei se du har den med till",
    da: "og det ikke jeg er en at du i har vi med den til",
    is: "og er ekki ad sem eg",
    en: "the and to of a in that is it you we i for on my your this be not are was with he she they",
    pl: "nie to na jest do co jak w z i si",
    cs: "je se na to co jsem ale tak v a do",
    sk: "je sa na to som ale tak v a do",
    hu: "hogy nem egy az a meg van ez de",
    ro: "nu este la un o de pe cu ce sunt",
    hr: "je se da na to nije sam ne i u",
    tr: "bir ve bu ne de da evet benim var",
    lt: "ir kad yra ne tai su",
    lv: "un ir ka ne es tas",
    et: "on ja ei see et ma",
  }).map(([language, words]) => [language, new Set(words.split(" "))]),
); // biome-ignore format: a table

/** Share of a text's words that are among the most frequent of a language; 0 for a language not known here. */
export function shareOfFrequentWords(text: string, language: string): number {
  const frequent = frequentWords[language];
  if (frequent === undefined) return 0;
  const words =
    text
      .slice(0, 20_000)
      .toLowerCase()
      .match(/(?<![^\s\p{P}])[a-z]+(?![^\s\p{P}])/gu) ?? [];
  return words.length === 0 ? 0 : words.filter((word) => frequent.has(word)).length / words.length;
}

/** The language of a text in Latin letters by its frequent words; `null` if none stands out. */
export function guessLatin(text: string): string | null {
  const shares = Object.keys(frequentWords)
    .map((language) => ({ language, share: shareOfFrequentWords(text, language) }))
    .sort((a, b) => b.share - a.share);
  const [best, second] = shares as [(typeof shares)[0], (typeof shares)[0]];
  return best.share >= 0.15 && best.share >= 1.2 * second.share ? best.language : null;
}
