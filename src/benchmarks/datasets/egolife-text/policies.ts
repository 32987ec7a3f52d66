/**
 * What each policy keeps of the week at a share of its tokens.
 *
 * Time runs one way: a window is decided by what was said and asked before it, with the adapter from the questions
 * that were all asked before it starts, and what was decided is not revised.
 */
import type { Adapter } from "../../../adapter/adapter.ts";
import { adapterNorm } from "../../../adapter/arithmetic.ts";
import type { WordSpace } from "../../../engine.ts";
import type { SourceText } from "../../../perception/observation.ts";
import { choicePolicy } from "../../../policies/choice/choice.ts";
import type { ChoiceWeights } from "../../../policies/choice/choice-features.ts";
import { choiceFamily } from "../../../policies/choice/choice-training.ts";
import { adapterFromTasks } from "../../../policies/choice/word-vector-trainer.ts";
import { adapterFromPreferences } from "../../../policies/word-adapter-trainer.ts";
import type { Context, Policy } from "../../../policy/policy.ts";
import { localJudge } from "../../../reward/local-judge.ts";
import type { Question } from "../../../tasks/task.ts";
import { decisionsOf } from "../../../training/replay.ts";
import { turn } from "../../../util/async.ts";
import { uniformPolicy } from "../../run/writers.ts";
import { questionOf } from "../../task.ts";
import { type Corpus, countUntil, runningSums, type TextWindow } from "./corpus.ts";
import type { ForeignQuestions } from "./foreign.ts";
import type { WeekTask } from "./week.ts";

/**
 * - `all`: everything, at any budget
 * - `random`: any lines that fit the budget
 * - `recent`: the last share of all tokens, with no choice
 * - `cov`: the choice policy
 * - `+words`: with adapters in closed form from the questions asked so far; `+dpo`: from preferences over what was
 *   watched in the hour before the last of them; `+foreign`: in closed form from as many questions of other people
 */
export const policyNames = ["all", "random", "recent", "cov", "cov+words", "cov+dpo", "cov+foreign"] as const;
/** One of `policyNames`. */
export type PolicyName = (typeof policyNames)[number];

/** After how many questions an adapter is made: after every one, or after these numbers of them, ascending. */
export type Updates = "every" | readonly number[];

/** When preferences are trained on where the closed form learns after every question: they take a second each. */
const preferenceUpdates: readonly number[] = [5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 350];
/** Stream time that preferences look back on, as `adapt run` does. */
const preferenceSeconds = 3600;

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

/** A week, and how it is remembered. */
export interface Remembering
  extends Pick<EgoLifeTextOptions, "stream" | "updates" | "seed">,
    Pick<EgoLifeTextHooks, "foreign" | "signal"> {
  readonly corpus: Corpus;
  /** In the order they were asked. */
  readonly questions: readonly WeekTask[];
  readonly weights: ChoiceWeights | null;
}

/** A memory of the week, and who asks it. */
export interface WeekMemory {
  /** 1 for entries that are kept, shape [N]. */
  readonly kept: Uint8Array;
  /** Places of its questions, ascending. */
  readonly asked: readonly number[];
  /** By the place of a question: the first entry that is not forgotten by then. @default nothing is forgotten */
  readonly from?: readonly number[];
}

/** A policy at a budget: a row of the table. */
export interface WeekPolicy {
  /** `cov+foreign` once for each set of foreign questions. */
  readonly policy: string;
  /** Share of the tokens to keep; 1 for `all`. */
  readonly budget: number;
  remember(): Promise<WeekMemory[]>;
}

/** The policies of a name at a share of the tokens, above 0 to 1. */
export function policiesAt(name: PolicyName, budget: number, week: Remembering): WeekPolicy[] {
  const { corpus, questions, updates, foreign } = week;
  const row = (remember: () => Promise<WeekMemory[]>, policy: string = name) => [
    { policy, budget, remember },
  ];
  const all = {
    kept: new Uint8Array(corpus.entries.length).fill(1),
    asked: [...questions.keys()],
  };
  switch (name) {
    case "all":
      return row(async () => [all]);
    case "recent":
      return row(async () => [{ ...all, from: recentFrom(week, budget) }]);
    case "random":
      return row(async () => [await keptBy(week, uniformPolicies(week, budget))]);
    case "cov":
      return row(async () => [
        await keptBy(
          week,
          choicePolicies(week, budget, () => null),
        ),
      ]);
    case "cov+words":
      return row(() => taught(week, budget, async (asked) => closedForm(week, asked.map(questionOf))));
    case "cov+dpo": {
      const fewer = updates === "every" ? preferenceUpdates : updates;
      return row(() => taught({ ...week, updates: fewer }, budget, preferences(week, budget)));
    }
    case "cov+foreign":
      return foreign.flatMap(({ name: set, texts }) => {
        const others = texts.map((text) => ({ text, options: [] }));
        const learn: Learn = async ({ length }) => closedForm(week, others.slice(0, length));
        return row(() => taught(week, budget, learn), `${name}(${set})`);
      });
  }
}

/** The first entry of the last share of the tokens before each question. */
function recentFrom({ corpus: { entries, tokens }, questions }: Remembering, share: number): number[] {
  const before = runningSums(tokens);
  return questions.map(({ askTime }) => {
    const forgotten = (1 - share) * before[countUntil(entries, askTime)]!;
    return before.findIndex((sum) => sum >= forgotten);
  });
}

