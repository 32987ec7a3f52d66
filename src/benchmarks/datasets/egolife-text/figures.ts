/** A run as figures: a row per policy, budget and type, and the differences between policies on the same questions. */
import { seededRandom } from "../../../util/random.ts";
import type { ReportTable } from "../../report/tables.ts";
import { measureOf, type Result, scoredOf } from "../../run/results.ts";
import { figures } from "../../run/scoring.ts";
import { clusterBootstrap, mean, signFlipTest } from "../../statistics.ts";
import { dayOf, hourOf } from "../files/day-clock.ts";
import type { EvidenceMeasures } from "./evidence.ts";
import type { EgoLifeTextRun, WeekResults } from "./run.ts";

/** Shares of 1 over the questions of a type. */
export interface WeekRow extends EvidenceMeasures {
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

/** A figure that policies are compared by. */
export type WeekMetric = "accuracy" | keyof EvidenceMeasures;
const comparedMetrics = ["m", "s60", "r20", "accuracy"] as const satisfies WeekMetric[];

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
/** Least p that counts as chance. */
const significance = 0.05;

const isOf = (type: string) => (result: Result) => type === "all" || result.types.includes(type);
const typesOf = ({ measured }: EgoLifeTextRun) =>
  [...new Set(measured.flatMap(({ results }) => results.flatMap(({ types }) => types)))].sort();

/** Four decimals: what a reader can use, and the same in every file. */
const rounded = (value: number) => Number(value.toFixed(4));

/** A row for each policy, budget and type of question. */
export function weekRows(run: EgoLifeTextRun): WeekRow[] {
  return run.measured.flatMap(({ policy, budget, share, results }) =>
    ["all", ...typesOf(run)].map((type): WeekRow => {
      const own = figures(results.filter(isOf(type)).map(scoredOf));
      const { tasks, accuracy, coverage, precision, accuracyInterval, measures } = own;
      const { a60, s60, m, r20 } = measures as EvidenceMeasures;
      return {
        ...{ policy, budget, type, n: tasks, share: rounded(share) },
        ...{ accuracy: rounded(accuracy!), coverage: rounded(coverage!) },
        precision: precision === null ? null : rounded(precision),
        low: accuracyInterval && rounded(accuracyInterval.low),
        high: accuracyInterval && rounded(accuracyInterval.high),
        ...{ a60: rounded(a60), s60: rounded(s60), m: rounded(m), r20: rounded(r20) },
      };
    }),
  );
}

/** Every comparison of policies that ran, on all questions, and by `m` on parts of them. */
export function weekDifferences(run: EgoLifeTextRun, seed: string): WeekDifference[] {
  const early = ({ askTime }: Result) => dayOf(Number(askTime)) <= 3;
  const subsets: [string, (result: Result) => boolean][] = [
    ["all", () => true],
    ["DAY1-3", early],
    ["DAY4-7", (result) => !early(result)],
    ...typesOf(run).map((type): [string, (result: Result) => boolean] => [type, isOf(type)]),
  ];
  return comparisons.flatMap(([first, second]) =>
    pairsOf(run.measured, first, second).flatMap(([a, b]) =>
      comparedMetrics.flatMap((metric) =>
        subsets.flatMap(([subset, holds]): WeekDifference[] => {
          const members = a.results.filter(holds);
          if ((metric !== "m" && subset !== "all") || members.length === 0) return [];
          const differences = members.map(
            (of) => measureOf(of, metric) - measureOf(b.results[of.place]!, metric),
          );
          const random = seededRandom(`${seed} ${a.policy} ${b.policy} ${a.budget} ${metric} ${subset}`);
          const hours = members.map(({ askTime }) => hourOf(Number(askTime)));
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
function pairsOf(measured: readonly WeekResults[], first: string, second: string) {
  const ofName = (name: string) =>
    measured.filter(({ policy }) => policy === name || policy.startsWith(`${name}(`));
  return ofName(first).flatMap((a) =>
    ofName(second).flatMap((b): [WeekResults, WeekResults][] => (b.budget === a.budget ? [[a, b]] : [])),
  );
}

const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const named = (budget: number) => `${Number((100 * budget).toFixed(2))} %`;
const cell = ({ difference, low, high, p }: WeekDifference) =>
  `${signed(difference)} [${signed(low)}, ${signed(high)}] p ${p.toFixed(p < 0.001 ? 4 : 3)}`;

/** Whether the adapter gained on `m`, at each budget: the one line to quote. */
export function verdictOf(differences: readonly WeekDifference[]): string {
  const found = differences.filter(
    ({ first, second, metric, subset }) =>
      first === "cov+words" && second === "cov" && metric === "m" && subset === "all",
  );
  if (found.length === 0) return "Verdict: none, cov and cov+words did not both run.";
  const parts = found.map(
    (one) =>
      `${one.p < significance ? "significant" : "not significant"} on m at ${named(one.budget)} (${cell(one)})`,
  );
  return `Verdict, cov+words against cov: ${parts.join("; ")}.`;
}

/** The differences as tables: on all questions, on early and late days, by type. */
export function differenceTables(differences: readonly WeekDifference[]): ReportTable[] {
  if (differences.length === 0) return [];
  const onMass = differences.filter(({ metric }) => metric === "m");
  const types = [...new Set(onMass.map(({ subset }) => subset))].filter((name) => !/^all$|^DAY/.test(name));
  const sized = (subset: string) => {
    const { n } = onMass.find((one) => one.subset === subset) ?? { n: 0 };
    return `${subset} (${n})`;
  };
  const ofAll = differences.filter(({ subset }) => subset === "all");
  const part = (title: string, subsets: readonly string[]) => ({
    ...{ title, headings: ["budget", "first − second", ...subsets.map(sized)] },
    cells: cellsOf(onMass, subsets, ({ subset }) => subset),
  });
  return [
    {
      title: "Differences in points with 95 % intervals (whole hours drawn) and p (sign flips)",
      headings: ["budget", "first − second", ...comparedMetrics],
      cells: cellsOf(ofAll, comparedMetrics, ({ metric }) => metric),
    },
    part("Differences on m, early and late days", ["all", "DAY1-3", "DAY4-7"]),
    part("Differences on m, by type of question", types),
  ];
}

/** A row a pair of policies at a budget, a column a key. */
function cellsOf(
  differences: readonly WeekDifference[],
  keys: readonly string[],
  keyOf: (one: WeekDifference) => string,
): string[][] {
  const pairs = Map.groupBy(differences, ({ budget, first, second }) =>
    JSON.stringify([budget, first, second]),
  );
  const rows = [...pairs.values()].sort(([a], [b]) => a!.budget - b!.budget);
  return rows.map((of) => {
    const byKey = new Map(of.map((one) => [keyOf(one), cell(one)]));
    const [{ budget, first, second }] = of as [WeekDifference];
    return [named(budget), `${first} − ${second}`, ...keys.map((key) => byKey.get(key) ?? "–")];
  });
}
