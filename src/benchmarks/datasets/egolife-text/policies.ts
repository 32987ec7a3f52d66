/**
 * What each policy keeps of the week at a share of its tokens.
 *
 * Time runs one way: a window is decided by what was said and asked before it, with the adapter from the questions
 * that were all asked before it starts, and what was decided is not revised.
 */
import type { Adapter } from "../../../adapter/adapter.ts";
import { adapterNorm } from "../../../adapter/arithmetic.ts";
import { noCost } from "../../../engine.ts";
import { wordSpace as words } from "../../../engines/local/index.ts";
import type { Observation } from "../../../perception/observation.ts";
import { choicePolicy } from "../../../policies/choice/choice.ts";
import type { ChoiceWeights } from "../../../policies/choice/choice-features.ts";
import { choiceFamily } from "../../../policies/choice/choice-training.ts";
import { adapterFromTasks } from "../../../policies/choice/word-vector-trainer.ts";
import { adapterFromPreferences } from "../../../policies/word-adapter-trainer.ts";
import type { Action, Policy } from "../../../policy/policy.ts";
import { localJudge } from "../../../reward/local-judge.ts";
import type { Question } from "../../../tasks/task.ts";
import type { Following } from "../../run/options.ts";
import { type BenchmarkRow, uniformPolicy } from "../../run/writers.ts";
import { questionOf } from "../../task.ts";
import type { TextEntry } from "../files/transcripts.ts";
import type { ForeignQuestions, WeekTask } from "./week.ts";

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

/** When preferences are trained on where the closed form learns after every question: they take a second each. */
const preferenceUpdates: readonly number[] = [5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 350];
/** Stream time that preferences look back on, as `adapt run` does. */
const preferenceSeconds = 3600;

/** What is run on a week of texts. */
export interface EgoLifeTextOptions extends Following {
  readonly policies: readonly PolicyName[];
  /** Shares of the tokens to keep, above 0 to 1. */
  readonly budgets: readonly number[];
  /** Numbers of questions after which an adapter is made, ascending; `null` for every one. */
  readonly updates: readonly number[] | null;
  /** Stream time of one decision. */
  readonly windowSeconds: number;
  readonly seed: string;
  /** What the choice policy writes with, in all that begins with `cov`; `null` as it ships. */
  readonly weights: ChoiceWeights | null;
  /** For `cov+foreign`; none leaves it out. */
  readonly foreign: readonly ForeignQuestions[];
  /** Where results are written; what stands there of a run that was stopped is not found again. @default not kept */
  readonly directory?: string;
}

/** What `bench egolife --text` runs where no flag says otherwise. */
export const egoLifeTextDefaults: EgoLifeTextOptions = {
  ...{ policies: policyNames, budgets: [0.05, 0.1, 0.2], updates: null, windowSeconds: 30 },
  ...{ seed: "5", weights: null, foreign: [] },
};

/** A week that is kept by policies. */
export interface Week extends EgoLifeTextOptions {
  /** In order of time, shape [N]. */
  readonly entries: readonly TextEntry[];
  /** In the order they were asked. */
  readonly questions: readonly WeekTask[];
  /** Each entry as a memory keeps it, shape [N]: `Name: text`, or the caption. */
  readonly lines: readonly string[];
  /** Shape [N]. */
  readonly tokens: readonly number[];
  /** By clip, in order of time; each has something in it. */
  readonly windows: ReadonlyMap<number, TextWindow>;
}

/** Some seconds of the week in which something is said or seen: one decision. */
export interface TextWindow {
  /** Places of its entries, ascending. */
  readonly places: readonly number[];
  /** Of all its lines. */
  readonly tokens: number;
  readonly observation: Observation;
}

/** A row of the table: a policy at a budget. */
export interface WeekRow extends BenchmarkRow<string> {
  /** `cov+foreign` once for each set of foreign questions. */
  readonly policy: string;
  /** Share of the tokens to keep; 1 for `all`. */
  readonly budget: number;
  /** Whether it forgets all but the last share of the tokens instead of choosing. */
  readonly forgets: boolean;
}

/** The rows of a week: budget by budget, in the order of the policies, `all` with the first. */
export function rowsOf(week: Week): WeekRow[] {
  return week.budgets.flatMap((budget, k) =>
    week.policies.filter((name) => name !== "all" || k === 0).flatMap((name) => rowsAt(name, budget, week)),
  );
}

