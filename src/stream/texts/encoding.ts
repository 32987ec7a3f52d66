/**
 * Bytes of a text file as text: Unicode by its marks and its bytes, otherwise the legacy encoding whose letters look
 * most like a language.
 *
 * A language that is known (from the file's name) is tried first. Each other candidate is decoded and its letters are
 * compared with how often the language uses them; a text that looks like no language is refused. Left out: Vietnamese
 * by statistics, encodings of one's own, and texts that were decoded wrongly before they were saved.
 */
import { DataError } from "../../errors.ts";
import { shareOfFrequentWords } from "./languages.ts";

/** What is known of a file before it is decoded. */
export interface EncodingHints {
  /** For messages: the file's path. */
  readonly name?: string;
  /** BCP 47 tag, if the file's name gives one. */
  readonly language?: string | null;
}

/** Decodes a text file. @throws DataError if its bytes look like no language in any encoding known here */
export function decodeText(bytes: Uint8Array, hints: EncodingHints = {}): string {
  if (isIso2022(bytes)) return new TextDecoder("iso-2022-jp").decode(bytes);
  const unicode = unicodeOf(bytes);
  if (unicode !== null) return unicode;
  const sample = sampleOf(bytes);
  const language = hints.language?.toLowerCase().split("-")[0] ?? null;
  const known = writings.filter(({ languages }) => language !== null && languages.includes(language));
  const best = bestGuess(sample, known, -2.5) ?? bestGuess(sample, writings, leastLikeness);
  if (best === null) {
    throw new DataError(
      "text-encoding",
      `The text file ${hints.name ?? "here"} is not UTF-8, and its letters look like no language in any encoding ` +
        "known here. Save it as UTF-8, or put its language in its name (film.ru.srt).",
      { details: { path: hints.name ?? null } },
    );
  }
  return new TextDecoder(best).decode(bytes);
}

/** The text if the bytes are UTF-8 or UTF-16, with or without a mark; one bad byte in UTF-8 costs one letter. */
function unicodeOf(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  const wide = utf16Of(bytes);
  if (wide !== null) return new TextDecoder(wide).decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const text = new TextDecoder("utf-8").decode(bytes);
    let [good, bad] = [0, 0];
    for (const character of text) {
      if (character === "\uFFFD") bad += 1;
      else if (character > "\x7f") good += 1;
    }
    return good >= 2 * bad ? text : null;
  }
}

/** Japanese in seven bits, which escape sequences turn on. */
function isIso2022(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0x1b);
  return at >= 0 && bytes[at + 1] === 0x24 && (bytes[at + 2] === 0x42 || bytes[at + 2] === 0x40);
}

/** UTF-16 without a mark: of digits, blanks and line ends every other byte is zero. */
function utf16Of(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  const n = Math.min(bytes.length, sampleBytes) & ~1;
  const zeros = [0, 0];
  for (let i = 0; i < n; i++) if (bytes[i] === 0) zeros[i & 1]! += 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > n / 20 && even < odd / 10) return "utf-16le";
  return even > n / 20 && odd < even / 10 ? "utf-16be" : null;
}

const sampleBytes = 1 << 17;

/** The lines with letters beyond ASCII, as one piece of bounded length. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const sample: number[] = [];
  let start = 0;
  for (let i = 0; i <= bytes.length && sample.length < sampleBytes; i++) {
    if (i < bytes.length && bytes[i] !== 0x0a && bytes[i] !== 0x0d && i - start < 4096) continue;
    const line = bytes.subarray(start, i + 1);
    if (line.some((byte) => byte > 0x7f)) sample.push(...line);
    start = i + 1;
  }
  return Uint8Array.from(sample);
}

/** How a language is written, and in which legacy encodings, likeliest first. */
interface Writing {
  readonly encodings: readonly string[];
  readonly languages: readonly string[];
  /** Latin: letters beyond ASCII; otherwise all letters. Most frequent first; groups of one weight for characters of words. */
  readonly letters: string;
  readonly kind: "latin" | "alphabet" | "characters";
}

const latin = (encodings: string, languages: string, letters: string): Writing => ({
  encodings: encodings.split(" "),
  languages: languages.split(" "),
  letters,
  kind: "latin",
});
const other = (
  kind: "alphabet" | "characters",
  encodings: string,
  languages: string,
  letters: string,
): Writing => ({ encodings: encodings.split(" "), languages: languages.split(" "), letters, kind });

const han =
  "一是不了在人有我他中上大和地出道也生到得年自可就下去成行能天分心子方小然多所起日本作看同力化如所定好主部手工水" +
  "明想意家理已己第全面文事用公加正外月内前高回位但此因入其件老老太相文走先再又只那要你她它向她您最被把吧吗啊呢哪找叫做";
