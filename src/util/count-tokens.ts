/**
 * The length of a text in tokens, as memory budgets count it: an estimate that needs no tokeniser.
 *
 * A word is 1.3 tokens, a character of Chinese, Japanese or Korean one token. Thai, Lao, Khmer and Burmese put no blanks
 * between their words, which take three to four characters: there, three characters are a token. A run of more than 40
 * characters without a blank is no word (a link, letters without end) and counts a token for every four characters.
 */
const singles = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]/gu;
const unspaced = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
const longestWord = 40;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ascii = /^[\x00-\x7f]*$/;

/** Estimated tokens of a text, a whole number; 0 for blanks. */
export function countTokens(text: string): number {
  if (ascii.test(text)) return tokensOfWords(text);
  let tokens = text.match(singles)?.length ?? 0;
  for (const [run] of text.matchAll(unspaced)) tokens += Math.ceil(run.length / 3);
  return tokens + tokensOfWords(text.replace(singles, " ").replace(unspaced, " "));
}

function tokensOfWords(text: string): number {
  let words = 0;
  let ofLongRuns = 0;
  let length = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !isBlank(text.charCodeAt(i))) {
      length += 1;
      continue;
    }
    if (length > longestWord) ofLongRuns += Math.ceil(length / 4);
    else if (length > 0) words += 1;
    length = 0;
  }
  return Math.ceil((13 * words) / 10) + ofLongRuns; // 13·n / 10: 1.3·n is not exact in binary
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0x3000;
}
