/**
 * The base policy of the reference's Phase One: a line's score is linear in 14 plain features, trained by GRPO without
 * any question, so that lines tell much and repeat little.
 *
 * The draw is the choice policy's, with nothing in its score but features (`policy/choice-draw.ts`); these are the reference's
 * own, of which one depends on what was picked before in the window. Reward of a draw: half a point if none of its
 * lines is more than four fifths redundant or holds fewer than two content words, else minus half a point, and 0.05 for each
 * draw of its group that adds less rare words. With task weights a line's score gets Σ a_w · idf_w / 8 on top.
 */
import {
  type DrawInput,
  defaultChoiceParameters,
  drawItems,
  drawWeightsGradient,
} from "../../policies/choice/choice-draw.ts";
import { groupAdvantages } from "../../training/advantages.ts";
import { seededRandom } from "../../util/random.ts";
import type { Corpus } from "../datasets/egolife-text/corpus.ts";
import { drawInputOf, type Offer, type Picker, type TaskWeight, WordCounts } from "./pickers.ts";
import type { TextWindow } from "./windows.ts";

/** The last of them, novelty in the window, is reckoned by the draw. */
const featureCount = 14;
/** Windows of memory that novelty looks back on. */
const noveltyWindows = 4;
const group = 8;
const trainingWindows = 600;
const epochs = 3;
const learningRate = 0.3;
/** What a sum of task weights is divided by next to the features. */
const taskDivisor = 8;

/** Features of each line of a window but the last, each within about [0, 1], shape [n][13]. */
type FeatureReader = (
  offer: Offer,
  kept: ReadonlySet<number>,
  seen: ReadonlyMap<number, number>,
) => Float64Array[];

