/** A run as figures: a row per policy, budget and type, and the differences between policies on the same questions. */
import { seededRandom } from "../../../util/random.ts";
import { figures, type Scored } from "../../run/scoring.ts";
import { clusterBootstrap, mean, signFlipTest } from "../../statistics.ts";
import { dayOf, hourOf } from "../files/day-clock.ts";
import type { EgoLifeTextRun, PolicyResults, QuestionResult } from "./run.ts";
import type { TextQuestion } from "./week.ts";

/** What a question contributes to a figure of evidence, 0 to 1. */
const evidenceMetrics = {
  a60: ({ near60 }) => Number(near60),
  s60: ({ strict }) => Number(strict),
  m: ({ mass }) => mass,
  r20: ({ recall20 }) => Number(recall20),
} as const satisfies Record<string, (result: QuestionResult) => number>;

/** What policies are compared by. */
const metrics = {
  ...evidenceMetrics,
  accuracy: ({ outcome }: QuestionResult) => Number(outcome === "right"),
} as const;

/** A figure that policies are compared by. */
export type WeekMetric = keyof typeof metrics;
export const comparedMetrics = ["m", "s60", "r20", "accuracy"] as const satisfies readonly WeekMetric[];

/** Shares of 1 over the questions of a type. */
export interface WeekRow extends Readonly<Record<keyof typeof evidenceMetrics, number>> {
  readonly policy: string;
  readonly budget: number;
  /** `all`, or one of the question types. */
  readonly type: string;
  readonly n: number;
  /** Share of the tokens that is remembered in the end. */
  readonly share: number;
  readonly accuracy: number;
  readonly coverage: number;
  /** Right among answered; `null` where none was answered. */
  readonly precision: number | null;
  /** 95 % interval of the accuracy, from draws of whole hours; `null` where all questions are of one hour. */
  readonly low: number | null;
  readonly high: number | null;
}

/** The difference of two policies at one budget, paired by question. */
export interface WeekDifference {
  readonly first: string;
  readonly second: string;
  readonly budget: number;
  readonly metric: WeekMetric;
  /** `all`, `DAY1-3`, `DAY4-7` or a question type. */
  readonly subset: string;
  readonly n: number;
  /** Mean of first − second. */
  readonly difference: number;
  /** 95 % interval, from draws of whole hours. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, from sign flips over the questions. */
  readonly p: number;
}

/** Pairs of policies that are compared where both ran; a name stands for its variants too. */
const comparisons: readonly (readonly [first: string, second: string])[] = [
  ["cov+words", "cov"],
  ["cov+dpo", "cov"],
  ["cov", "random"],
  ["cov", "recent"],
  ["cov+words", "cov+foreign"],
  ["cov+foreign", "cov"],
];

const typesOf = (questions: readonly TextQuestion[]) =>
  [...new Set(questions.map(({ type }) => type))].sort();

/** A row for each policy, budget and type of question. */
export function weekRows({ questions, measured }: EgoLifeTextRun): WeekRow[] {
  return measured.flatMap(({ policy, budget, share, results }) =>
    ["all", ...typesOf(questions)].map((type): WeekRow => {
      const members = [...questions.keys()].filter((i) => type === "all" || questions[i]!.type === type);
      const { accuracy, coverage, precision, accuracyInterval } = figures(
        members.map((i) => scoredOf(questions[i]!, results[i]!)),
      );
      const meanOf = (metric: keyof typeof evidenceMetrics) =>
        rounded(mean(members.map((i) => evidenceMetrics[metric](results[i]!))));
      return {
        ...{ policy, budget, type, n: members.length, share: rounded(share) },
        ...{ accuracy: rounded(accuracy!), coverage: rounded(coverage!) },
        precision: precision === null ? null : rounded(precision),
        low: accuracyInterval && rounded(accuracyInterval.low),
        high: accuracyInterval && rounded(accuracyInterval.high),
        ...{ a60: meanOf("a60"), s60: meanOf("s60"), m: meanOf("m"), r20: meanOf("r20") },
      };
    }),
  );
}

function scoredOf({ id, type, askedSeconds }: TextQuestion, { outcome }: QuestionResult): Scored {
  return { id, types: [type], cluster: String(hourOf(askedSeconds)), outcome };
}

/** Every comparison of policies that ran, on all questions, and by `m` on parts of them. */
export function weekDifferences({ questions, measured }: EgoLifeTextRun, seed: string): WeekDifference[] {
  const subsets = subsetsOf(questions);
  return comparisons.flatMap(([first, second]) =>
    pairsOf(measured, first, second).flatMap(([a, b]) =>
      comparedMetrics.flatMap((metric) =>
        [...subsets].flatMap(([subset, members]): WeekDifference[] => {
          if ((metric !== "m" && subset !== "all") || members.length === 0) return [];
          const differences = members.map(
            (i) => metrics[metric](a.results[i]!) - metrics[metric](b.results[i]!),
          );
          const random = seededRandom(`${seed} ${a.policy} ${b.policy} ${a.budget} ${metric} ${subset}`);
          const hours = members.map((i) => hourOf(questions[i]!.askedSeconds));
          const { low, high } = clusterBootstrap(differences, hours, random);
          return [
            {
              ...{ first: a.policy, second: b.policy, budget: a.budget, metric, subset, n: members.length },
              ...{ difference: rounded(mean(differences)), low: rounded(low), high: rounded(high) },
              p: rounded(signFlipTest(differences, random)),
            },
          ];
        }),
      ),
    ),
  );
}

/** Results of two policies at the same budget; `cov+foreign` stands for each of its sets. */
function pairsOf(measured: readonly PolicyResults[], first: string, second: string) {
  const isOf = (policy: string, name: string) => policy === name || policy.startsWith(`${name}(`);
  return measured
    .filter(({ policy }) => isOf(policy, first))
    .flatMap((a) =>
      measured
        .filter((b) => isOf(b.policy, second) && b.budget === a.budget)
        .map((b): [PolicyResults, PolicyResults] => [a, b]),
    );
}

/** Places of the questions of each part: all, early and late days, types. */
function subsetsOf(questions: readonly TextQuestion[]): Map<string, number[]> {
  const placesWhere = (holds: (asked: TextQuestion) => boolean) =>
    [...questions.keys()].filter((i) => holds(questions[i]!));
  return new Map([
    ["all", [...questions.keys()]],
    ["DAY1-3", placesWhere(({ askedSeconds }) => dayOf(askedSeconds) <= 3)],
    ["DAY4-7", placesWhere(({ askedSeconds }) => dayOf(askedSeconds) > 3)],
    ...typesOf(questions).map((type): [string, number[]] => [type, placesWhere((one) => one.type === type)]),
  ]);
}

/** Four decimals: what a reader can use, and the same in every file. */
function rounded(value: number): number {
  return Number(value.toFixed(4));
}
