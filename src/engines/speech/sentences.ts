/** Pieces of speech, as a recogniser cuts them, put together to sentences. */

/** A piece, in seconds. */
export interface SpokenPiece {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
}

/** A pause longer than this ends a sentence that has no full stop. Seconds. */
const longestPause = 1.5;
/** A sentence is not joined beyond this. Seconds. */
const longestSentence = 20;

/**
 * Pieces as sentences: those up to one that ends a sentence are joined, and one of several sentences is parted, its time
 * shared out by their letters.
 */
export function asSentences(pieces: readonly SpokenPiece[]): SpokenPiece[] {
  return joinPieces(pieces).flatMap(parted);
}

/** Where a sentence ends: behind a full stop that is none of a title, in front of a capital or a figure. */
const sentenceEnd =
  /(?<!\b(?:Mr|Mrs|Ms|Dr|St|Prof|No|vs|\p{Lu})\.)(?<=[.?!…]["'”’)\]]*)\s+(?=["'“‘(]?[\p{Lu}\p{N}])/u;

function parted({ startSeconds, endSeconds, text }: SpokenPiece): SpokenPiece[] {
  const sentences = text.split(sentenceEnd);
  const letters = sentences.reduce((sum, { length }) => sum + length, 0);
  let at = startSeconds;
  return sentences.map((sentence) => {
    const from = at;
    at += ((endSeconds - startSeconds) * sentence.length) / letters;
    return { startSeconds: from, endSeconds: at, text: sentence };
  });
}

function joinPieces(pieces: readonly SpokenPiece[]): SpokenPiece[] {
  const joined: SpokenPiece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const continues =
      last !== undefined &&
      !/[.!?…。！？]["'”’)\]]*$/u.test(last.text) &&
      piece.startSeconds - last.endSeconds <= longestPause &&
      piece.endSeconds - last.startSeconds <= longestSentence;
    if (continues)
      joined[joined.length - 1] = {
        startSeconds: last.startSeconds,
        endSeconds: piece.endSeconds,
        text: `${last.text} ${piece.text}`,
      };
    else joined.push(piece);
  }
  return joined;
}
