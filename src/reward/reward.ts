/**
 * The reward of every action of a group: what rollouts of one context are worth relative to each other.
 *
 * Rules come first: a judge reads neither an action that breaks the contract nor one that has already failed a check. A
 * judge that fails masks the whole group, because advantages are relative and a missing member changes them all. A
 * ranking that fails masks nothing; only its bonus is lost.
 *
 * Departures:
 * 1. The length limit applies to each text of a memory, and counts that text alone.
 * 2. An action that keeps nothing is malformed, or else a policy would learn to be silent, which is never wrong. On a
 *    clip with nothing to remember the judges fail for lack of evidence wherever something was written.
 */
import { knownPeople } from "../policy/identity-tags.ts";
import { parseStrictly } from "../policy/parse-action.ts";
import type { Action, Context, Issue } from "../policy/policy.ts";
import { taggedText } from "../policy/window-people.ts";
import type { Question } from "../tasks/task.ts";
import { saysTheSame } from "../util/repetition.ts";
import type { Judge, Judged, JudgeFailure, QualityVerdict } from "./judge.ts";
import { repeatedQuestion } from "./repeats-question.ts";
import {
  answerOf,
  formatReward,
  paperConstants,
  passes,
  type QualityChecks,
  qualityReward,
  type RewardConstants,
  richnessRewards,
  thinkingOf,
  thinkingReward,
} from "./rules.ts";

/** Options of `scoreGroup`. */
export interface ScoreOptions {
  /** Counts the tokens of memories and of thinking: `WordSpace.countTokens`. */
  readonly countTokens: (text: string) => number;
  /**
   * The form of the actions. The JSON of the memory prompt is read strictly from their text, not from a lenient reading.
   * `statements` uses the action's own statements and issues, for policies that write no JSON.
   */
  readonly form: "description" | "description-and-knowledge" | "statements";
  /** What each part is worth. @default the paper's constants */
  readonly constants?: RewardConstants;
  /** A memory that repeats one of these is not clean, nor is one that repeats the supplement. @default none */
  readonly questions?: readonly Question[];
  readonly signal?: AbortSignal;
}

/** The parts of a reward. */
export interface RewardParts {
  readonly format: number;
  readonly thinking: number;
  /** `null` where the judge failed. */
  readonly quality: number | null;
  readonly richness: number;
}

/** The reward of one action. */
export interface ActionReward {
  /** The sum of the parts; `null` where the judge failed for this action. */
  readonly total: number | null;
  readonly parts: RewardParts;
  /** The checks that were made: none for a text off contract, the judge's only where the rules' passed. */
  readonly checks: Partial<QualityChecks>;
  /** The judge's reason for its quality verdict, where it gave one. */
  readonly rationale?: string;
  /** Whether a judge failed for any action of the group; nothing can then be learned from the group. */
  readonly masked: boolean;
  /** What failed for this action; a failed ranking is listed with every action that took part in it. */
  readonly failures: readonly JudgeFailure[];
}

/**
 * The rewards of a group of actions, shape [G], in their order. A judge's failures are data.
 * @throws the signal's reason
 */
export async function scoreGroup(
  context: Context,
  actions: readonly Action[],
  judge: Judge,
  options: ScoreOptions,
): Promise<ActionReward[]> {
  const { countTokens, constants = paperConstants } = options;
  const judgeOnce = rememberingVerdicts(context, judge, options.signal);
  const qualities = await Promise.all(
    actions.map((action) => assess(context, readAction(context, action, options), judgeOnce, options)),
  );
  const bonuses = await richnessBonuses(context, qualities, judge, options);
  const masked = qualities.some(({ failure }) => failure !== null);
  return qualities.map(({ memory, checks, pass, failure, rationale }, i) => {
    const isOnContract = memory !== null;
    const thinking = isOnContract ? thinkingReward(countTokens(thinkingOf(actions[i]!.text)), constants) : 0;
    const parts: RewardParts = {
      format: formatReward(isOnContract, constants),
      thinking,
      quality: !isOnContract ? 0 : pass === null ? null : qualityReward(pass, constants),
      richness: bonuses.of[i]!,
    };
    const { format, quality, richness } = parts;
    const rankingFailed = pass === true && bonuses.failure !== null ? [bonuses.failure] : [];
    return {
      total: quality === null ? null : format + thinking + quality + richness,
      parts,
      checks,
      ...(rationale !== undefined && { rationale }),
      masked,
      failures: failure === null ? rankingFailed : [failure],
    };
  });
}

/** The result of the quality checks of one action. */
export interface QualityAssessment {
  /** The memory's own text; `null` where the action is off contract. */
  readonly memory: string | null;
  readonly checks: Partial<QualityChecks>;
  /** Whether all four pass; `null` where the judge failed. Off contract nothing passes. */
  readonly pass: boolean | null;
  /** The judge's reason, or why it failed; left out where it was not asked or gives no reason. */
  readonly rationale?: string;
  readonly failure: JudgeFailure | null;
}

