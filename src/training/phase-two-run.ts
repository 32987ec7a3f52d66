/**
 * The directory of a Phase Two run (`run-directory.ts`): how an adapter was trained.
 *
 *     drawn.jsonl      one line per context: the memories drawn for it, with their grades
 *     verdicts.jsonl   one line per comparison: which of two memories is preferred, and why
 *     rollouts.jsonl   one line per memory: its text and grade, its wins and losses, its place in a pair
 *     pairs.jsonl      one line per pair: the chosen and the rejected memory
 *     choices.jsonl    one line per thing that was found out before the steps or after them: a block, a strength
 *     metrics.jsonl    one line per step: loss, reward margin, share of pairs won, norm of the gradient and of the adapter
 *
 * A resumed run draws and judges only what is missing, and continues from its last step. The files hold texts of what was
 * watched and asked.
 */
import type { PlainAction } from "../policy/plain-action.ts";
import type { Judged, Preference } from "../reward/judge.ts";
import { openRunDirectory, type RunDirectoryOptions, type RunState } from "./run-directory.ts";
import type { Trainer } from "./trainer.ts";

/** What was drawn for a context. */
export interface DrawnContext {
  readonly context: string;
  readonly stream: string;
  readonly clip: number;
  readonly rollouts: readonly DrawnRollout[];
}

/** A drawn memory with its grade. */
export interface DrawnRollout {
  readonly action: PlainAction;
  /** Whether it passes every quality check; `null` where it is no candidate: off contract, or the judge failed. */
  readonly passes: boolean | null;
  /** The judge's reason, or why there is no grade. */
  readonly rationale?: string;
  /** Whether it was not drawn: lines of the clip, true by construction. @default false */
  readonly isLine?: boolean;
}

/** A judge's verdict on two memories of a context, by their ids. */
export interface RecordedVerdict {
  readonly context: string;
  readonly first: string;
  readonly second: string;
  readonly verdict: Judged<Preference>;
}

/** A memory of the cache as `rollouts.jsonl` keeps it. */
export interface RecordedCandidate {
  readonly context: string;
  readonly stream: string;
  readonly clip: number;
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
  readonly passes: boolean;
  readonly rationale?: string;
  readonly isLine?: boolean;
  /** Ids of memories of the same context: those it was preferred to, and those preferred to it. */
  readonly beat: readonly string[];
  readonly beatenBy: readonly string[];
  /** Its place in the context's pair, the first if there are several. */
  readonly role: "chosen" | "rejected" | null;
}

/** A pair as `pairs.jsonl` keeps it; the ids are those of `rollouts.jsonl`. */
export interface RecordedPair {
  readonly context: string;
  readonly stream: string;
  readonly clip: number;
  readonly chosen: RecordedSide;
  readonly rejected: RecordedSide;
}

/** A memory of a pair. */
export type RecordedSide = Pick<RecordedCandidate, "id" | "text" | "tokens">;

/** One step of training on pairs. Figures about pairs are of those drawn for the step, before it. */
export interface PairStep {
  /** From 1 up. */
  readonly step: number;
  /** Mean of DPO and its penalties, in nats; without any it starts at ln 2. */
  readonly loss: number;
  /** Mean implicit reward of the chosen one over the rejected one, β times the margin of `dpoLoss`; 0 before the first step. */
  readonly rewardMargin: number;
  /** Share of pairs whose chosen text gained more than the rejected one. */
  readonly won: number;
  readonly gradientNorm: number;
  /** Euclidean norm of the adapter after the step; `null` where the trainer does not report it. */
  readonly adapterNorm: number | null;
}

/** Where a Phase Two run is kept. */
export interface PhaseTwoRun {
  readonly directory: string;
  /** What an earlier process drew for a context, or `null`. */
  drawn(context: string): DrawnContext | null;
  keepDrawn(drawn: DrawnContext): Promise<void>;
  /** The verdict an earlier process got on two memories, or `null`. */
  verdict(asked: Omit<RecordedVerdict, "verdict">): Judged<Preference> | null;
  keepVerdict(verdict: RecordedVerdict): Promise<void>;
  /** Called before the first step: when it returns, all draws and verdicts are on disk. */
  keepRollouts(rollouts: readonly RecordedCandidate[], pairs: readonly RecordedPair[]): Promise<void>;
  /** What an earlier process found out under a name, or `null`. */
  choice<Choice>(name: string): Choice | null;
  keepChoice(name: string, choice: unknown): Promise<void>;
  /** The recorded steps. Loads the trainer's weights after the last of them. */
  resume(trainer: Pick<Trainer<never>, "load">): Promise<PairStep[]>;
  keepStep(trainer: Pick<Trainer<never>, "save">, step: PairStep): Promise<void>;
  /** Draws the curves. */
  end(): void;
}

/**
 * Opens or makes a run's directory.
 * @param config plain data: everything the run's numbers depend on
 * @throws ConfigError `run-differs` when the directory holds a run of another configuration
 */
export function openPhaseTwoRun(
  directory: string,
  config: object,
  options: RunDirectoryOptions = {},
): PhaseTwoRun {
  const run = openRunDirectory(directory, config, options);
  const drawn = new Map(run.rows<DrawnContext>("drawn.jsonl").map((row) => [row.context, row]));
  const keyOf = ({ context, first, second }: Omit<RecordedVerdict, "verdict">) =>
    JSON.stringify([context, first, second]);
  const verdicts = run.rows<RecordedVerdict>("verdicts.jsonl");
  // A failed judge is asked again until training on the pairs has begun; from then on the pairs must not change.
  const hasBegun = run.rows("metrics.jsonl").length > 0;
  const standing = verdicts.filter(({ verdict }) => verdict.ok || hasBegun);
  const told = new Map(standing.map((row) => [keyOf(row), row.verdict]));
  const choices = run.rows<{ readonly name: string; readonly choice: unknown }>("choices.jsonl");
  return {
    directory,
    drawn: (context) => drawn.get(context) ?? null,
    keepDrawn: (row) => run.note("drawn.jsonl", [row]),
    verdict: (asked) => told.get(keyOf(asked)) ?? null,
    keepVerdict: (row) => run.note("verdicts.jsonl", [row]),
    async keepRollouts(rollouts, pairs) {
      for (const name of ["drawn.jsonl", "verdicts.jsonl"]) await run.append(name, []);
      run.replace("rollouts.jsonl", rollouts);
      run.replace("pairs.jsonl", pairs);
    },
    choice: <Choice>(wanted: string) =>
      (choices.find(({ name }) => name === wanted)?.choice as Choice | undefined) ?? null,
    keepChoice: (name, choice) => run.append("choices.jsonl", [{ name, choice }]),
    async resume(trainer) {
      const last = (await run.resume<RunState>(trainer))?.step ?? 0;
      const steps = run.rows<PairStep>("metrics.jsonl").filter(({ step }) => step <= last);
      run.replace("metrics.jsonl", steps);
      return steps;
    },
    async keepStep(trainer, step) {
      await run.append("metrics.jsonl", [step]);
      await run.checkpoint(trainer, { step: step.step });
    },
    end: () => run.drawCurves("Phase Two"),
  };
}
