/**
 * Text to tokens by a unigram language model, as XLM-RoBERTa's vocabulary has it: of all ways to cut a text into pieces
 * the one with the greatest sum of log-probabilities (Kudo 2018, section 3.2; SentencePiece). Spaces belong to the word
 * that follows them.
 */

/** A vocabulary of pieces. */
export interface UnigramVocabulary {
  /** Pieces by id. */
  readonly pieces: readonly string[];
  /** Their log-probabilities. */
  readonly scores: Float32Array;
  readonly begin: number;
  readonly end: number;
  readonly unknown: number;
  /** What single characters become before they are cut; others stay. */
  readonly normal: ReadonlyMap<string, string>;
}

/** The mark of a space. */
const space = "\u2581";
/** What an unknown character costs beside the least likely piece, as SentencePiece has it. */
const unknownCost = 10;

/** Token ids of a text, its beginning and end marked. @returns a function of a text and the most tokens it may have */
export function unigramPieces({
  pieces,
  scores,
  begin,
  end,
  unknown,
  normal,
}: UnigramVocabulary): (text: string, most: number) => number[] {
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  ids.delete(pieces[unknown]!);
  const longest = pieces.reduce((most, piece) => Math.max(most, piece.length), 1);
  const unknownScore = scores.reduce((least, score) => Math.min(least, score)) - unknownCost;
  return (text, most) => {
    const found = bestPieces(marked(text, normal), ids, scores, { longest, unknown, unknownScore });
    return [begin, ...found.slice(0, most - 2), end];
  };
}

/** A text as pieces have it: its characters normalised, one mark for the spaces between words and one in front. */
function marked(text: string, normal: ReadonlyMap<string, string>): string {
  const normalised = [...text].map((character) => normal.get(character) ?? character).join("");
  return ` ${normalised}`.replace(/ +/g, space);
}

/** The pieces with the greatest sum of scores (Viterbi 1967), found from the front. */
function bestPieces(
  text: string,
  ids: ReadonlyMap<string, number>,
  scores: Float32Array,
  { longest, unknown, unknownScore }: { longest: number; unknown: number; unknownScore: number },
): number[] {
  const best = new Float64Array(text.length + 1).fill(Number.NEGATIVE_INFINITY);
  const piece = new Int32Array(text.length + 1);
  const from = new Int32Array(text.length + 1);
  best[0] = 0;
  const offer = (start: number, to: number, id: number, score: number) => {
    if (best[start]! + score <= best[to]!) return;
    [best[to], piece[to], from[to]] = [best[start]! + score, id, start];
  };
  for (let start = 0; start < text.length; start++) {
    if (best[start] === Number.NEGATIVE_INFINITY) continue;
    for (let to = start + 1; to <= Math.min(text.length, start + longest); to++) {
      const id = ids.get(text.slice(start, to));
      if (id !== undefined) offer(start, to, id, scores[id]!);
    }
    offer(start, start + (text.codePointAt(start)! > 0xffff ? 2 : 1), unknown, unknownScore);
  }
  const found: number[] = [];
  for (let to = text.length; to > 0; to = from[to]!) found.push(piece[to]!);
  return found.reverse();
}
