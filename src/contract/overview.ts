import { z } from "zod";
import { Clocks, filters, gap, gapLine, given } from "./shapes.ts";
import { verb } from "./verb.ts";

const seconds = z.number();

/** A timeline from afar: when entries begin, and where its pages do. */
export const overview = verb({
  name: "overview",
  title: "Timeline from afar",
  about:
    "Tells how many memories begin in each stretch of a stream, which times were not watched, and the cursor of every page of its timeline.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    stream: z.string().describe("id of the stream"),
    speakers: filters.speakers,
    fromSeconds: filters.fromSeconds,
    toSeconds: filters.toSeconds,
    stretches: z.int().min(1).max(2000).default(200).describe("into how many the time is divided"),
    limit: z.int().min(1).max(100).default(100).describe("entries per page"),
  }),
  output: z.object({
    stream: z.string(),
    startSeconds: seconds,
    endSeconds: seconds,
    stretchSeconds: seconds,
    entries: z.int(),
    counts: z.array(z.object({ startSeconds: seconds, entries: z.int() })).describe("stretches with any"),
    cursors: z
      .array(z.string())
      .describe(
        "of the pages of `timeline` for this stream and these speakers, from the second page on; none for a part of the time",
      ),
    gaps: z.array(gap),
  }),
  async run(memory, { stream, stretches, limit, ...asked }) {
    const { fromSeconds, toSeconds } = asked;
    const filter = given({ ...asked, streams: [stream] });
    const gaps = await memory.store.gaps(given({ streams: [stream], fromSeconds, toSeconds }));
    const stats = (await memory.store.streamStats()).find((one) => one.stream === stream);
    const ends = [stats?.endSeconds ?? 0, ...gaps.map((one) => one.endSeconds)];
    const starts = [stats?.startSeconds ?? 0, ...gaps.map((one) => one.startSeconds)];
    const startSeconds = fromSeconds ?? starts.reduce((a, b) => Math.min(a, b));
    const endSeconds = Math.max(startSeconds, toSeconds ?? ends.reduce((a, b) => Math.max(a, b)));
    const stretchSeconds = Math.max(0.001, (endSeconds - startSeconds) / stretches);
    const seen = await memory.store.overview(filter, { limit, stretchSeconds });
    const whole =
      fromSeconds === undefined && toSeconds === undefined ? seen : { cursors: [] as readonly string[] };
    const clocks = await Clocks.of(memory);
    return {
      ...{ stream, startSeconds, endSeconds, stretchSeconds, entries: seen.entries },
      counts: seen.counts.map(({ startSeconds, entries }) => ({ startSeconds, entries })),
      cursors: [...whole.cursors],
      gaps: gaps.map((one) => clocks.gap(one)),
    };
  },
  text: ({ entries, startSeconds, endSeconds, gaps }) =>
    [`${entries} memories in ${Math.round(endSeconds - startSeconds)} s`, ...gaps.map(gapLine)].join("\n"),
});