/** The policy that decides about a window. */
type PolicyFor = (window: TextWindow) => Policy;

/**
 * The budget for a share of all tokens of a window. The policy counts only lines that could be kept; others here count
 * all, so the rest is given as this window's floor.
 */
const budgetOf = (share: number, { tokens }: TextWindow) => ({
  fraction: share,
  floorTokens: share * tokens,
});

function uniformPolicies({ corpus: { words, windowSeconds }, seed }: Remembering, share: number): PolicyFor {
  const always = { words, clipSeconds: windowSeconds, seed: `${seed} ${share}` };
  return (window) => uniformPolicy({ ...always, budget: budgetOf(share, window) });
}

function choicePolicies(
  { corpus: { words, windowSeconds }, weights }: Remembering,
  share: number,
  adapterAt: (seconds: number) => Adapter | null,
): PolicyFor {
  return (window) =>
    choicePolicy({
      ...{ words, clipSeconds: windowSeconds, budget: budgetOf(share, window), weights },
      adapter: adapterAt(window.observation.startSeconds),
    });
}

/** The adapter that some questions teach; `null` where there is nothing to learn. */
type Learn = (asked: readonly WeekTask[]) => Promise<Adapter | null>;

/** What is kept where questions teach: one memory, or one for each type. */
async function taught(week: Remembering, share: number, learn: Learn): Promise<WeekMemory[]> {
  const { questions, stream } = week;
  const memories: WeekMemory[] = [];
  for (const asked of Map.groupBy(
    questions.keys(),
    (i) => stream === "types" && questions[i]!.type,
  ).values()) {
    const own = asked.map((i) => questions[i]!);
    const adapterAt = await adaptersOf(own, week, learn);
    memories.push({ ...(await keptBy(week, choicePolicies(week, share, adapterAt))), asked });
  }
  return memories;
}

/** The adapter that is active at a moment: the last one whose questions were all asked before. */
async function adaptersOf(
  questions: readonly WeekTask[],
  { updates, signal }: Remembering,
  learn: Learn,
): Promise<(seconds: number) => Adapter | null> {
  const counts = updates === "every" ? questions.map((_, i) => i + 1) : updates;
  const trained: { readonly askTime: number; readonly adapter: Adapter | null }[] = [];
  for (const count of counts.filter((each) => each <= questions.length)) {
    await turn(signal);
    const adapter = await learn(questions.slice(0, count));
    trained.push({ askTime: questions[count - 1]!.askTime, adapter });
  }
  return (seconds) => trained.findLast(({ askTime }) => askTime < seconds)?.adapter ?? null;
}

function closedForm({ corpus: { words } }: Remembering, questions: readonly Question[]): Adapter {
  const tasks = questions.map((question) => ({ question }));
  return adapterFromTasks(tasks, { words }).adapter;
}

/** Phase Two of the choice policy, over what was watched in the hour before the last question. */
function preferences(week: Remembering, share: number): Learn {
  const { corpus, weights, signal } = week;
  const { words, windows, windowSeconds } = corpus;
  const choice = choiceFamily({ words, clipSeconds: windowSeconds, budget: { fraction: share }, weights });
  return async (asked) => {
    const { askTime } = asked.at(-1)!;
    const questions = asked.map(questionOf);
    const watched = windows
      .map(({ observation }) => observation)
      .filter((seen) => seen.endSeconds <= askTime && seen.startSeconds >= askTime - preferenceSeconds);
    const { adapter, problem } = await adapterFromPreferences(
      questions.map((question) => ({ question })),
      [watched],
      {
        ...choice,
        judge: localJudge({ words }),
        norm: adapterNorm(closedForm(week, questions))!,
        signal,
      },
    );
    return problem === null ? adapter : null;
  };
}

/** What policies keep of a week that they see for the first time, each deciding about its own windows. */
async function keptBy(
  { corpus: { entries, windows }, questions, signal }: Remembering,
  policyFor: PolicyFor,
): Promise<WeekMemory> {
  const kept = new Uint8Array(entries.length);
  const windowOf = new Map(windows.map((window) => [window.observation.clip, window]));
  let current: { readonly clip: number; readonly policy: Policy } | null = null;
  const policyAt = ({ observations: [observation] }: Context): Policy => {
    const { clip } = observation!;
    if (current?.clip !== clip) current = { clip, policy: policyFor(windowOf.get(clip)!) };
    return current.policy;
  };
  const policy: Policy = {
    ...{ id: "week", revision: "week", clipsPerDecision: 1 },
    decide: (context, options) => policyAt(context).decide(context, options),
    advance: (context, action) => policyAt(context).advance(context, action),
  };
  const watched = windows.map(({ observation }) => observation);
  for await (const { context, action } of decisionsOf(policy, watched, { signal })) {
    const sources = new Set(action.statements.map(({ sources: [source] }) => placeOf(source!)));
    for (const i of windowOf.get(context.observations[0]!.clip)!.entries) {
      // Of a line said twice in one window only the first is kept.
      if (sources.delete(placeOf(entries[i]!))) kept[i] = 1;
    }
  }
  return { kept, asked: [...questions.keys()] };
}

type Place = Pick<SourceText, "kind" | "startSeconds" | "speaker" | "text">;
const placeOf = ({ kind, startSeconds, speaker, text }: Place) =>
  JSON.stringify([kind, startSeconds, speaker, text]);