const simplified = `${han}的这们来为国说时会后过对学里着发经动现么没见长问头样从关电开实等点当间还进种别机话什很让给谁应该请谢钱气边远亲爱`;
const traditional = `${han}的這們來為國說時會後過對學裡著發經動現麼沒見長問頭樣從關電開實等點當間還進種別機話什很讓給誰應該請謝錢氣邊遠親愛嗎`;

const writings: readonly Writing[] = [
  // biome-ignore-start format: a table
  latin("windows-1252", "fr", "éàèêçùôîâûëïœ"),
  latin("windows-1252", "es ca gl eu", "óáíéñúü"),
  latin("windows-1252", "pt", "ãçáéíóêõúàâô"),
  latin("windows-1252", "de", "üäöß"),
  latin("windows-1252", "it", "èàòùìé"),
  latin("windows-1252", "nl af", "ëéïèöü"),
  latin("windows-1252", "sv fi", "äöåé"),
  latin("windows-1252", "da no nb nn", "åøæé"),
  latin("windows-1252", "is fo", "ðþéíáóöúýæ"),
  latin("windows-1252", "en", "éïèñç"),
  latin("windows-1250 iso-8859-2", "pl", "łęąóżśćńź"),
  latin("windows-1250 iso-8859-2", "cs", "íáěéýřčžšůúťňďó"),
  latin("windows-1250 iso-8859-2", "sk", "áíéčýžšľťúôňäďĺŕó"),
  latin("windows-1250 iso-8859-2", "hu", "áéöóőüíúű"),
  latin("windows-1250 iso-8859-2", "ro", "ăîţâşșț"),
  latin("windows-1250 iso-8859-2", "hr sl bs sr", "čšžćđ"),
  latin("windows-1254", "tr az", "ıüşğöçİâ"),
  latin("windows-1257", "lt", "ėšįųūąčžę"),
  latin("windows-1257", "lv", "āīšēūņļžķģč"),
  latin("windows-1257", "et", "äõüöšž"),
  other(
    "alphabet",
    "windows-1251 koi8-r ibm866 iso-8859-5 x-mac-cyrillic",
    "ru",
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ",
  ),
  other("alphabet", "windows-1251 koi8-u ibm866 iso-8859-5", "uk", "оаниівтерсклудпмяьзйбгчюхцжїшєщфґ"),
  other("alphabet", "windows-1251 ibm866 iso-8859-5", "be", "аніоеурсткдлявыьпмзгчбйўцхжшюэфё"),
  other("alphabet", "windows-1251 ibm866 iso-8859-5", "bg", "аиоентрсвлкдмпугъзбяйчцщшжхюьф"),
  other("alphabet", "windows-1251 ibm866 iso-8859-5", "sr mk", "аоиентсрдвкмпулјзгбчљњцшжхћђфџѓќѕ"),
  other("alphabet", "windows-1253 iso-8859-7", "el", "αοιετσνηυρπκμλςωδγχθφβξζψάίέόήύώϊϋΐ"),
  other("alphabet", "windows-1255 iso-8859-8-i", "he iw yi", "יהולארתבשמנדעקחפכטסגצזםןךףץ"),
  other("alphabet", "windows-1256 iso-8859-6", "ar fa ur", "الينمتوربدهسعفكحقةىجشصطخذضزأثغإئءظؤآیکگپچژ"),
  other("alphabet", "windows-874", "th", "านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซณศษธฟภฉญฐฎฏฝฆ่้ัิีุูืึ์็๊๋ำๆ"),
  other("alphabet", "windows-1258", "vi", ""),
  // biome-ignore-end format: a table
  other("characters", "gb18030", "zh chi zho", simplified),
  other("characters", "big5", "zh chi zho", traditional),
  other(
    "characters",
    "shift_jis euc-jp",
    "ja jpn",
    `日一人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨私彼家君言思知手`,
  ),
  other(
    "characters",
    "euc-kr",
    "ko kor",
    `이다는에을가의고하지를로사은한도기그리자나인어대시있아수전라서정보제해만우것부일주상여구들내게과오면원무스말안요없거나니네야너당신때알았었죄왜잘`,
  ),
];

/** A text whose letters are less like its language than this is refused. Mean of log-probability against its usual value. */
const leastLikeness = -2;

/** The best encoding of the writings, or `null` if none is as good as `least`. */
function bestGuess(sample: Uint8Array, candidates: readonly Writing[], least: number): string | null {
  let best: { encoding: string; likeness: number } | null = null;
  for (const writing of candidates) {
    for (const [place, encoding] of writing.encodings.entries()) {
      const text = new TextDecoder(encoding).decode(sample);
      const likeness = likenessOf(text, writing) - 0.03 * place;
      if (best === null || likeness > best.likeness) best = { encoding, likeness };
    }
  }
  if (best === null) return null;
  // A sign or two in a text of ASCII letters tell nothing, and nothing is lost with them.
  const isSparse = candidates === writings && sample.filter((byte) => byte > 0x7f).length < 4;
  if (best.likeness >= least) return best.encoding;
  return isSparse ? "windows-1252" : null;
}

