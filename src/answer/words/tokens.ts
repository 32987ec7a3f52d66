/** A text as the words a reader compares: each with the forms under which it may be found. */
import type { WordSpace } from "../../engine.ts";
import { foldings, foldLetters } from "../../util/letters.ts";
import { baseForm, commonWord, type Dimension, numberWord, unitOf } from "./forms.ts";
import { isFunctionWord, isNegated, type LanguageCode, languageOf, withoutPhrases } from "./languages.ts";

/** A word of a text. */
export interface Token {
  /** As it is written. */
  readonly word: string;
  /** Lower case, without marks on Latin letters. */
  readonly folded: string;
  /** Under which it is found, the usual one first; none for a function word. */
  readonly forms: readonly string[];
  readonly isCapital: boolean;
  /** Whether it is a number or a clock time; its unit is part of it. */
  readonly isNumber: boolean;
  /** What its unit measures. */
  readonly measures: Dimension | null;
}

/** A text in words. */
export interface Tokens {
  readonly language: LanguageCode;
  readonly negated: boolean;
  readonly all: readonly Token[];
}

const bigramScripts =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const pattern = new RegExp(
  `[$€£¥]?\\d+(?:[.,:]\\d+)*|${bigramScripts.source.replace(/^\[/, "[")}+|(?:(?!${bigramScripts.source})[\\p{L}\\p{M}])+(?:['’\\-.](?!${bigramScripts.source})[\\p{L}\\p{M}\\p{N}]+|\\d+)*|[%€£¥$°]`,
  "gu",
);

/** What clings to an English word: "let's" holds no French `s`. */
const clitic = /'(?:s|t|re|ve|ll|d|m)$/;

/**
 * The words of a text. Where a script without spaces stands beside words, each is read by its own language.
 * @param language of its words @default told by them
 */
