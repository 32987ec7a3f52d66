/** A run as figures: a row per policy, budget and type, and the differences between policies on the same questions. */
import { seededRandom } from "../../../util/random.ts";
import type { QuestionResult } from "../../egolife-text/measure.ts";
import { clusterBootstrap, mean, signFlipTest } from "../../statistics.ts";
import { dayOf, hourOf } from "../files/day-clock.ts";
import type { EgoLifeTextRun, PolicyResults } from "./run.ts";
import type { TextQuestion } from "./week.ts";

/** What a question contributes to a figure, 0 to 1. */
const metrics = {
  a60: ({ near60 }) => Number(near60),
  a30: ({ near30 }) => Number(near30),
  s60: ({ strict }) => Number(strict),
  m: ({ mass }) => mass,
  r10: ({ recall10 }) => Number(recall10),
  r20: ({ recall20 }) => Number(recall20),
  rs20: ({ strictRecall20 }) => Number(strictRecall20),
  acc: ({ option }, { answer }) => Number(option === answer),
  cov: ({ option }) => Number(option !== null),
  oacc: ({ oracleOption }, { answer }) => Number(oracleOption === answer),
  ocov: ({ oracleOption }) => Number(oracleOption !== null),
} as const satisfies Record<string, (result: QuestionResult, asked: TextQuestion) => number>;

export type Metric = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as readonly Metric[];

/** Means over the questions of a type, as shares of 1. */
export type Row = {
  readonly policy: string;
  readonly budget: number;
  /** `all`, or one of the question types. */
  readonly type: string;
  readonly n: number;
  /** Share of the tokens that is remembered in the end. */
  readonly share: number;
  /** Of the reader that is given what is kept near the targets and of the last minute, as the paper's answerer. */
  readonly accuracy: number;
  readonly coverage: number;
  /** Right among answered; `null` where none was answered. */
  readonly precision: number | null;
  /** 95 % interval of the accuracy, from draws of whole hours. */
  readonly low: number;
  readonly high: number;
} & { readonly [metric in Metric]: number };

export interface Difference {
  readonly first: string;
  readonly second: string;
  readonly budget: number;
  readonly metric: Metric;
  /** `all`, `DAY1-3`, `DAY4-7`, a question type, or how many questions were asked before the evidence. */
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

/** Least p that counts as chance. */
export const significance = 0.05;

/** Pairs of policies that are compared where both ran; a name stands for its variants too. */
const comparisons: readonly (readonly [first: string, second: string])[] = [
  ["cov+words", "cov"],
  ["cov+dpo", "cov"],
  ["p1+words", "p1"],
  ["cov", "p1"],
  ["cov+words", "p1"],
  ["cov", "tfidf"],
  ["cov+words", "cov+foreign"],
  ["cov+foreign", "cov"],
  ["reference+words", "reference"],
  ["cov", "reference"],
  ["cov+words", "reference+words"],
];

const comparedMetrics: readonly Metric[] = ["m", "s60", "r20", "oacc"];
const earlierBounds = [0, 30, 90, 160, 250, Number.POSITIVE_INFINITY];

function valuesOf(metric: Metric, { results }: PolicyResults, questions: readonly TextQuestion[]): number[] {
  return results.map((result, i) => metrics[metric](result, questions[i]!));
}

export function rowsOf({ questions, measured }: EgoLifeTextRun, seed: string): Row[] {
  const types = [...new Set(questions.map(({ type }) => type))].sort();
  return measured.flatMap((one) =>
    ["all", ...types].map((type): Row => {
      const members = [...questions.keys()].filter((i) => type === "all" || questions[i]!.type === type);
      const of = (metric: Metric) => {
        const values = valuesOf(metric, one, questions);
        return members.map((i) => values[i]!);
      };
      const means = Object.fromEntries(metricNames.map((metric) => [metric, rounded(mean(of(metric)))]));
      const { low, high } = clusterBootstrap(
        of("oacc"),
        members.map((i) => hourOf(questions[i]!.askedSeconds)),
        seededRandom(`${seed} ${one.policy} ${one.budget} ${type}`),
      );
      const [accuracy, coverage] = [mean(of("oacc")), mean(of("ocov"))];
      return {
        policy: one.policy,
        budget: one.budget,
        type,
        n: members.length,
        share: rounded(one.share),
        accuracy: rounded(accuracy),
        coverage: rounded(coverage),
        precision: coverage > 0 ? rounded(accuracy / coverage) : null,
        low: rounded(low),
        high: rounded(high),
        ...(means as Record<Metric, number>),
      };
    }),
  );
}

/** Every comparison of policies that ran, on all questions, and by `m` on parts of them. */
export function differencesOf({ questions, measured }: EgoLifeTextRun, seed: string): Difference[] {
  const hours = questions.map(({ askedSeconds }) => hourOf(askedSeconds));
  const subsets = subsetsOf(questions);
  return comparisons.flatMap(([first, second]) =>
    pairsOf(measured, first, second).flatMap(([a, b]) =>
      comparedMetrics.flatMap((metric) => {
        const [ofA, ofB] = [valuesOf(metric, a, questions), valuesOf(metric, b, questions)];
        return [...subsets].flatMap(([subset, members]): Difference[] => {
          if ((metric !== "m" && subset !== "all") || members.length === 0) return [];
          const differences = members.map((i) => ofA[i]! - ofB[i]!);
          const random = seededRandom(`${seed} ${a.policy} ${b.policy} ${a.budget} ${metric} ${subset}`);
          const { low, high } = clusterBootstrap(
            differences,
            members.map((i) => hours[i]!),
            random,
          );
          return [
            {
              first: a.policy,
              second: b.policy,
              budget: a.budget,
              metric,
              subset,
              n: members.length,
              difference: rounded(mean(differences)),
              low: rounded(low),
              high: rounded(high),
              p: rounded(signFlipTest(differences, random)),
            },
          ];
        });
      }),
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

/** Places of the questions of each part: all, early and late days, types, by the number of earlier questions. */
function subsetsOf(questions: readonly TextQuestion[]): Map<string, number[]> {
  const placesWhere = (holds: (asked: TextQuestion) => boolean) =>
    [...questions.keys()].filter((i) => holds(questions[i]!));
  const types = [...new Set(questions.map(({ type }) => type))].sort();
  const earlier = questions.map(
    ({ targetSeconds: [first] }) => questions.filter(({ askedSeconds }) => askedSeconds <= first!).length,
  );
  return new Map([
    ["all", [...questions.keys()]],
    ["DAY1-3", placesWhere(({ askedSeconds }) => dayOf(askedSeconds) <= 3)],
    ["DAY4-7", placesWhere(({ askedSeconds }) => dayOf(askedSeconds) > 3)],
    ...types.map((type): [string, number[]] => [type, placesWhere((asked) => asked.type === type)]),
    ...earlierBounds.slice(1).map((high, k): [string, number[]] => {
      const low = earlierBounds[k]!;
      const name = high === Number.POSITIVE_INFINITY ? `${low}+ earlier` : `${low}-${high} earlier`;
      return [name, [...questions.keys()].filter((i) => earlier[i]! >= low && earlier[i]! < high)];
    }),
  ]);
}

/** Four decimals: what a reader can use, and the same in every file. */
function rounded(value: number): number {
  return Number(value.toFixed(4));
}
