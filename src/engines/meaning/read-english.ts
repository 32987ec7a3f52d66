/** What an encoder of English knows of a text: lines told in two languages keep the half it knows. */
import { isFunctionWord, languageOf } from "../../answer/words/languages.ts";
import { foldLetters } from "../../util/letters.ts";

const otherLetters = /(?!\p{Script=Latin})\p{L}/gu;
const otherWords = /(?:(?!\p{Script=Latin})\p{L}[\p{M}、。！？，]*)+/gu;
/** What stands between a line and the same in another language. */
const betweenHalves = /(?<!\S)\/(?!\S)/gu;

/** The Latin words of a text; `null` where most letters are of another script, or the words of another language. */
export function readEnglish(text: string): string | null {
  const others = text.match(otherLetters)?.length ?? 0;
  const kept = others === 0 ? text : text.replace(otherWords, " ").replace(betweenHalves, " ");
  const own = kept.match(/\p{L}/gu)?.length ?? 0;
  if (own === 0 || own < others) return null;
  return isForeign(kept) ? null : kept;
}

/** Whether several words are such as only another language has: one alone may be a name, as "Jake" is a Polish word. */
function isForeign(text: string): boolean {
  const words = foldLetters(text).match(/[\p{L}\p{M}]+/gu) ?? [];
  const language = languageOf(words.join(" "), words);
  return language !== "en" && words.filter((word) => isFunctionWord(word, language)).length > 1;
}
