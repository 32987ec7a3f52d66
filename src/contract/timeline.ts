import { z } from "zod";
import { Clocks, filters, gap, gapLine, given, listed, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

/** What is remembered, in time order, page by page. */
export const timeline = verb({
  name: "timeline",
  title: "Timeline",
  about: "Lists what is remembered in time order, page by page, with the times that were not watched.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    ...filters,
    cursor: z.string().optional().describe("`next` of the page before"),
    limit: z.int().min(1).max(100).default(50),
    frames: z.int().min(0).max(4).default(0).describe("pictures to name of each entry"),
  }),
  output: z.object({
    entries: z.array(
      listed.extend({
        frames: z
          .array(z.object({ hash: z.string(), atSeconds: z.number() }))
          .optional()
          .describe("left out unless asked for"),
      }),
    ),
    gaps: z.array(gap).describe("times within this page that were not watched"),
    next: z.string().optional().describe("cursor of the next page; left out at the end"),
  }),
  async run(memory, { cursor, limit, frames, ...filter }) {
    const { items, next } = await memory.page("entries", given(filter), given({ cursor, limit }));
    const clocks = await Clocks.of(memory);
    const { speakers: _, ...span } = filter;
    const gaps = await memory.store.gaps(given(span));
    const own = gaps.filter(
      (one) => items.some(({ stream }) => stream === one.stream) && isWithin(one, items),
    );
    return {
      entries: items.map((entry) => ({
        ...clocks.entry(entry),
        ...(frames > 0 && {
          frames: entry.evidence.frames.slice(0, frames).map(({ hash, atSeconds }) => ({ hash, atSeconds })),
        }),
      })),
      gaps: own.map((one) => clocks.gap(one)),
      next: next ?? undefined,
    };
  },
  text: ({ entries, gaps, next }) =>
    [
      ...(entries.length === 0 ? ["Nothing is remembered there."] : [quoted, ...entries.map(quoteLine)]),
      ...gaps.map(gapLine),
      ...(next === undefined ? [] : [`More: cursor ${next}`]),
    ].join("\n"),
});

interface Span {
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Whether a gap lies between the first and the last entry of its stream on the page. */
function isWithin(gap: Span, entries: readonly Span[]): boolean {
  const own = entries.filter(({ stream }) => stream === gap.stream);
  const [from, to] = [own[0]!.startSeconds, Math.max(...own.map(({ endSeconds }) => endSeconds))];
  return gap.endSeconds >= from && gap.startSeconds <= to;
}
