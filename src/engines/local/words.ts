/**
 * The word space: how text becomes stems, and stems become 2^16 signed buckets.
 *
 * One space for all languages, no model and no dictionary. Latin, Cyrillic, Greek and other scripts written with
 * spaces give words; scripts written without spaces (Han, kana, Thai, …) and Hangul, whose particles cling to the
 * word, give character bigrams. Stop words and the stemmer are English; words of other languages pass through the
 * same light stemmer, which treats question and memory alike.
 *
 * Decisions:
 * 1. Accents on Latin letters are folded (`café` = `cafe`): people and OCR drop them; other scripts keep their marks.
 * 2. Numbers are whole words, with their separators where they matter: `7:05` is one word and equals `07:05`,
 *    `1,000` equals `1000`, `3.5` stays `3.5`; `5pm` is `5` and `pm`.
 * 3. A negated auxiliary (`don't`) is entirely a stop word. Stems carry topics, not polarity.
 * 4. Lengths are told by `countTokens` (`util/count-tokens.ts`).
 */
import type { WordSpace } from "../../engine.ts";
import { countTokens } from "../../util/count-tokens.ts";
import { sha256 } from "../../util/hash.ts";

/** Raised whenever a rule in code changes; the lists below are hashed into the id automatically. */
const version = 1;
const dimension = 2 ** 16;

/** Words that carry no topic: function words, fillers, and the verbs captions are full of. */
const stopWords = words(`
  a about above after again against all almost already also although always am an and another any anyone
  anything anywhere are as at away be because been before being below between both but by can cannot could did
  do does doing done down during each either else even ever every everyone everything everywhere few for from
  further get gets getting go goes going gone gonna got had has have having he her here hers herself him himself
  his how i if in into is it its itself just kind let like lot many may maybe me might mine more most much must
  my myself neither never no nor not now of off oh on once only onto or other our ours out over own please quite
  rather really said same say says see shall she should since so some someone something somewhere still such
  sure than that the their theirs them themselves then there these they thing things this those though through
  to too under until up upon us very wanna was we well were what when where whether which while who whom whose
  why will with within without would yeah yes yet you your yours yourself
  ah aha eh er haha hey hmm huh mm mmm ok okay um uh wow
  continue continued continues continuing look looked looking looks talk talked talking talks
`);

/** Characters that give a bigram grammar instead of topic: Chinese particles, pronouns and question words, Japanese kana particles. */
const functionCharacters = new Set(
  "的了是在我你您他她它们們这這那就都也和与與着著不没沒有吗嗎呢吧啊呀哦嗯个個之很把被让讓给給上下里裡去来來到说說要会會能可以哪什么麼谁誰怎何" +
    "はがをにでとものへやかねよわさしたてだな",
);

const bigramScripts =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
const number = "\\d+(?:[.,:]\\d+)+|\\d+(?=[ap]m\\b)";
const asciiToken = new RegExp(`${number}|[a-z0-9]+(?:'[a-z]+)*`, "g");
const anyToken = new RegExp(
  `${number}|[${bigramScripts}]+|(?:(?![${bigramScripts}])[\\p{L}\\p{M}\\p{N}])+(?:'\\p{L}+)*`,
  "gu",
);
const bigramRun = new RegExp(`^[${bigramScripts}]`, "u");
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ascii = /^[\x00-\x7f]*$/;

const id = `words:${sha256(
  JSON.stringify([
    version,
    dimension,
    [...stopWords],
    [...functionCharacters],
    asciiToken.source,
    anyToken.source,
  ]),
).slice(0, 12)}`;

/** The word space TaskMem ships with. */
export const wordSpace: WordSpace = { id, dimension, countTokens, stems, bucket };

/** Stems that stand for people, to tell topics from names. Compared as stems: `Alice` becomes `alic`. */
export function nameStems(names: Iterable<string>): Set<string> {
  return new Set([...names].flatMap(stems));
}

function stems(text: string): string[] {
  const plain = ascii.test(text);
  const folded = plain ? text.toLowerCase() : foldLatin(text);
  const found: string[] = [];
  for (const token of folded.match(plain ? asciiToken : anyToken) ?? []) {
    if (!plain && bigramRun.test(token)) pushBigrams(token, found);
    else pushWord(token, found);
  }
  return found;
}

