/** A line that says the same in two languages: `text / the same`. */

const between = " / ";
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** Whether a text holds words that are written without spaces. */
export const isUnspaced = (text: string): boolean => unspaced.test(text);

/** A line of both. */
export const inTwoLanguages = (first: string, second: string): string => `${first}${between}${second}`;

/** The halves of a line told in two languages, one of them written without spaces; other texts whole. */
export function halvesOf(text: string): readonly string[] {
  const halves = text.split(between);
  return halves.length === 2 && halves.filter(isUnspaced).length === 1 ? halves : [text];
}
