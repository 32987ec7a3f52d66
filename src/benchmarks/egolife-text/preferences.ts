/**
 * Adapters by preferences for the benchmark: memories drawn from the past of the stream, compared by the questions asked so far,
 * trained on by DPO.
 *
 * The judge goes by words: of two draws the better one holds more rare words that were asked about, ln(1 + c) · idf summed,
 * unless they are within a tenth. It gives the same verdict in either order. It measures overlap of words and nothing
 * else, so these figures say what DPO does with such a judge, not what a judge that understands would give.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { adapterNorm, createAdapter } from "../../adapter/arithmetic.ts";
import type { WordSpace } from "../../engine.ts";
import { replayOf } from "../../policies/choice/choice.ts";
import {
  adapterFromPairs,
  adapterFromTasks,
  type ChoiceSample,
} from "../../policies/choice/word-vector-trainer.ts";
import { type Comparison, choosePairs, type PairCandidate } from "../../training/pairs.ts";
import type { Random } from "../../util/random.ts";
import type { TextQuestion } from "../datasets/egolife-text/week.ts";
import type { WindowDecision } from "./windows.ts";

/** Draws of one context. */
const samples = 8;
/** Contexts an adapter is trained on: with 400 nothing was learnt. */
const pool = 1000;
const tieMargin = 0.1;

interface Drawn extends PairCandidate {
  readonly sample: ChoiceSample;
  /** Distinct stems of what it keeps, with their rarity when it was drawn. */
  readonly rarity: ReadonlyMap<string, number>;
}

/** The draws of one window by the policy without an adapter. */
export interface DrawnContext {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly candidates: readonly Drawn[];
}

/** @param choice what the policy of the decision was made with */
export async function drawContext(
  { window, policy, context }: WindowDecision,
  choice: Parameters<typeof replayOf>[2],
  random: Random,
): Promise<DrawnContext> {
  const { actions } = await policy.decide(context, { n: samples, random });
  const distinct = new Map(actions.map((action) => [action.text, action]));
  const candidates = [...distinct.values()]
    .filter(({ statements }) => statements.length > 0)
    .map((action, i): Drawn => {
      const sample = replayOf(context, action, choice);
      const kept = new Set(sample.picks.flatMap((item) => [...sample.input.items[item]!.words]));
      return {
        id: String(i),
        text: action.text,
        tokens: choice.words.countTokens(action.text),
        passes: true,
        sample,
        rarity: new Map([...kept].map((word) => [sample.stems[word]!, sample.input.idf[word]!])),
      };
    });
  const { startSeconds, endSeconds } = window.observation;
  return { startSeconds, endSeconds, candidates };
}

/**
 * The adapter the first questions prefer; of the closed form's norm.
 * @param contexts of the whole stream in order; those that end after the last question are not looked at
 */
export async function adapterFromDraws(
  questions: readonly TextQuestion[],
  contexts: readonly DrawnContext[],
  words: WordSpace,
  seed: string,
): Promise<Adapter> {
  const until = questions.at(-1)?.askedSeconds ?? 0;
  const past = contexts.filter(({ endSeconds }) => endSeconds <= until);
  const step = Math.max(1, past.length / pool);
  const chosen = Array.from({ length: Math.min(pool, past.length) }, (_, i) => past[Math.floor(i * step)]!);
  const asked = new Map<string, number>();
  for (const { question } of questions) {
    for (const stem of new Set(words.stems(question.text))) asked.set(stem, (asked.get(stem) ?? 0) + 1);
  }
  const { pairs } = choosePairs(
    chosen.map(({ startSeconds, candidates }) => ({
      id: String(startSeconds),
      candidates,
      comparisons: compare(candidates, asked),
    })),
    { seed },
  );
  const norm = adapterNorm(adapterFromTasks(questions, { words }).adapter);
  if (pairs.length === 0) return createAdapter(words.id, words.dimension, []);
  const draws = pairs.map((pair) => ({ chosen: pair.chosen.sample, rejected: pair.rejected.sample }));
  return (await adapterFromPairs(draws, { words, norm })).adapter;
}

function compare(candidates: readonly Drawn[], asked: ReadonlyMap<string, number>): Comparison[] {
  const worths = candidates.map(({ rarity }) =>
    [...rarity].reduce((sum, [stem, idf]) => sum + idf * Math.log(1 + (asked.get(stem) ?? 0)), 0),
  );
  return candidates.flatMap((first, i) =>
    candidates.flatMap((second, k): Comparison[] => {
      const [better, worse] = [worths[i]!, worths[k]!];
      const isBetter = better - worse > tieMargin * better;
      return isBetter ? [{ winner: first.id, loser: second.id, task: "asked" }] : [];
    }),
  );
}
