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
import type { ChoiceBudget } from "../../../policies/choice/choice-budget.ts";
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
import { type Corpus, countUntil, type TextWindow } from "./corpus.ts";
import type { ForeignQuestions } from "./foreign.ts";
import type { TextQuestion } from "./week.ts";

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

export interface PolicyOptions {
  readonly corpus: Corpus;
  readonly windows: readonly TextWindow[];
  readonly windowSeconds: number;
  /** In the order they were asked. */
  readonly questions: readonly TextQuestion[];
  readonly foreign: readonly ForeignQuestions[];
  readonly words: WordSpace;
  /** What the choice policy writes with. */
  readonly weights: ChoiceWeights | null;
  /** Whether each type of question has a memory and adapters of its own. */
  readonly byType: boolean;
  readonly updates: Updates;
  readonly seed: string;
  readonly signal?: AbortSignal | undefined;
}

/** A memory of the week, and who asks it. */
export interface WeekMemory {
  /** 1 for entries that are kept, shape [N]. */
  readonly kept: Uint8Array;
  /** Places of its questions, ascending. */
  readonly asked: readonly number[];
}

/** What a policy remembers; `cov+foreign` once for each set of foreign questions. */
export interface Remembered {
  readonly policy: string;
  readonly memories: readonly WeekMemory[];
}

/** Policies that decide window by window; `all` and `recent` need no decision. */
export type DecidingPolicy = Exclude<PolicyName, "all" | "recent">;

/** What a policy keeps of the week. @param share of the tokens to keep, above 0 to 1 */
export async function remember(
  name: DecidingPolicy,
  share: number,
  options: PolicyOptions,
): Promise<Remembered[]> {
  if (name !== "cov+foreign") return [{ policy: name, memories: await memoriesOf(name, share, options) }];
  const remembered: Remembered[] = [];
  for (const { name: set, texts } of options.foreign) {
    const learn: Learn = async ({ length }) =>
      closedForm(texts.slice(0, length).map(openQuestion), options.words);
    remembered.push({ policy: `${name}(${set})`, memories: await taught(share, options, learn) });
  }
  return remembered;
}

async function memoriesOf(
  name: Exclude<DecidingPolicy, "cov+foreign">,
  share: number,
  options: PolicyOptions,
): Promise<WeekMemory[]> {
  const { words, updates } = options;
  const untrained = () => null;
  switch (name) {
    case "random":
      return [await keptBy(options, uniformPolicies(share, options))];
    case "cov":
      return [await keptBy(options, choicePolicies(share, options, untrained))];
    case "cov+words":
      return taught(share, options, async (tasks) => closedForm(tasks, words));
    case "cov+dpo": {
      const fewer = updates === "every" ? preferenceUpdates : updates;
      return taught(share, { ...options, updates: fewer }, preferences(share, options));
    }
  }
}

/** The policy that decides about a window. */
type PolicyFor = (window: TextWindow) => Policy;

/** The adapter that some questions teach; `null` where there is nothing to learn. */
type Learn = (asked: readonly TextQuestion[]) => Promise<Adapter | null>;

/**
 * The budget for a share of all tokens of a window. The policy counts only lines that could be kept; others here count
 * all, so the rest is given as this window's floor.
 */
function budgetOf(share: number, { tokens }: TextWindow): ChoiceBudget {
  return { fraction: share, floorTokens: share * tokens };
}

function uniformPolicies(share: number, { words, windowSeconds, seed }: PolicyOptions): PolicyFor {
  return (window) =>
    uniformPolicy({
      words,
      clipSeconds: windowSeconds,
      budget: budgetOf(share, window),
      seed: `${seed} ${share}`,
    });
}

function choicePolicies(
  share: number,
  { words, windowSeconds, weights }: PolicyOptions,
  adapterAt: (seconds: number) => Adapter | null,
): PolicyFor {
  return (window) =>
    choicePolicy({
      ...{ words, clipSeconds: windowSeconds, budget: budgetOf(share, window), weights },
      adapter: adapterAt(window.observation.startSeconds),
    });
}

