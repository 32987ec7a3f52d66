/**
 * A week of texts as windows that a policy decides about, and as numbers: each line's tokens and stems, and how rare a
 * stem is over the whole week. Rarity is for measuring only: a policy that saw it would know what is still to come.
 */
import type { WordSpace } from "../../../engine.ts";
import type { Observation } from "../../../perception/observation.ts";
import type { TextEntry } from "../files/transcripts.ts";

export interface Corpus {
  /** In order of time, shape [N]. */
  readonly entries: readonly TextEntry[];
  /** Each entry as a memory keeps it: `Name: text`, or the caption. */
  readonly lines: readonly string[];
  readonly tokens: Uint32Array;
  /** Distinct stems of each line, the speaker's name among them, as places in [0, V). */
  readonly stems: readonly Uint32Array[];
  /** Place of a stem in [0, V). */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Inverse document frequency over the week, one entry a document, shape [V]. */
  readonly idf: Float64Array;
}

/** `Name: text` if a person speaks, else the text. */
export function lineOf({ speaker, text }: TextEntry): string {
  return speaker === null ? text : `${speaker}: ${text}`;
}

/** @param entries in order of time */
export function createCorpus(entries: readonly TextEntry[], words: WordSpace): Corpus {
  const lines = entries.map(lineOf);
  const vocabulary = new Map<string, number>();
  const holders: number[] = [];
  const stems = lines.map((line) =>
    Uint32Array.from(new Set(words.stems(line)), (stem) => {
      const place = vocabulary.get(stem) ?? vocabulary.size;
      vocabulary.set(stem, place);
      holders[place] = (holders[place] ?? 0) + 1;
      return place;
    }),
  );
  return {
    entries,
    lines,
    tokens: Uint32Array.from(lines, (line) => words.countTokens(line)),
    stems,
    vocabulary,
    idf: Float64Array.from(holders, (count) => Math.log(1 + (lines.length - count + 0.5) / (count + 0.5))),
  };
}

/** Number of entries that start no later than a moment. */
export function countUntil({ entries }: Pick<Corpus, "entries">, seconds: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.startSeconds <= seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Distinct places of the stems of some texts that the corpus holds. */
export function placesOf(texts: readonly string[], { vocabulary }: Corpus, words: WordSpace): number[] {
  const stems = new Set(texts.flatMap((text) => words.stems(text)));
  return [...stems].flatMap((stem) => vocabulary.get(stem) ?? []);
}

/** Some seconds of the week in which something is said or seen: one decision. */
export interface TextWindow {
  /** Its entries, ascending. */
  readonly entries: readonly number[];
  /** Of all its lines. */
  readonly tokens: number;
  readonly observation: Observation;
}

/** The name of the stream that a week is. */
export const weekStream = "week";

/** Windows of `seconds` with anything in them, in order of time. */
export function cutWindows({ entries, tokens }: Corpus, seconds: number): TextWindow[] {
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

/** The same word space with its answers kept: a run reads each line dozens of times. */
export function rememberingWords(words: WordSpace): WordSpace {
  const remember = <T>(compute: (text: string) => T) => {
    const known = new Map<string, T>();
    return (text: string): T => {
      const found = known.get(text);
      if (found !== undefined) return found;
      const made = compute(text);
      known.set(text, made);
      return made;
    };
  };
  return {
    id: words.id,
    dimension: words.dimension,
    countTokens: remember((text) => words.countTokens(text)),
    stems: remember((text) => words.stems(text)),
    bucket: remember((stem) => words.bucket(stem)),
  };
}
