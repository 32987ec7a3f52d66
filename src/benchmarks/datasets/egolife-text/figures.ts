/** A run as figures: a row per policy, budget and type, and the differences between policies on the same questions. */
import { seededRandom } from "../../../util/random.ts";
import type { ReportTable } from "../../report/tables.ts";
import { measureOf, type Result, scoredOf } from "../../run/results.ts";
import { summarise } from "../../run/scoring.ts";
import { flatFigures } from "../../run/summary.ts";
import { clusterBootstrap, mean, signFlipTest } from "../../statistics.ts";
import { dayOf, hourOf } from "../files/day-clock.ts";
import type { EvidenceMeasures } from "./evidence.ts";
import type { WeekResults } from "./run.ts";

/** The difference of two policies at one budget, paired by question. */
export interface WeekDifference {
  readonly first: string;
  readonly second: string;
  readonly budget: number;
  /** `accuracy`, or one of the measures of evidence. */
  readonly metric: string;
  /** `all`, `DAY4-7`, or a type of question. */
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
const comparisons = [
  ["cov+words", "cov"],
  ["cov+dpo", "cov"],
  ["cov", "random"],
  ["cov", "recent"],
  ["cov+words", "cov+foreign"],
  ["cov+foreign", "cov"],
] as const;
/** What they are compared by; on the later days there is most to have learned from. */
const metrics = [
  ["m", "all"],
  ["m", "DAY4-7"],
  ["r20", "all"],
  ["accuracy", "all"],
] as const;
const isIn = (subset: string, { askTime, types }: Result) =>
  subset === "all" || (subset === "DAY4-7" ? dayOf(Number(askTime)) > 3 : types.includes(subset));
/** Types of question, in the order they first come. */
const typesOf = ({ results }: WeekResults) => [...new Set(results.flatMap(({ types }) => types))];
/** Least p that counts as chance. */
const significance = 0.05;

/** A row for each policy, budget and type of question; shares are of 1. */
export function weekRows(measured: readonly WeekResults[]) {
  return measured.flatMap(({ policy, budget, share, results }) =>
    flatFigures<EvidenceMeasures>(summarise(results.map(scoredOf))).map((row) => ({
      policy,
      budget,
      share,
      ...row,
    })),
  );
}

/** Every comparison of policies that ran. */
export function weekDifferences(measured: readonly WeekResults[], seed: string): WeekDifference[] {
  const isOf = (name: string, policy: string) => policy === name || policy.startsWith(`${name}(`);
  return comparisons.flatMap(([first, second]) =>
    measured.flatMap((a) =>
      measured.flatMap((b) =>
        isOf(first, a.policy) && isOf(second, b.policy) && a.budget === b.budget
          ? [...metrics, ...typesOf(a).map((type) => ["m", type] as const)].flatMap(
              ([metric, subset]) => differenceOf(a, b, metric, subset, seed) ?? [],
            )
          : [],
      ),
    ),
  );
}

/** `null` where there are no questions. */
function differenceOf(
  a: WeekResults,
  b: WeekResults,
  metric: string,
  subset: string,
  seed: string,
): WeekDifference | null {
  const members = a.results.filter((result) => isIn(subset, result));
  if (members.length === 0) return null;
  const { budget } = a;
  const differences = members.map((of) => measureOf(of, metric) - measureOf(b.results[of.place]!, metric));
  const random = seededRandom(`${seed} ${a.policy} ${b.policy} ${budget} ${metric} ${subset}`);
  const hours = members.map(({ askTime }) => hourOf(Number(askTime)));
  return {
    ...{ first: a.policy, second: b.policy, budget, metric, subset, n: members.length },
    ...{ difference: mean(differences), ...clusterBootstrap(differences, hours, random) },
    p: signFlipTest(differences, random),
  };
}

const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const named = (budget: number) => `${Number((100 * budget).toFixed(2))} %`;
const cell = ({ difference, low, high, p }: WeekDifference) =>
  `${signed(difference)} [${signed(low)}, ${signed(high)}] p ${p.toFixed(p < 0.001 ? 4 : 3)}`;

/** Whether the adapter gained on `m`, at each budget: the one line to quote. */
export function verdictOf(differences: readonly WeekDifference[]): string {
  const parts = differences
    .filter(({ first, second }) => first === "cov+words" && second === "cov")
    .filter(({ metric, subset }) => metric === "m" && subset === "all")
    .map(
      (one) =>
        `${one.p < significance ? "significant" : "not significant"} on m at ${named(one.budget)} (${cell(one)})`,
    );
  return parts.length === 0
    ? "Verdict: none, cov and cov+words did not both run."
    : `Verdict, cov+words against cov: ${parts.join("; ")}.`;
}

/** The differences as a table, budget by budget; none without any. */
export function differenceTables(differences: readonly WeekDifference[]): ReportTable[] {
  const pairs = Map.groupBy(differences, ({ budget, first, second }) => `${budget} ${first} ${second}`);
  const rows = [...pairs.values()].sort(([a], [b]) => a!.budget - b!.budget);
  if (rows.length === 0) return [];
  const table = (title: string, columns: readonly (readonly [metric: string, subset: string])[]) => ({
    title,
    headings: ["budget", "first − second", ...columns.map((of) => of.join(", "))],
    cells: rows.map((row) => {
      const [{ budget, first, second }] = row as [WeekDifference];
      const cells = columns.map(([metric, subset]) =>
        row.find((one) => one.metric === metric && one.subset === subset),
      );
      return [named(budget), `${first} − ${second}`, ...cells.map((one) => (one ? cell(one) : "–"))];
    }),
  });
  const types = [...new Set(differences.map(({ subset }) => subset))].filter(
    (subset) => !metrics.some(([, known]) => known === subset),
  );
  return [
    table("Differences in points with 95 % intervals (whole hours drawn) and p (sign flips)", metrics),
    table(
      "The same by type of question",
      types.map((type) => ["m", type] as const),
    ),
  ];
}
