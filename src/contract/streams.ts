import { z } from "zod";
import type { StreamRecord, StreamStats } from "../memory/memory.ts";
import { oneLine } from "../util/plain-text.ts";
import { verb } from "./verb.ts";

const seconds = z.number();
const failure = z.object({
  clip: z.int(),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().describe("whether it is tried again"),
  attempts: z.int(),
});

/** Failures of a stream that are told, the latest. */
const mostFailures = 20;

/** What was watched. */
export const streams = verb({
  name: "streams",
  title: "Streams",
  about:
    "Lists what was watched: each stream, how far it is, what failed, whether it has ended, and what was left out of it.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({}),
  output: z.object({
    streams: z.array(
      z.object({
        stream: z.string().describe("id"),
        description: z.string(),
        addedAt: z.string().describe("wall time, ISO 8601"),
        pausedAt: z.string().optional().describe("wall time since when it is paused, ISO 8601"),
        ended: z.boolean().describe("whether it was watched to its end"),
        leftOut: z.array(z.string()).describe("what was left out of it, one sentence each"),
        clock: z
          .object({ kind: z.enum(["media", "day", "wall"]), originMs: z.number().optional() })
          .describe(
            "what its seconds mean: from its start, from midnight of day 1, or from `originMs` since 1970",
          ),
        clipSeconds: seconds,
        entries: z.int().describe("memories that are current"),
        clips: z.object({ stored: z.int(), waiting: z.int(), failed: z.int() }),
        startSeconds: seconds.optional().describe("start of the first clip"),
        endSeconds: seconds.optional().describe("end of the last clip"),
        watchedSeconds: seconds,
        gaps: z.int(),
        gapSeconds: seconds,
        lastEntryAt: z.string().optional().describe("wall time of the latest memory, ISO 8601"),
        seenUntil: z
          .string()
          .optional()
          .describe("wall time up to which it was watched, ISO 8601, where its clock is a date"),
        lagSeconds: seconds
          .optional()
          .describe("how long its first undecided clip has waited, where its clock is a date"),
        failures: z.array(failure).describe("clips without a memory, the latest"),
        bytes: z.object({ entries: z.int(), observations: z.int(), frames: z.int() }),
      }),
    ),
  }),
  async run(memory) {
    const [records, stats] = [await memory.streams(), await memory.store.streamStats()];
    const failures = Map.groupBy(await memory.store.clipFailures(), ({ stream }) => stream);
    const paused = new Map((await memory.store.pauses()).map(({ stream, sinceMs }) => [stream, sinceMs]));
    const numbers = new Map(stats.map((one) => [one.stream, one]));
    return {
      streams: records.map((record) => {
        const { id, description, addedAtMs, ended, leftOut, clock, clipSeconds } = record;
        const of = numbers.get(id)!;
        const failed = (failures.get(id) ?? []).slice(-mostFailures);
        return {
          ...{ stream: id, description, addedAt: new Date(addedAtMs).toISOString(), ended },
          ...(paused.has(id) && { pausedAt: new Date(paused.get(id)!).toISOString() }),
          leftOut: leftOut.map(({ reason }) => reason),
          ...{ clock, clipSeconds, entries: of.entries, bytes: of.bytes },
          clips: { stored: of.storedClips, waiting: of.waitingClips, failed: of.failedClips },
          ...{ startSeconds: of.startSeconds ?? undefined, endSeconds: of.endSeconds ?? undefined },
          ...{ watchedSeconds: of.watchedSeconds, gaps: of.gaps, gapSeconds: of.gapSeconds },
          lastEntryAt: of.lastWrittenAtMs === null ? undefined : new Date(of.lastWrittenAtMs).toISOString(),
          ...lagOf(record, of),
          failures: failed.map(({ clip, failure }) => ({ clip, ...failure })),
        };
      }),
    };
  },
  text: ({ streams }) =>
    streams.length === 0
      ? "Nothing was watched yet."
      : streams
          .map(
            ({ stream, description, ended, pausedAt }) =>
              `${oneLine(stream)}: ${oneLine(description)}${ended ? "" : " (not ended)"}${pausedAt ? " (paused)" : ""}`,
          )
          .join("\n"),
});

function lagOf({ clock }: StreamRecord, { endSeconds, waitingFromSeconds }: StreamStats) {
  if (clock.kind !== "wall" || endSeconds === null) return {};
  const wallMs = (at: number) => clock.originMs + 1000 * at;
  return {
    seenUntil: new Date(wallMs(endSeconds)).toISOString(),
    ...(waitingFromSeconds !== null && {
      lagSeconds: Math.max(0, (Date.now() - wallMs(waitingFromSeconds)) / 1000),
    }),
  };
}
