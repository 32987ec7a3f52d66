/**
 * Phase Two by preferences, as the paper has it, for the choice policy: rollouts, relevance, pairs, DPO.
 *
 * The policy without an adapter draws several memories of each context; a judge says of each two, in both orders, which
 * helps more with questions like a sample of the recent ones; consistent verdicts become at most one pair per context;
 * DPO trains the adapter on the pairs. All draws come before any training (a frozen cache), so none is stale.
 *
 * Departures: a context is 30 s of stream instead of a clip; every memory is made of the stream's own lines, so all
 * pass the quality checks and none is judged for them.
 */
import type { WordSpace } from "../engine.ts";
import type { Observation } from "../perception/observation.ts";
import { type ChoiceOptions, choicePolicy, replayOf } from "../policy/choice.ts";
import { type Judge, preferenceInBothOrders } from "../reward/judge.ts";
import type { Task } from "../tasks/task.ts";
import { seededRandom, shuffle } from "../util/random.ts";
import {
  adapterFromPairs,
  type ChoicePair,
  type ChoiceSample,
  type PreferenceLesson,
} from "./choice-trainer.ts";
import { type Comparison, choosePairs, type PairCandidate, type PairReport } from "./pairs.ts";
import { decisionsOf } from "./replay.ts";

export interface PhaseTwoOptions {
  readonly words: WordSpace;
  /** The policy that draws: budget, parameters, clip length. */
  readonly choice: Omit<ChoiceOptions, "adapter">;
  readonly judge: Pick<Judge, "relevance">;
  /** Euclidean norm of the adapter. */
  readonly norm: number;
  /** Memories drawn for a context. @default 8 */
  readonly samples?: number;
  /** Recent questions a context is judged by. @default 5 */
  readonly questionsPerContext?: number;
  /** @default 10 */
  readonly steps?: number;
  readonly seed?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface PhaseTwoLesson extends PreferenceLesson {
  readonly pairs: number;
  readonly steps: number;
  readonly report: PairReport;
  /** Verdicts the judge failed to give. */
  readonly failedVerdicts: number;
}

interface Drawn extends PairCandidate {
  readonly sample: ChoiceSample;
}

/**
 * The adapter that recent questions prefer.
 * @param tasks in the order they were asked
 * @param streams observations of each stream, in order
 */
export async function adapterFromPreferences(
  tasks: readonly Pick<Task, "question">[],
  streams: readonly (readonly Observation[])[],
  options: PhaseTwoOptions,
): Promise<PhaseTwoLesson> {
  const {
    words,
    choice,
    norm,
    samples = 8,
    questionsPerContext = 5,
    steps = 10,
    seed = "phase-two",
  } = options;
  const policy = choicePolicy({ ...choice, adapter: null });
  const random = seededRandom(seed);
  let failedVerdicts = 0;
  const contexts: { id: string; candidates: Drawn[]; comparisons: Comparison[] }[] = [];
  for (const [stream, observations] of streams.entries()) {
    for await (const { context } of decisionsOf(policy, observations, options.signal)) {
      const questions = shuffle(random, tasks)
        .slice(0, questionsPerContext)
        .map(({ question }) => question);
      const { actions } = await policy.decide(context, { n: samples, random });
      const candidates = actions
        .filter(({ statements }) => statements.length > 0)
        .map(
          (action, i): Drawn => ({
            id: String(i),
            text: action.text,
            tokens: words.countTokens(action.text),
            passes: true,
            sample: replayOf(context, action, choice),
          }),
        );
      const comparisons: Comparison[] = [];
      for (const [i, first] of candidates.entries()) {
        for (const second of candidates.slice(i + 1)) {
          if (first.text === second.text) continue;
          const request = { context, first: first.text, second: second.text, questions };
          const verdict = await preferenceInBothOrders(options.judge, {
            ...request,
            ...(options.signal && { signal: options.signal }),
          });
          if (!verdict.ok) failedVerdicts += 1;
          else if (verdict.value === "first")
            comparisons.push({ winner: first.id, loser: second.id, task: "recent" });
          else if (verdict.value === "second")
            comparisons.push({ winner: second.id, loser: first.id, task: "recent" });
        }
      }
      contexts.push({ id: `${stream}-${context.observations[0]!.clip}`, candidates, comparisons });
    }
  }
  const { pairs, report } = choosePairs(contexts, { seed });
  const draws = pairs.map(
    ({ chosen, rejected }): ChoicePair => ({ chosen: chosen.sample, rejected: rejected.sample }),
  );
  const lesson = await adapterFromPairs(draws, { words, norm, steps });
  return { ...lesson, pairs: pairs.length, steps: pairs.length > 0 ? steps : 0, report, failedVerdicts };
}