function featureReader(corpus: Corpus, names: ReadonlySet<number>): FeatureReader {
  return ({ entries, tokens, stems, rarity }, memory, seen) =>
    entries.map((entry, i) => {
      const { kind, text } = corpus.entries[entry]!;
      const rare = Array.from(stems[i]!, rarity);
      const total = rare.reduce((sum, idf) => sum + idf, 0);
      const fresh = stems[i]!.reduce((sum, place, k) => (memory.has(place) ? sum : sum + rare[k]!), 0);
      return Float64Array.of(
        kind === "speech" ? 1 : 0,
        Math.log(tokens[i]!) / 4,
        Math.min(1, stems[i]!.length / 10),
        total / Math.max(1, rare.length) / 10,
        Math.max(0, ...rare) / 10,
        Math.min(2, total / 40),
        total > 0 ? fresh / total : 0,
        stems[i]!.some((place) => names.has(place)) ? 1 : 0,
        /\d/.test(text) ? 1 : 0,
        /\b(i|my|me|mine|i'm)\b|我/i.test(text) ? 1 : 0,
        /[?？]/.test(text) ? 1 : 0,
        Math.min(1, stems[i]!.length / tokens[i]!),
        Math.min(1, Math.log(1 + (seen.get(entry) ?? 0)) / 6),
      );
    });
}

/**
 * A window's draw by features. The task's part of the score goes along as a feature of weight 1, and what one line
 * holds of another (`told`) weighs nothing.
 */
function drawOf(
  offer: Offer,
  features: readonly Float64Array[],
  weights: Float64Array,
  extra: readonly number[],
): DrawInput {
  const still = features.map((own, i) => Float64Array.of(extra[i]!, ...own));
  return {
    ...drawInputOf(offer),
    features: {
      still,
      told: new Float64Array(still.length),
      weights: Float64Array.of(1, ...weights, 0),
    },
    parameters: { ...defaultChoiceParameters, sharpness: 0 },
  };
}

/** d log-probability / d weights, mean over the picks, shape [14]. */
function slopeOf(input: DrawInput, picks: readonly number[]): Float64Array {
  const each = picks.map(() => 1 / picks.length);
  return drawWeightsGradient(input, picks, each).subarray(1, 1 + featureCount);
}

/** Half a point for a sound draw, and how much it tells. */
function qualityOf(offer: Offer, picks: readonly number[], memory: ReadonlySet<number>) {
  const told = new Set(memory);
  let mass = 0;
  let isSound = picks.length > 0;
  for (const i of picks) {
    const fresh = offer.stems[i]!.filter((place) => !told.has(place));
    if (offer.stems[i]!.length < 2 || fresh.length < 0.2 * offer.stems[i]!.length) isSound = false;
    for (const place of fresh) {
      told.add(place);
      mass += offer.rarity(place);
    }
  }
  return { quality: isSound ? 0.5 : -0.5, mass };
}

/** What the last windows keep, and how often each line was said before. */
class Past {
  #windows: (readonly number[])[] = [];
  readonly #lines = new Map<string, number>();

  memory(): Set<number> {
    return new Set(this.#windows.flat());
  }

  seen(corpus: Corpus, entries: readonly number[]): Map<number, number> {
    return new Map(entries.map((entry) => [entry, this.#lines.get(corpus.lines[entry]!) ?? 0]));
  }

  add(corpus: Corpus, { entries, stems }: Offer, picks: readonly number[]): void {
    this.#windows = [...this.#windows, picks.flatMap((i) => [...stems[i]!])].slice(-noveltyWindows);
    for (const entry of entries) {
      const line = corpus.lines[entry]!;
      this.#lines.set(line, (this.#lines.get(line) ?? 0) + 1);
    }
  }
}

export interface PhaseOneOptions {
  readonly corpus: Corpus;
  readonly windows: readonly TextWindow[];
  /** Share of the tokens to keep. */
  readonly share: number;
  /** Places of stems that stand for people. */
  readonly names: ReadonlySet<number>;
  readonly seed: string;
}

/** Weights of the features, shape [14], from the first windows of the stream. */
export function trainPhaseOne({ corpus, windows, share, names, seed }: PhaseOneOptions): Float64Array {
  const random = seededRandom(`phase one ${seed}`);
  const read = featureReader(corpus, names);
  const weights = new Float64Array(featureCount);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const counts = new WordCounts(corpus.vocabulary.size);
    const past = new Past();
    for (const window of windows.slice(0, trainingWindows)) {
      const stems = window.entries.map((entry) => corpus.stems[entry]!);
      const tokens = window.entries.map((entry) => corpus.tokens[entry]!);
      // Half the most that can be carried over lies in the purse on average.
      const budget = share * window.tokens + (120 * share + 12) / 2;
      const offer: Offer = { ...window, tokens, stems, rarity: counts.rarity, budget };
      const memory = past.memory();
      const features = read(offer, memory, past.seen(corpus, window.entries));
      const none = offer.entries.map(() => 0);
      const input = drawOf(offer, features, weights, none);
      const draws = Array.from({ length: group }, () => drawItems(input, random));
      const graded = draws.map(({ picks }) => qualityOf(offer, picks, memory));
      const advantages = groupAdvantages(
        graded.map(({ quality, mass }) => ({
          reward: quality + 0.05 * graded.filter((other) => other.mass < mass).length,
          netCorrect: null,
        })),
      );
      const slopes = draws.map(({ picks }) => slopeOf(input, picks));
      for (const [g, slope] of slopes.entries()) {
        for (let f = 0; f < featureCount; f++) {
          weights[f]! += (learningRate * advantages[g]! * slope[f]!) / group;
        }
      }
      past.add(corpus, offer, draws[0]!.picks);
      counts.add(stems);
    }
  }
  return weights;
}

/** The trained policy, greedy. @param weightAt task weights in force at a window's start */
export function phaseOnePicker(
  { corpus, names }: Pick<PhaseOneOptions, "corpus" | "names">,
  weights: Float64Array,
  weightAt: (startSeconds: number) => TaskWeight,
): Picker {
  const read = featureReader(corpus, names);
  const past = new Past();
  return (offer) => {
    const weight = weightAt(offer.startSeconds);
    const extra = offer.stems.map(
      (line) => line.reduce((sum, place) => sum + weight(place) * offer.rarity(place), 0) / taskDivisor,
    );
    const features = read(offer, past.memory(), past.seen(corpus, offer.entries));
    const { picks } = drawItems(drawOf(offer, features, weights, extra));
    past.add(corpus, offer, picks);
    return picks;
  };
}
