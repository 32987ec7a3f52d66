/**
 * Letters that people write in more than one way: a name is found however it is typed.
 *
 * Marks are taken off Latin letters, and letters that are no letter with a mark (`ł`, `ø`, `ß`) get their usual plain
 * spelling. German and Nordic letters have two, `Jürgen` is `Jurgen` and `Juergen`, so a text has two foldings.
 */

const plain: Readonly<Record<string, string>> = {
  ...{ ł: "l", ø: "o", đ: "d", ð: "d", þ: "th", ß: "ss", æ: "ae", œ: "oe", ı: "i", ħ: "h", ŧ: "t", ŋ: "n" },
};
const digraphs: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue", ø: "oe", å: "aa" };

const special = new RegExp(`[${Object.keys(plain).join("")}]`, "g");
const twofold = new RegExp(`[${Object.keys(digraphs).join("")}]`, "g");

/** A text in lower case without marks on Latin letters: `Łukasz` → `lukasz`, `Jürgen` → `jurgen`. */
export function foldLetters(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1") // the dot that lower-casing İ leaves
    .replace(special, (letter) => plain[letter]!);
}

/** Both foldings of a text, or the only one: `Jürgen` → `jurgen`, `juergen`. */
export function foldings(text: string): readonly string[] {
  const one = foldLetters(text);
  const composed = text.normalize("NFC").toLowerCase();
  if (!twofold.test(composed)) return [one];
  twofold.lastIndex = 0;
  return [one, foldLetters(composed.replace(twofold, (letter) => digraphs[letter]!))];
}
