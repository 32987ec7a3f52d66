/**
 * How strong a trained adapter should be: tried at a few factors on clips that neither trained it nor will judge it.
 *
 * What counts is that memories are more often relevant and true, at about equal length. A memory with the adapter is
 * compared with one without it, on the same draws: it gains where it is preferred and true; it loses where the other one
 * is preferred and true, or was true where the adapted one is not. At no strength means no adapter.
 */
import type { Context, Policy } from "../policy/policy.ts";
import type { Task } from "../tasks/task.ts";
import { mapConcurrently } from "../util/async.ts";
import { seededRandom, shuffle } from "../util/random.ts";
import { type Grade, type JudgedValidationOptions, laxVerdict, type Verdict, write } from "./validation.ts";

/** An adapter at one strength, over some contexts. */
export interface StrengthTrial {
  /** The factor on the trained adapter. */
  readonly scale: number;
  /** Contexts that gained less those that lost, as a share; above 0 it is better than none. */
  readonly gain: number;
  /** Share of memories that are true. */
  readonly fidelity: number;
  /** Tokens with the adapter per token without it. */
  readonly tokenRatio: number;
  /** Whether that is more than allowed, by more than a standard error: lengths of a few memories vary by chance. */
  readonly tooLong: boolean;
  /** Contexts compared. */
  readonly n: number;
}

/** Options of `tryStrengths`. */
export interface StrengthOptions extends JudgedValidationOptions {
  /** The factors to try, above 0. */
  readonly scales: readonly number[];
  /** Longest memories allowed, per token without an adapter. */
  readonly tokenRatio: number;
}

/**
 * The factor that gains most, and all trials; 0 where none gains, or where those that do write longer memories. Of equal
 * gains the smaller factor is taken.
 * @param adapted the policy with the adapter at a factor
 */
export async function tryStrengths(
  base: Policy,
  adapted: (scale: number) => Policy,
  contexts: readonly Context[],
  tasks: readonly Pick<Task, "question">[],
  options: StrengthOptions,
): Promise<{ readonly scale: number; readonly trials: readonly StrengthTrial[] }> {
  const { scales, tokenRatio } = options;
  const before = await written(base, contexts, options);
  const trials: StrengthTrial[] = [];
  for (const scale of scales) {
    const after = await written(adapted(scale), contexts, options);
    const verdicts = await compared(contexts, before, after, tasks, options);
    trials.push(trialOf(scale, { before, after, verdicts, tokenRatio }));
  }
  const best = trials
    .filter(({ gain, tooLong }) => gain > 0 && !tooLong)
    .sort((a, b) => b.gain - a.gain || a.scale - b.scale)[0];
  return { scale: best?.scale ?? 0, trials };
}

interface Written {
  readonly text: string;
  readonly grade: Grade | null;
}

/** A memory of each context, on draws of that context's own. */
function written(policy: Policy, contexts: readonly Context[], options: StrengthOptions): Promise<Written[]> {
  const { seed = "strength" } = options;
  return mapConcurrently(contexts, options, (context, i) =>
    write(context, policy, seededRandom(`${seed} ${i} strength`), options),
  );
}

function compared(
  contexts: readonly Context[],
  before: readonly Written[],
  after: readonly Written[],
  tasks: readonly Pick<Task, "question">[],
  options: StrengthOptions,
): Promise<(Verdict | null)[]> {
  const { judge, questionsPerContext = 5, seed = "strength", signal } = options;
  return mapConcurrently(contexts, options, (context, i) => {
    const [first, second] = [after[i]!.text, before[i]!.text];
    if (first === second) return Promise.resolve<Verdict>("tie");
    const questions = shuffle(seededRandom(`${seed} ${i} questions`), tasks)
      .slice(0, questionsPerContext)
      .map(({ question }) => question);
    return laxVerdict(judge, { context, first, second, questions, ...(signal && { signal }) });
  });
}

/** What one strength wrote, context by context. */
interface Comparison {
  readonly before: readonly Written[];
  readonly after: readonly Written[];
  readonly verdicts: readonly (Verdict | null)[];
  readonly tokenRatio: number;
}

function trialOf(scale: number, { before, after, verdicts, tokenRatio }: Comparison): StrengthTrial {
  const graded = verdicts.flatMap((verdict, i) => {
    const [own, other] = [after[i]!.grade, before[i]!.grade];
    return verdict === null || own === null || other === null ? [] : [{ verdict, own, other }];
  });
  const sum = (value: (one: (typeof graded)[number]) => number) =>
    graded.reduce((total, one) => total + value(one), 0);
  const n = graded.length;
  return {
    scale,
    gain: sum(gainOf) / Math.max(1, n),
    fidelity: sum(({ own }) => Number(own.correct)) / Math.max(1, n),
    tokenRatio:
      sum(({ own }) => own.tokens) /
      Math.max(
        1,
        sum(({ other }) => other.tokens),
      ),
    tooLong: isAbove(graded.map(({ own, other }) => own.tokens - tokenRatio * other.tokens)),
    n,
  };
}

/** Whether the mean of some values is above 0 by more than its standard error. */
function isAbove(values: readonly number[]): boolean {
  const average = values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
  const squares = values.reduce((total, value) => total + (value - average) ** 2, 0);
  return average > Math.sqrt(squares / Math.max(1, values.length - 1) / Math.max(1, values.length));
}

function gainOf({ verdict, own, other }: { verdict: Verdict; own: Grade; other: Grade }): number {
  if (verdict === "win" && own.correct) return 1;
  const isLost = other.correct && (verdict === "loss" || !own.correct);
  return isLost ? -1 : 0;
}
