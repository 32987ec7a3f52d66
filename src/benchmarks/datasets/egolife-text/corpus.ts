/**
 * A week of texts as windows that a policy decides about, with what measures it: each line's tokens, and how rare a stem
 * is over the whole week. Rarity is for measuring only: a policy that saw it would know what is still to come.
 */
import type { WordSpace } from "../../../engine.ts";
import type { Observation } from "../../../perception/observation.ts";
import type { TextEntry } from "../files/transcripts.ts";

export interface Corpus {
  /** In order of time, shape [N]. */
  readonly entries: readonly TextEntry[];
  /** Each entry as a memory keeps it, shape [N]: `Name: text`, or the caption. */
  readonly lines: readonly string[];
  /** Shape [N]. */
  readonly tokens: Uint32Array;
  /** Inverse document frequency of each stem over the week, one entry a document. */
  readonly idf: ReadonlyMap<string, number>;
  /** Windows with anything in them, in order of time. */
  readonly windows: readonly TextWindow[];
  readonly windowSeconds: number;
  /** It keeps its answers: a run reads each line dozens of times. */
  readonly words: WordSpace;
}

/** Some seconds of the week in which something is said or seen: one decision. */
export interface TextWindow {
  /** Places of its entries, ascending. */
  readonly entries: readonly number[];
  /** Of all its lines. */
  readonly tokens: number;
  readonly observation: Observation;
}

/** The name of the stream that a week is. */
export const weekStream = "week";

/** @param entries in order of time */
export function createCorpus(entries: readonly TextEntry[], own: WordSpace, windowSeconds: number): Corpus {
  const words = rememberingWords(own);
  const lines = entries.map(({ speaker, text }) => (speaker === null ? text : `${speaker}: ${text}`));
  const tokens = Uint32Array.from(lines, (line) => words.countTokens(line));
  const holders = new Map<string, number>();
  for (const line of lines)
    for (const stem of new Set(words.stems(line))) holders.set(stem, (holders.get(stem) ?? 0) + 1);
  const rarity = (count: number) => Math.log(1 + (lines.length - count + 0.5) / (count + 0.5));
  const idf = new Map([...holders].map(([stem, count]) => [stem, rarity(count)]));
  const windows = cutWindows(entries, tokens, windowSeconds);
  return { entries, lines, tokens, idf, windows, windowSeconds, words };
}

function cutWindows(entries: readonly TextEntry[], tokens: Uint32Array, seconds: number): TextWindow[] {
  const groups = Map.groupBy(entries.keys(), (i) => Math.floor(entries[i]!.startSeconds / seconds));
  return [...groups].map(([clip, members]) => {
    const textsOf = (kind: TextEntry["kind"]) =>
      members
        .map((i) => entries[i]!)
        .filter((entry) => entry.kind === kind)
        .map(({ startSeconds, endSeconds, text, speaker }) => ({ startSeconds, endSeconds, text, speaker }));
    return {
      entries: members,
      tokens: members.reduce((sum, i) => sum + tokens[i]!, 0),
      observation: {
        ...{ stream: weekStream, clip, startSeconds: clip * seconds, endSeconds: (clip + 1) * seconds },
        ...{ speech: textsOf("speech"), captions: textsOf("caption") },
        ...{ frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
      },
    };
  });
}

/** Number of entries that start no later than a moment. */
export function countUntil(entries: readonly TextEntry[], seconds: number): number {
  const later = entries.findIndex(({ startSeconds }) => startSeconds > seconds);
  return later < 0 ? entries.length : later;
}

/** Sums of the first n of some whole numbers, shape [N + 1]. */
export function runningSums(values: Uint8Array | Uint32Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i]! + values[i]!;
  return sums;
}

function rememberingWords(words: WordSpace): WordSpace {
  const remember = <T>(compute: (text: string) => T) => {
    const known = new Map<string, T>();
    return (text: string): T => {
      const found = known.get(text) ?? compute(text);
      known.set(text, found);
      return found;
    };
  };
  return {
    ...words,
    countTokens: remember((text) => words.countTokens(text)),
    stems: remember((text) => words.stems(text)),
    bucket: remember((stem) => words.bucket(stem)),
  };
}
