/**
 * Word error rate: the fewest words to replace, leave out and put in that make what was heard into what was said, over the
 * words said. Case, punctuation and speakers' names in front of a colon count for nothing; spelling does.
 */

/** Errors of a transcript. */
export interface WordErrors {
  readonly replaced: number;
  readonly missed: number;
  readonly invented: number;
  /** Words that were said. */
  readonly words: number;
  /** Their sum over the words said. */
  readonly rate: number;
}

/** The words of a text as they are compared. */
export function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replace(/[’‘]/g, "'")
      .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? []
  );
}

/** Compares what was heard with what was said. @throws RangeError without words in the reference */
export function wordErrors(said: readonly string[], heard: readonly string[]): WordErrors {
  if (said.length === 0) throw new RangeError("Expected words in the reference, got none");
  /** Errors up to each word heard, for the words said so far; the fewest are kept. */
  let row = heard.map((_, i) => ({ replaced: 0, missed: 0, invented: i + 1 }));
  row.unshift({ replaced: 0, missed: 0, invented: 0 });
  for (const [i, word] of said.entries()) {
    const next = [{ replaced: 0, missed: i + 1, invented: 0 }];
    for (const [j, other] of heard.entries()) {
      const [diagonal, above, left] = [row[j]!, row[j + 1]!, next[j]!];
      const options = [
        word === other ? diagonal : { ...diagonal, replaced: diagonal.replaced + 1 },
        { ...above, missed: above.missed + 1 },
        { ...left, invented: left.invented + 1 },
      ];
      next.push(options.reduce((best, one) => (total(one) < total(best) ? one : best)));
    }
    row = next;
  }
  const errors = row.at(-1)!;
  return { ...errors, words: said.length, rate: total(errors) / said.length };
}

const total = ({ replaced, missed, invented }: Pick<WordErrors, "replaced" | "missed" | "invented">) =>
  replaced + missed + invented;
