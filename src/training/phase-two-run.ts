/**
 * The directory of a Phase Two run (`run-directory.ts`): how an adapter was trained.
 *
 *     drawn.jsonl      one line a context: the memories drawn for it, with their grades
 *     verdicts.jsonl   one line a comparison: which of two memories is preferred, and why
 *     rollouts.jsonl   one line a memory: its text and grade, what it won and lost against, whether it is of a pair
 *     metrics.jsonl    one line a step: loss, reward margin, share of pairs won, norm of the gradient and of the adapter
 *
 * Resumed, it draws and judges only what is missing, and trains on from its last step. The files hold texts of what was
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

export interface DrawnRollout {
  readonly action: PlainAction;
  /** Whether it passes every quality check; `null` for one that is no candidate: off contract, or the judge failed. */
  readonly passes: boolean | null;
  /** Why the judge said so, or why there is no grade. */
  readonly rationale?: string;
}

/** What a judge said of two memories of a context, by their ids. */
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
  /** Ids of the memories of the same context that it was preferred to, and that were preferred to it. */
  readonly beat: readonly string[];
  readonly beatenBy: readonly string[];
  /** Its place in the context's pair, if it has one. */
  readonly role: "chosen" | "rejected" | null;
}

/** One step of training on pairs. What is about the pairs is of those drawn for the step, before it. */
export interface PairStep {
  /** From 1 up. */
  readonly step: number;
  /** Mean of DPO and its penalty, in nats; without KL it starts at ln 2. */
  readonly loss: number;
  /** Mean implicit reward of the chosen one over the rejected one, β times the margin of `dpoLoss`; 0 before the first step. */
  readonly rewardMargin: number;
  /** Share of pairs whose chosen one gained more than the rejected one. */
  readonly won: number;
  readonly gradientNorm: number;
  /** Euclidean norm of the adapter after the step; `null` where the trainer does not tell. */
  readonly adapterNorm: number | null;
}

/** Where a Phase Two run is kept. */
export interface PhaseTwoRun {
  readonly directory: string;
  /** What an earlier process drew for a context, or `null`. */
  drawn(context: string): DrawnContext | null;
  keepDrawn(drawn: DrawnContext): Promise<void>;
  /** What an earlier process was told about two memories, or `null`. */
  verdict(asked: Omit<RecordedVerdict, "verdict">): Judged<Preference> | null;
  keepVerdict(verdict: RecordedVerdict): Promise<void>;
  /** Before the first step: what was drawn and judged is on disk when it returns. */
  keepRollouts(rollouts: readonly RecordedCandidate[]): Promise<void>;
  /** The steps that stand, with the trainer's weights after the last of them. */
  resume(trainer: Pick<Trainer<never>, "load">): Promise<PairStep[]>;
  keepStep(trainer: Pick<Trainer<never>, "save">, step: PairStep): Promise<void>;
  /** Draws the curves. */
  end(): void;
}

/**
 * Opens or makes a run's directory.
 * @param config plain data; all that the run's numbers depend on
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
  // A judge that failed is asked again, until the pairs are trained on: then they have to stay what they are.
  const hasBegun = run.rows("metrics.jsonl").length > 0;
  const standing = verdicts.filter(({ verdict }) => verdict.ok || hasBegun);
  const told = new Map(standing.map((row) => [keyOf(row), row.verdict]));
  return {
    directory,
    drawn: (context) => drawn.get(context) ?? null,
    keepDrawn: (row) => run.note("drawn.jsonl", [row]),
    verdict: (asked) => told.get(keyOf(asked)) ?? null,
    keepVerdict: (row) => run.note("verdicts.jsonl", [row]),
    async keepRollouts(rollouts) {
      for (const name of ["drawn.jsonl", "verdicts.jsonl"]) await run.append(name, []);
      run.replace("rollouts.jsonl", rollouts);
    },
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
