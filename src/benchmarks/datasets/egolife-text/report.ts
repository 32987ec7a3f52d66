/** The figures of a run as text: Markdown tables in per cent, and one line that says what was shown. */
import { markdownTable } from "../../report/markdown-table.ts";
import type { EgoLifeTextRun } from "./run.ts";
import { type Difference, type Metric, type Row, significance } from "./summary.ts";

const columns: readonly Metric[] = ["a60", "s60", "m", "r20", "rs20", "oacc", "ocov", "acc", "cov"];
/** Parts of the questions, in the order of the columns they fill. */
const partColumns = ["all", "DAY1-3", "DAY4-7"];

const percent = (share: number) => (100 * share).toFixed(1);
const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const named = (budget: number) => `${Number((100 * budget).toFixed(2))} %`;

export function reportOf(
  { questions, answerable, strictlyAnswerable, windows, tokens }: EgoLifeTextRun,
  rows: readonly Row[],
  differences: readonly Difference[],
): string[] {
  const types = [...new Set(rows.map(({ type }) => type))].filter((type) => type !== "all");
  const inPart = (subset: string) => differences.filter((one) => one.subset === subset);
  return [
    `${questions.length} questions, evidence in the text for ${answerable} (strict ${strictlyAnswerable}); ${windows} windows, ${tokens} tokens.`,
    "",
    ...markdownTable(
      ["budget", "policy", "kept", ...columns],
      rows
        .filter(({ type }) => type === "all")
        .map((row) => [
          named(row.budget),
          row.policy,
          percent(row.share),
          ...columns.map((column) => percent(row[column])),
        ]),
    ),
    "",
    "Differences in points with 95 % intervals (whole hours drawn) and p (sign flips):",
    "",
    ...markdownTable(
      ["budget", "first − second", "m", "s60", "r20", "oacc"],
      pairsIn(inPart("all")).map(([budget, pair, of]) => [
        budget,
        pair,
        ...(["m", "s60", "r20", "oacc"] as const).map((metric) =>
          cell(of.find((one) => one.metric === metric)),
        ),
      ]),
    ),
    "",
    "On m, early and late days:",
    "",
    ...partTable(differences, partColumns),
    "",
    "On m, by type of question:",
    "",
    ...partTable(differences, types),
    "",
    "On m, by the number of questions asked before the evidence:",
    "",
    ...partTable(
      differences,
      [...new Set(differences.map(({ subset }) => subset))].filter((subset) => / earlier$/.test(subset)),
    ),
    "",
    verdictOf(differences),
  ];
}

/** Whether the adapter gained on `m`, at each budget: the one line to quote. */
export function verdictOf(differences: readonly Difference[]): string {
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

function cell(one: Difference | undefined): string {
  if (!one) return "–";
  return `${signed(one.difference)} [${signed(one.low)}, ${signed(one.high)}] p ${one.p < 0.001 ? one.p.toFixed(4) : one.p.toFixed(3)}`;
}

/** Differences on `m`, a row a pair, a column a part of the questions. */
function partTable(differences: readonly Difference[], parts: readonly string[]): string[] {
  const onMass = differences.filter(({ metric }) => metric === "m");
  const sizes = parts.map((part) => onMass.find(({ subset }) => subset === part)?.n ?? 0);
  return markdownTable(
    ["budget", "first − second", ...parts.map((part, k) => `${part} (${sizes[k]})`)],
    pairsIn(onMass).map(([budget, pair, of]) => [
      budget,
      pair,
      ...parts.map((part) => cell(of.find(({ subset }) => subset === part))),
    ]),
  );
}

/** Differences of one pair at one budget together, by budget. */
function pairsIn(differences: readonly Difference[]): [string, string, Difference[]][] {
  const groups = Map.groupBy(differences, (one) => JSON.stringify([one.budget, one.first, one.second]));
  return [...groups.values()]
    .map((of): [number, string, Difference[]] => [of[0]!.budget, `${of[0]!.first} − ${of[0]!.second}`, of])
    .sort(([a], [b]) => a - b)
    .map(([budget, pair, of]) => [named(budget), pair, of]);
}
