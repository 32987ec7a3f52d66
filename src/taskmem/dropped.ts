/**
 * What was heard and seen and not kept: lines of the observations that are still held whose words no memory of their time
 * holds. It knows no policy, so it is the same for one that copies lines and for one that writes its own.
 */
import type { WordSpace } from "../engine.ts";
import type { Entry, Memory, SourceText } from "../memory/memory.ts";
import { sourceTexts } from "../perception/observation.ts";

/** A line that was not kept. */
export interface DroppedLine extends SourceText {
  readonly stream: string;
  readonly clip: number;
  /** The largest share of its words that one memory of its time holds, from 0 to below `keptShare`. */
  readonly share: number;
}

/** A line of which a memory holds so many of its words is kept. */
export const keptShare = 0.6;
/** A memory may be dated this far from the line it was made of, in seconds: one decision. */
const nearSeconds = 30;
/** On-screen text of lower confidence is more often noise than text. */
const leastConfidence = 55;

/** Lines of a stream that were not kept, in time order, and how many were seen in all. */
export async function droppedLines(
  memory: Pick<Memory, "entries" | "observations">,
  words: WordSpace,
  stream: string,
): Promise<{ readonly lines: readonly DroppedLine[]; readonly seen: number }> {
  const observations = await memory.observations(stream);
  const [first] = observations;
  if (!first) return { lines: [], seen: 0 };
  const entries = await memory.entries({ streams: [stream], fromSeconds: first.startSeconds - nearSeconds });
  const kept = entries.map((entry) => ({ entry, stems: new Set(words.stems(entry.text)) }));
  let seen = 0;
  let next = 0;
  const lines: DroppedLine[] = [];
  for (const observation of observations) {
    for (const text of sourceTexts(observation)) {
      const stems = [...new Set(words.stems(text.text))];
      const isLegible = text.confidence === null || text.confidence >= leastConfidence;
      if (stems.length === 0 || !isLegible) continue;
      seen += 1;
      while (next < kept.length && kept[next]!.entry.endSeconds < text.startSeconds - 10 * nearSeconds)
        next += 1;
      let share = 0;
      for (
        let i = next;
        i < kept.length && kept[i]!.entry.startSeconds <= text.endSeconds + nearSeconds;
        i++
      ) {
        const { entry, stems: held } = kept[i]!;
        if (entry.endSeconds < text.startSeconds - nearSeconds) continue;
        share = Math.max(
          share,
          isOf(entry, text) ? 1 : stems.filter((stem) => held.has(stem)).length / stems.length,
        );
      }
      if (share < keptShare) lines.push({ ...text, stream, clip: observation.clip, share });
    }
  }
  return { lines, seen };
}

/** Whether a memory was made of a line, and of little else. */
function isOf({ evidence }: Entry, { text, startSeconds }: SourceText): boolean {
  return (
    evidence.sources.length === 1 &&
    evidence.sources[0]!.text === text &&
    Math.abs(evidence.sources[0]!.startSeconds - startSeconds) < 1
  );
}
