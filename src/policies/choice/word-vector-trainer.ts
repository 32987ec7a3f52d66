/**
 * The trainer of the choice policy's adapter: weights of words, in closed form from questions, or by preferences.
 *
 * The closed form counts: a word of c questions weighs ln(1 + c). It takes well under a millisecond, so
 * it can follow every question, and with a judge that only compares words nothing did better. Preferences (DPO) are
 * for judges that understand more; their gradient is exact because the draw is linear in the weights.
 *
 * Departures:
 * 1. A question repeated in the same words counts once: it teaches nothing new.
 * 2. Options count too, at `optionWeight`: with few questions they show what the answers look like.
 * 3. With a sentence encoder, words that mean what is asked about have weights of their own (`near-words.ts`).
 * 4. Weights of hash buckets are trained, not of words: words that share a bucket share its weight.
 */
import type { Adapter, AdapterWord, VectorAdapter } from "../../adapter/adapter.ts";
import {
  adapterNorm,
  createAdapter,
  rescaleAdapter,
  vectorAdapter,
  weightsOf,
} from "../../adapter/arithmetic.ts";
import type { WordSpace } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import type { Task } from "../../tasks/task.ts";
import {
  type DpoOptions,
  type SamplePair,
  type TrainingResult,
  trainOnPairs,
} from "../../training/phase-two.ts";
import type { OptimizerOptions, StepReport, Trainer } from "../../training/trainer.ts";
import { loadTrainerState, saveTrainerState } from "../trainer-state.ts";
import { type DrawInput, drawGradient, drawLogprobs } from "./choice-draw.ts";
import { nearStem } from "./near-words.ts";
import { choicePhaseTwoRecipe } from "./recipes.ts";

/** Options of `adapterFromTasks`. */
export interface ClosedFormOptions {
  readonly words: WordSpace;
  /** Only this many of the latest tasks count. @default all: forgetting did worse */
  readonly recentTasks?: number;
  /** Weights of stems that mean what is asked about, beside those of the questions' own (`near-words.ts`). */
  readonly near?: ReadonlyMap<string, number>;
}

/** Weight of a word of the options, relative to 1 for a word of the question. */
const optionWeight = 0.3;

/**
 * The adapter of some tasks' questions in closed form, ln(1 + c) for each word.
 * @param tasks in the order they were asked
 */
export function adapterFromTasks(
  tasks: readonly Pick<Task, "question">[],
  { words, recentTasks = tasks.length, near = new Map() }: ClosedFormOptions,
): TrainingResult<VectorAdapter> {
  const questions = distinctQuestions(recentTasks > 0 ? tasks.slice(-recentTasks) : []);
  const counts = new Map<string, number>();
  for (const { text, options } of questions) {
    const asked = new Set(words.stems(text));
    const offered = new Set(options.flatMap((option) => words.stems(option.text)));
    for (const stem of asked) counts.set(stem, (counts.get(stem) ?? 0) + 1);
    for (const stem of offered) {
      if (!asked.has(stem)) counts.set(stem, (counts.get(stem) ?? 0) + optionWeight);
    }
  }
  const weights = new Map([...counts].map(([stem, count]) => [stem, Math.log(1 + count)]));
  for (const [stem, weight] of near) weights.set(nearStem(stem), weight);
  if (near.size > 0) weights.set(nearStem(""), Math.max(...near.values()));
  const adapter = createAdapter(
    words.id,
    words.dimension,
    [...weights].map(([stem, weight]) => {
      const { index, sign } = words.bucket(stem);
      return [index, sign * weight];
    }),
  );
  const result = (problem: TrainingResult["problem"]) => ({
    ...{ adapter, problem, pairs: 0, curve: [], failedVerdicts: 0 },
  });
  if (questions.length === 0) return result("no-tasks");
  if (counts.size === 0) return result("no-words");
  return result(questions.length === 1 ? "one-question" : null);
}

function distinctQuestions(tasks: readonly Pick<Task, "question">[]) {
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();
  return [...new Map(tasks.map(({ question }) => [plain(question.text), question])).values()];
}

/**
 * The words of some texts that an adapter weighs, the heaviest first: what a memory cares about.
 * @param texts where the words are looked up, such as the tasks' questions and options: an adapter holds only hashes
 */
