/**
 * Full-text search over a memory of lines (BM25), and a reader that goes by words: what the benchmark asks a memory with.
 *
 * The reader takes the option whose own words stand in lines that the search ranks high, and abstains where no option
 * stands out. It is plain on purpose, the same for every policy, and understands nothing; absolute accuracies
 * say little, differences between two memories something.
 */
import { type Corpus, rarity } from "../datasets/egolife-text/corpus.ts";

const saturation = 1.2;
const lengthWeight = 0.5;
/** The best option must beat the next by this factor. */
const margin = 1.1;

/** The lines a memory holds of a stream at a moment. */
export interface Memory {
  /** 1 for lines that are kept, shape [N]. */
  readonly kept: Uint8Array;
  /** Only lines before this one are known yet. */
  readonly until: number;
}

/** Number and mean length of the lines a memory holds, for every moment: entry i speaks of the lines before i. */
export interface Sizes {
  readonly documents: Uint32Array;
  readonly stems: Uint32Array;
}

/** Running sums, so that each question's memory is measured without counting it again. */
export function sizesOf({ stems }: Corpus, kept: Uint8Array): Sizes {
  const documents = new Uint32Array(kept.length + 1);
  const total = new Uint32Array(kept.length + 1);
  for (let i = 0; i < kept.length; i++) {
    documents[i + 1] = documents[i]! + kept[i]!;
    total[i + 1] = total[i]! + (kept[i] ? stems[i]!.length : 0);
  }
  return { documents, stems: total };
}

export interface Hit {
  readonly entry: number;
  readonly score: number;
}

/**
 * The `limit` best lines of a memory for some distinct words (BM25, one line a document), best first; ties go to the
 * earlier line. Rarity is counted in the memory itself.
 */
export function search(
  corpus: Corpus,
  { kept, until }: Memory,
  sizes: Sizes,
  places: readonly number[],
  limit: number,
): Hit[] {
  const documents = sizes.documents[until]!;
  const meanLength = sizes.stems[until]! / Math.max(1, documents);
  const scores = new Map<number, number>();
  for (const place of places) {
    const holders: number[] = [];
    for (const entry of corpus.postings[place]!) {
      if (entry >= until) break;
      if (kept[entry]) holders.push(entry);
    }
    const idf = rarity(holders.length, documents);
    for (const entry of holders) {
      const length = 1 - lengthWeight + (lengthWeight * corpus.stems[entry]!.length) / meanLength;
      const gain = (idf * (saturation + 1)) / (1 + saturation * length); // each stem counted once a line
      scores.set(entry, (scores.get(entry) ?? 0) + gain);
    }
  }
  return [...scores]
    .map(([entry, score]) => ({ entry, score }))
    .sort((a, b) => b.score - a.score || a.entry - b.entry)
    .slice(0, limit);
}

/** Position of the option that lines speak for, or `null`. @param own each option's own words */
export function chooseOption(
  corpus: Corpus,
  hits: readonly Hit[],
  own: readonly (readonly number[])[],
): number | null {
  const scores = own.map((places) =>
    hits.reduce((best, { entry, score }) => {
      const stems = corpus.stems[entry]!;
      const rare = places.reduce((sum, place) => (stems.includes(place) ? sum + corpus.idf[place]! : sum), 0);
      return Math.max(best, rare * score);
    }, 0),
  );
  const ranked = scores.map((score, i) => ({ score, i })).sort((a, b) => b.score - a.score);
  const [first, second] = ranked;
  return first!.score > margin * (second?.score ?? 0) ? first!.i : null;
}
