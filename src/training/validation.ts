/**
 * How an adapter is tried before it becomes active, and the gate.
 *
 * A validation compares memories written with the adapter and without it, on tasks or clips that did not train it. The
 * gate requires the lower end of the win rate's 95 % interval to be above one half, and no harm: as many true memories
 * (within a margin), no more repetition, no longer texts. Where too few questions decide, it says how many are needed.
 */
import type { Context, Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { assessQuality, type ScoreOptions } from "../reward/reward.ts";
import type { Question, Task } from "../tasks/task.ts";
import { type ConcurrencyOptions, mapConcurrently } from "../util/async.ts";
import { type Random, seededRandom, shuffle } from "../util/random.ts";

/** Shares are of the held-out comparisons: of questions answered, or of contexts judged. */
export interface Validation {
  /** Held-out comparisons made. */
  readonly n: number;
  /** Share where the adapted memory is better, where neither is, and where the other is. */
  readonly winRate: number;
  readonly tieRate: number;
  readonly lossRate: number;
  /** Lower end of the 95 % interval (Wilson) of wins among wins and losses. */
  readonly winRateLow: number;
  /** Wins and losses of the policy without an adapter against itself: the judge's noise alone. */
  readonly noiseWinRate: number;
  readonly noiseLossRate: number;
  /**
   * Tried on questions: the share answered, correctly where feedback says what is correct. Tried by a judge of memories:
   * the share that is true.
   */
  readonly accuracyBefore: number;
  readonly accuracyAfter: number;
  /** Tried on questions: the mean share of a question's evidence that is kept. @default 0 */
  readonly evidenceBefore?: number;
  readonly evidenceAfter?: number;
  /** Memories, with the adapter and without it, that a judge has to grade as true or not; 0 where lines are copied. */
  readonly toGrade: number;
  /** How many of those were graded; fewer where the judge failed. */
  readonly graded: number;
  /** Share of graded memories that are true; 1 for a policy that copies lines. */
  readonly fidelityBefore: number;
  readonly fidelityAfter: number;
  /** Share of lines or memories that repeat an earlier one. */
  readonly redundancyBefore: number;
  readonly redundancyAfter: number;
  /** Tokens kept with the adapter per token kept without it. */
  readonly tokenRatio: number;
  /** Comparisons left out because the judge failed in both orders. @default 0 */
  readonly failedVerdicts?: number;
  /** Clips left out because an engine refused to write about them. @default 0 */
  readonly refusedClips?: number;
}

/** How much harm the gate accepts. */
export interface GateMargins {
  /** Least share of memories to grade that must have been graded. */
  readonly gradedShare: number;
  /** How far the share that is true may fall. */
  readonly fidelityFall: number;
  /** How far the share that repeats may rise. */
  readonly redundancyRise: number;
  readonly tokenRatio: number;
}

/** The gate's margins where shares are of statements. */
export const gateMargins: GateMargins = {
  gradedShare: 0.5,
  fidelityFall: 0.02,
  redundancyRise: 0.05,
  tokenRatio: 1.1,
};

/**
 * Why the gate refuses an adapter, or `null`.
 * @param triedOn what the held-out comparisons are of
 */
export function refusalOf(
  validation: Validation,
  margins: GateMargins = gateMargins,
  triedOn: "questions" | "clips" = "questions",
): string | null {
  const { winRateLow, winRate, lossRate, tokenRatio } = validation;
  const { toGrade, graded, fidelityBefore, fidelityAfter, redundancyBefore, redundancyAfter } = validation;
  if (!(winRateLow > 0.5)) {
    return `it is not significantly better on held-out ${triedOn} (${percent(winRate)} won, ${percent(lossRate)} lost)${triedOn === "questions" ? `: ${whatIsNeeded(validation)}` : ""}`;
  }
  if (!(graded >= margins.gradedShare * toGrade)) {
    return `too few of its memories could be graded (${graded} of ${toGrade})`;
  }
  if (!(fidelityBefore - fidelityAfter <= margins.fidelityFall)) {
    return `its memories are less often true (${percent(fidelityBefore)} before, ${percent(fidelityAfter)} after)`;
  }
  if (!(tokenRatio <= margins.tokenRatio)) return `its memories are ${tokenRatio.toFixed(2)} times as long`;
  if (!(redundancyAfter - redundancyBefore <= margins.redundancyRise)) {
    return `it repeats itself more (${percent(redundancyBefore)} before, ${percent(redundancyAfter)} after)`;
  }
  return null;
}

/** How many more questions it takes to pass: at the rates so far where they are in its favour, otherwise at the least. */
function whatIsNeeded({ n, winRate, lossRate }: Validation): string {
  const [wins, losses] = [Math.round(winRate * n), Math.round(lossRate * n)];
  const passes = (won: number, lost: number) => wilsonLow(won, won + lost) > 0.5;
  if (wins > losses) {
    let more = 1;
    while (!passes(Math.floor(winRate * (n + more) + 1e-9), Math.ceil(lossRate * (n + more) - 1e-9)))
      more += 1;
    return `about ${more} more like these are needed to tell`;
  }
  let more = 1;
  while (!passes(wins + more, losses)) more += 1;
  return `at least ${more} more that gain by it are needed`;
}

/** Lower end of the 95 % interval of a share (Wilson 1927); 0 where nothing was counted. */
export function wilsonLow(successes: number, n: number): number {
  if (n === 0) return 0;
  const z = 1.96;
  const share = successes / n;
  const centre = share + (z * z) / (2 * n);
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return Math.max(0, (centre - spread) / (1 + (z * z) / n));
}

/** Options of `judgedValidation`. */
export interface JudgedValidationOptions extends ConcurrencyOptions {
  readonly judge: Judge;
  readonly score: ScoreOptions;
  /** Recent questions that each context is judged by. @default 5 */
  readonly questionsPerContext?: number;
  readonly seed?: string;
}

/**
 * Held-out validation by a judge, as in the paper: on each context one memory with the adapter against one without, in
 * both orders, and one without against another without for the noise floor. Concurrency counts contexts; the result is
 * the same at any value.
 *
 * A win needs one order that prefers the adapted memory and no order that prefers the other. A memory off
 * contract is neither true nor new. A context whose judge failed is left out of what the judge failed at.
 * @param contexts that trained nothing, with the history of the policy without an adapter
 */
export async function judgedValidation(
  base: Policy,
  adapted: Policy,
  contexts: readonly Context[],
  tasks: readonly Pick<Task, "question">[],
  options: JudgedValidationOptions,
): Promise<Validation> {
  const { questionsPerContext = 5, seed = "validation" } = options;
  const trials = await mapConcurrently(contexts, options, (context, i) => {
    const random = (what: string) => seededRandom(`${seed} ${i} ${what}`);
    const questions = shuffle(random("questions"), tasks)
      .slice(0, questionsPerContext)
      .map(({ question }) => question);
    return tryOn(context, base, adapted, { ...options, questions, random });
  });
  return validationOf(trials);
}

/** The result of one context. */
interface Trial {
  /** `null` where the judge failed in both orders. */
  readonly adapted: Verdict | null;
  readonly noise: Verdict | null;
  /** `null` where the judge failed. */
  readonly before: Grade | null;
  readonly after: Grade | null;
}

interface TrialOptions extends JudgedValidationOptions {
  readonly questions: readonly Question[];
  /** The random draws for one purpose. */
  readonly random: (what: string) => Random;
}

async function tryOn(context: Context, base: Policy, adapted: Policy, options: TrialOptions): Promise<Trial> {
  const { judge, questions, random, signal } = options;
  // The same draws for both, so that what differs is the adapter.
  const before = await write(context, base, random("memory"), options);
  const again = await write(context, base, random("another memory"), options);
  const after = await write(context, adapted, random("memory"), options);
  const against = (first: string, second: string): Promise<Verdict | null> | Verdict =>
    first === second
      ? "tie"
      : laxVerdict(judge, { context, first, second, questions, ...(signal && { signal }) });
  return {
    adapted: await against(after.text, before.text),
    noise: await against(again.text, before.text),
    before: before.grade,
    after: after.grade,
  };
}

/** A memory with its grade. */
export async function write(
  context: Context,
  policy: Policy,
  draws: Random,
  { judge, score, signal }: JudgedValidationOptions,
): Promise<{ text: string; grade: Grade | null }> {
  const { actions } = await policy.decide(context, { random: draws, ...(signal && { signal }) });
  const action = actions[0]!;
  const text = action.statements.map((statement) => statement.text).join("\n");
  const { checks, pass } = await assessQuality(context, action, judge, score);
  const { correct = false, clean = false } = checks;
  return { text, grade: pass === null ? null : { tokens: score.countTokens(text), correct, clean } };
}

function validationOf(trials: readonly Trial[]): Validation {
  const known = <T>(items: readonly (T | null)[]) => items.filter((item) => item !== null);
  const adapted = known(trials.map((trial) => trial.adapted));
  const noise = known(trials.map((trial) => trial.noise));
  const graded = trials.filter(({ before, after }) => before !== null && after !== null);
  const before = graded.map((trial) => trial.before!);
  const after = graded.map((trial) => trial.after!);
  const share = <T>(items: readonly T[], holds: (item: T) => boolean) =>
    items.length === 0 ? 0 : items.filter(holds).length / items.length;
  const shareOf = (verdicts: readonly Verdict[], wanted: Verdict) =>
    share(verdicts, (verdict) => verdict === wanted);
  const count = (wanted: Verdict) => adapted.filter((verdict) => verdict === wanted).length;
  const tokens = (grades: readonly Grade[]) => grades.reduce((sum, grade) => sum + grade.tokens, 0);
  const isTrue = ({ correct }: Grade) => correct;
  const repeats = ({ clean }: Grade) => !clean;
  const fidelity = { before: share(before, isTrue), after: share(after, isTrue) };
  return {
    n: adapted.length,
    failedVerdicts: 2 * trials.length - adapted.length - noise.length,
    winRate: shareOf(adapted, "win"),
    tieRate: shareOf(adapted, "tie"),
    lossRate: shareOf(adapted, "loss"),
    winRateLow: wilsonLow(count("win"), count("win") + count("loss")),
    noiseWinRate: shareOf(noise, "win"),
    noiseLossRate: shareOf(noise, "loss"),
    accuracyBefore: fidelity.before,
    accuracyAfter: fidelity.after,
    toGrade: trials.length,
    graded: graded.length,
    fidelityBefore: fidelity.before,
    fidelityAfter: fidelity.after,
    redundancyBefore: share(before, repeats),
    redundancyAfter: share(after, repeats),
    tokenRatio: tokens(after) / Math.max(1, tokens(before)),
  };
}

/** Whether the first of two memories is preferred. */
export type Verdict = "win" | "tie" | "loss";

/** What counts of a memory. */
export interface Grade {
  readonly tokens: number;
  readonly correct: boolean;
  readonly clean: boolean;
}

/**
 * The verdict on the first memory. Both orders are asked; a tie or a failure in one leaves the verdict to the other;
 * `null` where both failed.
 */
export async function laxVerdict(
  judge: Judge,
  request: Parameters<Judge["relevance"]>[0],
): Promise<Verdict | null> {
  const forward = await judge.relevance(request);
  const backward = await judge.relevance({ ...request, first: request.second, second: request.first });
  if (!forward.ok && !backward.ok) return null;
  let balance = 0;
  if (forward.ok) balance += forward.value === "first" ? 1 : forward.value === "second" ? -1 : 0;
  if (backward.ok) balance += backward.value === "second" ? 1 : backward.value === "first" ? -1 : 0;
  return balance > 0 ? "win" : balance < 0 ? "loss" : "tie";
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