export function adapterWords(adapter: Adapter, texts: Iterable<string>, words: WordSpace): AdapterWord[] {
  const weightOf = new Map(weightsOf(adapter));
  const found = new Map<string, AdapterWord>();
  for (const text of texts) {
    for (const written of text.toLowerCase().match(/[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}:.,'’-]*/gu) ?? []) {
      const stems = words.stems(written);
      for (const stem of stems) {
        const { index, sign } = words.bucket(stem);
        const weight = sign * (weightOf.get(index) ?? 0);
        const word = stems.length === 1 ? written.replace(/[:.,'’-]+$/, "") : stem;
        if (weight !== 0 && !found.has(stem)) found.set(stem, { word, weight });
      }
    }
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1));
}

/** A draw of the choice policy as the cache keeps it. */
export interface ChoiceSample {
  /** What the draw depended on, but for the weights being trained. */
  readonly input: Omit<DrawInput, "task">;
  /** The stem of each word, shape [W]. */
  readonly stems: readonly string[];
  /** Items in the order they were picked. */
  readonly picks: readonly number[];
}

/** Options of `choiceTrainer`. */
export interface ChoiceTrainerOptions {
  readonly words: WordSpace;
  /** Weights to start from. @default none */
  readonly adapter?: Adapter | null;
}

/**
 * Trains an adapter in word space by plain gradient descent: on sparse words Adam mistakes noise for direction. A draw
 * is weighted as a whole: `accumulate` expects one weight for all its choices, as DPO and GSPO give.
 * @throws ConfigError `adapter-space` for an adapter of another space, `adapter-remote`
 */
export function choiceTrainer(options: ChoiceTrainerOptions): Trainer<ChoiceSample, VectorAdapter> {
  const { words } = options;
  const adapter = options.adapter ? vectorAdapter(options.adapter) : null;
  if (adapter !== null && (adapter.space !== words.id || adapter.dimension !== words.dimension)) {
    throw new ConfigError(
      "adapter-space",
      `Expected an adapter of ${words.id} with dimension ${words.dimension} to train further, got ${adapter.space} with ${adapter.dimension}: start without one`,
    );
  }
  let weights = new Map(adapter === null ? [] : weightsOf(adapter));
  let gradient = new Map<number, number>();

  const drawOf = ({ input, stems }: ChoiceSample): DrawInput => ({
    ...input,
    task: Float64Array.from(stems, (stem) => {
      const { index, sign } = words.bucket(stem);
      return sign * (weights.get(index) ?? 0);
    }),
  });

  const snapshot = () => createAdapter(words.id, words.dimension, weights);

  return {
    logprobs: async (samples) =>
      samples.map((sample) => Float32Array.from(drawLogprobs(drawOf(sample), sample.picks))),
    accumulate: async (samples, perChoice) => {
      for (const [i, sample] of samples.entries()) {
        const weight = wholeWeight(sample, perChoice[i]);
        if (weight === 0) continue;
        for (const [place, slope] of drawGradient(drawOf(sample), sample.picks).entries()) {
          const { index, sign } = words.bucket(sample.stems[place]!);
          gradient.set(index, (gradient.get(index) ?? 0) + weight * sign * slope);
        }
      }
    },
    step: async ({ learningRate, maxGradientNorm = Infinity }: OptimizerOptions): Promise<StepReport> => {
      const gradientNorm = Math.hypot(...gradient.values());
      const rate = learningRate * Math.min(1, maxGradientNorm / Math.max(gradientNorm, Number.MIN_VALUE));
      let moved = 0;
      for (const [index, slope] of gradient) {
        weights.set(index, (weights.get(index) ?? 0) - rate * slope);
        moved += (rate * slope) ** 2;
      }
      gradient = new Map();
      return { gradientNorm, updateNorm: Math.sqrt(moved), adapterNorm: adapterNorm(snapshot()) };
    },
    snapshot: async () => snapshot(),
    save: async (path) => saveTrainerState(path, { space: words.id, weights: [...weights] }),
    load: async (path) => {
      const saved = await loadTrainerState(path, (z) =>
        z.strictObject({ space: z.literal(words.id), weights: z.array(z.tuple([z.int(), z.number()])) }),
      );
      weights = new Map(saved.weights);
      gradient = new Map();
    },
  };
}

/** The weight of a draw. @throws RangeError unless all its choices have one and the same weight */
function wholeWeight({ picks }: ChoiceSample, weights: Float32Array | undefined): number {
  const [weight = 0] = weights ?? [];
  if (weights?.length === picks.length && weights.every((other) => other === weight)) return weight;
  throw new RangeError(
    `Expected one weight for all ${picks.length} choices of a draw, got ${weights?.join(", ") ?? "none"}`,
  );
}

/** Options of `adapterFromPairs`. */
export interface PreferenceOptions extends Partial<Pick<DpoOptions, "beta" | "steps" | "learningRate">> {
  readonly words: WordSpace;
  /** Euclidean norm of the finished adapter: that of the closed form over the same tasks. */
  readonly norm: number;
}

/**
 * The adapter that makes chosen draws more likely than rejected ones, by DPO against the policy without an adapter
 * (log-probabilities summed over a draw), brought to `norm`. Each draw holds at least one choice.
 */
export async function adapterFromPairs(
  pairs: readonly SamplePair<ChoiceSample>[],
  { words, norm, ...dpo }: PreferenceOptions,
): Promise<TrainingResult<VectorAdapter>> {
  const trainer = choiceTrainer({ words });
  const curve = await trainOnPairs(trainer, pairs, { ...choicePhaseTwoRecipe.dpo, ...dpo });
  const trained = await trainer.snapshot();
  const found = { curve, pairs: pairs.length, failedVerdicts: 0 };
  if (pairs.length === 0) return { ...found, adapter: trained, problem: "no-pairs" };
  if (adapterNorm(trained) === 0) return { ...found, adapter: trained, problem: "no-direction" };
  const samples = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  return { ...found, adapter: withFloor(rescaleAdapter(trained, norm), samples, words), problem: null };
}

/** Below this a word would almost count against a line that holds it. */
const leastWeight = -0.8;

/** The adapter with no word of the samples below `leastWeight`. */
export function withFloor(
  adapter: Adapter,
  samples: readonly ChoiceSample[],
  words: WordSpace,
): VectorAdapter {
  const weights = new Map(weightsOf(adapter));
  for (const stem of new Set(samples.flatMap((sample) => sample.stems))) {
    const { index, sign } = words.bucket(stem);
    const weight = weights.get(index);
    if (weight !== undefined) weights.set(index, sign * Math.max(leastWeight, sign * weight));
  }
  return createAdapter(words.id, words.dimension, weights);
}
