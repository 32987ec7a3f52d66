/**
 * The benchmark: one wearer's week as text, remembered under a budget by one policy after the other, and asked.
 *
 * Time runs one way: a window is chosen by what was said and asked before it, a question sees the lines that
 * started before it was asked, and what was chosen is not revised (unless the past is chosen anew, `rechoose`).
 * A window is chosen at its end: among the lines a question sees, those of its own window were chosen knowing what
 * followed up to that end, 30 s at most, as in the reference.
 */
import type { WordSpace } from "../../../engine.ts";
import type { ChoiceWeights } from "../../../policies/choice/choice-features.ts";
import {
  measureAll,
  type PreparedQuestion,
  prepareQuestion,
  type QuestionResult,
} from "../../egolife-text/measure.ts";
import { cutWindows, rememberingWords } from "../../egolife-text/windows.ts";
import { createCorpus } from "./corpus.ts";
import { isStrict } from "./evidence.ts";
import type { Updates } from "./learning.ts";
import { type ForeignQuestions, type PolicyName, remember } from "./policies.ts";
import type { EgoLifeText, TextQuestion } from "./week.ts";

export interface EgoLifeTextOptions {
  readonly policies: readonly PolicyName[];
  /** Shares of the tokens to keep, above 0 to 1. */
  readonly budgets: readonly number[];
  /** One memory for all questions, or one for each type with adapters of its own. */
  readonly stream: "mixed" | "types";
  readonly updates: Updates;
  /** Stream time of one decision. */
  readonly windowSeconds: number;
  readonly rechoose: boolean;
  readonly seed: string;
}

export const defaultEgoLifeTextOptions: Omit<EgoLifeTextOptions, "policies"> = {
  budgets: [0.05, 0.1, 0.2],
  stream: "mixed",
  updates: "every",
  windowSeconds: 30,
  rechoose: false,
  seed: "5",
};

/** What was measured of one policy at one budget. */
export interface PolicyResults {
  readonly policy: string;
  /** 1 for `all`. */
  readonly budget: number;
  /** Share of the tokens before the last question that it remembers then. */
  readonly share: number;
  /** By question, in the order they were asked. */
  readonly results: readonly QuestionResult[];
}

export interface EgoLifeTextRun {
  readonly questions: readonly TextQuestion[];
  readonly measured: readonly PolicyResults[];
  /** Questions with any evidence in the text, and with strict evidence. */
  readonly answerable: number;
  readonly strictlyAnswerable: number;
  readonly windows: number;
  readonly tokens: number;
}

export interface RunHooks {
  readonly words: WordSpace;
  /** What the choice policy writes with, in all that begins with `cov`. @default none, as it ships */
  readonly weights?: ChoiceWeights | null;
  /** For `cov+foreign`; none leaves it out. */
  readonly foreign: readonly ForeignQuestions[];
  /** Stems that stand for people. */
  readonly names: ReadonlySet<string>;
  readonly onProgress?: (step: { readonly policy: string; readonly budget: number }) => void;
  /** Steps that were measured before, by `stepOf`: they are not measured again. @default none */
  readonly before?: ReadonlyMap<string, readonly PolicyResults[]>;
  /** Told of each step that is done, to be given as `before` should the run be stopped. */
  readonly onMeasured?: (step: string, measured: readonly PolicyResults[]) => void;
  readonly signal?: AbortSignal;
}

/** Name of what a run does in one go: one policy at one budget. */
const stepOf = (policy: PolicyName, budget: number) => `${policy} at ${budget}`;

/** Runs every policy at every budget over the week. */
export async function runEgoLifeText(
  { entries, questions }: Pick<EgoLifeText, "entries" | "questions">,
  options: EgoLifeTextOptions,
  hooks: RunHooks,
): Promise<EgoLifeTextRun> {
  const words = rememberingWords(hooks.words);
  const corpus = createCorpus(entries, words);
  const windows = cutWindows(corpus, options.windowSeconds);
  const prepared = questions.map((asked) => prepareQuestion(corpus, asked, hooks.names, words));
  const { seed, updates, rechoose, windowSeconds } = options;
  const setting = {
    corpus,
    windows,
    windowSeconds,
    questions,
    foreign: hooks.foreign,
    words,
    weights: hooks.weights ?? null,
    names: new Set([...hooks.names].flatMap((stem) => corpus.vocabulary.get(stem) ?? [])),
    byType: options.stream === "types",
    updates,
    rechoose,
    seed,
  };
  const measured: PolicyResults[] = [];
  for (const budget of options.budgets) {
    for (const name of options.policies) {
      if (name === "all" && budget !== options.budgets[0]) continue;
      hooks.signal?.throwIfAborted();
      const spent = name === "all" ? 1 : budget;
      hooks.onProgress?.({ policy: name, budget: spent });
      const step = stepOf(name, spent);
      const before = hooks.before?.get(step);
      const found =
        before ??
        (await remember(name, spent, setting)).map(({ policy, memories }): PolicyResults => {
          const results = measureAll(corpus, prepared, memories);
          const share = shareKept(corpus.tokens, memories(questions.length - 1), prepared.at(-1)!.until);
          return { policy, budget: spent, share, results };
        });
      if (!before) hooks.onMeasured?.(step, found);
      measured.push(...found);
    }
  }
  return {
    questions,
    measured,
    answerable: prepared.filter(({ evidence }) => evidence.best > 0).length,
    strictlyAnswerable: prepared.filter(hasStrictEvidence).length,
    windows: windows.length,
    tokens: corpus.tokens.reduce((sum, tokens) => sum + tokens, 0),
  };
}

function hasStrictEvidence({ evidence: { worth, best } }: PreparedQuestion): boolean {
  return worth.some((one) => isStrict(one, best));
}

function shareKept(tokens: Uint32Array, kept: Uint8Array, until: number): number {
  let all = 0;
  let held = 0;
  for (let i = 0; i < until; i++) {
    all += tokens[i]!;
    if (kept[i]) held += tokens[i]!;
  }
  return held / Math.max(1, all);
}
