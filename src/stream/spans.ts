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

/** Spans in time order, joined where the hole between them is shorter than `leastHoleSeconds`. */
export function joined(spans: readonly Span[], leastHoleSeconds: number): Span[] {
  const result: { startSeconds: number; endSeconds: number }[] = [];
  for (const { startSeconds, endSeconds } of spans.toSorted((a, b) => a.startSeconds - b.startSeconds)) {
    const last = result.at(-1);
    if (last && startSeconds - last.endSeconds < leastHoleSeconds)
      last.endSeconds = Math.max(last.endSeconds, endSeconds);
    else result.push({ startSeconds, endSeconds });
  }
  return result;
}

/** Whether two spans share some time. */
export const overlap = (a: Span, b: Span): boolean =>
  a.startSeconds < b.endSeconds && a.endSeconds > b.startSeconds;

export const isSameSpan = (a: Span, b: Span): boolean =>
  a.startSeconds === b.startSeconds && a.endSeconds === b.endSeconds;

/** Items that pass a test, and the others. */
export function parted<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