/** The rows of a policy's name at a share of the tokens. */
function rowsAt(name: PolicyName, budget: number, week: Week): WeekRow[] {
  const { windowSeconds: clipSeconds, seed, weights, updates, foreign } = week;
  const row = (writer: Policy | WriterOf, policy: string = name): WeekRow[] => {
    const label = name === "all" ? name : `${policy} at ${Number((100 * budget).toFixed(2))} %`;
    const written = typeof writer === "function" ? windowPolicy(week, writer) : writer;
    return [
      {
        ...{ name: label, label, policy, budget: name === "all" ? 1 : budget, learns: false },
        ...{ forgets: name === "recent", policyOf: () => ({ ...written, revision: label }) },
      },
    ];
  };
  /** A policy counts only lines that could be kept; all tokens of a window count here, so the rest is its floor. */
  const budgetOf = ({ tokens }: TextWindow) => ({ fraction: budget, floorTokens: budget * tokens });
  /** All rows keep as much of every window, so nothing is saved for later ones. */
  const parameters = { savedShare: 0 };
  const choice = (window: TextWindow, adapter: Adapter | null) =>
    choicePolicy({ words, clipSeconds, budget: budgetOf(window), weights, adapter, parameters });
  const taught = (learn: Learn, counts = updates): WriterOf => {
    const adapterAt = adaptersOf(week.questions, learn, counts);
    return async (window) => choice(window, await adapterAt(window.observation.startSeconds));
  };
  switch (name) {
    case "all":
    case "recent":
      return row(keepEverything);
    case "random":
      return row((window) =>
        uniformPolicy({ words, clipSeconds, budget: budgetOf(window), seed: `${seed} ${budget}` }),
      );
    case "cov":
      return row((window) => choice(window, null));
    case "cov+words":
      return row(taught(async (asked) => closedForm(asked.map(questionOf))));
    case "cov+dpo":
      return row(taught((asked) => preferred(asked, week, budget), updates ?? preferenceUpdates));
    case "cov+foreign":
      return foreign.flatMap(({ name: set, texts }) => {
        const others = texts.map((text) => ({ text, options: [] }));
        return row(
          taught(async ({ length }) => closedForm(others.slice(0, length))),
          `${name}(${set})`,
        );
      });
  }
}

/** The adapter that some questions teach; `null` where there is nothing to learn. */
type Learn = (asked: readonly WeekTask[]) => Promise<Adapter | null>;

/** The adapter that is active at a moment: the last one whose questions were all asked before. */
function adaptersOf(questions: readonly WeekTask[], learn: Learn, updates: readonly number[] | null) {
  let trained: { readonly count: number; readonly adapter: Adapter | null } = { count: 0, adapter: null };
  return async (seconds: number): Promise<Adapter | null> => {
    const asked = questions.filter(({ askTime }) => askTime < seconds).length;
    const count = updates === null ? asked : (updates.findLast((each) => each <= asked) ?? 0);
    if (count !== trained.count) trained = { count, adapter: await learn(questions.slice(0, count)) };
    return trained.adapter;
  };
}

const tasksOf = (questions: readonly Question[]) => questions.map((question) => ({ question }));
const closedForm = (questions: readonly Question[]): Adapter =>
  adapterFromTasks(tasksOf(questions), { words }).adapter;

/** Phase Two of the choice policy, over what was watched in the hour before the last question. */
async function preferred(
  asked: readonly WeekTask[],
  { windows, windowSeconds: clipSeconds, weights, signal }: Week,
  fraction: number,
): Promise<Adapter | null> {
  const { askTime } = asked.at(-1)!;
  const lately = [...windows.values()]
    .map(({ observation }) => observation)
    .filter((seen) => seen.endSeconds <= askTime && seen.startSeconds >= askTime - preferenceSeconds);
  const questions = asked.map(questionOf);
  const { adapter, problem } = await adapterFromPreferences(tasksOf(questions), [lately], {
    ...choiceFamily({ words, clipSeconds, budget: { fraction }, weights }),
    ...{ judge: localJudge({ words }), norm: adapterNorm(closedForm(questions))!, signal },
  });
  return problem === null ? adapter : null;
}

/** The policy that decides a window. */
type WriterOf = (window: TextWindow) => Policy | Promise<Policy>;

/** Every window is decided by a policy of its own. */
function windowPolicy({ windows }: Week, writerOf: WriterOf): Policy {
  let writer: Policy;
  return {
    ...{ id: "week", revision: "week", clipsPerDecision: 1 },
    decide: async (context, options) => {
      writer = await writerOf(windows.get(context.observations[0]!.clip)!);
      return writer.decide(context, options);
    },
    advance: (context, action) => writer.advance(context, action),
  };
}

/** Every line as it is. */
const keepEverything: Policy = {
  ...{ id: "everything", revision: "everything", clipsPerDecision: 1 },
  decide: async ({ observations: [window] }) => {
    const { clip, speech, captions } = window!;
    const statementOf = (kind: TextEntry["kind"]) => (text: Observation["speech"][number]) => ({
      ...{ clip, kind: "episodic" as const, startSeconds: text.startSeconds, endSeconds: text.endSeconds },
      ...{ text: text.text, speakers: [], frameSeconds: [] },
      sources: [{ ...text, kind, confidence: null }],
    });
    const action: Action = {
      ...{ text: "", logprobs: null, revision: "everything", issues: [] },
      statements: [...speech.map(statementOf("speech")), ...captions.map(statementOf("caption"))],
    };
    return { actions: [action], cost: noCost };
  },
  advance: () => null,
};
