/** The figures of a run as text: Markdown tables in per cent, and one line that says what was shown. */
import { markdownTable } from "../../report/markdown-table.ts";
import type { EgoLifeTextRun } from "./run.ts";
import { comparedMetrics, type WeekDifference, type WeekRow } from "./summary.ts";

const columns = [
  "a60",
  "s60",
  "m",
  "r20",
  "accuracy",
  "coverage",
  "precision",
] as const satisfies (keyof WeekRow)[];
/** Least p that counts as chance. */
const significance = 0.05;

const percent = (share: number | null) => (share === null ? "–" : (100 * share).toFixed(1));
const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const named = (budget: number) => `${Number((100 * budget).toFixed(2))} %`;

export function reportOf(
  { questions, answerable, strictlyAnswerable, windows, tokens }: EgoLifeTextRun,
  rows: readonly WeekRow[],
  differences: readonly WeekDifference[],
): string[] {
  const types = [...new Set(rows.map(({ type }) => type))].filter((type) => type !== "all");
  const onMass = differences.filter(({ metric }) => metric === "m");
  const ofAll = differences.filter(({ subset }) => subset === "all");
  const tables = [
    `${questions.length} questions, evidence in the text for ${answerable} (strict ${strictlyAnswerable}); ${windows} windows, ${tokens} tokens.`,
    "",
    ...markdownTable(
      ["budget", "policy", "kept", ...columns],
      rows
        .filter(({ type }) => type === "all")
        .map((row) => [
          ...[named(row.budget), row.policy, percent(row.share)],
          ...columns.map((column) => percent(row[column])),
        ]),
    ),
    "",
  ];
  if (differences.length === 0) return [...tables, verdictOf(differences)];
  return [
    ...tables,
    "Differences in points with 95 % intervals (whole hours drawn) and p (sign flips):",
    "",
    ...differencesTable(ofAll, comparedMetrics, comparedMetrics, ({ metric }) => metric),
    "",
    "On m, early and late days:",
    "",
    ...partsTable(onMass, ["all", "DAY1-3", "DAY4-7"]),
    "",
    "On m, by type of question:",
    "",
    ...partsTable(onMass, types),
    "",
    verdictOf(differences),
  ];
}

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

function cell(one: WeekDifference | undefined): string {
  if (!one) return "–";
  return `${signed(one.difference)} [${signed(one.low)}, ${signed(one.high)}] p ${one.p < 0.001 ? one.p.toFixed(4) : one.p.toFixed(3)}`;
}

function partsTable(onMass: readonly WeekDifference[], parts: readonly string[]): string[] {
  const sizeOf = (part: string) => onMass.find(({ subset }) => subset === part)?.n ?? 0;
  const headings = parts.map((part) => `${part} (${sizeOf(part)})`);
  return differencesTable(onMass, headings, parts, ({ subset }) => subset);
}

/** A row a pair of policies at a budget, a column a key. */
function differencesTable(
  differences: readonly WeekDifference[],
  headings: readonly string[],
  keys: readonly string[],
  keyOf: (one: WeekDifference) => string,
): string[] {
  const pairs = Map.groupBy(differences, (one) => JSON.stringify([one.budget, one.first, one.second]));
  const rows = [...pairs.values()].sort(([a], [b]) => a!.budget - b!.budget);
  return markdownTable(
    ["budget", "first − second", ...headings],
    rows.map((of) => [
      ...[named(of[0]!.budget), `${of[0]!.first} − ${of[0]!.second}`],
      ...keys.map((key) => cell(of.find((one) => keyOf(one) === key))),
    ]),
  );
}
