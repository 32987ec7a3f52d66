/**
 * EgoLife's week of one wearer as texts: kept under a budget by one policy after the other, and asked.
 *
 * What is kept is measured by its evidence (`evidence.ts`): lines that started before the question count, those of its
 * own window too, which is decided at its end, 30 s later at most. What is answered is the product's: the answer sees
 * the windows that were over by then (`asking.ts`).
 */
import type { WordSpace } from "../../../engine.ts";
import type { ChoiceWeights } from "../../../policies/choice/choice-features.ts";
import type { Outcome } from "../../run/scoring.ts";
import { type AskedAnswer, askWeek } from "./asking.ts";
import { countUntil, createCorpus, cutWindows, rememberingWords } from "./corpus.ts";
import { type Evidence, type EvidenceFigures, evidenceOf, hasStrict, measureEvidence } from "./evidence.ts";
import type { ForeignQuestions } from "./foreign.ts";
import {
  type DecidingPolicy,
  type PolicyName,
  type PolicyOptions,
  recentFrom,
  remember,
  type Updates,
} from "./policies.ts";
import type { EgoLifeText, TextQuestion } from "./week.ts";

/** What is run on a week of texts. */
export interface EgoLifeTextOptions {
  readonly policies: readonly PolicyName[];
  /** Shares of the tokens to keep, above 0 to 1. */
  readonly budgets: readonly number[];
  /** One memory for all questions, or one for each type with adapters of its own. */
  readonly stream: "mixed" | "types";
  readonly updates: Updates;
  /** Stream time of one decision. */
  readonly windowSeconds: number;
  readonly seed: string;
}

/** What `bench egolife --text` runs, all policies aside. */
export const defaultEgoLifeTextOptions: Omit<EgoLifeTextOptions, "policies"> = {
  budgets: [0.05, 0.1, 0.2],
  stream: "mixed",
  updates: "every",
  windowSeconds: 30,
  seed: "5",
};

/** One question, asked of one memory. */
export interface QuestionResult extends EvidenceFigures {
  /** Letter of the chosen option, `null` where the reader abstained. */
  readonly option: string | null;
  readonly outcome: Outcome;
}

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

/** What was measured on a week of texts. */
export interface EgoLifeTextRun {
  readonly questions: readonly TextQuestion[];
  /** Budget by budget, in the order of the policies; `all` with the first. */
  readonly measured: readonly PolicyResults[];
  /** Questions with any evidence in the text, and with strict evidence. */
  readonly answerable: number;
  readonly strictlyAnswerable: number;
  readonly windows: number;
  readonly tokens: number;
}

