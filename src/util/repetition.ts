/**
 * Texts that repeat: what a model writes when it loops, and two texts that say the same in the same words.
 *
 * Texts are compared by their letters and digits alone, so that blanks, stops and case make no difference and a text
 * without blanks is read like any other. Lengths are bytes of UTF-8, because a Chinese character says as much as
 * three Latin letters.
 */

/** Repeats in a row from which something is a loop, if they have `shortestLoop` together. */
const fewestRepeats = 4;
const shortestLoop = 80;
/** Repeats in a row of the same words from which something is a loop, however short: `nine: nine: nine: …`. */
const fewestOfWords = 6;
/** Longest piece whose repeats are looked for, in letters. */
const longestPiece = 300;
/** Shortest sentence that may not be said twice. */
const shortestSentence = 12;

/** Letters and digits of a text in one case and composed the same way. */
export function lettersOf(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "");
}

/** Whether two texts say the same in the same words. Texts without letters and digits never do. */
export function saysTheSame(one: string, other: string): boolean {
  const letters = lettersOf(one);
  return letters !== "" && letters === lettersOf(other);
}

/**
 * Whether a text repeats itself as no one writes: a piece of it comes four times in a row, 80 letters long together; the
 * same words come six times in a row; or a sentence of 12 letters or more comes twice (bytes, see above). What is
 * quoted may come twice, and its words more often: a chorus, a call, "no, no, no" are what was said.
 */
export function isRepetitive(text: string): boolean {
  const own = text.replace(quoted, " ");
  return loops(lettersOf(text)) || repeatsWords(own) || saysTwice(own);
}

const quoted = /"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』/g;

function loops(letters: string): boolean {
  const longest = Math.min(longestPiece, Math.floor(letters.length / fewestRepeats));
  for (let piece = 1; piece <= longest; piece++) {
    let equal = 0;
    for (let at = piece; at < letters.length; at++) {
      equal = letters[at] === letters[at - piece] ? equal + 1 : 0;
      const run = equal + piece;
      if (run >= fewestRepeats * piece && bytesOf(letters.slice(at + 1 - run, at + 1)) >= shortestLoop)
        return true;
    }
  }
  return false;
}

function repeatsWords(text: string): boolean {
  const words = text
    .split(/\s+/)
    .map(lettersOf)
    .filter((word) => word !== "");
  const longest = Math.floor(words.length / fewestOfWords);
  for (let piece = 1; piece <= longest; piece++) {
    let equal = 0;
    for (let at = piece; at < words.length; at++) {
      equal = words[at] === words[at - piece] ? equal + 1 : 0;
      if (equal >= (fewestOfWords - 1) * piece) return true;
    }
  }
  return false;
}

function saysTwice(text: string): boolean {
  const sentences = text
    .split(/[.!?…。！？｡\n]+/u)
    .map(lettersOf)
    .filter((sentence) => bytesOf(sentence) >= shortestSentence);
  return new Set(sentences).size < sentences.length || isDoubled(lettersOf(text));
}

/** Whether the whole is one piece, twice or more often. */
function isDoubled(letters: string): boolean {
  const again = (letters + letters).indexOf(letters, 1);
  return again < letters.length && bytesOf(letters.slice(0, again)) >= shortestSentence;
}

const bytesOf = (text: string) => Buffer.byteLength(text);