export function tokensOf(text: string, space: WordSpace, language?: LanguageCode): Tokens {
  const written = Array.from(text.matchAll(pattern), ([word]) => word);
  const folded = written.map(foldLetters);
  const script = languageOf(text, []);
  const spaced = folded.filter((word) => !bigramScripts.test(word) && /\p{L}/u.test(word));
  const bySpaces = languageOf(
    spaced.join(" "),
    spaced.flatMap((word) => word.replace(clitic, "").split(/['-]/)),
  );
  const spoken = language ?? (spaced.length > 0 ? bySpaces : script);
  const all: Token[] = [];
  for (let i = 0; i < written.length; i++) {
    const word = written[i]!;
    const number = numberAt(folded, i);
    if (number) {
      const whole = written.slice(i, i + number.length).join(" ");
      all.push({ word: whole, folded: folded[i]!, isCapital: false, ...number });
      i += number.length - 1;
    } else if (bigramScripts.test(word)) all.push(...bigramsOf(word, script, space));
    else all.push(wordToken(word, folded[i]!, spoken, space));
  }
  const plain = folded.flatMap((word) => word.split("'"));
  const negated = isNegated(text, plain, spoken) || (script !== spoken && isNegated(text, plain, script));
  return { language: spoken, negated, all };
}

function wordToken(word: string, folded: string, language: LanguageCode, space: WordSpace): Token {
  const isCapital = /^\p{Lu}/u.test(word);
  return {
    word,
    folded,
    forms: formsOf(word, folded, language, space),
    isCapital,
    isNumber: false,
    measures: null,
  };
}

function formsOf(word: string, folded: string, language: LanguageCode, space: WordSpace): string[] {
  const plain = folded.replace(/'s?$|'(?:s|re|ve|ll|d|m)$/, "");
  if (plain.length === 1 || isFunctionWord(folded, language) || isFunctionWord(plain, language)) return [];
  const parts = plain.split(/['-]/).filter((part) => part.length > 1 && !isFunctionWord(part, language));
  if (plain.includes("'") && parts.length < 2) {
    return parts[0] === undefined || plain === parts[0] ? [] : formsOf(parts[0], parts[0], language, space);
  }
  const isEnglish = language === "en";
  const own = isEnglish ? commonWord(baseForm(plain)) : withoutArticle(plain);
  const spellings = [own, ...foldings(word).slice(1)];
  const forms = spellings.flatMap(
    (spelling) => space.stems(spelling).join("") || (isEnglish ? [] : [spelling]),
  );
  // A word of two joined by a hyphen is found under either, and where it is written as one.
  const halves = parts.length > 1 && !/\d/.test(plain) ? parts.flatMap((part) => space.stems(part)) : [];
  const joined = plain.includes("-") ? space.stems(plain.replaceAll("-", "")) : [];
  return [...new Set([...forms, ...halves, ...joined])];
}

/** An Arabic word without the article that clings to it. */
const withoutArticle = (word: string) =>
  /^\p{Script=Arabic}/u.test(word) ? word.replace(/^[وبفكل]?ال(?=.{2})/u, "") : word;

/** Bigrams, and characters that belong to none: a word of one character between particles. */
function bigramsOf(run: string, language: LanguageCode, space: WordSpace): Token[] {
  return withoutPhrases(run, language)
    .split(" ")
    .flatMap((part) => {
      const bigrams = space.stems(part);
      const alone = [...part].filter((character) => !bigrams.some((bigram) => bigram.includes(character)));
      return [...bigrams, ...alone.flatMap((character) => space.stems(character))];
    })
    .map((form) => {
      const value = numberWord(form);
      const forms = value === null ? [form] : [form, `n:${value}`];
      return { word: form, folded: form, forms, isCapital: false, isNumber: false, measures: null };
    });
}

/** Between a number and its unit: "6 whole months". */
const ofUnit = /^(?:whole|full|entire|solid|straight|consecutive|more|extra|further|additional)$/;
const ampm = /^(?:am|pm|a\.m|p\.m|a\.m\.|p\.m\.)$/;

/** A number of words from a place on, with its unit or half of the day. */
function numberAt(
  folded: readonly string[],
  at: number,
): (Pick<Token, "forms" | "isNumber" | "measures"> & { readonly length: number }) | null {
  const word = folded[at]!;
  const sign = /^[$€£¥]/.exec(word)?.[0];
  const digits = sign ? word.slice(1) : word;
  const isClock = /^\d{1,2}:\d{2}(?::\d{2})?$/.test(digits);
  const value = /^\d/.test(digits) ? decimal(digits) : numberWord(word);
  if (value === null && !isClock) return null;
  const next = folded[at + 1] ?? "";
  if (isClock || ampm.test(next)) {
    const [hours, minutes = "00", ...seconds] = isClock ? digits.split(":") : [String(value), "00"];
    const isLate = /^p/.test(next) && Number(hours) < 12;
    const hour = /^a/.test(next) && Number(hours) === 12 ? 0 : Number(hours) + (isLate ? 12 : 0);
    const clock = `t:${hour}:${[minutes, ...seconds].join(":")}`;
    return { forms: [clock], isNumber: true, measures: null, length: ampm.test(next) ? 2 : 1 };
  }
  const between = ofUnit.test(next) && unitOf(folded[at + 2] ?? "") !== undefined ? 1 : 0;
  const unit = sign ? unitOf(sign) : unitOf(folded[at + 1 + between] ?? "");
  const bare = `n:${value}`;
  // "One of the first" tells no amount.
  const isPart = word === "one" && next === "of";
  if (!unit)
    return { forms: isPart ? [bare] : [bare, `b:${value}`], isNumber: true, measures: null, length: 1 };
  const quantity = `q:${Math.round(value! * unit.size * 1e6) / 1e6}${unit.base}`;
  return { forms: [quantity, bare], isNumber: true, measures: unit.of, length: sign ? 1 : 2 + between };
}

/** `1,000` → 1000, `2,5` → 2.5; `null` for a date or a version. */
function decimal(digits: string): number | null {
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits)) return Number(digits.replaceAll(",", ""));
  if (/^\d+(?:[.,]\d+)?$/.test(digits)) return Number(digits.replace(",", "."));
  return null;
}

/** Forms under which a number of a question is looked for: one with a unit is not found as another unit's. */
export function soughtForms({ forms, isNumber, measures }: Token): readonly string[] {
  if (!isNumber) return forms;
  if (measures === null) return forms.filter((form) => !form.startsWith("b:"));
  return forms.map((form) => (form.startsWith("n:") ? `b:${form.slice(2)}` : form));
}