/** What is kept where questions teach: one memory, or one for each type. */
async function taught(share: number, options: PolicyOptions, learn: Learn): Promise<WeekMemory[]> {
  const { questions, byType } = options;
  const groups = Map.groupBy(questions.keys(), (i) => (byType ? questions[i]!.type : "all"));
  const memories: WeekMemory[] = [];
  for (const asked of groups.values()) {
    const adapterAt = await adaptersOf(
      asked.map((i) => questions[i]!),
      options,
      learn,
    );
    memories.push(await keptBy(options, choicePolicies(share, options, adapterAt), asked));
  }
  return memories;
}

/** The adapter that is active at a moment: the last one whose questions were all asked before. */
async function adaptersOf(
  questions: readonly TextQuestion[],
  { updates, signal }: Pick<PolicyOptions, "updates" | "signal">,
  learn: Learn,
): Promise<(seconds: number) => Adapter | null> {
  const counts = updates === "every" ? questions.map((_, i) => i + 1) : updates;
  const trained: { readonly askedSeconds: number; readonly adapter: Adapter | null }[] = [];
  for (const count of counts.filter((each) => each <= questions.length)) {
    await turn(signal);
    const adapter = await learn(questions.slice(0, count));
    trained.push({ askedSeconds: questions[count - 1]!.askedSeconds, adapter });
  }
  return (seconds) => trained.findLast(({ askedSeconds }) => askedSeconds < seconds)?.adapter ?? null;
}

function closedForm(tasks: readonly { readonly question: Question }[], words: WordSpace): Adapter {
  return adapterFromTasks(tasks, { words }).adapter;
}

function openQuestion(text: string): { readonly question: Question } {
  return { question: { text, options: [] } };
}

/** Phase Two of the choice policy, over what was watched in the hour before the last question. */
function preferences(
  share: number,
  { words, windows, windowSeconds, weights, signal }: PolicyOptions,
): Learn {
  const choice = choiceFamily({ words, clipSeconds: windowSeconds, budget: { fraction: share }, weights });
  return async (asked) => {
    const { askedSeconds } = asked.at(-1)!;
    const watched = windows
      .map(({ observation }) => observation)
      .filter(
        ({ startSeconds, endSeconds }) =>
          endSeconds <= askedSeconds && startSeconds >= askedSeconds - preferenceSeconds,
      );
    const { adapter, problem } = await adapterFromPreferences(asked, [watched], {
      ...choice,
      judge: localJudge({ words }),
      norm: adapterNorm(closedForm(asked, words))!,
      signal,
    });
    return problem === null ? adapter : null;
  };
}

/** What policies keep of a week that they see for the first time, each deciding about its own windows. */
async function keptBy(
  { corpus, windows, questions, signal }: PolicyOptions,
  policyFor: PolicyFor,
  asked: readonly number[] = [...questions.keys()],
): Promise<WeekMemory> {
  const kept = new Uint8Array(corpus.entries.length);
  const windowOf = new Map(windows.map((window) => [window.observation.clip, window]));
  let current: { readonly window: TextWindow; readonly policy: Policy } | null = null;
  const policyAt = ({ observations: [observation] }: Context): Policy => {
    const window = windowOf.get(observation!.clip)!;
    if (current?.window !== window) current = { window, policy: policyFor(window) };
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
      if (sources.delete(placeOf(corpus.entries[i]!))) kept[i] = 1;
    }
  }
  return { kept, asked };
}

function placeOf({
  kind,
  startSeconds,
  speaker,
  text,
}: Pick<SourceText, "kind" | "startSeconds" | "speaker" | "text">) {
  return JSON.stringify([kind, startSeconds, speaker, text]);
}

/** The first entry of the last share of the tokens before each question. */
export function recentFrom({ corpus, questions }: PolicyOptions, share: number): number[] {
  const before = new Float64Array(corpus.entries.length + 1);
  for (const [i, tokens] of corpus.tokens.entries()) before[i + 1] = before[i]! + tokens;
  return questions.map(({ askedSeconds }) => {
    const until = countUntil(corpus, askedSeconds);
    const forgotten = (1 - share) * before[until]!;
    return before.findIndex((tokens) => tokens >= forgotten);
  });
}