/** Compatibility forms unified, curly apostrophes straightened, marks taken off Latin letters only. */
function foldLatin(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .normalize("NFC")
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .toLowerCase();
}

function pushBigrams(run: string, found: string[]): void {
  const characters = [...run];
  if (characters.length === 1 && !functionCharacters.has(run)) found.push(run);
  for (let i = 1; i < characters.length; i++) {
    const [first, second] = [characters[i - 1]!, characters[i]!];
    if (!functionCharacters.has(first) && !functionCharacters.has(second)) found.push(first + second);
  }
}

/** Token → its stem, or `""` for a stop word. Streams repeat their words, so most look-ups end here. */
const known = new Map<string, string>();
const maxKnown = 100_000;

function pushWord(token: string, found: string[]): void {
  if (token.includes("'")) {
    for (const part of splitClitics(token)) pushWord(part, found);
    return;
  }
  let stem = known.get(token);
  if (stem === undefined) {
    stem = stopWords.has(token) ? "" : stemOf(token);
    if (known.size >= maxKnown) known.clear();
    known.set(token, stem);
  }
  if (stem !== "") found.push(stem);
}

/** `ann's` → ann; `don't` → nothing; `we'll` → we; `o'clock` → clock; `l'école` → ecole. */
function splitClitics(token: string): string[] {
  const [first, ...rest] = token.split("'");
  if (rest.at(-1) === "t") return [];
  return [first!, ...rest.filter((part) => !clitics.has(part))].filter((part) => part.length > 1);
}

const clitics = new Set(["s", "m", "re", "ll", "ve", "d"]);

const vowel = /[aeiouy]/;

/** Light suffix stripping; the result has at least three letters. */
function stemOf(word: string): string {
  if (/^\d/.test(word)) return numberOf(word);
  let stem = word;
  if (stem.length > 3 && stem.endsWith("s")) {
    if (stem.length > 4 && stem.endsWith("ies")) stem = stem.slice(0, -2);
    else if (!/[sui]s$/.test(stem)) stem = stem.slice(0, -1);
  }
  if (stem.length > 4 && stem.endsWith("ied")) stem = stem.slice(0, -2);
  else if (stem.endsWith("ing")) stem = withoutEnding(stem, 3);
  else if (stem.endsWith("eed")) stem = stem.length > 5 ? stem.slice(0, -1) : stem;
  else if (stem.endsWith("ed")) stem = withoutEnding(stem, 2);
  if (stem.length > 3 && /[^aeiou]y$/.test(stem)) stem = `${stem.slice(0, -1)}i`;
  if (stem.length > 5 && stem.endsWith("li")) stem = stem.slice(0, -2); // -ly, by now -li
  if (stem.length > 3 && stem.endsWith("e")) stem = stem.slice(0, -1);
  return stem;
}

function withoutEnding(word: string, length: number): string {
  const rest = word.slice(0, -length);
  if (rest.length < 3 || !vowel.test(rest)) return word;
  return rest.length > 3 && /([^aeiouylsz])\1$/.test(rest) ? rest.slice(0, -1) : rest;
}

/** `07:05` → `7:05`, `1,000` → `1000`; other numbers unchanged. */
function numberOf(word: string): string {
  if (word.includes(":")) return word.replace(/^0+(?=\d)/, "");
  return /^\d{1,3}(,\d{3})+$/.test(word) ? word.replaceAll(",", "") : word;
}

/** FNV-1a over UTF-16 code units (low byte, then high byte), then the finaliser of MurmurHash3. */
function bucket(stem: string): { readonly index: number; readonly sign: 1 | -1 } {
  const hash = mixedHash(stem);
  return { index: hash & (dimension - 1), sign: hash >>> 31 === 0 ? 1 : -1 };
}

/** 32 well-mixed bits of a string. @param seed start state; different seeds give independent hashes */
export function mixedHash(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function words(list: string): Set<string> {
  return new Set(list.trim().split(/\s+/));
}