/** What a run on a week of texts works with. */
export interface EgoLifeTextHooks {
  readonly words: WordSpace;
  /** What the choice policy writes with, in all that begins with `cov`. @default none, as it ships */
  readonly weights?: ChoiceWeights | null;
  /** For `cov+foreign`; none leaves it out. */
  readonly foreign: readonly ForeignQuestions[];
  /** Stems that stand for people. */
  readonly names: ReadonlySet<string>;
  /** Runs a part of it, plain JSON: what stands of a run that was stopped may be given instead. @default runs it */
  readonly step?: <T>(name: string, make: () => Promise<T>) => Promise<T>;
  readonly onProgress?: (what: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs every policy at every budget over the week. */
export async function runEgoLifeText(
  { entries, questions }: Pick<EgoLifeText, "entries" | "questions">,
  options: EgoLifeTextOptions,
  hooks: EgoLifeTextHooks,
): Promise<EgoLifeTextRun> {
  const { policies, budgets } = options;
  const { step = (_, make) => make(), onProgress } = hooks;
  const week = prepare(entries, questions, options, hooks);
  const run = (name: string, make: () => Promise<PolicyResults[]>) => {
    onProgress?.(name);
    return step(name, make);
  };
  const whole = policies.filter((name) => name === "all" || name === "recent");
  const measured =
    whole.length === 0 ? [] : await run(whole.join(" and "), () => ofWholeStream(week, whole, budgets));
  for (const budget of budgets) {
    for (const name of policies) {
      if (name === "all" || name === "recent") continue;
      const found = await run(`${name} at ${100 * budget} %`, () => ofPolicy(week, name, budget));
      measured.push(...found);
    }
  }
  return {
    questions,
    measured: inOrder(measured, policies, budgets),
    answerable: week.evidence.filter(({ size }) => size > 0).length,
    strictlyAnswerable: week.evidence.filter(hasStrict).length,
    windows: week.windows.length,
    tokens: week.corpus.tokens.reduce((sum, tokens) => sum + tokens, 0),
  };
}

/** The week with what does not depend on a policy. */
interface Week extends PolicyOptions {
  /** By question. */
  readonly evidence: readonly Evidence[];
  /** By question: entries that start no later. */
  readonly until: readonly number[];
}

function prepare(
  entries: EgoLifeText["entries"],
  questions: readonly TextQuestion[],
  { stream, updates, windowSeconds, seed }: EgoLifeTextOptions,
  { words: own, weights = null, foreign, names, signal }: EgoLifeTextHooks,
): Week {
  const words = rememberingWords(own);
  const corpus = createCorpus(entries, words);
  return {
    ...{ corpus, windowSeconds, questions, foreign, words, weights, updates, seed, signal },
    windows: cutWindows(corpus, windowSeconds),
    byType: stream === "types",
    evidence: questions.map((asked) => evidenceOf(corpus, asked, names, words)),
    until: questions.map(({ askedSeconds }) => countUntil(corpus, askedSeconds)),
  };
}

/** Everything, and the most recent share of it at each budget, from one store. */
async function ofWholeStream(
  week: Week,
  policies: readonly PolicyName[],
  budgets: readonly number[],
): Promise<PolicyResults[]> {
  const kept = new Uint8Array(week.corpus.entries.length).fill(1);
  const memories = [
    ...(policies.includes("all") ? [{ policy: "all", budget: 1, from: everything(week) }] : []),
    ...(policies.includes("recent")
      ? budgets.map((budget) => ({ policy: "recent", budget, from: recentFrom(week, budget) }))
      : []),
  ];
  const asked = [...week.questions.keys()];
  const oldest = memories.map(({ from }) => from);
  const answers = await askWeek(week, kept, asked, oldest);
  return memories.map(({ policy, budget, from }, k) => {
    const isKept = (question: number) => (entry: number) => entry >= from[question]!;
    const results = asked.map((question) =>
      resultOf(week, question, isKept(question), answers[k]![question]!),
    );
    return { policy, budget, share: shareKept(week, isKept(asked.at(-1)!)), results };
  });
}

/** Nothing forgotten at any question. */
const everything = ({ questions }: Week) => questions.map(() => 0);

async function ofPolicy(week: Week, name: DecidingPolicy, budget: number): Promise<PolicyResults[]> {
  const measured: PolicyResults[] = [];
  for (const { policy, memories } of await remember(name, budget, week)) {
    const results: QuestionResult[] = [];
    for (const { kept, asked } of memories) {
      const [answers] = await askWeek(week, kept, asked, [everything(week)]);
      for (const [k, question] of asked.entries())
        results[question] = resultOf(week, question, (entry) => kept[entry] === 1, answers![k]!);
    }
    const last = memories.find(({ asked }) => asked.includes(week.questions.length - 1))!;
    measured.push({ policy, budget, share: shareKept(week, (entry) => last.kept[entry] === 1), results });
  }
  return measured;
}

function resultOf(
  { questions, evidence }: Week,
  question: number,
  isKept: (entry: number) => boolean,
  { option, recalled }: AskedAnswer,
): QuestionResult {
  const outcome = option === null ? "abstained" : option === questions[question]!.answer ? "right" : "wrong";
  return { ...measureEvidence(evidence[question]!, isKept, recalled), option, outcome };
}

/** Of the tokens before the last question. */
function shareKept({ corpus: { tokens }, until }: Week, isKept: (entry: number) => boolean): number {
  const before = tokens.subarray(0, until.at(-1));
  const all = before.reduce((sum, own) => sum + own, 0);
  return before.reduce((sum, own, entry) => (isKept(entry) ? sum + own : sum), 0) / Math.max(1, all);
}

function inOrder(
  measured: readonly PolicyResults[],
  policies: readonly PolicyName[],
  budgets: readonly number[],
): PolicyResults[] {
  const place = ({ policy, budget }: PolicyResults) =>
    policies.length * (policy === "all" ? 0 : budgets.indexOf(budget)) +
    policies.findIndex((name) => policy === name || policy.startsWith(`${name}(`));
  return measured.toSorted((a, b) => place(a) - place(b));
}