/** The quality checks of one action, as `scoreGroup` makes them; Phase Two labels its candidates with them. */
export function assessQuality(
  context: Context,
  action: Action,
  judge: Judge,
  options: ScoreOptions,
): Promise<QualityAssessment> {
  const judged = rememberingVerdicts(context, judge, options.signal);
  return assess(context, readAction(context, action, options), judged, options);
}

/**
 * The quality checks of an action that is true by construction, such as a line of its clip: those of the rules, and
 * whether it says again what was written before or asked. No judge is asked.
 */
export function assessTold(
  context: Context,
  action: Action,
  options: ScoreOptions,
): Promise<QualityAssessment> {
  const written = context.recent.entries.map(({ text }) => text);
  const verdict = async (memory: string): Promise<Judged<QualityVerdict>> => {
    const clean = !memory.split("\n").some((text) => written.some((earlier) => saysTheSame(text, earlier)));
    const rationale = clean ? "It is told in the clip." : "It was written before.";
    return { ok: true, value: { correct: true, clean, rationale } };
  };
  return assess(context, readAction(context, action, options), verdict, options);
}

type JudgeMemory = (memory: string) => Promise<Judged<QualityVerdict>>;

/** A group often holds equal texts: equal texts get the same verdict for one call. */
function rememberingVerdicts(context: Context, judge: Judge, signal: AbortSignal | undefined): JudgeMemory {
  const verdicts = new Map<string, Promise<Judged<QualityVerdict>>>();
  return (memory) => {
    const known = verdicts.get(memory);
    if (known) return known;
    const verdict = judge.quality({ context, memory, ...(signal && { signal }) });
    verdicts.set(memory, verdict);
    return verdict;
  };
}

interface ReadAction {
  readonly texts: readonly string[];
  readonly issues: readonly Issue[];
}

function readAction(context: Context, action: Action, { form, countTokens }: ScoreOptions): ReadAction {
  if (form === "statements") {
    const texts = action.statements
      .map(({ text }) => taggedText(text, context.tags))
      .filter((text) => text.trim() !== "");
    return { texts, issues: action.issues };
  }
  const contract = { known: knownPeople(context), semantic: form !== "description", countTokens };
  const { description, knowledge, issues } = parseStrictly(answerOf(action.text), contract);
  return { texts: [description, ...knowledge], issues };
}

/** Issues of quality; any other issue is one of format. Length is counted here, by the given limit. */
const qualityIssues = new Set(["tag-malformed", "tag-unknown", "tag-name", "too-long", "too-many"]);

async function assess(
  context: Context,
  { texts, issues }: ReadAction,
  judgeMemory: JudgeMemory,
  { countTokens, constants = paperConstants, questions }: ScoreOptions,
): Promise<QualityAssessment> {
  if (texts.length === 0 || issues.some(({ code }) => !qualityIssues.has(code))) {
    return { memory: null, checks: {}, pass: false, failure: null };
  }
  const memory = texts.join("\n");
  const rules = {
    tagged: !issues.some(({ code }) => code.startsWith("tag-")),
    short:
      texts.every((text) => countTokens(text) <= constants.longestMemory) &&
      !issues.some(({ code }) => code === "too-many"),
  };
  if (!rules.tagged || !rules.short) return { memory, checks: rules, pass: false, failure: null };
  const repeated = texts
    .map((text) => repeatedQuestion(text, context, questions))
    .find((one) => one !== null);
  if (repeated !== undefined) {
    const rationale = `It repeats what is asked: ${repeated}`;
    return { memory, checks: { ...rules, clean: false }, pass: false, rationale, failure: null };
  }
  const verdict = await judgeMemory(memory);
  if (!verdict.ok) return { memory, checks: rules, pass: null, rationale: verdict.message, failure: verdict };
  const { correct, clean, rationale } = verdict.value;
  const checks = { correct, clean, ...rules };
  const reason = rationale === "" ? {} : { rationale };
  return { memory, checks, pass: passes(checks), ...reason, failure: null };
}

/** The bonus of each action, shape [G]: 0 for those that did not pass, or where none could be ranked. */
async function richnessBonuses(
  context: Context,
  qualities: readonly QualityAssessment[],
  judge: Judge,
  { constants = paperConstants, signal }: ScoreOptions,
): Promise<{ of: readonly number[]; failure: JudgeFailure | null }> {
  const nothing = qualities.map(() => 0);
  const valid = qualities.flatMap(({ pass, memory }, i) => (pass === true ? [{ i, memory: memory! }] : []));
  if (valid.length < 2) return { of: nothing, failure: null };
  const memories = valid.map(({ memory }) => memory);
  const scores = await judge.richness({ context, memories, ...(signal && { signal }) });
  if (!scores.ok) return { of: nothing, failure: scores };
  const bonuses = richnessRewards(scores.value, constants);
  const places = new Map(valid.map(({ i }, place) => [i, place]));
  return { of: qualities.map((_, i) => bonuses[places.get(i) ?? -1] ?? 0), failure: null };
}
