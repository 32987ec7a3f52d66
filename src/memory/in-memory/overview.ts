/** The in-memory store from afar: how many entries there are and when, and how far each stream is. */
import { defaultStretchSeconds } from "../overview.ts";
import { hashesIn } from "../packed.ts";
import { defaultPageLimit, listName, toCursor } from "../page.ts";
import type {
  EntryFilter,
  EntryOverview,
  OverviewOptions,
  PackedObservation,
  StreamStats,
} from "../records.ts";
import { clipsOf, entriesPassing, type State, waits } from "./state.ts";

/** A list of entries from afar. */
export function overview(state: State, filter: EntryFilter, options: OverviewOptions): EntryOverview {
  const { limit = defaultPageLimit, stretchSeconds = defaultStretchSeconds } = options;
  const list = listName("entries", filter);
  const entries = entriesPassing(state, filter).map(({ entry }) => entry);
  const stretches = Map.groupBy(entries, ({ stream, startSeconds }) =>
    JSON.stringify([stream, Math.floor(startSeconds / stretchSeconds) * stretchSeconds]),
  );
  return {
    entries: entries.length,
    cursors: entries
      .filter((_, i) => (i + 1) % limit === 0 && i + 1 < entries.length)
      .map(({ stream, startSeconds, id }) => toCursor(list, [stream, startSeconds, id])),
    counts: [...stretches].map(([key, { length }]) => {
      const [stream, startSeconds] = JSON.parse(key) as [string, number];
      return { stream, startSeconds, entries: length };
    }),
  };
}

const bytesOf = (text: string) => Buffer.byteLength(text);
const sum = <Item>(items: Iterable<Item>, of: (item: Item) => number) => {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
};

/** How far each stream is. */
export function streamStats(state: State): StreamStats[] {
  return [...state.streams.values()].map(({ record: { id }, gaps }) => {
    const clips = clipsOf(state, id);
    const entries = [...state.entries.values()].filter(({ entry }) => entry.stream === id);
    const observations = clips
      .map(({ observation }) => observation)
      .filter((one): one is PackedObservation => one !== null);
    const hashes = new Set([
      ...observations.flatMap(hashesIn),
      ...entries.flatMap(({ frames }) => [...frames]),
    ]);
    const count = (is: (clip: (typeof clips)[number]) => boolean) => clips.filter(is).length;
    return {
      ...{ stream: id, clips: clips.length, storedClips: count(({ state }) => state === "stored") },
      ...{ failedClips: count(({ state }) => state === "failed"), waitingClips: count(waits) },
      waitingFromSeconds: clips
        .filter(waits)
        .reduce<number | null>((a, b) => Math.min(a ?? b.startSeconds, b.startSeconds), null),
      entries: entries.filter(({ entry }) => entry.closed === null).length,
      startSeconds: clips.length === 0 ? null : clips.reduce((a, b) => Math.min(a, b.startSeconds), Infinity),
      endSeconds: clips.length === 0 ? null : clips.reduce((a, b) => Math.max(a, b.endSeconds), -Infinity),
      watchedSeconds: sum(clips, (clip) => clip.endSeconds - clip.startSeconds),
      gaps: gaps.length,
      gapSeconds: sum(gaps, (gap) => gap.endSeconds - gap.startSeconds),
      lastWrittenAtMs:
        entries.length === 0 ? null : entries.reduce((a, { entry }) => Math.max(a, entry.writtenAtMs), 0),
      bytes: {
        entries: sum(entries, ({ entry }) => bytesOf(entry.text) + bytesOf(JSON.stringify(entry.evidence))),
        observations: sum(observations, (one) => bytesOf(JSON.stringify(one))),
        frames: sum(hashes, (hash) => state.blobs.get(hash)?.byteLength ?? 0),
      },
    };
  });
}
