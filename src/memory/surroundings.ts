/**
 * The text around an entry, which an embedder by meaning takes into its vector: a spoken line seldom holds its subject.
 *
 * Up to three entries before and two after, of the same stream and within 40 s. So a new entry changes the vectors of its
 * neighbours, and a forgotten one must leave them.
 */

/** How far an entry's surroundings reach: entries before and after it, and seconds between their begins. */
export const surroundings = { before: 3, after: 2, seconds: 40 } as const;

/** Of a longer neighbour the beginning counts, so that it does not drown the entry. */
const mostCharacters = 400;

/** The text around one of a stream's entries, itself included. @param inOrder by start, then id @param at its place */
export function textAround(
  inOrder: readonly { readonly startSeconds: number; readonly text: string }[],
  at: number,
): string {
  const { before, after, seconds } = surroundings;
  const { startSeconds } = inOrder[at]!;
  return inOrder
    .slice(Math.max(0, at - before), at + after + 1)
    .filter((one) => Math.abs(one.startSeconds - startSeconds) <= seconds)
    .map((one) => (one === inOrder[at] ? one.text : one.text.slice(0, mostCharacters)))
    .join(" ");
}
