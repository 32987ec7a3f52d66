/**
 * Policies to compare with, which pick lines of a window until its budget is spent: at random, the longest, by rare words,
 * and the reference's coverage choice.
 *
 * All spend alike: a share of the window's tokens, what is left over carried to the next up to 120 · share + 12. Word
 * counts are those of earlier windows. Not the shipped policy: that one runs as it is (`windows.ts`). The reference's
 * choice uses the same draw and differs in what is shown to it: the speaker's name among a line's words, lines without content
 * words and repeated ones as candidates, counts without the window's own lines, an empty purse at the start, no credit.
 */
import { type DrawInput, defaultChoiceParameters, drawItems } from "../../policies/choice/choice-draw.ts";
import { type Random, shuffle } from "../../util/random.ts";
import { type Corpus, rarity } from "../datasets/egolife-text/corpus.ts";
import type { TextWindow } from "./windows.ts";

/** A window as a picker is shown it. */
export interface Offer {
  readonly startSeconds: number;
  /** Entries on offer, ascending, shape [n]. */
  readonly entries: readonly number[];
  /** What each costs, shape [n]. */
  readonly tokens: readonly number[];
  /** Distinct places of each line's stems, shape [n]. */
  readonly stems: readonly Uint32Array[];
  /** Inverse document frequency by the windows before this one. */
  readonly rarity: (place: number) => number;
  /** Tokens to spend. */
  readonly budget: number;
}

/** Positions in [0, n) of the lines to keep, in the order they are picked; together within the budget. */
export type Picker = (offer: Offer) => readonly number[];

/** Document frequencies as a stream goes by. */
export class WordCounts {
  readonly #counts: Uint32Array;
  #documents = 0;

  constructor(vocabulary: number) {
    this.#counts = new Uint32Array(vocabulary);
  }

  readonly rarity = (place: number): number => rarity(this.#counts[place]!, this.#documents);

  add(lines: readonly Uint32Array[]): void {
    this.#documents += lines.length;
    for (const stems of lines) for (const place of stems) this.#counts[place]! += 1;
  }
}

/** What a picker keeps of a stream at a share of its tokens: 1 for kept entries, shape [N]. */
export function keepByPicker(
  corpus: Corpus,
  windows: readonly TextWindow[],
  share: number,
  pick: Picker,
): Uint8Array {
  const kept = new Uint8Array(corpus.entries.length);
  const counts = new WordCounts(corpus.vocabulary.size);
  const mostCarried = 120 * share + 12;
  let spare = 0;
  for (const { startSeconds, entries, tokens } of windows) {
    const stems = entries.map((entry) => corpus.stems[entry]!);
    const costs = entries.map((entry) => corpus.tokens[entry]!);
    const budget = share * tokens + spare;
    const picks = pick({ startSeconds, entries, tokens: costs, stems, rarity: counts.rarity, budget });
    const spent = picks.reduce((sum, i) => sum + costs[i]!, 0);
    for (const i of picks) kept[entries[i]!] = 1;
    spare = Math.min(mostCarried, budget - spent);
    counts.add(stems);
  }
  return kept;
}

/** Takes lines in an order as long as they fit. */
function fill(order: readonly number[], { tokens, budget }: Offer): number[] {
  let left = budget;
  return order.filter((i) => {
    const fits = tokens[i]! <= left;
    if (fits) left -= tokens[i]!;
    return fits;
  });
}

/** Highest worth first, earlier lines first among equals. */
function byWorth(offer: Offer, worth: (i: number) => number): number[] {
  const worths = offer.entries.map((_, i) => worth(i));
  return fill(
    [...worths.keys()].sort((a, b) => worths[b]! - worths[a]! || a - b),
    offer,
  );
}

export function randomPicker(random: Random): Picker {
  return (offer) => fill(shuffle(random, [...offer.entries.keys()]), offer);
}

export const longestPicker: Picker = (offer) => byWorth(offer, (i) => offer.tokens[i]!);

/** By the sum of its words' rarity. */
export const tfidfPicker: Picker = (offer) =>
  byWorth(offer, (i) => offer.stems[i]!.reduce((sum, place) => sum + offer.rarity(place), 0));

/** Weight of a stem's place for the tasks known at a moment of stream time. */
export type TaskWeight = (place: number) => number;

/** The reference's coverage choice. @param weightAt task weights in force at a window's start */
export function referencePicker(weightAt: (startSeconds: number) => TaskWeight): Picker {
  const { historyWindows } = defaultChoiceParameters;
  let history: (readonly number[])[] = [];
  return (offer) => {
    const { picks } = drawItems(
      drawInputOf(offer, { weight: weightAt(offer.startSeconds), said: new Set(history.flat()) }),
    );
    history = [...history, picks.flatMap((i) => [...offer.stems[i]!])].slice(-historyWindows);
    return picks;
  };
}

/** A window as the choice policy's draw takes it. @param context task weights, and places of stems the memory holds */
export function drawInputOf(
  { tokens, stems, rarity: idf, budget }: Offer,
  context: { readonly weight?: TaskWeight; readonly said?: ReadonlySet<number> } = {},
): DrawInput {
  const { weight = () => 0, said = new Set() } = context;
  const places = [...new Set(stems.flatMap((line) => [...line]))];
  const local = new Map(places.map((place, w) => [place, w]));
  return {
    items: stems.map((line, i) => ({
      tokens: tokens[i]!,
      trust: 1,
      words: Array.from(line, (place) => local.get(place)!),
    })),
    idf: Float64Array.from(places, idf),
    task: Float64Array.from(places, weight),
    said: Uint8Array.from(places, (place) => (said.has(place) ? 1 : 0)),
    budget,
    onCredit: false,
    parameters: defaultChoiceParameters,
  };
}
