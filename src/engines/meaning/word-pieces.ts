/**
 * Text to tokens as BERT's uncased vocabularies have it: lower case without accents, words and marks apart, each word in
 * the longest pieces that the vocabulary knows (Devlin et al. 2019; WordPiece of `google-research/bert`,
 * `tokenization.py`).
 */

/** Longer words are unknown as a whole. */
const mostLetters = 100;

/** Token ids of a text, its beginning and end marked. @param most tokens; the rest of a longer text is left out */
export type WordPieces = (text: string, most: number) => number[];

/** @param vocabulary pieces, one a line, as `vocab.txt` has them @throws Error where a mark is missing */
export function wordPieces(vocabulary: string): WordPieces {
  const ids = new Map(vocabulary.split(/\r?\n/).map((piece, id) => [piece, id]));
  const mark = (name: string) => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`the vocabulary has no ${name}`);
    return id;
  };
  const [begin, end, unknown] = [mark("[CLS]"), mark("[SEP]"), mark("[UNK]")];
  const piecesOf = (word: string): number[] => {
    const letters = [...word];
    if (letters.length > mostLetters) return [unknown];
    const pieces: number[] = [];
    for (let from = 0; from < letters.length; ) {
      let to = letters.length;
      let id: number | undefined;
      for (; to > from && id === undefined; to--)
        id = ids.get((from > 0 ? "##" : "") + letters.slice(from, to).join(""));
      if (id === undefined) return [unknown];
      pieces.push(id);
      from = to + 1;
    }
    return pieces;
  };
  return (text, most) => {
    const found: number[] = [];
    for (const word of wordsOf(text)) {
      if (found.length >= most - 2) break;
      found.push(...piecesOf(word));
    }
    return [begin, ...found.slice(0, most - 2), end];
  };
}

const separate = /\p{P}|[$+<=>^`|~]|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2fa1f}]/gu;

/** Words and single marks, in order. */
function wordsOf(text: string): string[] {
  return text
    .replace(/\s/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\u{fffd}]/gu, "")
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .replace(separate, " $& ")
    .split(" ")
    .filter((word) => word !== "");
}
