import { statfs } from "node:fs/promises";
import { z } from "zod";
import { verb } from "./verb.ts";

const bytes = z.number().describe("bytes");
const dayMs = 86_400_000;

/** What a memory takes, and how long the disk lasts. */
export const storage = verb({
  name: "storage",
  title: "Storage",
  about:
    "Tells what the memory takes on the disk, by stream and kind, how fast it grows, and when the disk would be full.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({}),
  output: z.object({
    databaseBytes: bytes,
    pictureBytes: bytes,
    freeBytes: bytes.optional().describe("left on the disk; left out where that cannot be told"),
    streams: z.array(
      z.object({
        stream: z.string(),
        entries: z.object({ count: z.int(), bytes }),
        observations: z.object({ bytes }).describe("what policies are tried on; bounded"),
        frames: z.object({ bytes }),
        watchedSeconds: z.number(),
      }),
    ),
    bytesPerDay: z
      .number()
      .optional()
      .describe("growth, from the memories of the last week; left out before there are any"),
    fullInDays: z.number().optional().describe("at that growth"),
    waitingVectors: z.int().describe("memories whose vector is not made yet"),
  }),
  async run(memory) {
    const { store } = memory;
    const [stats, streams] = [await store.stats(), await store.streamStats()];
    const nowMs = Date.now();
    const weekAgoMs = nowMs - 7 * dayMs;
    const all = await store.overview({ includeClosed: true }, { limit: 1000, stretchSeconds: 1e9 });
    const earlier = await store.overview(
      { includeClosed: true, writtenByMs: weekAgoMs },
      { limit: 1000, stretchSeconds: 1e9 },
    );
    const sinceMs = (await memory.streams()).reduce((min, { addedAtMs }) => Math.min(min, addedAtMs), nowMs);
    const days = Math.min(7, (nowMs - sinceMs) / dayMs);
    const taken = stats.databaseBytes + stats.blobBytes;
    const recent = all.entries === 0 ? 0 : (all.entries - earlier.entries) / all.entries;
    // An hour is the least from which a day can be told.
    const perDay = all.entries > 0 && days > 1 / 24 ? (taken * recent) / days : undefined;
    const free = await freeBytes(store.directory);
    return {
      ...{ databaseBytes: stats.databaseBytes, pictureBytes: stats.blobBytes, freeBytes: free },
      streams: streams.map(({ stream, entries, bytes, watchedSeconds }) => ({
        ...{ stream, entries: { count: entries, bytes: bytes.entries }, watchedSeconds },
        ...{ observations: { bytes: bytes.observations }, frames: { bytes: bytes.frames } },
      })),
      bytesPerDay: perDay,
      fullInDays: perDay !== undefined && perDay > 0 && free !== undefined ? free / perDay : undefined,
      waitingVectors: stats.waitingVectors,
    };
  },
  text: ({ databaseBytes, pictureBytes, fullInDays }) =>
    [
      `${((databaseBytes + pictureBytes) / 1e6).toFixed(1)} MB, of which ${(pictureBytes / 1e6).toFixed(1)} MB are pictures`,
      ...(fullInDays === undefined ? [] : [`the disk is full in about ${Math.round(fullInDays)} days`]),
    ].join("\n"),
});

async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
