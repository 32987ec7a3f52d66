/**
 * A stream of texts as numbers: each line's tokens and stems, where each stem occurs, how rare it is over all.
 *
 * For measuring only. What it counts over the whole stream would be a leak in a policy, which counts for itself.
 */
import type { WordSpace } from "../../../engine.ts";
import type { TextEntry } from "../files/transcripts.ts";

export interface Corpus {
  /** In order of time, shape [N]. */
  readonly entries: readonly TextEntry[];
  /** Each entry as it is remembered: `Name: text`, or the caption. */
  readonly lines: readonly string[];
  readonly tokens: Uint32Array;
  /** Distinct stems of each line, the speaker's name among them, as places in [0, V). */
  readonly stems: readonly Uint32Array[];
  /** Place of a stem in [0, V). */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Entries that hold a stem, ascending, shape [V]. */
  readonly postings: readonly Uint32Array[];
  /** Inverse document frequency over the whole stream, one entry a document, shape [V]. */
  readonly idf: Float64Array;
}

/** `Name: text` where somebody speaks, else the text. */
export function lineOf({ speaker, text }: TextEntry): string {
  return speaker === null ? text : `${speaker}: ${text}`;
}

/** @param entries in order of time */
export function createCorpus(entries: readonly TextEntry[], words: WordSpace): Corpus {
  const lines = entries.map(lineOf);
  const vocabulary = new Map<string, number>();
  const holders: number[][] = [];
  const stems = lines.map((line, entry) => {
    const distinct = new Set(words.stems(line));
    return Uint32Array.from(distinct, (stem) => {
      let place = vocabulary.get(stem);
      if (place === undefined) {
        place = vocabulary.size;
        vocabulary.set(stem, place);
        holders.push([]);
      }
      holders[place]!.push(entry);
      return place;
    });
  });
  return {
    entries,
    lines,
    tokens: Uint32Array.from(lines, (line) => words.countTokens(line)),
    stems,
    vocabulary,
    postings: holders.map((list) => Uint32Array.from(list)),
    idf: Float64Array.from(holders, ({ length }) => rarity(length, entries.length)),
  };
}

/** Inverse document frequency of a stem that `count` of `total` documents hold. */
export function rarity(count: number, total: number): number {
  return Math.log(1 + (total - count + 0.5) / (count + 0.5));
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
