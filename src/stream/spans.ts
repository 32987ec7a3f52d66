/** Spans of time, and what others leave of them. */

/** A stretch of time, in seconds. */
export interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Shorter holes are rounding by recorders and containers, not missing material. Seconds. */
export const leastGapSeconds = 1;

/** What is left of a span without the others, in time order; pieces shorter than `leastSeconds` are rounding. */
export function holesIn(span: Span, others: readonly Span[], leastSeconds = leastGapSeconds): Span[] {
  const holes: Span[] = [];
  let at = span.startSeconds;
  const inside = others.filter(
    ({ startSeconds, endSeconds }) => startSeconds < span.endSeconds && endSeconds > at,
  );
  for (const other of inside.sort((a, b) => a.startSeconds - b.startSeconds)) {
    if (other.startSeconds - at >= leastSeconds)
      holes.push({ startSeconds: at, endSeconds: other.startSeconds });
    at = Math.max(at, other.endSeconds);
  }
  if (span.endSeconds - at >= leastSeconds) holes.push({ startSeconds: at, endSeconds: span.endSeconds });
  return holes;
}