/** Signs that stand beside numbers, never beside letters. */
const numeric = /[£¥¢¼½¾²³§¶±×]/u;
const typographic =
  /[\u2013\u2014\u2018-\u201e\u2026«»°´·€©®™¿¡№\u00a0、。，！？：；（）「」『』《》・〜ー，“”‘’]/u;

/**
 * How much a text's letters beyond ASCII look like a language: mean of their log-probabilities, less what is usual in
 * that language, so that a text of the language has about 0.
 */
function likenessOf(text: string, writing: Writing): number {
  const { logOf, usual } = modelOf(writing);
  const characters = [...text];
  let [sum, n, ascii] = [0, 0, 0];
  for (const [i, character] of characters.entries()) {
    const before = characters[i - 1] ?? " ";
    const after = characters[i + 1] ?? " ";
    if (character <= "\x7f") {
      if (isAsciiLetter(character)) ascii += 1;
      continue;
    }
    if (typographic.test(character)) {
      if (
        !/['’‘´·\u2013\u2014\u2026]/u.test(character) &&
        isLetter(before) &&
        isLetter(after) &&
        writing.kind !== "characters"
      )
        sum -= 4;
      continue;
    }
    if (writing.kind === "latin" && numeric.test(character)) {
      if (isLetter(before) || isLetter(after)) sum -= 6;
      continue;
    }
    n += 1;
    sum += logOf(character);
    if (writing.kind === "alphabet" && !isLetter(before) && !isLetter(after)) sum -= 1.5;
    const isCapital = isLetter(character) && character.toLowerCase() !== character;
    if (isCapital && isLetter(before) && before.toUpperCase() !== before) sum -= 4;
    if (writing.kind === "latin") {
      if (before > "\x7f" && isLetter(before)) sum -= writing.encodings[0] === "windows-1252" ? 2 : 0.3;
    } else if (isAsciiLetter(before) || isAsciiLetter(after)) sum -= 3;
  }
  if (n === 0) return 0;
  const isDense = writing.kind === "latin" && n > 0.6 * ascii && n > 3;
  return sum / n - usual + (isDense ? -3 : 0) + wordBonus(text, writing);
}

const isAsciiLetter = (character: string) => /[A-Za-z]/.test(character);
const isLetter = (character: string) => /\p{L}/u.test(character);

/** Up to 0.8 for a text whose frequent words are those of the language; in Arabic, for words with its article. */
function wordBonus(text: string, { languages }: Writing): number {
  const language = languages[0]!;
  if (language === "ar") return text.includes(" ال") || text.includes("\nال") ? 0.8 : 0;
  return Math.min(0.8, 3 * shareOfFrequentWords(text, language));
}

interface LetterModel {
  readonly logOf: (character: string) => number;
  /** Mean of `logOf` over a text of the language. */
  readonly usual: number;
}

const models = new Map<Writing, LetterModel>();

function modelOf(writing: Writing): LetterModel {
  const known = models.get(writing);
  if (known) return known;
  const rank = new Map<string, number>();
  for (const letter of writing.letters) if (!rank.has(letter)) rank.set(letter, rank.size);
  const model =
    writing.kind === "characters" ? characterModel(writing, rank) : letterModel(writing.kind, rank);
  models.set(writing, model);
  return model;
}

function letterModel(kind: "latin" | "alphabet", rank: ReadonlyMap<string, number>): LetterModel {
  const slope = kind === "latin" ? 0.3 : 0.1;
  const weights = Array.from({ length: rank.size }, (_, i) => Math.exp(-slope * i));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const logs = weights.map((weight) => Math.log(weight / total));
  const logOf = (character: string) => {
    const place = rank.get(character.toLowerCase()) ?? rank.get(character);
    return place === undefined ? -8 : logs[place]!;
  };
  return { logOf, usual: logs.reduce((sum, log, i) => sum + (log * weights[i]!) / total, 0) };
}

/** Chinese, Japanese, Korean: frequent characters, others of the script, and what the script does not use. */
function characterModel({ languages }: Writing, rank: ReadonlyMap<string, number>): LetterModel {
  const [language] = languages;
  const logOf = (character: string) => {
    if (rank.has(character)) return 0;
    if (/[\u3040-\u30fa]/u.test(character)) return language === "ja" ? 0 : -6;
    if (/\p{Script=Hangul}/u.test(character)) return language === "ko" ? -1 : -6;
    if (/[\uff66-\uff9f\ue000-\uf8ff\ufffd]/u.test(character)) return -8;
    if (/\p{Script=Han}/u.test(character)) return language === "ko" ? -6 : -4;
    return -5;
  };
  return { logOf, usual: { zh: -2, ja: -1, ko: -0.6 }[language!] ?? 0 };
}
