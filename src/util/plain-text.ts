/**
 * Texts without what is no text: control characters, sequences for terminals, characters that turn the direction of
 * writing or cannot be seen.
 *
 * `plainText` drops them where a text enters memory. `shownText` makes them visible where a text is printed that did
 * not: a file's name, another program's message. What writing needs stays: joiners in emoji and in scripts that join,
 * marks of direction beside letters written from the right, tags of a flag.
 */

/** Sequences for terminals, each up to its end if it has one. Every pattern reads a text once. */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
  /(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]{0,4096}(?:\x07|\x1b\\|\x9c)|\x1b[ -/]{0,8}[0-~]/g;

/** Line ends other than the usual one. */
const lineEnds = /\r\n|[\r\v\f\x85\u2028\u2029]/g;

/** A joiner between parts of an emoji, or after a letter of a script whose letters join. */
const joiner =
  /(?<=[\p{Extended_Pictographic}\u{FE0F}\p{Emoji_Modifier}])\u{200D}(?=\p{Extended_Pictographic})|(?<=[[\p{L}\p{M}]--[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]])[\u{200C}\u{200D}]/v;
/** A flag of a region: a black flag with tags. */
const flag = /\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{2,6}\u{E007F}/v;
/** What is no text, line ends and tabs aside; of selectors of variants, one is enough. */
const unseen =
  /[[\p{Cc}]--[\t\n]]|[\u{AD}\u{61C}\u{180E}\u{200B}-\u{200F}\u{2028}-\u{202E}\u{2060}-\u{206F}\u{FEFF}\u{FFF9}-\u{FFFB}\u{1D173}-\u{1D17A}\u{E0000}-\u{E007F}]|(?<=[\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}])[\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]/v;

const needed = new RegExp(`(${joiner.source}|${flag.source})|${unseen.source}`, "gv");
const fromTheRight = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/v;
const directionMarks = /[\u{200E}\u{200F}\u{61C}]/v;

/** A text as memory keeps it. Lines stay lines. */
export function plainText(text: string): string {
  if (isPlain(text)) return text;
  return withUnseen(text.replace(sequences, "").replace(lineEnds, "\n"), () => "");
}

/** A plain text on one line. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

/** A text as one line of a terminal: what cannot be seen is written as an escape, line ends too. */
export function shownText(text: string): string {
  if (isPlain(text) && !text.includes("\n")) return text;
  return withUnseen(text, escaped).replaceAll("\n", "\\n");
}

/** The JSON of a value on one line, with escapes for what a terminal would obey. */
export function shownJson(value: unknown): string {
  return withUnseen(JSON.stringify(value), unicodeEscaped);
}

const isPlain = (text: string) => text.isWellFormed() && text.search(unseen) < 0;

/** Replaces what is no text and not needed. Half a character becomes the sign for an unknown one. */
function withUnseen(text: string, replace: (found: string) => string): string {
  const keepsMarks = fromTheRight.test(text);
  return text
    .toWellFormed()
    .replace(needed, (found, kept: string | undefined) =>
      kept !== undefined || (keepsMarks && directionMarks.test(found)) ? found : replace(found),
    );
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const known: Readonly<Record<string, string>> = { "\r": "\\r", "\v": "\\v", "\f": "\\f", "\b": "\\b" };
  if (known[character]) return known[character];
  const digits = code.toString(16);
  if (code <= 0xff) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}

/** As JSON escapes it, in two halves where it needs them. */
const unicodeEscaped = (character: string) =>
  character
    .split("")
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
